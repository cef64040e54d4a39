-- Who may come in: tokens by their hashes, and the browsers that signed in with one.
CREATE TABLE tokens (
    name       TEXT COLLATE "C" PRIMARY KEY,
    role       TEXT COLLATE "C" NOT NULL CHECK (role IN ('viewer', 'operator', 'admin')),
    hash       TEXT COLLATE "C" NOT NULL UNIQUE,  -- SHA-256 of the token
    created_at BIGINT NOT NULL,
    created_by TEXT COLLATE "C" NOT NULL
);
CREATE TABLE web_sessions (
    hash    TEXT COLLATE "C" PRIMARY KEY,  -- SHA-256 of what the browser keeps
    token   TEXT COLLATE "C" NOT NULL REFERENCES tokens (name) ON DELETE CASCADE,
    ends_at BIGINT NOT NULL
);
CREATE INDEX web_sessions_by_token ON web_sessions (token);
CREATE INDEX web_sessions_by_end ON web_sessions (ends_at);
