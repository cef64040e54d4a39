-- Operations: one decision of an operator about many dead letters, carried out page by page by a workflow of its own.

CREATE TABLE operations (
    id         TEXT PRIMARY KEY,
    kind       TEXT    NOT NULL CHECK (kind IN ('manual_retry')),
    actor      TEXT    NOT NULL,
    reason     TEXT    NOT NULL,
    filter     TEXT,                                  -- JSON; NULL: its orders were named, and stand in operation_items
    most       INTEGER CHECK (most > 0),              -- takes at most so many
    per_1000_seconds INTEGER CHECK (per_1000_seconds > 0),  -- starts in a thousand seconds, at most
    next_at    INTEGER NOT NULL DEFAULT 0,            -- when the next of them has its turn
    status     TEXT    NOT NULL CHECK (status IN ('running', 'paused', 'stopped', 'completed', 'failed')),
    batch_id   TEXT,                                  -- the batch that works for it
    -- how far it has taken entries: in the order of their ages, each page once
    pages      INTEGER NOT NULL DEFAULT 0,
    cursor_at  INTEGER,
    cursor_id  INTEGER,
    exhausted  INTEGER NOT NULL DEFAULT 0 CHECK (exhausted IN (0, 1)),
    -- what stands in operation_items, counted by whoever writes there
    matched    INTEGER NOT NULL CHECK (matched >= 0), -- when it was opened
    waiting    INTEGER NOT NULL DEFAULT 0 CHECK (waiting >= 0),
    started    INTEGER NOT NULL DEFAULT 0 CHECK (started >= 0),
    failed     INTEGER NOT NULL DEFAULT 0 CHECK (failed >= 0),
    skipped    INTEGER NOT NULL DEFAULT 0 CHECK (skipped >= 0),
    error      TEXT,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    ended_at   INTEGER,
    CHECK ((ended_at IS NULL) = (status IN ('running', 'paused'))),
    CHECK ((error IS NOT NULL) = (status = 'failed')),
    CHECK ((cursor_at IS NULL) = (cursor_id IS NULL))
) STRICT;
CREATE INDEX operations_by_time ON operations (created_at);
-- An operation whose batch is found dead has ended with it.
CREATE INDEX operations_by_batch ON operations (batch_id) WHERE batch_id IS NOT NULL;

-- The orders of an operation: pending until they are taken, resolved until it is known what became of them.
CREATE TABLE operation_items (
    operation_id TEXT    NOT NULL REFERENCES operations (id),
    order_pk     INTEGER NOT NULL REFERENCES orders (id),
    state        TEXT    NOT NULL CHECK (state IN ('pending', 'resolved', 'started', 'failed', 'skipped')),
    generation   INTEGER,                             -- the one that the retry opened
    run_id       TEXT,                                -- the run that was started in it
    reason       TEXT,                                -- why none was
    PRIMARY KEY (operation_id, order_pk),             -- one operation takes an order once
    CHECK (state NOT IN ('resolved', 'started', 'failed') OR generation IS NOT NULL),
    CHECK ((state = 'started') = (run_id IS NOT NULL)),
    CHECK ((state IN ('failed', 'skipped')) = (reason IS NOT NULL))
) STRICT, WITHOUT ROWID;
-- Few at any time: a page at most waits, and only named ones are pending.
CREATE INDEX operation_items_pending ON operation_items (operation_id, order_pk) WHERE state = 'pending';
CREATE INDEX operation_items_waiting ON operation_items (operation_id, order_pk) WHERE state = 'resolved';
CREATE INDEX operation_items_not_started ON operation_items (operation_id, state, order_pk) WHERE state IN ('failed', 'skipped');

-- What others have decided since an operation was opened, which it tells as skipped.
CREATE INDEX dead_letters_by_decision ON dead_letters (resolved_at) WHERE resolved_at IS NOT NULL;
