-- The ledger itself: events, the blobs they name, and the idempotency keys of commands.

CREATE TABLE events (
    seq    INTEGER PRIMARY KEY,  -- gap-free from 1
    run_id TEXT NOT NULL,
    kind   TEXT NOT NULL,        -- the event's class
    at     INTEGER NOT NULL,     -- microseconds since 1970, UTC
    body   BLOB NOT NULL,        -- canonical JSON
    chain  BLOB NOT NULL         -- HMAC-SHA-256 over the previous link and this row
) STRICT;

CREATE INDEX events_by_run ON events (run_id, seq);

-- The newest link, sealed with the key: cutting off the ledger's tail does not go unnoticed.
CREATE TABLE head (
    id    INTEGER PRIMARY KEY CHECK (id = 1),
    seq   INTEGER NOT NULL,
    chain BLOB NOT NULL,
    seal  BLOB NOT NULL
) STRICT;

-- A rowid table on purpose: rows of WITHOUT ROWID tables must stay small.
CREATE TABLE blobs (
    id   INTEGER PRIMARY KEY,
    hash BLOB NOT NULL UNIQUE,   -- SHA-256 of body
    body BLOB NOT NULL
) STRICT;

CREATE TABLE idempotency_keys (
    key         TEXT PRIMARY KEY,
    fingerprint TEXT NOT NULL,
    run_id      TEXT NOT NULL
) STRICT;
