-- Plans that were drawn up over the API, as documents.
CREATE TABLE plans (
    id         TEXT PRIMARY KEY,
    netbox     TEXT NOT NULL,
    created_at TEXT NOT NULL,
    document   TEXT NOT NULL
) STRICT;
