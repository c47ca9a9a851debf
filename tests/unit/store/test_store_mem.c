/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_store_mem.c - the common suite on the store in memory. */
#define SUITE_DRIVER "memory"
#include "suite.h"
