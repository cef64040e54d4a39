-- Requests of the API that came with an idempotency key: a repeated one gets the answer of the first.
CREATE TABLE api_requests (
    key      TEXT COLLATE "C" PRIMARY KEY,
    digest   TEXT COLLATE "C" NOT NULL,  -- of its method, address and body
    status   BIGINT,  -- of its answer; NULL while it is under way
    answer   TEXT COLLATE "C",
    began_at BIGINT NOT NULL,
    CHECK ((status IS NULL) = (answer IS NULL))
);
CREATE INDEX api_requests_by_time ON api_requests (began_at);
