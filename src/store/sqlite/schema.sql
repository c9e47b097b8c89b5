-- The tables of the SQLite store, version 1. All times are milliseconds since 1970-01-01 UTC.
--
-- A table with a rowid, and not one that is laid out by the key: keys are random, so new rows would be spread over the whole file, and
-- every index would hold the 32 bytes of the key.

-- The sessions, expired ones that nobody has taken away yet included.
CREATE TABLE sessions (
    id           INTEGER PRIMARY KEY,
    key          BLOB    NOT NULL UNIQUE, -- the SHA-256 of a secret that only the browser's cookie holds
    subject      TEXT    NOT NULL,
    session_id   TEXT    NOT NULL,
    display_name TEXT,
    folded_name  TEXT,                    -- display_name as it is searched for
    created      INTEGER NOT NULL,
    renewed      INTEGER NOT NULL,
    expires      INTEGER NOT NULL,
    clients      TEXT    NOT NULL,        -- client ids, a line each, in the order first added
    version      INTEGER NOT NULL,
    user_agent   TEXT,
    address      TEXT,
    ticket       BLOB    NOT NULL         -- sealed; last, because it is the longest
) STRICT;

-- Lists are in the order of `created` and `session_id`, for everyone and for one subject.
CREATE INDEX sessions_by_creation ON sessions (created, session_id);
CREATE INDEX sessions_by_subject ON sessions (subject, created, session_id);
CREATE INDEX sessions_by_session_id ON sessions (session_id);
CREATE INDEX sessions_by_name ON sessions (folded_name) WHERE folded_name IS NOT NULL;
CREATE INDEX sessions_by_expiry ON sessions (expires);

-- Memories of records that ended or were replaced, for a minute each.
CREATE TABLE tombstones (
    key       BLOB    NOT NULL PRIMARY KEY,
    until     INTEGER NOT NULL,
    successor BLOB                        -- the key of the record in which the session goes on, if it does
) STRICT, WITHOUT ROWID;

CREATE INDEX tombstones_by_time ON tombstones (until);

-- The log of ends of sessions, in the order in which they came, until each is acknowledged.
CREATE TABLE ends (
    id           INTEGER PRIMARY KEY,
    event        BLOB    NOT NULL,
    subject      TEXT    NOT NULL,
    session_id   TEXT    NOT NULL,
    display_name TEXT,
    clients      TEXT    NOT NULL,
    reason       TEXT    NOT NULL,
    at           INTEGER NOT NULL,
    attempts     INTEGER NOT NULL DEFAULT 0,
    leased_until INTEGER                  -- nobody else may take it before
) STRICT;

CREATE INDEX ends_by_event ON ends (event);
CREATE INDEX ends_by_time ON ends (at);
