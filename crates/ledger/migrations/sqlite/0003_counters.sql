-- More counters, so that looking costs nothing however much there is: which orders are the backlog, and what attempts came to.

-- backlog: an order that batches are to restart.
DROP TRIGGER orders_counted;
DROP TRIGGER orders_recounted;
DROP TABLE order_counts;
CREATE TABLE order_counts (
    state   TEXT    NOT NULL,
    backlog INTEGER NOT NULL CHECK (backlog IN (0, 1)),
    orders  INTEGER NOT NULL CHECK (orders >= 0),
    PRIMARY KEY (state, backlog)
) STRICT, WITHOUT ROWID;
INSERT INTO order_counts (state, backlog, orders)
    SELECT state, state = 'failed' AND (eligible = 1 OR manual = 1), count(*) FROM orders GROUP BY 1, 2;
CREATE TRIGGER orders_counted AFTER INSERT ON orders BEGIN
    INSERT INTO order_counts (state, backlog, orders)
        VALUES (NEW.state, NEW.state = 'failed' AND (NEW.eligible = 1 OR NEW.manual = 1), 1)
        ON CONFLICT DO UPDATE SET orders = orders + 1;
END;
CREATE TRIGGER orders_recounted AFTER UPDATE OF state, eligible, manual ON orders
    WHEN OLD.state <> NEW.state OR OLD.eligible <> NEW.eligible OR OLD.manual <> NEW.manual BEGIN
    UPDATE order_counts SET orders = orders - 1
        WHERE state = OLD.state AND backlog = (OLD.state = 'failed' AND (OLD.eligible = 1 OR OLD.manual = 1));
    INSERT INTO order_counts (state, backlog, orders)
        VALUES (NEW.state, NEW.state = 'failed' AND (NEW.eligible = 1 OR NEW.manual = 1), 1)
        ON CONFLICT DO UPDATE SET orders = orders + 1;
END;

-- What attempts came to in each quarter of an hour since 1970: every zone's midnight is the beginning of one.
CREATE TABLE attempt_counts (
    quarter  INTEGER NOT NULL,
    outcome  TEXT    NOT NULL,
    attempts INTEGER NOT NULL CHECK (attempts >= 0),
    PRIMARY KEY (quarter, outcome)
) STRICT, WITHOUT ROWID;
INSERT INTO attempt_counts (quarter, outcome, attempts)
    SELECT settled_at / 900000000, outcome, count(*) FROM attempts WHERE settled_at IS NOT NULL GROUP BY 1, 2;
CREATE TRIGGER attempts_counted AFTER INSERT ON attempts WHEN NEW.settled_at IS NOT NULL BEGIN
    INSERT INTO attempt_counts (quarter, outcome, attempts) VALUES (NEW.settled_at / 900000000, NEW.outcome, 1)
        ON CONFLICT DO UPDATE SET attempts = attempts + 1;
END;
CREATE TRIGGER attempts_recounted AFTER UPDATE OF outcome, settled_at ON attempts
    WHEN OLD.outcome IS NOT NEW.outcome OR OLD.settled_at IS NOT NEW.settled_at BEGIN
    UPDATE attempt_counts SET attempts = attempts - 1
        WHERE quarter = OLD.settled_at / 900000000 AND outcome = OLD.outcome;
    INSERT INTO attempt_counts (quarter, outcome, attempts)
        SELECT NEW.settled_at / 900000000, NEW.outcome, 1 WHERE NEW.settled_at IS NOT NULL
        ON CONFLICT DO UPDATE SET attempts = attempts + 1;
END;
