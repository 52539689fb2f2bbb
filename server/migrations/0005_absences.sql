-- Machines whose guests Proxmox no longer shows, and since when: unix seconds of the first reading that
-- showed everything else.
CREATE TABLE absent (
    netbox  TEXT    NOT NULL,
    machine INTEGER NOT NULL,
    since   INTEGER NOT NULL,
    PRIMARY KEY (netbox, machine)
) STRICT, WITHOUT ROWID;

-- How many nodes were seen behind each endpoint the last time that everything was seen.
CREATE TABLE nodes (
    netbox   TEXT    NOT NULL,
    endpoint INTEGER NOT NULL,
    nodes    INTEGER NOT NULL,
    PRIMARY KEY (netbox, endpoint)
) STRICT, WITHOUT ROWID;
