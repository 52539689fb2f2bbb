-- Runs that start by themselves.
CREATE TABLE schedules (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    -- The endpoint that is read; all that are enabled where there is none.
    endpoint_id  INTEGER REFERENCES proxmox_endpoints (id) ON DELETE CASCADE,
    -- Five fields and a time zone, as cron has them.
    cron         TEXT    NOT NULL,
    -- Seconds that a run starts later at most, by chance.
    jitter       INTEGER NOT NULL DEFAULT 0,
    missed       TEXT    NOT NULL CHECK (missed IN ('skip', 'run')),
    paused       INTEGER NOT NULL DEFAULT 0,
    -- What is synced: JSON.
    work         TEXT    NOT NULL,
    -- Unix seconds.
    next_run     INTEGER NOT NULL,
    -- Why the last run did not start.
    trouble      TEXT
) STRICT;

ALTER TABLE runs ADD COLUMN schedule_id INTEGER;
