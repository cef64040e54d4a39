-- Dead letters that wait, by how often they were restarted: many have the same number, so the entry's key is there, too.
CREATE INDEX dead_letters_open_by_retries ON dead_letters (retry_count, id) WHERE resolved_at IS NULL;
CREATE INDEX dead_letters_open_by_status_retries ON dead_letters (failure_status, retry_count, id) WHERE resolved_at IS NULL;
