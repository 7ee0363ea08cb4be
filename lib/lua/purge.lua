-- purge: takes a channel's history away, for everybody at the same place in its order.
-- KEYS: CLUSTER.h:m:CHANNEL CLUSTER.h:s:CHANNEL
-- ARGV: CLUSTER:CHANNEL TTL(ms, 0: for good)
-- => {EPOCH, OFFSET of the purge, nodes that heard it}; EPOCH "" when there is no history
local meta = redis.call('HMGET', KEYS[1], 'e', 'o', 't')
if not meta[1] then
	redis.call('DEL', KEYS[1], KEYS[2])
	return {'', '0', 0}
end
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local at = string.format('%.0f', tonumber(meta[2] or 0) + 1)
local stamp = string.format('%.0f', math.max(now, tonumber(meta[3] or 0) + 1))
local ttl = tonumber(ARGV[2])
redis.call('DEL', KEYS[2])
redis.call('XADD', KEYS[2], at .. '-' .. stamp, 'p', '')
redis.call('HSET', KEYS[1], 'o', at, 't', stamp)
if ttl > 0 then
	redis.call('PEXPIRE', KEYS[2], ttl)
	redis.call('PEXPIRE', KEYS[1], ttl + 3600000)
else
	redis.call('PERSIST', KEYS[1])
end
local heard = redis.call('PUBLISH', ARGV[1], '\0WS1 p ' .. meta[1] .. '-' .. at .. ' ' .. stamp .. '\n')
return {meta[1], at, heard}
