-- Forgets that buckets may have ends to tell of, unless somebody has said so again since.
-- KEYS: the hints. ARGV: a bucket and the time at which it was seen, and so on.

for at = 1, #ARGV, 2 do
  if redis.call('ZSCORE', KEYS[1], ARGV[at]) == ARGV[at + 1] then
    redis.call('ZREM', KEYS[1], ARGV[at])
  end
end
return redis.status_reply('OK')
