-- What the events amount to, kept in step with them in the same transaction; rebuilt from them when absent.

CREATE TABLE runs (
    run_id       TEXT PRIMARY KEY,
    accepted_seq INTEGER NOT NULL UNIQUE REFERENCES events (seq),
    last_seq     INTEGER NOT NULL REFERENCES events (seq),
    target       TEXT NOT NULL,
    workspace    TEXT NOT NULL,
    status       TEXT NOT NULL,
    reason       TEXT NOT NULL,
    accepted_at  INTEGER NOT NULL,
    finished_at  INTEGER
) STRICT;

CREATE INDEX runs_open ON runs (accepted_seq)
    WHERE status IN ('running', 'paused', 'waiting_for_approval');

CREATE TABLE cards (
    added_seq INTEGER PRIMARY KEY REFERENCES events (seq),
    run_id    TEXT NOT NULL REFERENCES runs (run_id),
    card_id   TEXT NOT NULL,
    status    TEXT NOT NULL,
    body      BLOB NOT NULL,     -- canonical JSON of the card
    UNIQUE (run_id, card_id)
) STRICT;

CREATE INDEX cards_by_run ON cards (run_id, added_seq);
