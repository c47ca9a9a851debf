/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * fuzz_dkim.c - DKIM and ARC: the first line is the key record of all names,
 * the rest is a mail.
 *
 * Nothing crashes, verdicts are ones that a signature can have, the same comes
 * out when it is asked again, and line ends do not matter.
 */
#include <mailmill/auth.h>
#include <mailmill/utf8.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct one_key {
	struct str record;
	bool is_silent;
	size_t n_asked;
};

static int answer(
	void *ctx, enum dns_type type, struct str name, struct dns_answer *out)
{
	struct one_key *k = ctx;

	k->n_asked++;
	must(type == DNS_TXT && name.len && name.len <= DNS_NAME_MAX);
	if (k->is_silent)
		return -1;
	*out = (struct dns_answer){ DNS_FOUND, &k->record, 1 };
	return 0;
}

struct verdicts {
	enum auth_verdict dkim[AUTH_SIGNATURES_MAX], arc;
	size_t n;
	unsigned sets;
};

static void check_texts(const struct dkim_signature *s)
{
	must(utf8_is_valid(s->domain) && utf8_is_valid(s->selector) &&
		utf8_is_valid(s->algorithm) && utf8_is_valid(s->identity) &&
		utf8_is_valid(s->headers) && utf8_is_valid(s->problem));
	must((s->verdict == AUTH_PASS) == !s->problem.len);
}

static void judge(struct arena *a, struct mail *m, const struct auth_ask *ask,
	struct verdicts *out)
{
	struct dkim_signature *s;
	struct arc_result arc;

	memset(out, 0, sizeof(*out)); /* padding, too: they are compared */
	out->n = auth_dkim(a, m, ask, &s);
	must(out->n <= AUTH_SIGNATURES_MAX);
	for (size_t i = 0; i < out->n; i++) {
		check_texts(&s[i]);
		out->dkim[i] = s[i].verdict;
	}
	auth_arc(a, m, ask, &arc);
	must(utf8_is_valid(arc.sealer) && utf8_is_valid(arc.problem));
	out->arc = arc.verdict;
	out->sets = arc.sets;
}

static struct str make_crlf(struct arena *a, struct str s)
{
	char *p = arena_alloc(a, 2 * s.len + 1);
	size_t n = 0;

	for (size_t i = 0; i < s.len; i++) {
		if (s.p[i] == '\n')
			p[n++] = '\r';
		p[n++] = s.p[i];
	}
	return str_n(p, n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(arena) struct arena *a = arena_new();
	struct str rest = str_n((const char *)data, size);
	struct one_key key = { .is_silent = true };
	struct auth_ask ask = { answer, &key, 1700000000000 };
	struct verdicts first, again, other;
	struct mail *m;

	mail_init();
	auth_init();
	if (!str_cut(&rest, '\n', &key.record) || !rest.p)
		return 0;
	m = mail_parse_in(a, rest);
	judge(a, m, &ask, &first);
	for (size_t i = 0; i < first.n; i++)
		must(first.dkim[i] == AUTH_UNKNOWN ||
			first.dkim[i] == AUTH_PERMERROR);
	key.is_silent = false;
	judge(a, m, &ask, &first);
	judge(a, mail_parse_in(a, rest), &ask, &again);
	must(!memcmp(&first, &again, sizeof(first)));
	if (str_chr(rest, '\r') >= 0)
		return 0;
	judge(a, mail_parse_in(a, make_crlf(a, rest)), &ask, &other);
	must(!memcmp(&first, &other, sizeof(first)));
	return 0;
}
