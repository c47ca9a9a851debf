/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * spf_check.c - judges many senders by SPF, with the zones of a test suite.
 *
 *     spf_check <LINES
 *
 * Reads lines of fields with tabs between: "zone FILE" takes another zone, "spf
 * IP HELO SENDER" judges and prints a JSON object. Each sender is judged twice:
 * with all answers there, and with none, giving what was asked for until there
 * is a verdict; "same" tells whether both agree.
 */
#include <inttypes.h>
#include <stdio.h>

#include <jansson.h>

#include <mailmill/auth.h>
#include <mailmill/file.h>
#include <mailmill/map.h>

#define ROUNDS_MAX 100
#define FILE_MAX ((size_t)16 << 20)
#define LINE_MAX_LEN 4096

/* A zone whose answers are known only after they were asked for. */
struct steps {
	struct dns_zone *zone;
	struct map *known; /* round that asked, as a pointer */
	uintptr_t round;
};

static int ask_steps(
	void *ctx, enum dns_type type, struct str name, struct dns_answer *out)
{
	struct steps *s = ctx;
	char key[DNS_NAME_MAX + 20];
	void *asked;

	must(name.len > 0 && name.len <= DNS_NAME_MAX);
	snprintf(key, sizeof(key), "%s %.*s", dns_type_name(type),
		STR_ARG(name));
	asked = map_get(s->known, str_c(key));
	if (!asked)
		map_set(s->known, str_c(key), (void *)s->round);
	if (!asked || (uintptr_t)asked == s->round)
		return -1;
	return dns_zone_lookup(s->zone, type, name, out);
}

static bool is_same(const struct spf_result *a, const struct spf_result *b)
{
	return a->verdict == b->verdict && str_eq(a->domain, b->domain) &&
	       str_eq(a->mechanism, b->mechanism) &&
	       str_eq(a->explanation, b->explanation) &&
	       str_eq(a->problem, b->problem);
}

static void set_str(json_t *o, const char *name, struct str s)
{
	must(json_object_set_new(o, name, json_stringn(s.p, s.len)) == 0);
}

static void judge(struct dns_zone *zone, const struct spf_in *in)
{
	AUTO(arena) struct arena *a = arena_new();
	AUTO(map) struct map *known = map_new();
	struct steps steps = { zone, known, 0 };
	struct auth_ask all = { dns_zone_lookup, zone, 1000000 };
	struct auth_ask step = { ask_steps, &steps, 1000000 };
	struct spf_result one, two;
	json_t *o = json_object();

	auth_spf(a, in, &all, &one);
	do {
		steps.round++;
		auth_spf(a, in, &step, &two);
	} while (two.verdict == AUTH_UNKNOWN && steps.round < ROUNDS_MAX);
	json_object_set_new(
		o, "verdict", json_string(auth_verdict_name(one.verdict)));
	set_str(o, "domain", one.domain);
	set_str(o, "mechanism", one.mechanism);
	set_str(o, "explanation", one.explanation);
	set_str(o, "problem", one.problem);
	json_object_set_new(o, "same", json_boolean(is_same(&one, &two)));
	json_object_set_new(o, "rounds", json_integer((int)steps.round));
	json_object_set_new(
		o, "asked", json_integer((int)map_count(steps.known)));
	json_dumpf(o, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(o);
}

static struct dns_zone *read_zone(const char *path)
{
	AUTO(buf) struct buf b = BUF_INIT(FILE_MAX);
	struct dns_zone *zone = dns_zone_new();
	struct err err = { 0 };

	if (file_read(path, &b, &err) < 0 ||
		dns_zone_read(zone, path, buf_view(&b), &err) < 0) {
		fprintf(stderr, "%s\n", err.text);
		exit(1);
	}
	return zone;
}

int main(void)
{
	AUTO(dns_zone) struct dns_zone *zone = dns_zone_new();
	char line[LINE_MAX_LEN];

	auth_init();
	while (fgets(line, sizeof(line), stdin)) {
		struct str rest = str_sub(str_c(line), 0, strcspn(line, "\n")),
			   what, file;
		struct spf_in in = { .receiver = STR("receiver.example") };

		(void)str_cut(&rest, '\t', &what);
		if (str_eq(what, STR("zone")) && str_cut(&rest, '\t', &file)) {
			AUTO(bytes) char *path = str_dup(file);
			dns_zone_free(zone);
			zone = read_zone(path);
		} else if (str_cut(&rest, '\t', &in.ip) &&
			   str_cut(&rest, '\t', &in.helo) &&
			   str_cut(&rest, '\t', &in.sender)) {
			judge(zone, &in);
		}
	}
	return 0;
}
