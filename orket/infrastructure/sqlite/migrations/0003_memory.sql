-- What was remembered, and its words for searching; kept in step with the events, rebuilt from them when absent.

CREATE TABLE memories (
    seq     INTEGER PRIMARY KEY REFERENCES events (seq),
    at      INTEGER NOT NULL,    -- microseconds since 1970, UTC
    run_id  TEXT NOT NULL,
    card_id TEXT NOT NULL,
    author  TEXT NOT NULL,
    body    TEXT NOT NULL
) STRICT;

-- The words are split and spelled by Orket itself; what is left here is ASCII, so the tokenizer only has to
-- find the spaces. A row's id is its memory's seq.
CREATE VIRTUAL TABLE memory_words USING fts5 (words, tokenize = "ascii tokenchars '_'", detail = none);

CREATE VIRTUAL TABLE memory_vocabulary USING fts5vocab (memory_words, row);
