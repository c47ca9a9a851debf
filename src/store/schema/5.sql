-- SPDX-License-Identifier: GPL-3.0-or-later
-- 5.sql - what rules file, remember and send.

-- Where a rule filed a held one, a folder a line, and with which flags.
ALTER TABLE delivery ADD COLUMN folders TEXT NOT NULL DEFAULT '';
ALTER TABLE delivery ADD COLUMN flags TEXT NOT NULL DEFAULT '';

-- Marks: set by the delivery that ended first with it.
CREATE TABLE seen (
	route TEXT NOT NULL,
	key TEXT NOT NULL,
	delivery INTEGER NOT NULL, -- may be gone
	until INTEGER NOT NULL,
	PRIMARY KEY (route, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX seen_until ON seen (until);
-- Marks that deliveries will set which have to be tried again.
CREATE TABLE seen_soon (
	route TEXT NOT NULL,
	key TEXT NOT NULL,
	delivery INTEGER NOT NULL,
	PRIMARY KEY (route, key, delivery)
) STRICT, WITHOUT ROWID;

-- States as of deliveries, without 3; 4 is sent.
CREATE TABLE outbox (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	delivery INTEGER NOT NULL REFERENCES delivery (id),
	message INTEGER NOT NULL REFERENCES message (seq),
	day INTEGER NOT NULL, -- of its delivery in the books
	route TEXT NOT NULL,
	kind TEXT NOT NULL,
	once TEXT NOT NULL,
	sender TEXT NOT NULL,
	rcpts TEXT NOT NULL, -- one a line
	results TEXT NOT NULL DEFAULT '', -- beside them, or empty
	pieces BLOB NOT NULL, -- wire form
	size INTEGER NOT NULL, -- of what is sent
	fcc TEXT NOT NULL,
	reply_to TEXT NOT NULL, -- lower case
	at INTEGER NOT NULL,
	state INTEGER NOT NULL,
	due_at INTEGER NOT NULL, -- of 0 and 2; of 1: when the lease runs out
	changed_at INTEGER NOT NULL,
	attempts INTEGER NOT NULL DEFAULT 0,
	reason TEXT NOT NULL DEFAULT '',
	UNIQUE (delivery, once)
) STRICT;
CREATE INDEX outbox_message ON outbox (message, state);
CREATE INDEX outbox_due ON outbox (due_at, id) WHERE state <= 2;
CREATE INDEX outbox_state ON outbox (state);
CREATE INDEX outbox_at ON outbox (at);
CREATE INDEX outbox_route ON outbox (route, at);
CREATE INDEX outbox_reply ON outbox (reply_to, at) WHERE reply_to <> '';

ALTER TABLE tally ADD COLUMN planned INTEGER NOT NULL DEFAULT 0;
ALTER TABLE tally ADD COLUMN kept_sent INTEGER NOT NULL DEFAULT 0;
ALTER TABLE tally ADD COLUMN kept_unsent INTEGER NOT NULL DEFAULT 0;

-- One row: the name of this store, which mail sent from it bears.
CREATE TABLE self (
	token TEXT NOT NULL
) STRICT;
INSERT INTO self (token) VALUES (lower(hex(randomblob(16))));
