/* SPDX-License-Identifier: GPL-3.0-or-later */
/* drivers.h - the ways out; a new one adds a line here and one in target.c. */
#ifndef MAILMILL_TARGET_DRIVERS_H
#define MAILMILL_TARGET_DRIVERS_H

#include <mailmill/target.h>

const struct target_driver *target_salesforce(void);
const struct target_driver *target_print(void);

#endif
