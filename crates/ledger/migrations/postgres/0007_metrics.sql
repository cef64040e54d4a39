-- What was done, counted for ever and never taken back, for those who watch: by how it ended and by failure status, never by
-- order. A number here only grows, unlike those of 0001 and 0003, which say how things stand: a verdict or an outcome that is
-- corrected counts again under its new name. All are changes, to be summed (0001).

LOCK TABLE orders, attempts, verdicts IN SHARE ROW EXCLUSIVE MODE;

-- What batches did with the orders that they found.
CREATE TABLE verdict_counts (
    verdict        TEXT COLLATE "C" NOT NULL,
    failure_status TEXT COLLATE "C" NOT NULL,             -- the order's, at that moment
    orders         BIGINT NOT NULL CHECK (orders >= 0)
);
INSERT INTO verdict_counts (verdict, failure_status, orders)
    SELECT v.verdict, o.failure_status, count(*) FROM verdicts AS v JOIN orders AS o ON o.id = v.order_pk GROUP BY 1, 2;
CREATE FUNCTION count_verdicts() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO verdict_counts (verdict, failure_status, orders)
    SELECT v.verdict, o.failure_status, count(*) FROM fresh AS v JOIN orders AS o ON o.id = v.order_pk GROUP BY 1, 2;
    RETURN NULL;
END $$;
CREATE FUNCTION recount_verdicts() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO verdict_counts (verdict, failure_status, orders)
    SELECT v.verdict, o.failure_status, count(*)
    FROM fresh AS v
    JOIN stale AS was ON was.batch_id = v.batch_id AND was.order_pk = v.order_pk AND was.verdict <> v.verdict
    JOIN orders AS o ON o.id = v.order_pk
    GROUP BY 1, 2;
    RETURN NULL;
END $$;
CREATE TRIGGER verdicts_counted AFTER INSERT ON verdicts
    REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION count_verdicts();
CREATE TRIGGER verdicts_recounted AFTER UPDATE ON verdicts
    REFERENCING OLD TABLE AS stale NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION recount_verdicts();

-- What attempts came to.
CREATE TABLE outcome_counts (
    outcome        TEXT COLLATE "C" NOT NULL,
    failure_status TEXT COLLATE "C" NOT NULL,             -- that of the failed run that was to be restarted
    attempts       BIGINT NOT NULL CHECK (attempts >= 0)
);
INSERT INTO outcome_counts (outcome, failure_status, attempts)
    SELECT a.outcome, coalesce(f.failure_status, o.failure_status), count(*)
    FROM attempts AS a JOIN orders AS o ON o.id = a.order_pk LEFT JOIN failures AS f ON f.run_id = a.from_run_id
    WHERE a.outcome IS NOT NULL GROUP BY 1, 2;

-- How long orders took from the failure that began their generation to the end of the run that recovered them, counted from
-- this migration on.
CREATE TABLE recovery_bounds (
    le BIGINT PRIMARY KEY                                 -- seconds; the last one is as good as for ever
);
INSERT INTO recovery_bounds (le) VALUES
    (60), (300), (900), (1800), (3600), (7200), (14400), (28800), (86400), (259200), (604800), (9223372036854775807);
CREATE TABLE recovery_counts (
    le     BIGINT NOT NULL,                               -- the smallest bound that is no shorter
    orders BIGINT NOT NULL CHECK (orders >= 0),
    micros BIGINT NOT NULL CHECK (micros >= 0)            -- of all of them together
);

CREATE FUNCTION count_outcomes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO outcome_counts (outcome, failure_status, attempts)
    SELECT a.outcome, coalesce(f.failure_status, o.failure_status), count(*)
    FROM fresh AS a
    JOIN stale AS was ON was.id = a.id AND was.outcome IS DISTINCT FROM a.outcome
    JOIN orders AS o ON o.id = a.order_pk
    LEFT JOIN failures AS f ON f.run_id = a.from_run_id
    WHERE a.outcome IS NOT NULL GROUP BY 1, 2;

    INSERT INTO recovery_counts (le, orders, micros)
    SELECT (SELECT min(b.le) FROM recovery_bounds AS b WHERE b.le * 1000000.0 >= t.took), 1, t.took
    FROM (
        SELECT greatest(0, coalesce(o.closed_at, a.settled_at) - began.at) AS took
        FROM fresh AS a
        JOIN stale AS was ON was.id = a.id AND was.outcome IS DISTINCT FROM a.outcome
        JOIN orders AS o ON o.id = a.order_pk
        CROSS JOIN LATERAL (
            SELECT min(f.closed_at) AS at FROM attempts AS e JOIN failures AS f ON f.run_id = e.from_run_id
            WHERE e.order_pk = a.order_pk AND e.generation = a.generation
        ) AS began
        WHERE a.outcome = 'recovered' AND began.at IS NOT NULL
    ) AS t;
    RETURN NULL;
END $$;
CREATE TRIGGER outcomes_counted AFTER UPDATE ON attempts
    REFERENCING OLD TABLE AS stale NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION count_outcomes();
