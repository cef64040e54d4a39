-- What lists need so that they cost as much as they show, however much there is.

-- Open orders of each failure group, kept by whoever writes. To count them took as long as there were orders; the index that it was
-- counted from is needed no more.
CREATE TABLE open_orders (
    workflow_type  TEXT    NOT NULL,
    failure_status TEXT    NOT NULL,
    fingerprint    TEXT    NOT NULL,
    orders         INTEGER NOT NULL CHECK (orders >= 0),
    PRIMARY KEY (fingerprint, failure_status, workflow_type)
) STRICT, WITHOUT ROWID;
INSERT INTO open_orders (workflow_type, failure_status, fingerprint, orders)
    SELECT workflow_type, failure_status, fingerprint, count(*) FROM orders WHERE closed_at IS NULL GROUP BY 1, 2, 3;
CREATE TRIGGER orders_opened AFTER INSERT ON orders WHEN NEW.closed_at IS NULL BEGIN
    INSERT INTO open_orders (workflow_type, failure_status, fingerprint, orders)
        VALUES (NEW.workflow_type, NEW.failure_status, NEW.fingerprint, 1)
        ON CONFLICT DO UPDATE SET orders = orders + 1;
END;
CREATE TRIGGER orders_reopened AFTER UPDATE OF closed_at, failure_status, fingerprint, workflow_type ON orders
    WHEN (OLD.closed_at IS NULL) <> (NEW.closed_at IS NULL) OR OLD.fingerprint <> NEW.fingerprint
        OR OLD.failure_status <> NEW.failure_status OR OLD.workflow_type <> NEW.workflow_type BEGIN
    UPDATE open_orders SET orders = orders - 1 WHERE OLD.closed_at IS NULL AND fingerprint = OLD.fingerprint
        AND failure_status = OLD.failure_status AND workflow_type = OLD.workflow_type;
    INSERT INTO open_orders (workflow_type, failure_status, fingerprint, orders)
        SELECT NEW.workflow_type, NEW.failure_status, NEW.fingerprint, 1 WHERE NEW.closed_at IS NULL
        ON CONFLICT DO UPDATE SET orders = orders + 1;
END;
DROP INDEX orders_open_by_group;

-- Decided dead letters, and both kinds of one failure status, in the queue's order.
CREATE INDEX dead_letters_decided ON dead_letters (created_at) WHERE resolved_at IS NOT NULL;
CREATE INDEX dead_letters_decided_by_status ON dead_letters (failure_status, created_at) WHERE resolved_at IS NOT NULL;
CREATE INDEX dead_letters_by_status ON dead_letters (failure_status, created_at);

-- Failed runs of one failure status, in the order of time.
CREATE INDEX failures_by_status ON failures (failure_status, closed_at);
