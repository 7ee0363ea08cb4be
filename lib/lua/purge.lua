-- purge: takes a channel's history away, for everybody at the same place in its order.
-- KEYS: CLUSTER.h:m:CHANNEL CLUSTER.h:s:CHANNEL
-- ARGV: CLUSTER:CHANNEL TTL(ms, 0: for good)
-- => {EPOCH, OFFSET of the purge, nodes that heard it}; EPOCH "" when there is no history
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

local meta = redis.call('HMGET', KEYS[1], 'e', 'o', 't', 'r', 'f')
local epoch = meta[1]
if not epoch then
	redis.call('DEL', KEYS[1], KEYS[2])
	return {'', '0', 0}
end
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local at = string.format('%.0f', tonumber(meta[2] or 0) + 1)
local stamp = string.format('%.0f', math.max(now, tonumber(meta[3] or 0) + 1))
local ttl = tonumber(ARGV[2])
-- As in publish.lua.
local run = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)') or ''
local begun = {}
if meta[4] ~= run then
	local top = string.format('%.0f', tonumber(meta[2] or 0))
	local former = string.sub(epoch .. ':' .. top .. ' ' .. (meta[5] or ''), 1, 240)
	begun = {'b', top, 'f', string.match(former, '^.* '), 'r', run}
	epoch = base36(math.max(now, number(epoch) + 1 + (tonumber(string.sub(run, 1, 5), 16) or 0)))
end
redis.call('DEL', KEYS[2])
redis.call('XADD', KEYS[2], at .. '-' .. stamp, 'p', '')
redis.call('HSET', KEYS[1], 'e', epoch, 'o', at, 't', stamp, unpack(begun))
if ttl > 0 then
	redis.call('PEXPIRE', KEYS[2], ttl)
	redis.call('PEXPIRE', KEYS[1], ttl + 3600000)
else
	redis.call('PERSIST', KEYS[1])
end
local heard = redis.call('PUBLISH', ARGV[1], '\0WS1 p ' .. epoch .. '-' .. at .. ' ' .. stamp .. '\n')
return {epoch, at, heard}
