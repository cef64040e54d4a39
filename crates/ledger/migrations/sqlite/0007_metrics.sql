-- What was done, counted for ever and never taken back, for those who watch: by how it ended and by failure status, never by
-- order. A number here only grows, unlike those of 0001 and 0003, which say how things stand: a verdict or an outcome that is
-- corrected counts again under its new name.

-- What batches did with the orders that they found.
CREATE TABLE verdict_counts (
    verdict        TEXT    NOT NULL,
    failure_status TEXT    NOT NULL,                  -- the order's, at that moment
    orders         INTEGER NOT NULL CHECK (orders >= 0),
    PRIMARY KEY (verdict, failure_status)
) STRICT, WITHOUT ROWID;
INSERT INTO verdict_counts (verdict, failure_status, orders)
    SELECT v.verdict, o.failure_status, count(*) FROM verdicts AS v JOIN orders AS o ON o.id = v.order_pk GROUP BY 1, 2;
CREATE TRIGGER verdicts_counted AFTER INSERT ON verdicts BEGIN
    INSERT INTO verdict_counts (verdict, failure_status, orders)
        SELECT NEW.verdict, o.failure_status, 1 FROM orders AS o WHERE o.id = NEW.order_pk
        ON CONFLICT DO UPDATE SET orders = orders + 1;
END;
CREATE TRIGGER verdicts_recounted AFTER UPDATE OF verdict ON verdicts WHEN OLD.verdict <> NEW.verdict BEGIN
    INSERT INTO verdict_counts (verdict, failure_status, orders)
        SELECT NEW.verdict, o.failure_status, 1 FROM orders AS o WHERE o.id = NEW.order_pk
        ON CONFLICT DO UPDATE SET orders = orders + 1;
END;

-- What attempts came to.
CREATE TABLE outcome_counts (
    outcome        TEXT    NOT NULL,
    failure_status TEXT    NOT NULL,                  -- that of the failed run that was to be restarted
    attempts       INTEGER NOT NULL CHECK (attempts >= 0),
    PRIMARY KEY (outcome, failure_status)
) STRICT, WITHOUT ROWID;
INSERT INTO outcome_counts (outcome, failure_status, attempts)
    SELECT a.outcome, coalesce(f.failure_status, o.failure_status), count(*)
    FROM attempts AS a JOIN orders AS o ON o.id = a.order_pk LEFT JOIN failures AS f ON f.run_id = a.from_run_id
    WHERE a.outcome IS NOT NULL GROUP BY 1, 2;
CREATE TRIGGER outcomes_counted AFTER UPDATE OF outcome ON attempts
    WHEN NEW.outcome IS NOT NULL AND NEW.outcome IS NOT OLD.outcome BEGIN
    INSERT INTO outcome_counts (outcome, failure_status, attempts)
        SELECT NEW.outcome, coalesce(f.failure_status, o.failure_status), 1
        FROM orders AS o LEFT JOIN failures AS f ON f.run_id = NEW.from_run_id WHERE o.id = NEW.order_pk
        ON CONFLICT DO UPDATE SET attempts = attempts + 1;
END;

-- How long orders took from the failure that began their generation to the end of the run that recovered them, counted from
-- this migration on.
CREATE TABLE recovery_bounds (
    le INTEGER PRIMARY KEY                            -- seconds; the last one is as good as for ever
) STRICT;
INSERT INTO recovery_bounds (le) VALUES
    (60), (300), (900), (1800), (3600), (7200), (14400), (28800), (86400), (259200), (604800), (9223372036854775807);
CREATE TABLE recovery_counts (
    le     INTEGER PRIMARY KEY,                       -- the smallest bound that is no shorter
    orders INTEGER NOT NULL CHECK (orders >= 0),
    micros INTEGER NOT NULL CHECK (micros >= 0)       -- of all of them together
) STRICT;
CREATE TRIGGER recoveries_counted AFTER UPDATE OF outcome ON attempts
    WHEN NEW.outcome = 'recovered' AND OLD.outcome IS NOT 'recovered' BEGIN
    INSERT INTO recovery_counts (le, orders, micros)
        SELECT (SELECT min(b.le) FROM recovery_bounds AS b WHERE b.le * 1000000.0 >= t.took), 1, t.took
        FROM (SELECT max(0, coalesce(o.closed_at, NEW.settled_at) - min(f.closed_at)) AS took
              FROM orders AS o
              JOIN attempts AS a ON a.order_pk = o.id AND a.generation = NEW.generation
              JOIN failures AS f ON f.run_id = a.from_run_id
              WHERE o.id = NEW.order_pk) AS t
        WHERE t.took IS NOT NULL
        ON CONFLICT DO UPDATE SET orders = orders + 1, micros = micros + excluded.micros;
END;
