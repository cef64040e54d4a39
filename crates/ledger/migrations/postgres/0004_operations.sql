-- Operations: one decision of an operator about many dead letters, carried out page by page by a workflow of its own.

CREATE TABLE operations (
    id         TEXT COLLATE "C" PRIMARY KEY,
    kind       TEXT COLLATE "C" NOT NULL CHECK (kind IN ('manual_retry')),
    actor      TEXT COLLATE "C" NOT NULL,
    reason     TEXT COLLATE "C" NOT NULL,
    filter     TEXT COLLATE "C",  -- JSON; NULL: its orders were named, and stand in operation_items
    most       BIGINT CHECK (most > 0),  -- takes at most so many
    per_1000_seconds BIGINT CHECK (per_1000_seconds > 0),  -- starts in a thousand seconds, at most
    next_at    BIGINT NOT NULL DEFAULT 0,  -- when the next of them has its turn
    status     TEXT COLLATE "C" NOT NULL CHECK (status IN ('running', 'paused', 'stopped', 'completed', 'failed')),
    batch_id   TEXT COLLATE "C",  -- the batch that works for it
    -- how far it has taken entries: in the order of their ages, each page once
    pages      BIGINT NOT NULL DEFAULT 0,
    cursor_at  BIGINT,
    cursor_id  BIGINT,
    exhausted  BIGINT NOT NULL DEFAULT 0 CHECK (exhausted IN (0, 1)),
    -- what stands in operation_items, counted by whoever writes there
    matched    BIGINT NOT NULL CHECK (matched >= 0),  -- when it was opened
    waiting    BIGINT NOT NULL DEFAULT 0 CHECK (waiting >= 0),
    started    BIGINT NOT NULL DEFAULT 0 CHECK (started >= 0),
    failed     BIGINT NOT NULL DEFAULT 0 CHECK (failed >= 0),
    skipped    BIGINT NOT NULL DEFAULT 0 CHECK (skipped >= 0),
    error      TEXT COLLATE "C",
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    ended_at   BIGINT,
    CHECK ((ended_at IS NULL) = (status IN ('running', 'paused'))),
    CHECK ((error IS NOT NULL) = (status = 'failed')),
    CHECK ((cursor_at IS NULL) = (cursor_id IS NULL))
);
CREATE INDEX operations_by_time ON operations (created_at);
-- An operation whose batch is found dead has ended with it.
CREATE INDEX operations_by_batch ON operations (batch_id) WHERE batch_id IS NOT NULL;

-- The orders of an operation: pending until they are taken, resolved until it is known what became of them.
CREATE TABLE operation_items (
    operation_id TEXT COLLATE "C" NOT NULL REFERENCES operations (id),
    order_pk     BIGINT NOT NULL REFERENCES orders (id),
    state        TEXT COLLATE "C" NOT NULL CHECK (state IN ('pending', 'resolved', 'started', 'failed', 'skipped')),
    generation   BIGINT,  -- the one that the retry opened
    run_id       TEXT COLLATE "C",  -- the run that was started in it
    reason       TEXT COLLATE "C",  -- why none was
    PRIMARY KEY (operation_id, order_pk),             -- one operation takes an order once
    CHECK (state NOT IN ('resolved', 'started', 'failed') OR generation IS NOT NULL),
    CHECK ((state = 'started') = (run_id IS NOT NULL)),
    CHECK ((state IN ('failed', 'skipped')) = (reason IS NOT NULL))
);
-- Few at any time: a page at most waits, and only named ones are pending.
CREATE INDEX operation_items_pending ON operation_items (operation_id, order_pk) WHERE state = 'pending';
CREATE INDEX operation_items_waiting ON operation_items (operation_id, order_pk) WHERE state = 'resolved';
CREATE INDEX operation_items_not_started ON operation_items (operation_id, state, order_pk) WHERE state IN ('failed', 'skipped');

-- What others have decided since an operation was opened, which it tells as skipped.
CREATE INDEX dead_letters_by_decision ON dead_letters (resolved_at) WHERE resolved_at IS NOT NULL;
