-- Gives records of a subject, in the order in which their sessions began.
-- KEYS: set of the subject.
-- ARGV: the bounds of `created`, first and last in the order asked for; 'older' to walk from the newest on, or 'newer'; how many, or -1 for all; the
-- only session id that is meant, or ''; 'whole' for all of each record, or 'outline' for what is needed to find and to count it.
--
-- A walk goes on after the moment at which it has stopped, so all that began in one moment are given together.
-- The reply begins with that moment, or '' at the end.

local limit = tonumber(ARGV[4])
local members
if ARGV[3] == 'older' then
  members = redis.call('ZRANGE', KEYS[1], ARGV[1], ARGV[2], 'BYSCORE', 'REV', 'LIMIT', 0, limit, 'WITHSCORES')
else
  members = redis.call('ZRANGE', KEYS[1], ARGV[1], ARGV[2], 'BYSCORE', 'LIMIT', 0, limit, 'WITHSCORES')
end

local place, names, known = '', {}, {}
local function take(member)
  if not known[member] and (ARGV[5] == '' or string.sub(member, 1, -33) == ARGV[5]) then
    names[#names + 1] = string.sub(member, -32)
  end
  known[member] = true
end
for at = 1, #members, 2 do
  take(members[at])
end
if #members == 2 * limit then
  place = members[#members]
  for _, member in ipairs(redis.call('ZRANGE', KEYS[1], place, place, 'BYSCORE')) do
    take(member)
  end
end

local reply = { place }
for _, key in ipairs(names) do
  if ARGV[6] == 'whole' then
    reply[#reply + 1] = { key, redis.call('HGETALL', name_of(key)) }
  else
    local fields = redis.call('HMGET', name_of(key), 'i', 'm', 'n')
    reply[#reply + 1] = { key, { 'i', fields[1], 'm', fields[2], 'n', fields[3] } }
  end
end
return reply
