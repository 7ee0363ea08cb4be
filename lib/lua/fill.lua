-- fill: what a node lacks of a channel's history, as it is at one moment.
-- KEYS: CLUSTER.h:m:CHANNEL CLUSTER.h:s:CHANNEL
-- ARGV: SIZE TTL(ms) EPOCH("" or what the node holds) TOP MICROS WHOLE(1: all, 0: what follows TOP)
--       SUSPECT(1: this is another Redis process than the one that TOP came from)
-- => {EPOCH, TOP, MICROS, BASE, entries}
-- A history that lacks what the node holds lost writes: it goes on under a new epoch. BASE is the last
-- offset that a reader of an older epoch may know already; everything after it is new to everybody.
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
local function text(n) return string.format('%.0f', n) end

local size, ttl = tonumber(ARGV[1]), tonumber(ARGV[2])
local held, known, known_micros = number(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local meta = redis.call('HMGET', KEYS[1], 'e', 'o', 't', 'b')
local epoch, top, micros, base = meta[1], tonumber(meta[2] or 0), tonumber(meta[3] or 0), tonumber(meta[4] or 0)

-- An epoch is a time. The next one is later than any that is known, whatever the clock says.
local function next_epoch() return base36(math.max(now, held + 1, number(epoch or '') + 1)) end

if not epoch then
	redis.call('DEL', KEYS[1], KEYS[2])
	epoch, top, micros, base = next_epoch(), 0, 0, 0
	redis.call('HSET', KEYS[1], 'e', epoch, 'o', 0, 't', 0, 'b', 0)
	redis.call('PEXPIRE', KEYS[1], ttl + 3600000)
elseif ttl > 0 and redis.call('PTTL', KEYS[1]) < ttl + 1800000 then
	redis.call('PEXPIRE', KEYS[1], ttl + 3600000)
end

local function kept(from) return redis.call('XRANGE', KEYS[2], text(from) .. '-0', text(top)) end
local oldest = math.max(top - size, 0) + 1
local same = epoch == ARGV[3] and known > 0
local from = oldest
if same and ARGV[6] == '0' and known >= oldest and known <= top then
	from = known -- with the last known one, to see that it is the same
end
local entries = kept(from)

local lost = number(epoch) < held -- a switch to that epoch was lost
if same then
	lost = top < known or (top == known and micros ~= known_micros)
	local seen = top == known
	for _, entry in ipairs(entries) do
		local at, stamp = string.match(entry[1], '^(%d+)-(%d+)$')
		if tonumber(at) == known then
			seen = true
			lost = lost or tonumber(stamp) ~= known_micros
			break
		end
	end
	-- What was trimmed can't be compared any more; only a Redis that went on running is trusted.
	lost = lost or (not seen and ARGV[7] == '1')
end
if lost then
	entries = from == oldest and entries or kept(oldest)
	base = top
	for i = #entries, 1, -1 do
		local at, stamp = string.match(entries[i][1], '^(%d+)-(%d+)$')
		if tonumber(stamp) <= known_micros then break end
		base = tonumber(at) - 1
	end
	epoch = next_epoch()
	redis.call('HSET', KEYS[1], 'e', epoch, 'b', text(base))
end
return {epoch, text(top), text(micros), text(base), entries}
