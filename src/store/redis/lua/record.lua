-- Stands before every script that looks at records. What the keys are, and what is in them: see `keys.rs`.
--
-- All keys of a script begin with the same tag, so they are in one slot. Keys that a script can't be told before, such as that of a successor, have
-- the tag as well: in a cluster the server refuses any other.
--
-- A script that writes comes in two halves: it reads whatever it is going to change, and then it writes. While a slot is being moved to another node,
-- a key that is there no more is an error; it then comes up before anything has changed. For the same reason a key that a script may have to make is
-- declared, and nothing is taken away that is put back later.

local tag = string.match(KEYS[1], '^{[^}]*}')

local function key_of(record)
  return string.sub(record.name, #tag + 2)
end

local function name_of(key)
  return tag .. 'r' .. key
end

local function subject_set_of(record)
  return tag .. 's' .. record.subject
end

-- What is under the name of a record: a record, the memory of one, nothing, or something that somebody else has damaged. Numbers stay texts, as they were
-- written.
local function read(name)
  local fields = redis.call('HMGET', name, 'i', 'm', 'n', 'z', 'y')
  if not (fields[1] or fields[2]) then
    return { name = name, there = false, over = tonumber(fields[4] or ''), successor = fields[5] }
  end
  local record = { name = name, there = true, identity = fields[1], marked_title = fields[3] }
  record.title = fields[3] and string.sub(fields[3], 9)
  record.created, record.session_id, record.mark, record.subject =
    string.match(fields[1] or '', '^(%-?%d+) (%S+) (........)(.*)$')
  record.renewed, record.expires, record.version, record.ordinal =
    string.match(fields[2] or '', '^(%-?%d+) (%-?%d+) (%d+) (%d+)$')
  if not (record.subject and record.ordinal) then
    return { name = name, there = false, damaged = true }
  end
  return record
end

local function is_live(record, now)
  return record.there and tonumber(record.expires) > now
end

-- Whether the memory of a record is still good.
local function is_remembered(found, now)
  return not found.there and found.over and found.over > now
end

-- What is under a name or, if that record was replaced, under its newest successor's.
local function newest(name, now)
  local found = read(name)
  -- More steps than a minute of signing in again and again can make.
  for _ = 1, 100000 do
    if not (is_remembered(found, now) and found.successor) then
      return found
    end
    found = read(name_of(found.successor))
  end
  return found
end

local function write_state(record)
  local state = { record.renewed, record.expires, record.version, record.ordinal }
  redis.call('HSET', record.name, 'm', table.concat(state, ' '))
end
