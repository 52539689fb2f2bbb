-- What a key may do, and keys that another backend hashed with bcrypt until they are used the first time.
CREATE TABLE keys_with_scopes (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    -- Finds the row without the secret; the hash decides.
    public_id  TEXT,
    hash       BLOB    UNIQUE CHECK (hash IS NULL OR length(hash) = 32),
    bcrypt     TEXT    UNIQUE,
    label      TEXT    NOT NULL,
    active     INTEGER NOT NULL DEFAULT 1 CHECK (active IN (0, 1)),
    created_at REAL    NOT NULL,
    -- Separated by commas.
    scopes     TEXT    NOT NULL DEFAULT 'admin',
    CHECK ((hash IS NULL) <> (bcrypt IS NULL))
) STRICT;

INSERT INTO keys_with_scopes (id, public_id, hash, label, active, created_at)
SELECT id, public_id, hash, label, active, created_at FROM api_keys;

DROP TABLE api_keys;
ALTER TABLE keys_with_scopes RENAME TO api_keys;
CREATE INDEX api_keys_by_public_id ON api_keys (public_id);

-- Backup Servers and Datacenter Managers are endpoints too.
ALTER TABLE proxmox_endpoints ADD COLUMN product TEXT NOT NULL DEFAULT 'pve'
    CHECK (product IN ('pve', 'pbs', 'pdm'));
-- Tells a changed row from the one that a client was made of.
ALTER TABLE proxmox_endpoints ADD COLUMN revision INTEGER NOT NULL DEFAULT 1;
-- Whether commands may be run inside of guests, and in a shell of the node itself.
ALTER TABLE proxmox_endpoints ADD COLUMN allow_guest_commands INTEGER NOT NULL DEFAULT 0;
ALTER TABLE proxmox_endpoints ADD COLUMN allow_node_shell INTEGER NOT NULL DEFAULT 0;

-- What was changed on Proxmox through this server: written before it is sent, settled after.
CREATE TABLE audit (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    -- RFC 3339
    at          TEXT    NOT NULL,
    request_id  TEXT    NOT NULL,
    key_id      INTEGER NOT NULL,
    key_label   TEXT    NOT NULL,
    endpoint_id INTEGER NOT NULL,
    endpoint    TEXT    NOT NULL,
    -- Method and path.
    operation   TEXT    NOT NULL,
    -- JSON; secrets are masked.
    parameters  TEXT    NOT NULL,
    -- SHA-256 of all parameters, to tell a request that is sent again from another of its name.
    digest      BLOB    NOT NULL,
    -- What the client calls this request, so that sending it again does nothing more.
    idempotency_key TEXT,
    -- Absent while nothing has come back.
    status      INTEGER,
    result      TEXT
) STRICT;

CREATE UNIQUE INDEX audit_by_idempotency_key ON audit (key_id, idempotency_key)
    WHERE idempotency_key IS NOT NULL;
