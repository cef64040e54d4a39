-- What lists need so that they cost as much as they show, however much there is.

LOCK TABLE orders IN SHARE ROW EXCLUSIVE MODE;

-- Open orders of each failure group, as changes to be summed (0001). To count them took as long as there were orders; the index that
-- it was counted from is needed no more.
CREATE TABLE open_orders (
    workflow_type  TEXT COLLATE "C" NOT NULL,
    failure_status TEXT COLLATE "C" NOT NULL,
    fingerprint    TEXT COLLATE "C" NOT NULL,
    orders         BIGINT NOT NULL
);
CREATE INDEX open_orders_by_group ON open_orders (fingerprint, failure_status, workflow_type);
INSERT INTO open_orders (workflow_type, failure_status, fingerprint, orders)
    SELECT workflow_type, failure_status, fingerprint, count(*) FROM orders WHERE closed_at IS NULL GROUP BY 1, 2, 3;
CREATE OR REPLACE FUNCTION count_orders() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO order_counts (state, backlog, orders) SELECT o.state, is_backlog(o), count(*) FROM fresh AS o GROUP BY 1, 2;
    INSERT INTO open_orders (workflow_type, failure_status, fingerprint, orders)
    SELECT workflow_type, failure_status, fingerprint, count(*) FROM fresh WHERE closed_at IS NULL GROUP BY 1, 2, 3;
    RETURN NULL;
END $$;
CREATE OR REPLACE FUNCTION recount_orders() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO order_counts (state, backlog, orders)
    SELECT state, backlog, sum(change) FROM (
        SELECT o.state, is_backlog(o) AS backlog, 1 AS change FROM fresh AS o
        UNION ALL
        SELECT o.state, is_backlog(o), -1 FROM stale AS o
    ) AS changed
    GROUP BY state, backlog HAVING sum(change) <> 0;
    INSERT INTO open_orders (workflow_type, failure_status, fingerprint, orders)
    SELECT workflow_type, failure_status, fingerprint, sum(change) FROM (
        SELECT workflow_type, failure_status, fingerprint, 1 AS change FROM fresh WHERE closed_at IS NULL
        UNION ALL
        SELECT workflow_type, failure_status, fingerprint, -1 FROM stale WHERE closed_at IS NULL
    ) AS changed
    GROUP BY workflow_type, failure_status, fingerprint HAVING sum(change) <> 0;
    RETURN NULL;
END $$;
DROP INDEX orders_open_by_group;

-- Decided dead letters, and both kinds of one failure status, in the queue's order.
CREATE INDEX dead_letters_decided ON dead_letters (created_at) WHERE resolved_at IS NOT NULL;
CREATE INDEX dead_letters_decided_by_status ON dead_letters (failure_status, created_at) WHERE resolved_at IS NOT NULL;
CREATE INDEX dead_letters_by_status ON dead_letters (failure_status, created_at);

-- Failed runs of one failure status, in the order of time.
CREATE INDEX failures_by_status ON failures (failure_status, closed_at);
