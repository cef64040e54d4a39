-- Failures of a group in each hour since 1970: whether it is growing or over can be seen without counting failures.
CREATE TABLE failure_hours (
    fingerprint    TEXT COLLATE "C" NOT NULL,
    hour           BIGINT NOT NULL,
    failure_status TEXT COLLATE "C" NOT NULL,
    workflow_type  TEXT COLLATE "C" NOT NULL,
    failures       BIGINT NOT NULL CHECK (failures > 0),
    -- The hours of one group since some hour lie together.
    PRIMARY KEY (fingerprint, hour, failure_status, workflow_type)
);
INSERT INTO failure_hours (fingerprint, hour, failure_status, workflow_type, failures)
    SELECT f.fingerprint, f.closed_at / 3600000000, f.failure_status, o.workflow_type, count(*)
        FROM failures AS f JOIN orders AS o ON o.id = f.order_pk GROUP BY 1, 2, 3, 4;
-- In the order of the key, so that two statements never wait for each other.
CREATE FUNCTION time_failures() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO failure_hours (fingerprint, hour, failure_status, workflow_type, failures)
    SELECT f.fingerprint, f.closed_at / 3600000000, f.failure_status, o.workflow_type, count(*)
    FROM fresh AS f JOIN orders AS o ON o.id = f.order_pk
    GROUP BY 1, 2, 3, 4
    ORDER BY 1, 2, 3, 4
    ON CONFLICT (fingerprint, hour, failure_status, workflow_type) DO UPDATE SET
        failures = failure_hours.failures + excluded.failures;
    RETURN NULL;
END $$;
CREATE TRIGGER failures_timed AFTER INSERT ON failures
    REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION time_failures();
