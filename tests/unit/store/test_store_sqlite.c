/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_store_sqlite.c - the common suite, and what only a database can do. */
#define SUITE_DRIVER "sqlite"
#include "suite.h"
