-- fill: what a node lacks of a channel's history, as it is at one moment.
-- KEYS: CLUSTER.h:m:CHANNEL CLUSTER.h:s:CHANNEL
-- ARGV: SIZE TTL(ms) EPOCH("" or what the node holds) TOP MICROS WHOLE(1: all, 0: what follows TOP)
--       RUN(run_id of INFO)
-- => {EPOCH, TOP, MICROS, BASE, entries, FORMER}
-- In another Redis process, restarted or promoted, a history goes on under a new epoch: that one may lack
-- messages which somebody has. FORMER says up to where the epochs before are this history, "EPOCH:OFFSET "
-- each, the last one first, with "!" before the blank once a node is known to have had more: then something
-- was lost. BASE is what a reader of any other epoch may have of it: everything after BASE is new to it.
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
local run = ARGV[7]
local meta = redis.call('HMGET', KEYS[1], 'e', 'o', 't', 'b', 'r', 'f')
local epoch, top, micros, base = meta[1], tonumber(meta[2] or 0), tonumber(meta[3] or 0), tonumber(meta[4] or 0)
local former = meta[6] or ''

-- An epoch is a time. The next one is later than any that is known, whatever the clock says, and never
-- the one that another Redis makes of the same.
local function begin(b, f)
	local salt = tonumber(string.sub(run, 1, 5), 16) or 0
	epoch = base36(math.max(now, math.max(held, number(epoch or '')) + 1 + salt))
	base, former = b, string.match(string.sub(f, 1, 240), '^.* ') or ''
	redis.call('HSET', KEYS[1], 'e', epoch, 'o', text(top), 't', text(micros), 'b', text(base), 'f', former, 'r', run)
end
local function renamed() return epoch .. ':' .. text(top) .. ' ' .. former end

if not epoch then
	redis.call('DEL', KEYS[1], KEYS[2])
	top, micros = 0, 0
	begin(0, '')
	redis.call('PEXPIRE', KEYS[1], ttl + 3600000)
elseif ttl > 0 and redis.call('PTTL', KEYS[1]) < ttl + 1800000 then
	redis.call('PEXPIRE', KEYS[1], ttl + 3600000)
	if redis.call('PTTL', KEYS[2]) == -1 then -- as in check.lua
		redis.call('PEXPIRE', KEYS[2], ttl)
	end
end
local moves = meta[1] and meta[5] ~= run
local f = moves and renamed() or former
local same = epoch == ARGV[3] and not moves
local lost = false
for e, o, told in string.gmatch(f, '(%w+):(%d+)(!?) ') do
	same = same or (e == ARGV[3] and known <= tonumber(o))
	lost = lost or (number(e) <= held and told == '')
end
if lost and not same then
	begin(moves and top or base, (string.gsub(moves and f or renamed(), '(%d) ', '%1! ')))
elseif moves then
	begin(top, f)
elseif number(epoch) < held then -- the clock is behind that of a Redis before
	begin(base, renamed())
end

local function kept(from) return redis.call('XRANGE', KEYS[2], text(from) .. '-0', text(top)) end
local oldest = math.max(top - size, 0) + 1
same = same and known > 0
local from = oldest
if same and ARGV[6] == '0' and known >= oldest and known <= top then
	from = known -- with the last known one, to see that it is the same
end
local entries = kept(from)

if same then
	local other = top < known or (top == known and micros ~= known_micros)
	for _, entry in ipairs(entries) do
		local at, stamp = string.match(entry[1], '^(%d+)-(%d+)$')
		if tonumber(at) == known then
			other = other or tonumber(stamp) ~= known_micros
			break
		end
	end
	if other then -- somebody has put back an older state: nobody knows who has what
		entries = from == oldest and entries or kept(oldest)
		begin(top, '')
	end
end
return {epoch, text(top), text(micros), text(base), entries, former}
