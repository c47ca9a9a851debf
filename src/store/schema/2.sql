-- SPDX-License-Identifier: GPL-3.0-or-later
-- 2.sql - retention finds old threads without walking all of them.

CREATE INDEX thread_at ON thread (at);
