-- What was last written into each object of a NetBox, so that an edit can be told from a change.
CREATE TABLE written (
    netbox    TEXT    NOT NULL,
    kind      TEXT    NOT NULL,
    object_id INTEGER NOT NULL,
    -- A JSON object of fields, as plans write them.
    fields    TEXT    NOT NULL,
    PRIMARY KEY (netbox, kind, object_id)
) STRICT, WITHOUT ROWID;

-- The operations of each run, written down before they are sent.
CREATE TABLE operations (
    run_id    TEXT    NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    number    INTEGER NOT NULL,
    state     TEXT    NOT NULL
              CHECK (state IN ('pending', 'sent', 'confirmed', 'failed', 'skipped')),
    -- The operation as plans write it.
    operation TEXT    NOT NULL,
    -- NetBox's id, once it is known.
    object_id INTEGER,
    -- Why it failed or was not tried.
    why       TEXT,
    PRIMARY KEY (run_id, number)
) STRICT, WITHOUT ROWID;

CREATE INDEX operations_in_flight ON operations (run_id) WHERE state = 'sent';
