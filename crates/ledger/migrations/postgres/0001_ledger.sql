-- The ledger. Times are microseconds since 1970 UTC; texts of enums are those of redrive_core.
-- Invariants stand here as CHECK and UNIQUE, so that no process, old or new, can write past them.
--
-- The same tables and columns as SQLite's, so that the same code reads them: flags are 0 and 1, and texts compare byte by
-- byte (COLLATE "C"), whatever language the database speaks. Only processed_at is a time of PostgreSQL's own: people query it.

CREATE TABLE settings (
    key   TEXT COLLATE "C" PRIMARY KEY,
    value TEXT COLLATE "C" NOT NULL
);

CREATE TABLE orders (
    id              BIGINT PRIMARY KEY,
    workflow_id     TEXT COLLATE "C" NOT NULL UNIQUE,     -- the key within the ledger's namespace
    order_id        TEXT COLLATE "C" NOT NULL,
    customer_id     TEXT COLLATE "C",                     -- where the watched type tells where it stands
    workflow_type   TEXT COLLATE "C" NOT NULL,
    state           TEXT COLLATE "C" NOT NULL CHECK (
                        state IN ('failed', 'claimed', 'in_flight', 'held', 'dead_lettered', 'recovered', 'resolved', 'stopped')),
    generation      BIGINT NOT NULL DEFAULT 1 CHECK (generation >= 1),
    retry_count     BIGINT NOT NULL DEFAULT 0 CHECK (retry_count >= 0),  -- attempts of this generation that started
    item_errors     BIGINT NOT NULL DEFAULT 0 CHECK (item_errors >= 0),  -- refused starts in a row
    -- the failed run: the one a restart acts on
    failed_run_id   TEXT COLLATE "C" NOT NULL,
    failed_at       BIGINT NOT NULL,
    failure_status  TEXT COLLATE "C" NOT NULL,
    fingerprint     TEXT COLLATE "C" NOT NULL,
    failure_reason  TEXT COLLATE "C" NOT NULL,
    has_parent      BIGINT NOT NULL DEFAULT 0 CHECK (has_parent IN (0, 1)),
    -- whose turn it is
    eligible        BIGINT NOT NULL CHECK (eligible IN (0, 1)),  -- the policy lets it be reprocessed
    manual          BIGINT NOT NULL DEFAULT 0 CHECK (manual IN (0, 1)),  -- an operator's retry: first in line
    due_at          BIGINT NOT NULL,
    last_batch      TEXT COLLATE "C",                     -- the batch that last handled it: never twice by one batch
    -- ownership, while claimed; the fence outlives the claim and only grows
    claim_batch     TEXT COLLATE "C",
    claim_chunk     BIGINT,
    fence           BIGINT NOT NULL DEFAULT 0,
    -- the run that is followed, while in flight
    followed_run_id TEXT COLLATE "C",                     -- the first run of its chain
    followed_since  BIGINT,
    next_check_at   BIGINT,                               -- when it is described again; NULL while claimed or closed
    checks          BIGINT NOT NULL DEFAULT 0,
    -- how it ended, while closed
    closed_at       BIGINT,
    resolution      TEXT COLLATE "C" CHECK (resolution IN ('recovered', 'recovered_elsewhere', 'cancelled', 'escalated', 'stopped')),
    created_at      BIGINT NOT NULL,
    updated_at      BIGINT NOT NULL,
    CHECK ((state = 'claimed') = (claim_batch IS NOT NULL AND claim_chunk IS NOT NULL)),
    CHECK ((state = 'in_flight') = (followed_run_id IS NOT NULL)),
    CHECK ((state IN ('recovered', 'resolved', 'stopped')) = (closed_at IS NOT NULL AND resolution IS NOT NULL)),
    -- every open order is described again, sooner or later; a claimed one by its chunk
    CHECK ((state IN ('failed', 'in_flight', 'held', 'dead_lettered')) = (next_check_at IS NOT NULL))
);
-- Every claim leaves its old place in the index of whose turn it is: those are cleared away soon, not after a fifth of all.
ALTER TABLE orders SET (autovacuum_vacuum_scale_factor = 0.02);
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

