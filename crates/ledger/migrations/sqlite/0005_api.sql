-- Requests of the API that came with an idempotency key: a repeated one gets the answer of the first.
CREATE TABLE api_requests (
    key      TEXT PRIMARY KEY,
    digest   TEXT    NOT NULL,                        -- of its method, address and body
    status   INTEGER,                                 -- of its answer; NULL while it is under way
    answer   TEXT,
    began_at INTEGER NOT NULL,
    CHECK ((status IS NULL) = (answer IS NULL))
) STRICT, WITHOUT ROWID;
CREATE INDEX api_requests_by_time ON api_requests (began_at);
