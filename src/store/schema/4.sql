-- SPDX-License-Identifier: GPL-3.0-or-later
-- 4.sql - claims pass over routes that have to wait without reading their rows.

DROP INDEX delivery_due;
CREATE INDEX delivery_due ON delivery (due_at, id, route) WHERE state <= 2;
