-- Stands before every script that looks at deliveries. What the keys are, and what is in them: see `keys.rs`. The scripts come in two halves, for the reason that
-- `record.lua` gives.
--
-- The name of a delivery is the 16 bytes of its end, and then its client.

local tag = string.match(KEYS[1], '^{[^}]*}')

local function end_of(name)
  return tag .. 'v' .. string.sub(name, 1, 16)
end

local function field_of(name)
  return 'c' .. string.sub(name, 17)
end

-- A delivery as it is written, or nothing if it is not there. One that somebody else has damaged has no state. Numbers that are not counted with stay texts.
local function read(name)
  local written = redis.call('HGET', end_of(name), field_of(name))
  if not written then
    return nil
  end
  local state, attempts, turn, created, due, free, settled, failure =
    string.match(written, '^([pfdg]) (%d+) (%d+) (%-?%d+) (%-?%d+) (%-?%d+) (%-?%d*) (.*)$')
  return {
    name = name, state = state, attempts = tonumber(attempts), turn = tonumber(turn), created = created, due = due, free = free,
    settled = settled, failure = failure,
  }
end

local function is_settled(delivery)
  return delivery.state == 'd' or delivery.state == 'g'
end

local function write(delivery)
  local numbers = string.format('%.0f %.0f', delivery.attempts, delivery.turn)
  local times = delivery.created .. ' ' .. delivery.due .. ' ' .. delivery.free .. ' ' .. delivery.settled
  local written = delivery.state .. ' ' .. numbers .. ' ' .. times .. ' ' .. delivery.failure
  redis.call('HSET', end_of(delivery.name), field_of(delivery.name), written)
end
