-- purge: takes a channel's history away, for everybody at the same place in its order.
-- KEYS: CLUSTER.h:m:CHANNEL CLUSTER.h:s:CHANNEL
-- ARGV: CLUSTER:CHANNEL TTL(ms)
-- => {EPOCH, OFFSET of the purge, nodes that heard it}; EPOCH "" when there is no history
local meta = redis.call('HMGET', KEYS[1], 'e', 'o', 't')
if not meta[1] then
	redis.call('DEL', KEYS[2])
	return {'', '0', 0}
end
local time = redis.call('TIME')
local micros = math.max(tonumber(time[1]) * 1000000 + tonumber(time[2]), tonumber(meta[3]) + 1)
local at, stamp = string.format('%.0f', tonumber(meta[2]) + 1), string.format('%.0f', micros)
local ttl = tonumber(ARGV[2])
redis.call('HSET', KEYS[1], 'o', at, 't', stamp)
redis.call('DEL', KEYS[2])
redis.call('XADD', KEYS[2], at .. '-' .. stamp, 'p', '')
if ttl > 0 then
	redis.call('PEXPIRE', KEYS[2], ttl)
	redis.call('PEXPIRE', KEYS[1], ttl + 3600000)
end
local heard = redis.call('PUBLISH', ARGV[1], '\0WS1 p ' .. meta[1] .. '-' .. at .. ' ' .. stamp .. '\n')
return {meta[1], at, heard}
