-- The name of this state among others that write to the same NetBox.
CREATE TABLE instance (
    id TEXT NOT NULL
) STRICT;

INSERT INTO instance (id) VALUES (lower(hex(randomblob(8))));
