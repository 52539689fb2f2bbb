-- Sealed columns hold `version | key id | nonce | ciphertext`; see src/store/seal.rs.

CREATE TABLE api_keys (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    -- Finds the row without the secret; the hash decides.
    public_id  TEXT    NOT NULL,
    hash       BLOB    NOT NULL UNIQUE CHECK (length(hash) = 32),
    label      TEXT    NOT NULL,
    active     INTEGER NOT NULL DEFAULT 1 CHECK (active IN (0, 1)),
    created_at REAL    NOT NULL
) STRICT;

CREATE INDEX api_keys_by_public_id ON api_keys (public_id);

-- One NetBox per server: the primary key admits no second row.
CREATE TABLE netbox_endpoint (
    id            INTEGER PRIMARY KEY CHECK (id = 1),
    name          TEXT    NOT NULL,
    ip_address    TEXT    NOT NULL,
    domain        TEXT,
    port          INTEGER NOT NULL,
    token_version TEXT    NOT NULL CHECK (token_version IN ('v1', 'v2')),
    verify_ssl    INTEGER NOT NULL,
    enabled       INTEGER NOT NULL,
    token_key     BLOB,
    token         BLOB
) STRICT;

CREATE TABLE proxmox_endpoints (
    id             INTEGER PRIMARY KEY AUTOINCREMENT,
    name           TEXT    NOT NULL UNIQUE,
    ip_address     TEXT    NOT NULL,
    domain         TEXT,
    port           INTEGER NOT NULL,
    username       TEXT    NOT NULL,
    verify_ssl     INTEGER NOT NULL,
    enabled        INTEGER NOT NULL,
    allow_writes   INTEGER NOT NULL,
    access_methods TEXT    NOT NULL,
    timeout        INTEGER,
    max_retries    INTEGER,
    retry_backoff  REAL,
    site_id        INTEGER,
    site_slug      TEXT,
    site_name      TEXT,
    tenant_id      INTEGER,
    tenant_slug    TEXT,
    tenant_name    TEXT,
    token_name     TEXT,
    token_value    BLOB,
    password       BLOB
) STRICT;

CREATE TABLE runs (
    id            TEXT PRIMARY KEY,
    netbox        TEXT NOT NULL,
    state         TEXT NOT NULL CHECK (state IN ('running', 'completed', 'failed', 'interrupted')),
    started_at    TEXT NOT NULL,
    finished_at   TEXT,
    -- Unix seconds; a running run that no longer renews it has died.
    lease_expires INTEGER NOT NULL,
    summary       TEXT
) STRICT;

-- The lease: at most one running run for each NetBox, whoever started it.
CREATE UNIQUE INDEX runs_one_per_netbox ON runs (netbox) WHERE state = 'running';

CREATE TABLE events (
    run_id TEXT    NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    seq    INTEGER NOT NULL,
    event  TEXT    NOT NULL,
    data   TEXT    NOT NULL,
    PRIMARY KEY (run_id, seq)
) STRICT, WITHOUT ROWID;
