/* SPDX-License-Identifier: GPL-3.0-or-later */
/* mech_plain.c - SASL PLAIN (RFC 4616). */
#include "session.h"

struct words {
	struct str as, name, password;
};

static bool cut(struct str in, struct words *w)
{
	return str_cut(&in, 0, &w->as) && str_cut(&in, 0, &w->name) && in.p &&
	       str_chr(in, 0) < 0 && (w->password = in, true) &&
	       w->name.len > 0 && w->password.len > 0 &&
	       w->password.len <= MANAGE_PASSWORD_MAX;
}

static enum mech_outcome step(struct manage_login *l, struct str in)
{
	struct words w;

	if (!cut(in, &w))
		return MECH_MALFORMED;
	if (l->step == 0) {
		l->name = w.name;
		l->as = w.as;
		return MECH_NAMED;
	}
	return manage_account_check(l->account, w.password) ? MECH_DONE
							    : MECH_REFUSED;
}

const struct manage_mech mech_plain = { "PLAIN", true, step };
