-- SPDX-License-Identifier: GPL-3.0-or-later
-- 3.sql - the store's time outlives the process.

-- One row: how far due_at is ahead of the clock, since that was set back.
CREATE TABLE clock (
	skew INTEGER NOT NULL
) STRICT;
INSERT INTO clock (skew) VALUES (0);
