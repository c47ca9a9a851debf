/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * fuzz_dns.c - what comes from others about a mail: a DNS packet, a zone, an
 * Authentication-Results field. The first byte tells which.
 *
 * Facts of an answer must give the same answer back.
 */
#include <mailmill/plan.h>
#include <mailmill/utf8.h>

#include "../../src/auth/results.h"
#include "../../src/net/resolver_read.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const enum dns_type types[] = { DNS_A, DNS_PTR, DNS_MX, DNS_TXT,
	DNS_AAAA };

static void check_answer(struct arena *a, const struct dns_answer *answer)
{
	struct facts_answer f = facts_of_dns(a, STR("q"), answer);
	struct dns_answer back;

	must(answer->n_records <= DNS_RECORDS_MAX);
	must((answer->status == DNS_FOUND) == (answer->n_records > 0));
	for (size_t i = 0; i < f.n_rows; i++)
		must(utf8_is_valid(f.rows[i].fields[0].value));
	facts_to_dns(a, &f, &back);
	must(back.status == answer->status);
	must(back.n_records == answer->n_records);
	for (size_t i = 0; i < back.n_records; i++)
		must(str_eq(back.records[i], answer->records[i]));
}

static void run_packet(struct arena *a, struct str in)
{
	for (size_t i = 0; i < COUNT(types); i++) {
		struct dns_answer answer;
		uint32_t ttl;

		if (resolver_read(a, types[i], STR("a.example"), in, &answer,
			    &ttl) == 0)
			check_answer(a, &answer);
	}
}

static void run_zone(struct arena *a, struct str in)
{
	AUTO(dns_zone) struct dns_zone *z = dns_zone_new();
	struct err err = { 0 };

	(void)!dns_zone_read(z, "zone", in, &err);
	for (size_t i = 0; i < COUNT(types); i++) {
		struct dns_answer answer;

		must(dns_zone_lookup(z, types[i], STR("a.example"), &answer) ==
			0);
		check_answer(a, &answer);
	}
}

static void run_results(struct arena *a, struct str in)
{
	struct results_field f;

	if (results_parse(a, in, &f) < 0)
		return;
	must(f.authserv.len && utf8_is_valid(f.authserv));
	for (size_t i = 0; i < f.n_items; i++) {
		const struct results_item *item = &f.items[i];

		must(item->method.len && item->result.len);
		must(utf8_is_valid(item->reason));
		must(utf8_is_valid(item->comment));
		for (size_t k = 0; k < item->n_props; k++)
			must(utf8_is_valid(item->props[k].value));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(arena) struct arena *a = arena_new();
	struct str in = str_n((const char *)data, size);

	if (size == 0)
		return 0;
	in = str_sub(in, 1, size);
	switch (data[0] % 3) {
	case 0:
		run_packet(a, in);
		break;
	case 1:
		run_zone(a, in);
		break;
	default:
		run_results(a, in);
		break;
	}
	return 0;
}
