-- Notes what became of attempts; gives how many counted.
-- KEYS: waiting set, settled set, counts. ARGV: now; then for each attempt its name, its turn, the state that the delivery is in then ('b' if it was put back),
-- when it is due again, and what happened, with a mark before it.

local said, known = {}, {}
for at = 2, #ARGV, 5 do
  local name, turn, state, again, failure = ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3], ARGV[at + 4]
  -- Of two words the first counts.
  local delivery = not known[name] and read(name)
  if delivery and delivery.state and not is_settled(delivery) and delivery.turn == tonumber(turn) then
    known[name] = true
    delivery.before = delivery.state
    delivery.turn = delivery.turn + 1
    if state == 'b' then
      delivery.attempts = math.max(delivery.attempts - 1, 0)
    else
      delivery.state = state
    end
    if state == 'f' then
      delivery.due = again
    end
    if failure ~= '' then
      delivery.failure = failure
    end
    delivery.free = delivery.due
    if is_settled(delivery) then
      delivery.settled = ARGV[1]
    end
    said[#said + 1] = delivery
  end
end

for _, delivery in ipairs(said) do
  write(delivery)
  if delivery.state ~= delivery.before then
    redis.call('HINCRBY', KEYS[3], delivery.before, -1)
    redis.call('HINCRBY', KEYS[3], delivery.state, 1)
  end
  if is_settled(delivery) then
    redis.call('ZADD', KEYS[2], delivery.settled, delivery.name)
  else
    redis.call('ZADD', KEYS[1], delivery.free, delivery.name)
  end
end
for _, delivery in ipairs(said) do
  if is_settled(delivery) then
    redis.call('ZREM', KEYS[1], delivery.name)
  end
end
return #said