-- How many orders are in each state, kept by whoever writes, so that looking costs nothing. Each statement appends what it has
-- changed and the sum is read: a counter that every transaction updates would make them wait for each other. Now and then
-- the rows are added up (sql/compact.rs).
CREATE TABLE order_counts (
    state  TEXT COLLATE "C" NOT NULL,
    orders BIGINT NOT NULL
);
CREATE FUNCTION count_orders() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO order_counts (state, orders) SELECT state, count(*) FROM fresh GROUP BY state;
    RETURN NULL;
END $$;
CREATE FUNCTION recount_orders() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO order_counts (state, orders)
    SELECT state, sum(change) FROM (SELECT state, 1 AS change FROM fresh UNION ALL SELECT state, -1 FROM stale) AS changed
    GROUP BY state HAVING sum(change) <> 0;
    RETURN NULL;
END $$;
CREATE TRIGGER orders_counted AFTER INSERT ON orders
    REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION count_orders();
CREATE TRIGGER orders_recounted AFTER UPDATE ON orders
    REFERENCING OLD TABLE AS stale NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION recount_orders();

-- One redrive of one order. It begins as an intent (run_id and outcome NULL), before any call to the server.
CREATE TABLE attempts (
    id            BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    order_pk      BIGINT NOT NULL REFERENCES orders (id),
    generation    BIGINT NOT NULL,
    number        BIGINT NOT NULL CHECK (number >= 1),
    from_run_id   TEXT COLLATE "C" NOT NULL,
    request_id    TEXT COLLATE "C" NOT NULL,
    batch_id      TEXT COLLATE "C" NOT NULL,
    manual        BIGINT NOT NULL CHECK (manual IN (0, 1)),  -- an operator asked for it
    intent_at     BIGINT NOT NULL,
    run_id        TEXT COLLATE "C" UNIQUE,                -- the first run of ours; one run never answers two attempts
    started_at    BIGINT,
    outcome       TEXT COLLATE "C" CHECK (outcome IN ('not_started', 'recovered', 'failed_again', 'stopped', 'unknown')),
    note          TEXT COLLATE "C",                       -- why it was not started
    settled_at    BIGINT,
    settled_batch TEXT COLLATE "C",                       -- the batch that learnt the outcome
    CHECK ((run_id IS NULL) = (started_at IS NULL)),
    CHECK ((outcome IS NULL) = (settled_at IS NULL))
);
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
    run_id         TEXT COLLATE "C" PRIMARY KEY,
    order_pk       BIGINT NOT NULL REFERENCES orders (id),
    first_run_id   TEXT COLLATE "C" NOT NULL,
    run_status     TEXT COLLATE "C" NOT NULL CHECK (run_status IN ('failed', 'timed_out')),
    failure_status TEXT COLLATE "C" NOT NULL,
    fingerprint    TEXT COLLATE "C" NOT NULL,
    reason         TEXT COLLATE "C" NOT NULL,
    has_parent     BIGINT NOT NULL CHECK (has_parent IN (0, 1)),
    from_run_id    TEXT COLLATE "C",                      -- our memo on it: the failed run that it restarted
    closed_at      BIGINT NOT NULL,
    observed_at    BIGINT NOT NULL,
    pending        BIGINT NOT NULL CHECK (pending IN (0, 1))  -- its meaning waits for an intent or a followed run
);
CREATE INDEX failures_by_order ON failures (order_pk, closed_at);
CREATE INDEX failures_by_group ON failures (failure_status, fingerprint, closed_at);
CREATE INDEX failures_by_time ON failures (closed_at);
CREATE INDEX failures_pending ON failures (order_pk) WHERE pending = 1;

-- Failures that have type, status and normalised message in common, counted as they are recorded.
CREATE TABLE failure_groups (
    workflow_type  TEXT COLLATE "C" NOT NULL,
    failure_status TEXT COLLATE "C" NOT NULL,
    fingerprint    TEXT COLLATE "C" NOT NULL,
    failures       BIGINT NOT NULL,
    first_seen_at  BIGINT NOT NULL,
    last_seen_at   BIGINT NOT NULL,
    sample         TEXT COLLATE "C" NOT NULL,             -- the message of the last one
    PRIMARY KEY (fingerprint, failure_status, workflow_type)
);
-- In the order of the key, so that two statements never wait for each other.
CREATE FUNCTION group_failures() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO failure_groups (workflow_type, failure_status, fingerprint, failures, first_seen_at, last_seen_at, sample)
    SELECT o.workflow_type, f.failure_status, f.fingerprint, count(*), min(f.closed_at), max(f.closed_at),
        (array_agg(f.reason ORDER BY f.closed_at DESC, f.run_id DESC))[1]
    FROM fresh AS f JOIN orders AS o ON o.id = f.order_pk
    GROUP BY o.workflow_type, f.failure_status, f.fingerprint
    ORDER BY f.fingerprint, f.failure_status, o.workflow_type
    ON CONFLICT (fingerprint, failure_status, workflow_type) DO UPDATE SET
        failures = failure_groups.failures + excluded.failures,
        first_seen_at = least(failure_groups.first_seen_at, excluded.first_seen_at),
        sample = CASE WHEN excluded.last_seen_at >= failure_groups.last_seen_at
            THEN excluded.sample ELSE failure_groups.sample END,
        last_seen_at = greatest(failure_groups.last_seen_at, excluded.last_seen_at);
    RETURN NULL;
