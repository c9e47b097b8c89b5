-- Version 2: the outbox of logout notifications. It is made whether or not this program sends any, so that all of a release agree about
-- the version.

-- What clients are to be told of ends of sessions, and what became of it.
CREATE TABLE deliveries (
    id         INTEGER PRIMARY KEY,
    event      BLOB    NOT NULL,
    client     TEXT    NOT NULL,
    subject    TEXT    NOT NULL,
    session_id TEXT    NOT NULL,
    state      TEXT    NOT NULL,           -- pending, failed, delivered or given_up
    attempts   INTEGER NOT NULL DEFAULT 0,
    turn       INTEGER NOT NULL DEFAULT 0, -- grows whenever the delivery is taken or given back
    created    INTEGER NOT NULL,
    due        INTEGER NOT NULL,           -- when it was due before it was taken
    free_from  INTEGER,                    -- when it can be taken; NULL when it is settled
    settled    INTEGER,
    failure    TEXT
) STRICT;

CREATE UNIQUE INDEX deliveries_by_name ON deliveries (event, client);

-- With the client, so that those of clients that are passed by need not be looked up.
CREATE INDEX deliveries_waiting ON deliveries (free_from, client) WHERE free_from IS NOT NULL;
CREATE INDEX deliveries_settled ON deliveries (settled) WHERE settled IS NOT NULL;

-- Lists are in the order of `created`, the newest first, then of `event` and `client`. Of one session or subject there are few, and these
-- are soon sorted.
CREATE INDEX deliveries_by_creation ON deliveries (created DESC, event, client);
CREATE INDEX deliveries_by_state ON deliveries (state, created DESC, event, client);
CREATE INDEX deliveries_by_client ON deliveries (client, created DESC, event);
CREATE INDEX deliveries_by_subject ON deliveries (subject);
CREATE INDEX deliveries_by_session_id ON deliveries (session_id);
