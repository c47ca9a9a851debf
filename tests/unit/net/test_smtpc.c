/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_smtpc.c - what may stand in an SMTP command. */
#include <mailmill/smtpc.h>

#include "test.h"

TEST(addresses_that_cannot_end_a_command)
{
	static const struct {
		const char *address;
		bool is_one;
	} rows[] = {
		{ "ann@example.org", true },
		{ "\"ann b\"@example.org", true },
		{ "\"a\\\"b>\"@example.org", true },
		{ "", false },
		{ "ann b@example.org", false },
		{ "ann@example.org> SIZE=1", false },
		{ "<ann@example.org", false },
		{ "ann@example.org\r\nRCPT TO:<b@c>", false },
		{ "\"a\nb\"@example.org", false },
		{ "\"a\\\nRCPT TO:<b@c>\"@example.org", false },
		{ "\"a\\\rb\"@example.org", false },
		{ "\"open@example.org", false },
		{ "\"open\\", false },
	};

	for (size_t i = 0; i < COUNT(rows); i++)
		is_int(smtpc_is_address(str_c(rows[i].address)), rows[i].is_one,
			rows[i].address);
}