END $$;
CREATE TRIGGER failures_grouped AFTER INSERT ON failures
    REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION group_failures();

CREATE TABLE dead_letters (
    id               BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    order_pk         BIGINT NOT NULL REFERENCES orders (id),
    generation       BIGINT NOT NULL,
    reason           TEXT COLLATE "C" NOT NULL CHECK (reason IN ('budget_spent', 'cannot_start', 'outcome_unknown', 'parked')),
    failure_status   TEXT COLLATE "C" NOT NULL,
    failure_reason   TEXT COLLATE "C" NOT NULL,
    retry_count      BIGINT NOT NULL,
    escalation_level TEXT COLLATE "C" NOT NULL DEFAULT 'normal' CHECK (escalation_level IN ('normal', 'high', 'critical')),
    batch_id         TEXT COLLATE "C",
    created_at       BIGINT NOT NULL,
    updated_at       BIGINT NOT NULL,
    resolved_at      BIGINT,
    resolution       TEXT COLLATE "C" CHECK (resolution IN ('manual_retry', 'cancelled', 'escalated', 'recovered_elsewhere', 'stopped')),
    resolved_by      TEXT COLLATE "C",
    notes            TEXT COLLATE "C",
    UNIQUE (order_pk, generation),
    CHECK ((resolved_at IS NULL) = (resolution IS NULL))
);
CREATE INDEX dead_letters_open ON dead_letters (created_at) WHERE resolved_at IS NULL;
CREATE INDEX dead_letters_open_by_status ON dead_letters (failure_status, created_at) WHERE resolved_at IS NULL;
CREATE INDEX dead_letters_by_time ON dead_letters (created_at);

-- The queue in numbers; resolution is '' for those that wait. Changes, to be summed, as order_counts.
CREATE TABLE dead_letter_counts (
    failure_status TEXT COLLATE "C" NOT NULL,
    resolution     TEXT COLLATE "C" NOT NULL,
    entries        BIGINT NOT NULL,
    retries        BIGINT NOT NULL
);
CREATE FUNCTION count_dead_letters() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO dead_letter_counts (failure_status, resolution, entries, retries)
    SELECT failure_status, coalesce(resolution, ''), count(*), sum(retry_count) FROM fresh GROUP BY 1, 2;
    RETURN NULL;
END $$;
CREATE FUNCTION recount_dead_letters() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO dead_letter_counts (failure_status, resolution, entries, retries)
    SELECT failure_status, waits_or, sum(entries), sum(retries) FROM (
        SELECT failure_status, coalesce(resolution, '') AS waits_or, 1 AS entries, retry_count AS retries FROM fresh
        UNION ALL
        SELECT failure_status, coalesce(resolution, ''), -1, -retry_count FROM stale
    ) AS changed
    GROUP BY failure_status, waits_or HAVING sum(entries) <> 0 OR sum(retries) <> 0;
    RETURN NULL;
END $$;
CREATE TRIGGER dead_letters_counted AFTER INSERT ON dead_letters
    REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION count_dead_letters();
CREATE TRIGGER dead_letters_recounted AFTER UPDATE ON dead_letters
    REFERENCING OLD TABLE AS stale NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION recount_dead_letters();

