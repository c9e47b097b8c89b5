-- Stands before the scripts that can end sessions. KEYS[1] is the expiry set, KEYS[2] the log of ends, KEYS[3] the set that says when an end can be taken.

-- Clients in the order in which they were added. Notes the names of all fields of the record, too.
local function clients_of(record)
  local fields = redis.call('HGETALL', record.name)
  local with, ordinals, rest = {}, {}, {}
  record.fields = {}
  for at = 1, #fields, 2 do
    record.fields[(at + 1) / 2] = fields[at]
    if string.byte(fields[at]) == 99 then -- 'c'
      local id, ordinal = string.sub(fields[at], 2), tonumber(fields[at + 1])
      -- What is no number, or that of another client, is only what somebody else can have written. It is a client all the same. (`nan` is not equal to itself.)
      if ordinal and ordinal == ordinal and not with[ordinal] then
        with[ordinal] = id
        ordinals[#ordinals + 1] = ordinal
      else
        rest[#rest + 1] = id
      end
    end
  end
  -- Numbers, as the server has to wait for a comparison that is a function here.
  table.sort(ordinals)
  local clients = {}
  for at, ordinal in ipairs(ordinals) do
    clients[at] = with[ordinal]
  end
  for _, id in ipairs(rest) do
    clients[#clients + 1] = id
  end
  return clients
end

-- Lengths as texts: many texts are equally long, and writing numbers is slow.
local lengths = {}

-- Appends a letter, a length and a text, which may hold any bytes, as pieces that are yet to be joined.
local function append(pieces, letter, text)
  local length = lengths[#text]
  if not length then
    length = #text .. ':'
    lengths[#text] = length
  end
  local at = #pieces
  pieces[at + 1], pieces[at + 2], pieces[at + 3] = letter, length, text
end

-- What is to be told of an end, as one text.
local function account(record, reason, at)
  local pieces = {}
  append(pieces, 'x', at)
  append(pieces, 'w', reason)
  append(pieces, 'i', record.identity)
  if record.marked_title then
    append(pieces, 'n', record.marked_title)
  end
  for _, client in ipairs(clients_of(record)) do
    append(pieces, 'c', client)
  end
  return table.concat(pieces)
end

-- Makes a record the memory of one, in its place, for the time until `over`.
local function bury(record, now, over, successor)
  local fields = record.fields or redis.call('HKEYS', record.name)
  redis.call('HSET', record.name, 'z', over)
  if successor then
    redis.call('HSET', record.name, 'y', successor)
  end
  -- In pieces that fit on the stack.
  for at = 1, #fields, 1000 do
    redis.call('HDEL', record.name, unpack(fields, at, math.min(at + 999, #fields)))
  end
  redis.call('PEXPIRE', record.name, tonumber(over) - tonumber(now))
end

-- To be called in the reading half for every record that is going to be taken out: an error if the set of its subject has been moved to another node.
local function reach(record)
  redis.call('EXISTS', record.name, subject_set_of(record))
end

-- Takes a record out of the sets that it is in.
local function take_out(record)
  redis.call('ZREM', KEYS[1], key_of(record))
  redis.call('ZREM', subject_set_of(record), record.session_id .. key_of(record))
end

-- Ends a session; gives its event and the account of it.
local function finish(record, reason, now, over)
  local event = string.sub(key_of(record), 1, 16)
  local told = account(record, reason, now)
  redis.call('HSET', KEYS[2], event, told)
  -- As if it had been there for an hour, so that a taker whose clock is behind finds it at once.
  redis.call('ZADD', KEYS[3], string.format('%.0f', tonumber(now) - 3600000), event)
  take_out(record)
  bury(record, now, over)
  return { event, told }
end
