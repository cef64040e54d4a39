-- Failures of a group in each hour since 1970: whether it is growing or over can be seen without counting failures.
CREATE TABLE failure_hours (
    fingerprint    TEXT    NOT NULL,
    hour           INTEGER NOT NULL,
    failure_status TEXT    NOT NULL,
    workflow_type  TEXT    NOT NULL,
    failures       INTEGER NOT NULL CHECK (failures > 0),
    -- The hours of one group since some hour lie together.
    PRIMARY KEY (fingerprint, hour, failure_status, workflow_type)
) STRICT, WITHOUT ROWID;
INSERT INTO failure_hours (fingerprint, hour, failure_status, workflow_type, failures)
    SELECT f.fingerprint, f.closed_at / 3600000000, f.failure_status, o.workflow_type, count(*)
        FROM failures AS f JOIN orders AS o ON o.id = f.order_pk GROUP BY 1, 2, 3, 4;
CREATE TRIGGER failures_timed AFTER INSERT ON failures BEGIN
    INSERT INTO failure_hours (fingerprint, hour, failure_status, workflow_type, failures)
    SELECT NEW.fingerprint, NEW.closed_at / 3600000000, NEW.failure_status, o.workflow_type, 1
        FROM orders AS o WHERE o.id = NEW.order_pk
    ON CONFLICT DO UPDATE SET failures = failures + 1;
END;
