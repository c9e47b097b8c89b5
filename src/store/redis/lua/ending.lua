-- Stands before the scripts that can end sessions. KEYS[1] is the expiry set, KEYS[2] the log of ends, KEYS[3] the set that says when an end can be taken.

-- Clients in the order in which they were added.
local function clients_of(record)
  local fields = redis.call('HGETALL', record.name)
  local found = {}
  for at = 1, #fields, 2 do
    if string.sub(fields[at], 1, 1) == 'c' then
      found[#found + 1] = { id = string.sub(fields[at], 2), ordinal = tonumber(fields[at + 1]) or 0 }
    end
  end
  table.sort(found, function(one, other) return one.ordinal < other.ordinal end)
  local clients = {}
  for at, client in ipairs(found) do
    clients[at] = client.id
  end
  return clients
end

-- A letter, a length and a text, which may hold any bytes.
local function part(letter, text)
  return letter .. #text .. ':' .. text
end

-- What is to be told of an end, as one text.
local function account(record, reason, at)
  local parts = { part('x', at), part('w', reason), part('i', record.identity) }
  if record.marked_title then
    parts[#parts + 1] = part('n', record.marked_title)
  end
  for _, client in ipairs(clients_of(record)) do
    parts[#parts + 1] = part('c', client)
  end
  return table.concat(parts)
end

-- Makes a record the memory of one, in its place, for the time until `over`.
local function bury(record, now, over, successor)
  local fields = redis.call('HKEYS', record.name)
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
