-- The estate's inventory. Physical facts first (replaced whole when their file changes), then resources.

CREATE TABLE IF NOT EXISTS facts (
    one      INTEGER PRIMARY KEY CHECK (one = 1),
    document TEXT NOT NULL,                            -- contracts.inventory.InventoryFacts, canonical
    catalog  TEXT NOT NULL                             -- contracts.capacity.Catalog, canonical
);
CREATE TABLE IF NOT EXISTS capacity (                  -- what there is in all
    place TEXT NOT NULL,
    kind  TEXT NOT NULL,
    total REAL NOT NULL,
    PRIMARY KEY (place, kind)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS pool (
    region TEXT NOT NULL,
    cidr   TEXT NOT NULL,
    PRIMARY KEY (region, cidr)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS item (                      -- what one of a shape or a circuit of a tier takes
    name       TEXT PRIMARY KEY,
    vcpu       INTEGER NOT NULL DEFAULT 0,
    memory_gib INTEGER NOT NULL DEFAULT 0,
    gbps       INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS resource (
    seq         INTEGER PRIMARY KEY AUTOINCREMENT,     -- order of creation; never used again
    environment TEXT NOT NULL,
    key         TEXT NOT NULL,
    type        TEXT NOT NULL,
    arguments   TEXT NOT NULL,                         -- JSON, keys sorted
    state       TEXT NOT NULL DEFAULT 'ready',
    holder      TEXT,
    version     INTEGER NOT NULL DEFAULT 1,
    UNIQUE (environment, key)
);
CREATE TABLE IF NOT EXISTS usage (                     -- what each resource takes of `capacity`
    seq    INTEGER NOT NULL REFERENCES resource (seq) ON DELETE CASCADE,
    place  TEXT NOT NULL,
    kind   TEXT NOT NULL,
    amount REAL NOT NULL,
    PRIMARY KEY (place, kind, seq)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS usage_of_resource ON usage (seq);
CREATE TABLE IF NOT EXISTS block (                     -- address blocks as ranges of integers, both ends included
    seq    INTEGER PRIMARY KEY REFERENCES resource (seq) ON DELETE CASCADE,
    region TEXT NOT NULL,
    prefix TEXT NOT NULL,
    first  INTEGER NOT NULL,
    last   INTEGER NOT NULL CHECK (last >= first),
    UNIQUE (region, first)
);
-- Blocks of a region never overlap, whoever writes: the nearest block that starts at or before our end must end before
-- our start. One look at the index, because the blocks that are there do not overlap either.
CREATE TRIGGER IF NOT EXISTS block_overlaps BEFORE INSERT ON block
WHEN (SELECT last FROM block WHERE region = NEW.region AND first <= NEW.last ORDER BY first DESC LIMIT 1) >= NEW.first
BEGIN
    SELECT RAISE (ABORT, 'block overlaps');
END;
CREATE TRIGGER IF NOT EXISTS block_moves BEFORE UPDATE ON block
BEGIN
    SELECT RAISE (ABORT, 'a block never moves');
END;
