-- More counters, so that looking costs nothing however much there is: which orders are the backlog, and what attempts came to.
-- Both are changes, to be summed (0001).

LOCK TABLE orders, attempts IN SHARE ROW EXCLUSIVE MODE;

-- backlog: an order that batches are to restart.
DELETE FROM order_counts;
ALTER TABLE order_counts ADD COLUMN backlog BIGINT NOT NULL CHECK (backlog IN (0, 1));
CREATE FUNCTION is_backlog(an_order orders) RETURNS BIGINT LANGUAGE sql IMMUTABLE AS $$
    SELECT (an_order.state = 'failed' AND (an_order.eligible = 1 OR an_order.manual = 1))::INT::BIGINT
$$;
INSERT INTO order_counts (state, backlog, orders) SELECT o.state, is_backlog(o), count(*) FROM orders AS o GROUP BY 1, 2;
CREATE OR REPLACE FUNCTION count_orders() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO order_counts (state, backlog, orders) SELECT o.state, is_backlog(o), count(*) FROM fresh AS o GROUP BY 1, 2;
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
    RETURN NULL;
END $$;

-- What attempts came to in each quarter of an hour since 1970: every zone's midnight is the beginning of one.
CREATE TABLE attempt_counts (
    quarter  BIGINT NOT NULL,
    outcome  TEXT COLLATE "C" NOT NULL,
    attempts BIGINT NOT NULL
);
CREATE INDEX attempt_counts_by_quarter ON attempt_counts (quarter);
INSERT INTO attempt_counts (quarter, outcome, attempts)
    SELECT settled_at / 900000000, outcome, count(*) FROM attempts WHERE settled_at IS NOT NULL GROUP BY 1, 2;
CREATE FUNCTION count_attempts() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO attempt_counts (quarter, outcome, attempts)
    SELECT settled_at / 900000000, outcome, count(*) FROM fresh WHERE settled_at IS NOT NULL GROUP BY 1, 2;
    RETURN NULL;
END $$;
CREATE FUNCTION recount_attempts() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO attempt_counts (quarter, outcome, attempts)
    SELECT quarter, outcome, sum(change) FROM (
        SELECT settled_at / 900000000 AS quarter, outcome, 1 AS change FROM fresh WHERE settled_at IS NOT NULL
        UNION ALL
        SELECT settled_at / 900000000, outcome, -1 FROM stale WHERE settled_at IS NOT NULL
    ) AS changed
    GROUP BY quarter, outcome HAVING sum(change) <> 0;
    RETURN NULL;
END $$;
CREATE TRIGGER attempts_counted AFTER INSERT ON attempts
    REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION count_attempts();
CREATE TRIGGER attempts_recounted AFTER UPDATE ON attempts
    REFERENCING OLD TABLE AS stale NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION recount_attempts();
