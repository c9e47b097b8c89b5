-- Removes deliveries that were settled before a time, some of them if they are many; gives how many.
-- KEYS: settled set, set of all, counts. ARGV: the time, how many at most.

local names = redis.call('ZRANGE', KEYS[1], '-inf', '(' .. ARGV[1], 'BYSCORE', 'LIMIT', 0, ARGV[2])
local old, stay, left = {}, {}, {}
for _, name in ipairs(names) do
  local delivery = read(name)
  if delivery and delivery.state and not is_settled(delivery) then
    -- Somebody else has put it here.
    stay[#stay + 1] = name
  else
    local key = end_of(name)
    left[key] = left[key] or redis.call('HLEN', key) - redis.call('HEXISTS', key, 's')
    if delivery then
      left[key] = left[key] - 1
    end
    old[#old + 1] = delivery or { name = name }
  end
end

for _, delivery in ipairs(old) do
  if delivery.state then
    redis.call('HINCRBY', KEYS[3], delivery.state, -1)
  end
  redis.call('ZREM', KEYS[2], delivery.name)
  -- Whose session it was goes with the last delivery.
  if left[end_of(delivery.name)] > 0 then
    redis.call('HDEL', end_of(delivery.name), field_of(delivery.name))
  end
end
for key, fields in pairs(left) do
  if fields == 0 then
    redis.call('DEL', key)
  end
end
for _, delivery in ipairs(old) do
  redis.call('ZREM', KEYS[1], delivery.name)
end
for _, name in ipairs(stay) do
  redis.call('ZREM', KEYS[1], name)
end
return #old
