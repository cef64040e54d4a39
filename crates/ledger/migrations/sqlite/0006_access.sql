-- Who may come in: tokens by their hashes, and the browsers that signed in with one.
CREATE TABLE tokens (
    name       TEXT PRIMARY KEY,
    role       TEXT    NOT NULL CHECK (role IN ('viewer', 'operator', 'admin')),
    hash       TEXT    NOT NULL UNIQUE,                 -- SHA-256 of the token
    created_at INTEGER NOT NULL,
    created_by TEXT    NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE web_sessions (
    hash    TEXT PRIMARY KEY,                           -- SHA-256 of what the browser keeps
    token   TEXT    NOT NULL REFERENCES tokens (name) ON DELETE CASCADE,
    ends_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX web_sessions_by_token ON web_sessions (token);
CREATE INDEX web_sessions_by_end ON web_sessions (ends_at);
