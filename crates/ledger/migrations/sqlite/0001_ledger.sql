-- The ledger. Times are microseconds since 1970 UTC; texts of enums are those of redrive_core.
-- Invariants stand here as CHECK and UNIQUE, so that no process, old or new, can write past them.

CREATE TABLE settings (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;

CREATE TABLE orders (
    id              INTEGER PRIMARY KEY,
    workflow_id     TEXT    NOT NULL UNIQUE,          -- the key within the ledger's namespace
    order_id        TEXT    NOT NULL,
    customer_id     TEXT,                             -- where the watched type tells where it stands
    workflow_type   TEXT    NOT NULL,
    state           TEXT    NOT NULL CHECK (state IN ('failed', 'claimed', 'in_flight', 'held', 'dead_lettered',
                                                      'recovered', 'resolved', 'stopped')),
    generation      INTEGER NOT NULL DEFAULT 1 CHECK (generation >= 1),
    retry_count     INTEGER NOT NULL DEFAULT 0 CHECK (retry_count >= 0),  -- attempts of this generation that started
    item_errors     INTEGER NOT NULL DEFAULT 0 CHECK (item_errors >= 0),  -- refused starts in a row
    -- the failed run: the one a restart acts on
    failed_run_id   TEXT    NOT NULL,
    failed_at       INTEGER NOT NULL,
    failure_status  TEXT    NOT NULL,
    fingerprint     TEXT    NOT NULL,
    failure_reason  TEXT    NOT NULL,
    has_parent      INTEGER NOT NULL DEFAULT 0 CHECK (has_parent IN (0, 1)),
    -- whose turn it is
    eligible        INTEGER NOT NULL CHECK (eligible IN (0, 1)),          -- the policy lets it be reprocessed
    manual          INTEGER NOT NULL DEFAULT 0 CHECK (manual IN (0, 1)),  -- an operator's retry: first in line
    due_at          INTEGER NOT NULL,
    last_batch      TEXT,                             -- the batch that last handled it: never twice by one batch
    -- ownership, while claimed; the fence outlives the claim and only grows
    claim_batch     TEXT,
    claim_chunk     INTEGER,
    fence           INTEGER NOT NULL DEFAULT 0,
    -- the run that is followed, while in flight
    followed_run_id TEXT,                             -- the first run of its chain
    followed_since  INTEGER,
    next_check_at   INTEGER,                          -- when it is described again; NULL while claimed or closed
    checks          INTEGER NOT NULL DEFAULT 0,
    -- how it ended, while closed
    closed_at       INTEGER,
    resolution      TEXT CHECK (resolution IN ('recovered', 'recovered_elsewhere', 'cancelled', 'escalated', 'stopped')),
    created_at      INTEGER NOT NULL,
    updated_at      INTEGER NOT NULL,
    CHECK ((state = 'claimed') = (claim_batch IS NOT NULL AND claim_chunk IS NOT NULL)),
    CHECK ((state = 'in_flight') = (followed_run_id IS NOT NULL)),
    CHECK ((state IN ('recovered', 'resolved', 'stopped')) = (closed_at IS NOT NULL AND resolution IS NOT NULL)),
    -- every open order is described again, sooner or later; a claimed one by its chunk
    CHECK ((state IN ('failed', 'in_flight', 'held', 'dead_lettered')) = (next_check_at IS NOT NULL))
) STRICT;
CREATE INDEX orders_by_order_id ON orders (order_id);
CREATE INDEX orders_by_customer ON orders (customer_id) WHERE customer_id IS NOT NULL;
-- Whose turn it is, as an index: never a scan of the table.
CREATE INDEX orders_due ON orders (manual DESC, due_at) WHERE state = 'failed' AND (eligible = 1 OR manual = 1);
CREATE INDEX orders_due_by_status ON orders (failure_status, due_at) WHERE state = 'failed';
CREATE INDEX orders_to_check ON orders (next_check_at) WHERE next_check_at IS NOT NULL;
CREATE INDEX orders_claimed ON orders (claim_batch, claim_chunk) WHERE state = 'claimed';
-- For lists: each pair of state and status is a stretch in the order of time, and so is each failure group.
CREATE INDEX orders_listed ON orders (state, failure_status, failed_at);
CREATE INDEX orders_by_group ON orders (failure_status, fingerprint, failed_at);
CREATE INDEX orders_open_by_group ON orders (failure_status, fingerprint, workflow_type) WHERE closed_at IS NULL;

-- How many orders are in each state, kept by whoever writes, so that looking costs nothing.
CREATE TABLE order_counts (
    state  TEXT    PRIMARY KEY,
    orders INTEGER NOT NULL CHECK (orders >= 0)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER orders_counted AFTER INSERT ON orders BEGIN
    INSERT INTO order_counts (state, orders) VALUES (NEW.state, 1)
        ON CONFLICT (state) DO UPDATE SET orders = orders + 1;
END;
CREATE TRIGGER orders_recounted AFTER UPDATE OF state ON orders WHEN OLD.state <> NEW.state BEGIN
    UPDATE order_counts SET orders = orders - 1 WHERE state = OLD.state;
    INSERT INTO order_counts (state, orders) VALUES (NEW.state, 1)
        ON CONFLICT (state) DO UPDATE SET orders = orders + 1;
END;

-- One redrive of one order. It begins as an intent (run_id and outcome NULL), before any call to the server.
CREATE TABLE attempts (
    id            INTEGER PRIMARY KEY,
    order_pk      INTEGER NOT NULL REFERENCES orders (id),
    generation    INTEGER NOT NULL,
    number        INTEGER NOT NULL CHECK (number >= 1),
    from_run_id   TEXT    NOT NULL,
    request_id    TEXT    NOT NULL,
    batch_id      TEXT    NOT NULL,
    manual        INTEGER NOT NULL CHECK (manual IN (0, 1)),  -- an operator asked for it
    intent_at     INTEGER NOT NULL,
    run_id        TEXT UNIQUE,                        -- the first run of ours; one run never answers two attempts
    started_at    INTEGER,
    outcome       TEXT CHECK (outcome IN ('not_started', 'recovered', 'failed_again', 'stopped', 'unknown')),
    note          TEXT,                               -- why it was not started
    settled_at    INTEGER,
    settled_batch TEXT,                               -- the batch that learnt the outcome
    CHECK ((run_id IS NULL) = (started_at IS NULL)),
    CHECK ((outcome IS NULL) = (settled_at IS NULL))
) STRICT;
CREATE INDEX attempts_by_order ON attempts (order_pk, id);
CREATE INDEX attempts_by_end ON attempts (settled_at, outcome) WHERE settled_at IS NOT NULL;
CREATE INDEX attempts_settled ON attempts (settled_batch) WHERE settled_batch IS NOT NULL;
-- A failed run is restarted at most once, unless an operator asks for it again (its restart's history is gone, say);
-- and an order has at most one open intent or attempt in flight.
CREATE UNIQUE INDEX attempts_one_start_a_failed_run ON attempts (order_pk, from_run_id)
    WHERE run_id IS NOT NULL AND manual = 0;
CREATE UNIQUE INDEX attempts_one_open_an_order ON attempts (order_pk) WHERE outcome IS NULL;

-- Every failed run that was observed, by run id, so that observing it twice is free.
CREATE TABLE failures (
    run_id         TEXT PRIMARY KEY,
    order_pk       INTEGER NOT NULL REFERENCES orders (id),
    first_run_id   TEXT    NOT NULL,
    run_status     TEXT    NOT NULL CHECK (run_status IN ('failed', 'timed_out')),
    failure_status TEXT    NOT NULL,
    fingerprint    TEXT    NOT NULL,
    reason         TEXT    NOT NULL,
    has_parent     INTEGER NOT NULL CHECK (has_parent IN (0, 1)),
    from_run_id    TEXT,                              -- our memo on it: the failed run that it restarted
    closed_at      INTEGER NOT NULL,
    observed_at    INTEGER NOT NULL,
    pending        INTEGER NOT NULL CHECK (pending IN (0, 1))  -- its meaning waits for an intent or a followed run
) STRICT;
CREATE INDEX failures_by_order ON failures (order_pk, closed_at);
CREATE INDEX failures_by_group ON failures (failure_status, fingerprint, closed_at);
CREATE INDEX failures_by_time ON failures (closed_at);
CREATE INDEX failures_pending ON failures (order_pk) WHERE pending = 1;

-- Failures that have type, status and normalised message in common, counted as they are recorded.
CREATE TABLE failure_groups (
    workflow_type  TEXT    NOT NULL,
    failure_status TEXT    NOT NULL,
    fingerprint    TEXT    NOT NULL,
    failures       INTEGER NOT NULL,
    first_seen_at  INTEGER NOT NULL,
    last_seen_at   INTEGER NOT NULL,
    sample         TEXT    NOT NULL,                  -- the message of the last one
    PRIMARY KEY (fingerprint, failure_status, workflow_type)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER failures_grouped AFTER INSERT ON failures BEGIN
    INSERT INTO failure_groups (workflow_type, failure_status, fingerprint, failures, first_seen_at, last_seen_at, sample)
    SELECT o.workflow_type, NEW.failure_status, NEW.fingerprint, 1, NEW.closed_at, NEW.closed_at, NEW.reason
        FROM orders AS o WHERE o.id = NEW.order_pk
    ON CONFLICT DO UPDATE SET failures = failures + 1,
        first_seen_at = min(first_seen_at, excluded.first_seen_at),
        sample = iif(excluded.last_seen_at >= last_seen_at, excluded.sample, sample),
        last_seen_at = max(last_seen_at, excluded.last_seen_at);
END;

CREATE TABLE dead_letters (
    id               INTEGER PRIMARY KEY,
    order_pk         INTEGER NOT NULL REFERENCES orders (id),
    generation       INTEGER NOT NULL,
    reason           TEXT    NOT NULL CHECK (reason IN ('budget_spent', 'cannot_start', 'outcome_unknown', 'parked')),
    failure_status   TEXT    NOT NULL,
    failure_reason   TEXT    NOT NULL,
    retry_count      INTEGER NOT NULL,
    escalation_level TEXT    NOT NULL DEFAULT 'normal' CHECK (escalation_level IN ('normal', 'high', 'critical')),
    batch_id         TEXT,
    created_at       INTEGER NOT NULL,
    updated_at       INTEGER NOT NULL,
    resolved_at      INTEGER,
    resolution       TEXT CHECK (resolution IN ('manual_retry', 'cancelled', 'escalated', 'recovered_elsewhere', 'stopped')),
    resolved_by      TEXT,
    notes            TEXT,
    UNIQUE (order_pk, generation),
    CHECK ((resolved_at IS NULL) = (resolution IS NULL))
) STRICT;
CREATE INDEX dead_letters_open ON dead_letters (created_at) WHERE resolved_at IS NULL;
CREATE INDEX dead_letters_open_by_status ON dead_letters (failure_status, created_at) WHERE resolved_at IS NULL;
CREATE INDEX dead_letters_by_time ON dead_letters (created_at);

-- The queue in numbers; resolution is '' for those that wait.
CREATE TABLE dead_letter_counts (
    failure_status TEXT    NOT NULL,
    resolution     TEXT    NOT NULL,
    entries        INTEGER NOT NULL CHECK (entries >= 0),
    retries        INTEGER NOT NULL,
    PRIMARY KEY (failure_status, resolution)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER dead_letters_counted AFTER INSERT ON dead_letters BEGIN
    INSERT INTO dead_letter_counts (failure_status, resolution, entries, retries)
        VALUES (NEW.failure_status, coalesce(NEW.resolution, ''), 1, NEW.retry_count)
        ON CONFLICT DO UPDATE SET entries = entries + 1, retries = retries + excluded.retries;
END;
CREATE TRIGGER dead_letters_recounted AFTER UPDATE OF failure_status, resolution, retry_count ON dead_letters BEGIN
    UPDATE dead_letter_counts SET entries = entries - 1, retries = retries - OLD.retry_count
        WHERE failure_status = OLD.failure_status AND resolution = coalesce(OLD.resolution, '');
    INSERT INTO dead_letter_counts (failure_status, resolution, entries, retries)
        VALUES (NEW.failure_status, coalesce(NEW.resolution, ''), 1, NEW.retry_count)
        ON CONFLICT DO UPDATE SET entries = entries + 1, retries = retries + excluded.retries;
END;

-- One row a batch: the spec's columns, and what its workflow, pages and successors need.
CREATE TABLE reprocessing_results (
    batch_id           TEXT PRIMARY KEY,
    workflow_id        TEXT    NOT NULL,
    status             TEXT    NOT NULL CHECK (status IN ('running', 'completed', 'partial', 'failed', 'abandoned')),
    started_at         INTEGER NOT NULL,
    processed_at       INTEGER NOT NULL,              -- when it ended; while it runs, when it started
    one_order          INTEGER NOT NULL CHECK (one_order IN (0, 1)),  -- an operator's retry of one order
    found_count        INTEGER NOT NULL DEFAULT 0,
    restarted_count    INTEGER NOT NULL DEFAULT 0,
    dlq_count          INTEGER NOT NULL DEFAULT 0,
    error_count        INTEGER NOT NULL DEFAULT 0,
    skipped_count      INTEGER NOT NULL DEFAULT 0,
    recovered_count    INTEGER NOT NULL DEFAULT 0,
    failed_again_count INTEGER NOT NULL DEFAULT 0,
    backlog_count      INTEGER NOT NULL DEFAULT 0,
    scan_failed        INTEGER NOT NULL DEFAULT 0 CHECK (scan_failed IN (0, 1)),
    settle_failed      INTEGER NOT NULL DEFAULT 0 CHECK (settle_failed IN (0, 1)),
    truncated          INTEGER NOT NULL DEFAULT 0 CHECK (truncated IN (0, 1)),
    error              TEXT,
    alerts             TEXT    NOT NULL DEFAULT '[]',
    CHECK (found_count = restarted_count + dlq_count + error_count + skipped_count)
) STRICT;
CREATE INDEX results_by_time ON reprocessing_results (processed_at);
CREATE INDEX results_running ON reprocessing_results (started_at) WHERE status = 'running';

-- What a batch did with each order it found. Counts are counts of these rows, so nothing is counted twice.
CREATE TABLE verdicts (
    batch_id TEXT    NOT NULL,
    order_pk INTEGER NOT NULL REFERENCES orders (id),
    chunk    INTEGER,                                 -- NULL: learnt by scan or settle
    verdict  TEXT    NOT NULL CHECK (verdict IN ('restarted', 'dlq', 'error', 'skipped')),
    reason   TEXT,
    at       INTEGER NOT NULL,
    PRIMARY KEY (batch_id, order_pk)
) STRICT, WITHOUT ROWID;
CREATE INDEX verdicts_by_order ON verdicts (order_pk);
CREATE INDEX verdicts_by_chunk ON verdicts (batch_id, chunk);

-- How to start the failed run again, as opaque compressed bytes: works after the server has forgotten the run.
-- One an open order: its failed run's; and those of failures whose meaning waits, as one of them may be the next.
CREATE TABLE start_requests (
    order_pk INTEGER NOT NULL REFERENCES orders (id),
    run_id   TEXT    NOT NULL,                        -- the failed run whose first event it was read from
    request  BLOB    NOT NULL,                        -- compressed with zstd
    saved_at INTEGER NOT NULL,
    PRIMARY KEY (order_pk, run_id)
) STRICT;

CREATE TABLE audit_events (
    id       INTEGER PRIMARY KEY,
    at       INTEGER NOT NULL,
    actor    TEXT    NOT NULL,
    action   TEXT    NOT NULL,
    order_pk INTEGER REFERENCES orders (id),
    reason   TEXT    NOT NULL,
    detail   TEXT
) STRICT;
CREATE INDEX audit_by_time ON audit_events (at);
CREATE INDEX audit_by_order ON audit_events (order_pk) WHERE order_pk IS NOT NULL;

-- How far each watched type has been scanned.
CREATE TABLE scan_windows (
    workflow_type TEXT    PRIMARY KEY,
    first_look_at INTEGER NOT NULL,                   -- older failures are counted, not taken in
    older_count   INTEGER NOT NULL,
    watermark     INTEGER NOT NULL,                   -- everything that closed before it is stored
    swept_at      INTEGER NOT NULL
) STRICT;

-- When the next start may happen: one row, shared by every worker.
CREATE TABLE start_rate (
    id      INTEGER PRIMARY KEY CHECK (id = 1),
    next_at INTEGER NOT NULL
) STRICT;
INSERT INTO start_rate (id, next_at) VALUES (1, 0);
