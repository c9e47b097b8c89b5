-- Gives the newest deliveries that meet criteria.
-- KEYS: set of all. ARGV: where to begin, as a bound of the set's scores; how many to look at; session id, subject, client and state, each with a mark before it, or ''
-- for all.
--
-- A walk goes on after the moment at which it has stopped, so all of one moment are looked at together. The reply begins with that moment, or '' at the end.

local limit = tonumber(ARGV[2])
local members = redis.call('ZRANGE', KEYS[1], ARGV[1], '+inf', 'BYSCORE', 'LIMIT', 0, limit, 'WITHSCORES')
local place, names, known = '', {}, {}
local function look_at(name)
  if not known[name] then
    names[#names + 1] = name
  end
  known[name] = true
end
for at = 1, #members, 2 do
  look_at(members[at])
end
if #members == 2 * limit then
  place = members[#members]
  for _, name in ipairs(redis.call('ZRANGE', KEYS[1], place, place, 'BYSCORE')) do
    look_at(name)
  end
end

local reply = { place }
for _, name in ipairs(names) do
  if ARGV[5] == '' or ARGV[5] == '=' .. string.sub(name, 17) then
    local found = redis.call('HMGET', end_of(name), field_of(name), 's')
    local written, whose = found[1], found[2]
    if written and whose then
      local session_id, subject = string.match(whose, '^([^ ]*) (.*)$')
      local meets = ARGV[6] == '' or ARGV[6] == '=' .. string.sub(written, 1, 1)
      meets = meets and (ARGV[3] == '' or ARGV[3] == '=' .. (session_id or ''))
      meets = meets and (ARGV[4] == '' or ARGV[4] == '=' .. (subject or ''))
      if meets then
        reply[#reply + 1] = { name, whose, written }
      end
    end
  end
end
return reply
