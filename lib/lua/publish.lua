-- publish: one message into a channel's history and to everybody who listens, at once and in order.
-- KEYS: CLUSTER.h:m:CHANNEL CLUSTER.h:s:CHANNEL [CLUSTER.h:q:CHANNEL/SOURCE]
-- ARGV: CLUSTER:CHANNEL SIZE TTL(ms, 0: for good) KIND(t|b) PAYLOAD [SEQ SOURCE-TTL(ms) [BEHIND [RUN]]]
--       "" stands for what isn't given; RUN is run_id of INFO, for who has asked for it already
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
local function number(s)
	local n = 0
	for i = 1, #s do
		local c = string.byte(s, i)
		n = n * 36 + (c < 58 and c - 48 or c - 87)
	end
	return n
end
-- Other programs call this too: nothing may fail once something was written.
local function whole(s, least)
	local n = s and string.match(s, '^%d+$') and tonumber(s)
	return n and n >= least and n <= 9007199254740991 and n
end
local behind = ARGV[8] ~= '' and ARGV[8]
local size, ttl = whole(ARGV[2], 1), whole(ARGV[3], 0)
local seq, source_ttl = whole(ARGV[6], 0), whole(ARGV[7], 1)
if #KEYS < 2 or not ARGV[5] or not size or not ttl or (ARGV[4] ~= 't' and ARGV[4] ~= 'b') then
	return redis.error_reply('ERR publish takes META STREAM [SOURCE] , CHANNEL SIZE TTL-MS t|b PAYLOAD [SEQ SOURCE-TTL-MS [BEHIND [RUN]]]')
end
if not KEYS[3] and (ARGV[6] or '') ~= '' then
	return redis.error_reply('ERR publish with SEQ takes three keys, the third is the source\'s')
end
if KEYS[3] and not (seq and source_ttl and (not behind or whole(behind, 0))) then
	return redis.error_reply('ERR publish with a source takes SEQ, a whole number below 2^53, and SOURCE-TTL-MS')
end

local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local meta = redis.call('HMGET', KEYS[1], 'e', 'o', 't', 'r', 'f')
local epoch, top, micros = meta[1], tonumber(meta[2] or 0), tonumber(meta[3] or 0)

if KEYS[3] then
	local last = tonumber(redis.call('GET', KEYS[3]) or -1) or -1
	if seq <= last then
		return {0, epoch or '', top, 0}
	end
	if behind and last < tonumber(behind) then
		return {-1, epoch or '', top, 0}
	end
end
-- A Redis that was restarted or promoted may lack messages that somebody has: what comes now is told apart
-- from them by its epoch. f says up to where the epochs before are this history.
local run = string.match(ARGV[9] or '', '^%x+$')
	or string.match(redis.call('INFO', 'server'), 'run_id:(%x+)') or ''
local begun = {}
if not epoch then
	epoch, top, micros = base36(now), 0, 0
	redis.call('DEL', KEYS[1], KEYS[2])
	begun = {'b', 0, 'f', '', 'r', run}
elseif meta[4] ~= run then
	local at = string.format('%.0f', top)
	local former = string.sub(epoch .. ':' .. at .. ' ' .. (meta[5] or ''), 1, 240)
	begun = {'b', at, 'f', string.match(former, '^.* '), 'r', run}
	epoch = base36(math.max(now, number(epoch) + 1 + (tonumber(string.sub(run, 1, 5), 16) or 0)))
end
-- The clock may step back; what tells messages apart must not.
micros = math.max(now, micros + 1)
top = top + 1
local at, stamp = string.format('%.0f', top), string.format('%.0f', micros)
-- First what can be refused: out of memory, a key of another type.
redis.call('XADD', KEYS[2], 'MAXLEN', size == 1 and '=' or '~', ARGV[2], at .. '-' .. stamp, ARGV[4], ARGV[5])
redis.call('HSET', KEYS[1], 'e', epoch, 'o', at, 't', stamp, unpack(begun))
if KEYS[3] then
	redis.call('SET', KEYS[3], ARGV[6], 'PX', source_ttl)
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
