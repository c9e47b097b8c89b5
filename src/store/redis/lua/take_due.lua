-- Takes deliveries, and hides them for the time of a lease.
-- KEYS: waiting set. ARGV: now, the end of the lease, names.

local taken, hidden, gone = {}, {}, {}
for at = 3, #ARGV do
  local name = ARGV[at]
  local free = redis.call('ZSCORE', KEYS[1], name)
  if free and tonumber(free) <= tonumber(ARGV[1]) then
    local delivery = read(name)
    if not delivery then
      gone[#gone + 1] = name
    elseif delivery.state and not is_settled(delivery) then
      delivery.whose = redis.call('HGET', end_of(name), 's')
      taken[#taken + 1] = delivery
    else
      hidden[#hidden + 1] = name
    end
  end
end

local reply = {}
for at, delivery in ipairs(taken) do
  delivery.attempts = delivery.attempts + 1
  delivery.turn = delivery.turn + 1
  delivery.free = ARGV[2]
  write(delivery)
  redis.call('ZADD', KEYS[1], ARGV[2], delivery.name)
  local numbers = string.format('%.0f %.0f', delivery.attempts, delivery.turn)
  reply[at] = { delivery.name, delivery.whose or '', delivery.created, numbers }
end
-- A later release may know what to make of it. Until then it is met no more often than others.
for _, name in ipairs(hidden) do
  redis.call('ZADD', KEYS[1], ARGV[2], name)
end
for _, name in ipairs(gone) do
  redis.call('ZREM', KEYS[1], name)
end
return reply
