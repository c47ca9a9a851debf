/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * parse_auth.c - what `mailmill parse` says of who vouches for a mail.
 *
 * It asks nobody: what the DNS says comes from a zone file, or own verdicts are
 * not made.
 */
#include <stdio.h>

#include <mailmill/file.h>
#include <mailmill/utf8.h>

#include "cli.h"
#include "parse_auth.h"

#define ZONE_MAX ((size_t)16 << 20)
#define SHOWN_MAX 200 /* bytes */

int parse_auth_trust(struct parse_auth *p, const char *id, struct err *err)
{
	if (p->n_trusted == PARSE_TRUSTED_MAX)
		return err_set(err, ERR_CONF, "more than %d trusted servers",
			PARSE_TRUSTED_MAX);
	p->trusted[p->n_trusted++] = str_c(id);
	return 0;
}

int parse_auth_read_zone(
	struct parse_auth *p, const char *path, struct err *err)
{
	AUTO(buf) struct buf text = BUF_INIT(ZONE_MAX);

	if (file_read(path, &text, err) < 0)
		return -1;
	if (!p->zone)
		p->zone = dns_zone_new();
	return dns_zone_read(p->zone, path, buf_view(&text), err);
}

void parse_auth_fini(struct parse_auth *p)
{
	dns_zone_free(TAKE(p->zone));
}

static struct str get_return_path(struct mail *m)
{
	struct str path = str_trim(mail_header(m, STR("return-path")));

	if (str_starts(path, STR("<")) && str_ends(path, STR(">")))
		return str_sub(path, 1, path.len - 2);
	return path;
}

void parse_auth_judge(
	struct mail *m, const struct parse_auth *p, struct auth_result *out)
{
	const struct envelope env = {
		.sender = p->sender ? str_c(p->sender) : get_return_path(m),
		.peer = str_c(p->ip),
		.helo = str_c(p->helo),
	};
	const struct auth_settings settings = { .trusted = p->trusted,
		.n_trusted = p->n_trusted,
		.is_asking = p->zone != NULL };
	const struct auth_ask ask = {
		.lookup = dns_zone_lookup, .ctx = p->zone, .now = p->now
	};

	auth_check(mail_arena(m), m, &env, &settings, &ask, out);
}

static void print_verdict(const char *label, enum auth_verdict v,
	struct str whose, struct str why)
{
	printf("  %-6s %s", label, auth_verdict_name(v));
	if (whose.len) {
		fputs(", ", stdout);
		cli_print_safe(whose);
	}
	if (why.len) {
		fputs(": ", stdout);
		cli_print_safe(utf8_cut(why, SHOWN_MAX));
	}
	putchar('\n');
}

void parse_auth_print(struct mail *m, const struct parse_auth *p)
{
	struct auth_result r;

	parse_auth_judge(m, p, &r);
	if (r.source == AUTH_FROM_NOBODY)
		return;
	printf("\nAuthentication");
	if (r.source == AUTH_FROM_RESULTS) {
		fputs(", as ", stdout);
		cli_print_safe(r.authserv);
		fputs(" found", stdout);
	}
	printf("\n  From   %s\n",
		r.is_from_verified ? "verified" : "not verified");
	print_verdict("SPF", r.spf.verdict, r.spf.domain, r.spf.problem);
	for (size_t i = 0; i < r.n_dkim; i++)
		print_verdict("DKIM", r.dkim[i].verdict, r.dkim[i].domain,
			r.dkim[i].problem);
	if (!r.n_dkim)
		print_verdict("DKIM", AUTH_NONE, STR(""), STR(""));
	print_verdict("DMARC", r.dmarc.verdict, r.dmarc.domain,
		r.dmarc.problem.len ? r.dmarc.problem : r.dmarc.policy);
	if (r.arc.verdict != AUTH_NONE)
		print_verdict(
			"ARC", r.arc.verdict, r.arc.sealer, r.arc.problem);
}
