-- Ends the sessions of some records, or of their newest successors.
-- KEYS: expiry set, log of ends, due set, records. ARGV: now, until when memories last, reason, whether only what has expired ends ('yes').

local now, over, reason = ARGV[1], ARGV[2], ARGV[3]
local only_expired = ARGV[4] == 'yes'

local found, live, known = {}, {}, {}
for at = 4, #KEYS do
  local record = newest(KEYS[at], tonumber(now))
  if record.there and not known[record.name] then
    known[record.name] = true
    if only_expired and is_live(record, tonumber(now)) then
      live[#live + 1] = record
    else
      reach(record)
      found[#found + 1] = record
    end
  end
end

local ended = {}
for at, record in ipairs(found) do
  ended[at] = finish(record, reason, now, over)
end
-- What is wrong in the expiry set would come up again and again.
for at = 4, #KEYS do
  local left = read(KEYS[at])
  if left.damaged then
    redis.call('DEL', KEYS[at])
  end
  if not left.there then
    redis.call('ZREM', KEYS[1], string.sub(KEYS[at], #tag + 2))
  end
end
for _, record in ipairs(live) do
  redis.call('ZADD', KEYS[1], record.expires, key_of(record))
end
return ended
