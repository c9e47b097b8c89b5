-- Ends sessions of a subject.
-- KEYS: expiry set, log of ends, due set, set of the subject.
-- ARGV: now, until when memories last, reason, how many at most, the only session id that is meant or '', the one that is not or ''.

local now, over, reason, max = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])

local found, lost, first = {}, {}, 0
repeat
  local members = redis.call('ZRANGE', KEYS[4], first, first + 499)
  for _, member in ipairs(members) do
    local session_id = string.sub(member, 1, -33)
    if #found < max and (ARGV[5] == '' or session_id == ARGV[5]) and session_id ~= ARGV[6] then
      local record = read(name_of(string.sub(member, -32)))
      if record.there then
        found[#found + 1] = record
      else
        lost[#lost + 1] = member
      end
    end
  end
  first = first + 500
until #found == max or #members == 0

local ended = {}
for at, record in ipairs(found) do
  ended[at] = finish(record, reason, now, over)
end
for _, member in ipairs(lost) do
  redis.call('ZREM', KEYS[4], member)
end
return ended
