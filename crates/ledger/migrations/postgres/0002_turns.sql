-- When the next call of each limited kind may be made: one row a kind, shared by every worker. It takes the place of
-- start_rate, which knew of starts only. The rates that operators set while batches run stand in settings.
CREATE TABLE turns (
    name    TEXT PRIMARY KEY,
    next_at BIGINT NOT NULL
);
INSERT INTO turns (name, next_at) SELECT 'starts', next_at FROM start_rate;
INSERT INTO turns (name, next_at) VALUES ('visibility', 0);
DROP TABLE start_rate;
