-- Notes a sign of life, if one is due.
-- KEYS: record, expiry set. ARGV: now, how old the last sign of life must be, the expiry.

return touch(read(KEYS[1]), ARGV[1], ARGV[2], ARGV[3], KEYS[2])
