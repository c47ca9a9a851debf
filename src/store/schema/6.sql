-- SPDX-License-Identifier: GPL-3.0-or-later
-- 6.sql - who took part in which thread, under which subject.

-- One row for each address, subject and record.
CREATE TABLE thread_party (
	party TEXT NOT NULL, -- lower case
	subject TEXT NOT NULL, -- as threads have it in common; may be empty
	scope TEXT NOT NULL,
	object TEXT NOT NULL,
	record TEXT NOT NULL,
	at INTEGER NOT NULL, -- of the last such mail
	PRIMARY KEY (party, subject, scope, object, record)
) STRICT, WITHOUT ROWID;
CREATE INDEX thread_party_subject ON thread_party (subject, scope, object, at)
	WHERE subject <> '';
CREATE INDEX thread_party_at ON thread_party (at);
