-- Stands before the scripts that put a record in.
--
-- KEYS: expiry set, log of ends, due set, the new record, the set of its subject, and, to replace one, the old record.
-- ARGV: now, until when memories last, the limit or '', what happens when it is reached ('deny' or 'end oldest'); to replace one: whether the session
-- goes on ('same' or 'new'), and the session for which the index of names has it; then the record: key, created, session id, mark, renewed, expires, version,
-- the number of plain fields and values, these one after the other, and its clients.

local now, over, max, when_reached = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local goes_on, indexed = ARGV[5] == 'same', ARGV[6]

local new = {
  name = KEYS[4],
  subject = string.sub(KEYS[5], #tag + 2),
  key = ARGV[7],
  created = ARGV[8],
  session_id = ARGV[9],
  mark = ARGV[10],
  renewed = ARGV[11],
  expires = ARGV[12],
  version = ARGV[13],
  fields = {},
  clients = {},
}
local plain = tonumber(ARGV[14])
for at = 15, 14 + plain do
  new.fields[#new.fields + 1] = ARGV[at]
end
for at = 15 + plain, #ARGV do
  new.clients[#new.clients + 1] = ARGV[at]
end

-- The sessions that have to end for one more, oldest first; none at all (nil) if the limit refuses it. `but` does not count.
local function victims(but)
  if max == '' then
    return {}
  end
  local live = {}
  for _, member in ipairs(redis.call('ZRANGE', KEYS[5], 0, -1)) do
    local record = read(name_of(string.sub(member, -32)))
    if is_live(record, tonumber(now)) and not (but and record.name == but.name) then
      live[#live + 1] = record
    end
  end
  local excess = #live + 1 - tonumber(max)
  if excess > 0 and when_reached == 'deny' then
    return nil
  end
  table.sort(live, function(one, other)
    if one.created ~= other.created then
      return tonumber(one.created) < tonumber(other.created)
    end
    return one.session_id < other.session_id
  end)
  local first = {}
  for at = 1, math.min(excess, #live) do
    first[at] = live[at]
  end
  return first
end

-- `before` is what was found under the new record's name: at most a memory that is no longer good.
local function put(before)
  local identity = new.created .. ' ' .. new.session_id .. ' ' .. new.mark .. new.subject
  local state = table.concat({ new.renewed, new.expires, new.version, #new.clients }, ' ')
  local pairs_of = { 'i', identity, 'm', state }
  for _, value in ipairs(new.fields) do
    pairs_of[#pairs_of + 1] = value
  end
  for ordinal, client in ipairs(new.clients) do
    pairs_of[#pairs_of + 1] = 'c' .. client
    pairs_of[#pairs_of + 1] = ordinal
  end
  for at = 1, #pairs_of, 1000 do
    redis.call('HSET', new.name, unpack(pairs_of, at, math.min(at + 999, #pairs_of)))
  end
  if before.over then
    redis.call('HDEL', new.name, 'z', 'y')
    redis.call('PERSIST', new.name)
  end
  redis.call('ZADD', KEYS[5], new.created, new.session_id .. new.key)
  redis.call('ZADD', KEYS[1], new.expires, new.key)
end

local function finish_all(records, reason, ended)
  for _, record in ipairs(records) do
    ended[#ended + 1] = finish(record, reason, now, over)
  end
end
