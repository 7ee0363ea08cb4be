-- publish: one message into a channel's history and to everybody who listens, at once and in order.
-- KEYS: CLUSTER.h:m:CHANNEL CLUSTER.h:s:CHANNEL [CLUSTER.h:q:CHANNEL/SOURCE]
-- ARGV: CLUSTER:CHANNEL SIZE TTL(ms, 0: for good) KIND(t|b) PAYLOAD [SEQ SOURCE-TTL(ms) [BEHIND]]
-- => {1, EPOCH, OFFSET, nodes that heard it}; {0, EPOCH, TOP, 0} when SEQ is not above the source's last;
--    {-1, EPOCH, TOP, 0} when the source's message BEHIND, sent before this one and not answered yet, wasn't
--    taken (out of memory, say): taking this one would make a later attempt at that one be skipped
local function base36(n)
	local s = ''
	repeat
		local d = n % 36
		s = string.char(d < 10 and 48 + d or 87 + d) .. s
		n = (n - d) / 36
	until n == 0
	return s
end

local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local meta = redis.call('HMGET', KEYS[1], 'e', 'o', 't')
local epoch, top, micros = meta[1], tonumber(meta[2] or 0), tonumber(meta[3] or 0)
local ttl = tonumber(ARGV[3])

if KEYS[3] then
	local last = redis.call('GET', KEYS[3])
	if last and tonumber(ARGV[6]) <= tonumber(last) then
		return {0, epoch or '', top, 0}
	end
	if ARGV[8] and (not last or tonumber(last) < tonumber(ARGV[8])) then
		return {-1, epoch or '', top, 0}
	end
end
if not epoch then
	epoch = base36(now)
	redis.call('DEL', KEYS[2])
	redis.call('HSET', KEYS[1], 'e', epoch, 'b', 0)
end
-- The clock may step back; what tells messages apart must not.
micros = math.max(now, micros + 1)
top = top + 1
local at, stamp = string.format('%.0f', top), string.format('%.0f', micros)
redis.call('HSET', KEYS[1], 'o', at, 't', stamp)
redis.call('XADD', KEYS[2], 'MAXLEN', ARGV[2] == '1' and '=' or '~', ARGV[2], at .. '-' .. stamp, ARGV[4], ARGV[5])
if KEYS[3] then
	-- Not before: a message that Redis refused may come again.
	redis.call('SET', KEYS[3], ARGV[6], 'PX', ARGV[7])
end
if ttl > 0 then
	redis.call('PEXPIRE', KEYS[2], ttl)
	redis.call('PEXPIRE', KEYS[1], ttl + 3600000)
else
	redis.call('PERSIST', KEYS[2])
	redis.call('PERSIST', KEYS[1])
end
local heard = redis.call('PUBLISH', ARGV[1],
	'\0WS1 ' .. ARGV[4] .. ' ' .. epoch .. '-' .. at .. ' ' .. stamp .. '\n' .. ARGV[5])
return {1, epoch, top, heard}
