/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * sign_check.c - says what the signatures of mails are worth, for the scores.
 *
 *   sign_check ZONE MAIL...
 *
 * One JSON object a line and mail. It is judged as on the day when the mail
 * came in, by the newest time it names, so that old mails have not expired.
 */
#include <fcntl.h>
#include <stdio.h>

#include <mailmill/auth.h>
#include <mailmill/clock.h>
#include <mailmill/file.h>

/* Tells when it came in, as far as its own fields tell. */
static int64_t time_of(const struct mail_header *h)
{
	int64_t seconds = 0;
	uint64_t t;
	int zone;
	struct str tag, rest = h->value;

	if (str_eq_case(h->name, STR("dkim-signature"))) {
		while (str_cut(&rest, ';', &tag)) {
			tag = str_trim(tag);
			if (str_starts(tag, STR("t=")) &&
				str_to_u64(str_sub(tag, 2, tag.len), INT32_MAX,
					&t) == 0)
				return (int64_t)t;
		}
		return 0;
	}
	if (str_eq_case(h->name, STR("received")))
		rest = str_sub(
			rest, (size_t)(str_rchr(rest, ';') + 1), rest.len);
	else if (!str_eq_case(h->name, STR("date")))
		return 0;
	return mail_date(rest, &seconds, &zone) == 0 ? seconds : 0;
}

static int64_t day_of(struct mail *m)
{
	int64_t newest = 0;
	size_t n;
	const struct mail_header *h = mail_headers(m, &n);

	for (size_t i = 0; i < n; i++)
		newest = MAX(newest, time_of(&h[i]));
	return newest ? newest * 1000 : clock_wall_ms();
}

static json_t *text(struct str s)
{
	return json_stringn(s.p ? s.p : "", s.len);
}

static json_t *dkim_to_json(const struct dkim_signature *s)
{
	return json_pack("{s:s,s:o,s:o,s:o,s:o,s:o,s:b,s:b}", "verdict",
		auth_verdict_name(s->verdict), "domain", text(s->domain),
		"selector", text(s->selector), "algorithm", text(s->algorithm),
		"identity", text(s->identity), "problem", text(s->problem),
		"test", (int)s->is_test, "partial", (int)s->is_partial);
}

static void check_file(const struct dns_zone *zone, const char *path)
{
	struct err err = { 0 };
	AUTO(mail) struct mail *m = NULL;
	AUTO(fd) int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct auth_ask ask;
	struct dkim_signature *dkim;
	struct arc_result arc;
	json_t *list = json_array(), *all;
	char *line;
	size_t n;

	must(fd >= 0 && mail_parse_fd(fd, &m, &err) == 0);
	ask = (struct auth_ask){ dns_zone_lookup, (void *)(uintptr_t)zone,
		day_of(m) };
	n = auth_dkim(mail_arena(m), m, &ask, &dkim);
	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, dkim_to_json(&dkim[i]));
	auth_arc(mail_arena(m), m, &ask, &arc);
	all = json_pack("{s:s,s:o,s:{s:s,s:i,s:o,s:o,s:o}}", "file", path,
		"dkim", list, "arc", "verdict", auth_verdict_name(arc.verdict),
		"sets", (int)arc.sets, "sealer", text(arc.sealer),
		"oldest_pass", text(arc.oldest_pass), "problem",
		text(arc.problem));
	line = json_dumps(all, JSON_COMPACT);
	must(line);
	puts(line);
	free(line);
	json_decref(all);
}

int main(int argc, char **argv)
{
	AUTO(dns_zone) struct dns_zone *zone = dns_zone_new();
	struct err err = { 0 };
	AUTO(buf) struct buf b = BUF_INIT((size_t)4 << 20);

	if (argc < 2) {
		fprintf(stderr, "usage: sign_check ZONE MAIL...\n");
		return 2;
	}
	mail_init();
	if (file_read(argv[1], &b, &err) < 0 ||
		dns_zone_read(zone, argv[1], buf_view(&b), &err) < 0) {
		fprintf(stderr, "sign_check: %s\n", err.text);
		return 2;
	}
	for (int i = 2; i < argc; i++)
		check_file(zone, argv[i]);
	return 0;
}
