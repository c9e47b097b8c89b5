-- Notes a sign of life, if one is due, and gives all that is under the record's name.
-- KEYS: record, expiry set. ARGV: now, how old the last sign of life must be, the expiry.

touch(read(KEYS[1]), ARGV[1], ARGV[2], ARGV[3], KEYS[2])
return redis.call('HGETALL', KEYS[1])
