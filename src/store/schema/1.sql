-- SPDX-License-Identifier: GPL-3.0-or-later
-- 1.sql - the first schema.
--
-- Times are milliseconds since 1970. due_at is in the store's own time, which
-- never goes back (see store.c). States are those of enum store_state:
-- 0 queued, 1 claimed, 2 retry, 3 held, 4 done, 5 dead, 6 dropped. They stand
-- as numbers in the indexes, so they are never renumbered.

CREATE TABLE message (
	seq INTEGER PRIMARY KEY AUTOINCREMENT,
	id TEXT NOT NULL UNIQUE, -- UUIDv7
	envelope BLOB NOT NULL, -- wire form
	sender TEXT NOT NULL,
	source TEXT NOT NULL,
	received_at INTEGER NOT NULL,
	size INTEGER NOT NULL,
	has_body INTEGER NOT NULL DEFAULT 1, -- 0: retention took its chunks
	done_at INTEGER, -- when the last delivery was done or dropped
	once TEXT -- a second put with it is skipped
) STRICT;
CREATE UNIQUE INDEX message_once ON message (once) WHERE once IS NOT NULL;
-- what retention looks for
CREATE INDEX message_done ON message (has_body, done_at)
	WHERE done_at IS NOT NULL;

-- The bytes, in pieces of 256 KiB; id is message.seq << 16 | number from 0.
CREATE TABLE chunk (
	id INTEGER PRIMARY KEY,
	bytes BLOB NOT NULL
) STRICT;

CREATE TABLE delivery (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	message INTEGER NOT NULL REFERENCES message (seq),
	route TEXT NOT NULL,
	rcpts TEXT NOT NULL, -- one a line
	received_at INTEGER NOT NULL,
	state INTEGER NOT NULL,
	due_at INTEGER NOT NULL, -- of 0 and 2; of 1: when the lease runs out
	changed_at INTEGER NOT NULL,
	attempts INTEGER NOT NULL DEFAULT 0,
	crashes INTEGER NOT NULL DEFAULT 0,
	reason TEXT NOT NULL DEFAULT '',
	identity BLOB,
	message_id TEXT,
	scope TEXT
) STRICT;
CREATE INDEX delivery_message ON delivery (message);
-- claims read its front and nothing else
CREATE INDEX delivery_due ON delivery (due_at) WHERE state <= 2;
-- lists and counts of what is not done, however much is done
CREATE INDEX delivery_open ON delivery (state) WHERE state <> 4;
CREATE INDEX delivery_pending ON delivery (message_id)
	WHERE state <= 3 AND message_id IS NOT NULL;
CREATE INDEX delivery_identity ON delivery (identity)
	WHERE state <= 4 AND identity IS NOT NULL;

CREATE TABLE journal (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	delivery INTEGER NOT NULL REFERENCES delivery (id),
	at INTEGER NOT NULL,
	state INTEGER NOT NULL,
	reason TEXT NOT NULL,
	journal TEXT NOT NULL -- JSON, or empty
) STRICT;
CREATE INDEX journal_delivery ON journal (delivery);

-- Which record a mail of a thread led to.
CREATE TABLE thread (
	message_id TEXT NOT NULL,
	scope TEXT NOT NULL,
	object TEXT NOT NULL,
	record TEXT NOT NULL,
	at INTEGER NOT NULL,
	PRIMARY KEY (message_id, scope, object)
) STRICT, WITHOUT ROWID;

-- The books: received is counted when put and never again; what retention
-- removes is moved to the kept columns.
CREATE TABLE tally (
	day INTEGER NOT NULL, -- since 1970, UTC, of receipt
	route TEXT NOT NULL,
	received INTEGER NOT NULL,
	kept_done INTEGER NOT NULL DEFAULT 0,
	kept_dropped INTEGER NOT NULL DEFAULT 0,
	PRIMARY KEY (day, route)
) STRICT, WITHOUT ROWID;
