-- check: where a channel's history stands; keeps its meta key alive while somebody listens.
-- KEYS: CLUSTER.h:m:CHANNEL
-- ARGV: TTL(ms)
-- => {EPOCH or "", TOP, MICROS}
local meta = redis.call('HMGET', KEYS[1], 'e', 'o', 't')
local ttl = tonumber(ARGV[1])
if meta[1] and (ttl > 0 or meta[2] == '0') then
	redis.call('PEXPIRE', KEYS[1], ttl + 3600000)
end
return {meta[1] or '', meta[2] or '0', meta[3] or '0'}
