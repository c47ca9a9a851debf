/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * fuzz_auth.c - SPF and DMARC, with records and names of a hostile domain.
 *
 * The first lines are the client's address, HELO, sender, the domains of From
 * and that of a signature; the rest are what the DNS may say: the answer to a
 * question is one of them, or none, as a hash of type and name tells. Asked
 * step by step the verdict must be that with all answers there, after no more
 * calls and questions than are promised, and all text must be UTF-8.
 */
#include <mailmill/auth.h>
#include <mailmill/map.h>
#include <mailmill/utf8.h>

#include "../../src/auth/spf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define LINES_MAX 40
#define ASKED_MAX 200

struct world {
	struct arena *arena;
	struct str lines[LINES_MAX];
	size_t n_lines;
	struct map *asked;
	uintptr_t round; /* 0: all is known */
};

static uint32_t hash(enum dns_type type, struct str name)
{
	uint32_t h = 2166136261u ^ (uint32_t)type;

	for (size_t i = 0; i < name.len; i++)
		h = (h ^ (unsigned char)name.p[i]) * 16777619u;
	return h ^ h >> 15;
}

static struct str make_record(
	struct world *w, enum dns_type type, struct str line)
{
	switch (type) {
	case DNS_A:
		return STR("192.0.2.1");
	case DNS_AAAA:
		return STR("2001:db8::1");
	case DNS_MX:
		return str_c(arena_printf(w->arena, "10 %.*s", STR_ARG(line)));
	case DNS_PTR:
	case DNS_TXT:
		break;
	}
	return line;
}

static void answer(struct world *w, enum dns_type type, struct str name,
	struct dns_answer *out)
{
	uint32_t h = hash(type, name);
	size_t n = h % 16 == 3 ? 12 : h % 16 == 4 ? 2 : 1;

	*out = (struct dns_answer){ .status = DNS_NO_NAME };
	if (w->n_lines == 0 || h % 16 < 3) {
		out->status = h % 16 == 0   ? DNS_FAILED
			      : h % 16 == 1 ? DNS_NO_DATA
					    : DNS_NO_NAME;
		return;
	}
	out->status = DNS_FOUND;
	out->records = arena_array(w->arena, n, sizeof(*out->records));
	out->n_records = n;
	for (size_t i = 0; i < n; i++)
		out->records[i] = make_record(
			w, type, w->lines[(h / 16 + i) % w->n_lines]);
}

static int on_lookup(
	void *ctx, enum dns_type type, struct str name, struct dns_answer *out)
{
	struct world *w = ctx;
	char key[DNS_NAME_MAX + 20];
	uintptr_t round;

	must(str_eq(dns_name(w->arena, name), name));
	snprintf(key, sizeof(key), "%s %.*s", dns_type_name(type),
		STR_ARG(name));
	round = (uintptr_t)map_get(w->asked, str_c(key));
	if (w->round && !round)
		map_set(w->asked, str_c(key), (void *)w->round);
	if (w->round && (!round || round == w->round))
		return -1;
	answer(w, type, name, out);
	return 0;
}

static void check_text(struct str s)
{
	must(utf8_is_valid(s));
}

static void run_spf(struct world *w, const struct spf_in *in,
	const struct auth_ask *ask, struct spf_result *out)
{
	struct spf_result step;

	w->round = 0;
	auth_spf(w->arena, in, ask, out);
	must(out->verdict != AUTH_UNKNOWN);
	do {
		w->round++;
		auth_spf(w->arena, in, ask, &step);
	} while (step.verdict == AUTH_UNKNOWN && w->round < SPF_ROUNDS_MAX);
	must(step.verdict == out->verdict);
	must(str_eq(step.mechanism, out->mechanism));
	must(str_eq(step.explanation, out->explanation));
	must(str_eq(step.problem, out->problem));
	must(map_count(w->asked) <= ASKED_MAX);
	check_text(out->domain);
	check_text(out->mechanism);
	check_text(out->explanation);
	check_text(out->problem);
}

static void run_dmarc(struct world *w, struct str from, struct str signer,
	const struct spf_result *spf, const struct auth_ask *ask)
{
	struct dkim_signature dkim = { .verdict = AUTH_PASS, .domain = signer };
	struct mail_address authors[3] = { 0 };
	struct dmarc_result one, two;
	size_t n = 0;

	while (n < 3 && str_cut(&from, ' ', &authors[n].domain))
		n++;
	w->round = 0;
	auth_dmarc(w->arena, authors, n, spf, &dkim, 1, ask, &one);
	must(one.verdict != AUTH_UNKNOWN);
	do {
		w->round++;
		auth_dmarc(w->arena, authors, n, spf, &dkim, 1, ask, &two);
	} while (two.verdict == AUTH_UNKNOWN && w->round < 5);
	must(one.verdict == two.verdict && str_eq(one.policy, two.policy));
	must(str_eq(one.domain, two.domain));
	must(str_eq(one.problem, two.problem));
	check_text(one.domain);
	check_text(one.organization);
	check_text(one.problem);
}

static void run_organization(struct arena *a, struct str domain)
{
	struct str once = auth_organization(a, domain);

	check_text(once);
	must(str_eq(auth_organization(a, once), once));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str rest = str_n((const char *)data, size), from, signer;
	AUTO(arena) struct arena *a = arena_new();
	AUTO(map) struct map *asked = map_new();
	struct world w = { .arena = a, .asked = asked };
	struct auth_ask ask = { on_lookup, &w, 1700000000000 };
	struct spf_in in = { 0 };
	struct spf_result spf;

	(void)str_cut(&rest, '\n', &in.ip);
	(void)str_cut(&rest, '\n', &in.helo);
	(void)str_cut(&rest, '\n', &in.sender);
	if (!str_cut(&rest, '\n', &from) || !str_cut(&rest, '\n', &signer))
		return 0;
	while (w.n_lines < LINES_MAX &&
		str_cut(&rest, '\n', &w.lines[w.n_lines]))
		w.n_lines++;
	run_spf(&w, &in, &ask, &spf);
	run_dmarc(&w, from, signer, &spf, &ask);
	run_organization(a, from);
	return 0;
}
