-- check: where a channel's history stands; keeps its meta key alive while somebody listens.
-- KEYS: CLUSTER.h:m:CHANNEL CLUSTER.h:s:CHANNEL
-- ARGV: TTL(ms)
-- => {EPOCH or "", TOP, MICROS}
local meta = redis.call('HMGET', KEYS[1], 'e', 'o', 't')
local ttl = tonumber(ARGV[1])
if meta[1] then
	if ttl == 0 and meta[2] ~= '0' then -- an expiry is from before the rule changed
		redis.call('PERSIST', KEYS[1])
		redis.call('PERSIST', KEYS[2])
	elseif redis.call('PTTL', KEYS[1]) < ttl + 1800000 then -- not at each check: it is a write
		redis.call('PEXPIRE', KEYS[1], ttl + 3600000)
		if redis.call('PTTL', KEYS[2]) == -1 then -- kept for good before the rule changed
			redis.call('PEXPIRE', KEYS[2], ttl)
		end
	end
end
return {meta[1] or '', meta[2] or '0', meta[3] or '0'}
