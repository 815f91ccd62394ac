"""The ledger's tables, and the laws that the database itself keeps.

Laws kept by triggers, so that no code path can forget them: the audit is append-only; every change of a unit's state
is put in the outbox in the same transaction; two address blocks of one place never overlap.
"""

VERSION = 1

SCHEMA = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;

CREATE TABLE units (
  key TEXT PRIMARY KEY, kind TEXT NOT NULL, place TEXT NOT NULL, root TEXT NOT NULL,
  vcpu INTEGER NOT NULL, memory_gib INTEGER NOT NULL, gib INTEGER NOT NULL, gbps INTEGER NOT NULL,
  prefix TEXT NOT NULL, prefix_length INTEGER NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('free', 'staged', 'held', 'active', 'quarantined')),
  holder TEXT, grant_id TEXT, priority INTEGER NOT NULL DEFAULT 0, until TEXT, version INTEGER NOT NULL DEFAULT 1,
  CHECK (state IN ('held', 'active') = (holder IS NOT NULL)),
  CHECK (state IN ('held', 'active') = (grant_id IS NOT NULL))
) STRICT;
CREATE INDEX units_stock ON units
  (place, kind, state, vcpu, memory_gib, gib, gbps, prefix_length, key);
CREATE INDEX units_grant ON units (grant_id) WHERE grant_id IS NOT NULL;
CREATE INDEX units_until ON units (until, key) WHERE until IS NOT NULL;

CREATE TABLE blocks (
  key TEXT PRIMARY KEY REFERENCES units (key) ON DELETE CASCADE,
  place TEXT NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL, CHECK (first <= last)
) STRICT;
CREATE INDEX blocks_range ON blocks (place, first, last);
CREATE TRIGGER blocks_never_overlap BEFORE INSERT ON blocks
WHEN EXISTS (SELECT 1 FROM blocks WHERE place = NEW.place AND first <= NEW.last AND last >= NEW.first)
BEGIN SELECT RAISE(ABORT, 'blocks overlap'); END;
CREATE TRIGGER blocks_never_move BEFORE UPDATE ON blocks BEGIN SELECT RAISE(ABORT, 'blocks are never changed'); END;

CREATE TABLE grants (
  id TEXT PRIMARY KEY, kind TEXT NOT NULL CHECK (kind IN ('grant', 'hold')), customer TEXT NOT NULL,
  priority INTEGER NOT NULL, made_at TEXT NOT NULL, until TEXT, ended_at TEXT, content TEXT NOT NULL
) STRICT;

CREATE TABLE requests (
  id TEXT PRIMARY KEY, kind TEXT NOT NULL, digest TEXT NOT NULL, content TEXT NOT NULL,
  received_at TEXT NOT NULL, decision TEXT, answered_at TEXT
) STRICT;

CREATE TABLE steps (
  id INTEGER PRIMARY KEY, subject TEXT NOT NULL, name TEXT NOT NULL, intent TEXT NOT NULL, begun_at TEXT NOT NULL,
  outcome TEXT, ended_at TEXT
) STRICT;
CREATE UNIQUE INDEX steps_open ON steps (subject, name) WHERE outcome IS NULL;

CREATE TABLE outbox (key TEXT PRIMARY KEY, version INTEGER NOT NULL) STRICT;
CREATE TRIGGER outbox_new AFTER INSERT ON units
BEGIN INSERT OR REPLACE INTO outbox VALUES (NEW.key, NEW.version); END;
CREATE TRIGGER outbox_change AFTER UPDATE OF state, holder ON units
BEGIN INSERT OR REPLACE INTO outbox VALUES (NEW.key, NEW.version); END;
CREATE TRIGGER outbox_gone AFTER DELETE ON units BEGIN DELETE FROM outbox WHERE key = OLD.key; END;

CREATE TABLE counters (
  name TEXT NOT NULL, labels TEXT NOT NULL, value REAL NOT NULL, PRIMARY KEY (name, labels)
) STRICT;

CREATE TABLE audit (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, at TEXT NOT NULL, event TEXT NOT NULL, subject TEXT NOT NULL,
  details TEXT NOT NULL, previous TEXT NOT NULL, hash TEXT NOT NULL
) STRICT;
CREATE TRIGGER audit_never_changes BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END;
CREATE TRIGGER audit_never_shrinks BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END;
"""
