/* SPDX-License-Identifier: GPL-3.0-or-later */
/* auth.c - what the verdicts about who vouches for a mail have in common. */
#include <mailmill/auth.h>
#include <mailmill/str.h>

static const char *const names[] = {
	[AUTH_NONE] = "none",
	[AUTH_PASS] = "pass",
	[AUTH_FAIL] = "fail",
	[AUTH_SOFTFAIL] = "softfail",
	[AUTH_NEUTRAL] = "neutral",
	[AUTH_POLICY] = "policy",
	[AUTH_TEMPERROR] = "temperror",
	[AUTH_PERMERROR] = "permerror",
	[AUTH_UNKNOWN] = "unknown",
};

const char *auth_verdict_name(enum auth_verdict v)
{
	return names[v];
}

int auth_verdict_read(struct str name, enum auth_verdict *out)
{
	for (size_t i = 0; i < COUNT(names); i++) {
		if (!str_eq_case(name, str_c(names[i])))
			continue;
		*out = (enum auth_verdict)i;
		return 0;
	}
	return -1;
}
