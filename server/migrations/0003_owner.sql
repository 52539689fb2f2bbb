-- Which process a run belongs to: the name of its lock file, which the system frees when it dies.
ALTER TABLE runs ADD COLUMN owner TEXT;