-- One row a batch: the spec's columns, and what its workflow, pages and successors need.
CREATE TABLE reprocessing_results (
    batch_id           TEXT COLLATE "C" PRIMARY KEY,
    workflow_id        TEXT COLLATE "C" NOT NULL,
    status             TEXT COLLATE "C" NOT NULL CHECK (status IN ('running', 'completed', 'partial', 'failed', 'abandoned')),
    started_at         BIGINT NOT NULL,
    processed_at       TIMESTAMPTZ NOT NULL,                   -- when it ended; while it runs, when it started
    one_order          BIGINT NOT NULL CHECK (one_order IN (0, 1)),  -- an operator's retry of one order
    found_count        BIGINT NOT NULL DEFAULT 0,
    restarted_count    BIGINT NOT NULL DEFAULT 0,
    dlq_count          BIGINT NOT NULL DEFAULT 0,
    error_count        BIGINT NOT NULL DEFAULT 0,
    skipped_count      BIGINT NOT NULL DEFAULT 0,
    recovered_count    BIGINT NOT NULL DEFAULT 0,
    failed_again_count BIGINT NOT NULL DEFAULT 0,
    backlog_count      BIGINT NOT NULL DEFAULT 0,
    scan_failed        BIGINT NOT NULL DEFAULT 0 CHECK (scan_failed IN (0, 1)),
    settle_failed      BIGINT NOT NULL DEFAULT 0 CHECK (settle_failed IN (0, 1)),
    truncated          BIGINT NOT NULL DEFAULT 0 CHECK (truncated IN (0, 1)),
    error              TEXT COLLATE "C",
    alerts             TEXT COLLATE "C" NOT NULL DEFAULT '[]',
    CHECK (found_count = restarted_count + dlq_count + error_count + skipped_count)
);
CREATE INDEX results_by_time ON reprocessing_results (processed_at);
CREATE INDEX results_running ON reprocessing_results (started_at) WHERE status = 'running';

-- What a batch did with each order it found. Counts are counts of these rows, so nothing is counted twice.
CREATE TABLE verdicts (
    batch_id TEXT COLLATE "C" NOT NULL,
    order_pk BIGINT NOT NULL REFERENCES orders (id),
    chunk    BIGINT,                                      -- NULL: learnt by scan or settle
    verdict  TEXT COLLATE "C" NOT NULL CHECK (verdict IN ('restarted', 'dlq', 'error', 'skipped')),
    reason   TEXT COLLATE "C",
    at       BIGINT NOT NULL,
    PRIMARY KEY (batch_id, order_pk)
);
CREATE INDEX verdicts_by_order ON verdicts (order_pk);
CREATE INDEX verdicts_by_chunk ON verdicts (batch_id, chunk);

-- How to start the failed run again, as opaque compressed bytes: works after the server has forgotten the run.
-- One an open order: its failed run's; and those of failures whose meaning waits, as one of them may be the next.
CREATE TABLE start_requests (
    order_pk BIGINT NOT NULL REFERENCES orders (id),
    run_id   TEXT COLLATE "C" NOT NULL,                   -- the failed run whose first event it was read from
    request  BYTEA NOT NULL,                              -- compressed with zstd
    saved_at BIGINT NOT NULL,
    PRIMARY KEY (order_pk, run_id)
);
ALTER TABLE start_requests ALTER COLUMN request SET STORAGE EXTERNAL;  -- compressed already

CREATE TABLE audit_events (
    id       BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    at       BIGINT NOT NULL,
    actor    TEXT COLLATE "C" NOT NULL,
    action   TEXT COLLATE "C" NOT NULL,
    order_pk BIGINT REFERENCES orders (id),
    reason   TEXT COLLATE "C" NOT NULL,
    detail   TEXT COLLATE "C"
);
CREATE INDEX audit_by_time ON audit_events (at);
CREATE INDEX audit_by_order ON audit_events (order_pk) WHERE order_pk IS NOT NULL;

-- How far each watched type has been scanned.
CREATE TABLE scan_windows (
    workflow_type TEXT COLLATE "C" PRIMARY KEY,
    first_look_at BIGINT NOT NULL,                        -- older failures are counted, not taken in
    older_count   BIGINT NOT NULL,
    watermark     BIGINT NOT NULL,                        -- everything that closed before it is stored
    swept_at      BIGINT NOT NULL
);

-- When the next start may happen: one row, shared by every worker.
CREATE TABLE start_rate (
    id      BIGINT PRIMARY KEY CHECK (id = 1),
    next_at BIGINT NOT NULL
);
INSERT INTO start_rate (id, next_at) VALUES (1, 0);
