/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_dns.c - names of the DNS, and zones that are read from text. */
#include <mailmill/buf.h>
#include <mailmill/dns.h>

#include "test.h"

static const char zone_text[] =
	"; what a domain says\n"
	"$TTL 3600\n"
	"Example.ORG.  3600 IN TXT \"v=spf1 a\" \" -all\" ; two strings\n"
	"example.org   MX 20 Mail.Example.org.\n"
	"\t\tMX 10 backup.example.org\n"
	"example.org   NS ns.example.org\n"
	"null.example  IN 300 MX 0 .\n"
	"mail.example.org A 192.0.2.1\n"
	"   1h IN AAAA 2001:DB8:0::1\n"
	"key._domainkey.example.org TXT ( \"v=DKIM1; \"\n"
	"\t\"k=rsa; p=abc\" ) ; ----- a key\n"
	"1.2.0.192.in-addr.arpa PTR mail.example.org.\n"
	"www.example.org CNAME mail.example.org\n"
	"deep.example.org CNAME www.example.org\n"
	"round.example.org CNAME around.example.org\n"
	"around.example.org CNAME round.example.org\n"
	"gone.example.org CNAME nowhere.example.org\n"
	"slow.example.org FAIL\n"
	"slow.example.org A 192.0.2.9\n"
	"half.example.org FAIL txt\n"
	"half.example.org A 192.0.2.10\n"
	"odd.example.org TXT a\\\"b\\065\\255;c\n"
	"a\\032b.example.org. A 192.0.2.11\n"
	"last.example.org A 192.0.2.12";

TEST(names_as_they_are_asked_for)
{
	static const struct {
		const char *name, *in, *out;
	} rows[] = {
		{ "case and dot go", "Example.ORG.", "example.org" },
		{ "underscore", "_dmarc.example.org", "_dmarc.example.org" },
		{ "UTF-8 stays", "b\xc3\xbc.example", "b\xc3\xbc.example" },
		{ "empty", "", NULL },
		{ "root", ".", NULL },
		{ "empty label", "a..b", NULL },
		{ "first label empty", ".a", NULL },
		{ "blank", "a b", NULL },
		{ "control", "a\tb", NULL },
		{ "delete", "a\177b", NULL },
		{ "63 is a label",
			"aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeee"
			"ffffffffffggg.x",
			"aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeee"
			"ffffffffffggg.x" },
		{ "64 is none",
			"aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeee"
			"ffffffffffgggg.x",
			NULL },
	};
	AUTO(arena) struct arena *a = arena_new();
	char longest[256];

	for (size_t i = 0; i < COUNT(rows); i++)
		is_str(dns_name(a, str_c(rows[i].in)), rows[i].out,
			rows[i].name);
	for (size_t i = 0; i < sizeof(longest); i++)
		longest[i] = i % 2 ? '.' : 'a';
	is_int(dns_name(a, str_n(longest, 253)).len, 253, "253 is a name");
	is_int(dns_name(a, str_n(longest, 255)).len, 0, "255 is none");
	is_int(dns_name(a, str_n("a\0b", 3)).len, 0, "NUL is in none");
}

TEST(names_of_addresses)
{
	AUTO(arena) struct arena *a = arena_new();

	is_str(dns_reverse_name(a, STR("192.0.2.1")), "1.2.0.192.in-addr.arpa",
		"IPv4");
	is_str(dns_reverse_name(a, STR("2001:db8::cb01")),
		"1.0.b.c.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0."
		"2.ip6.arpa",
		"IPv6");
	is_str(dns_reverse_name(a, STR("::ffff:192.0.2.1")),
		"1.2.0.192.in-addr.arpa", "IPv4 in IPv6");
	is_str(dns_reverse_name(a, STR("192.0.2")), NULL, "none");
	is_str(dns_reverse_name(a, str_n("192.0.2.1\0", 10)), NULL, "with NUL");
}

TEST(zone_answers)
{
	static const struct {
		const char *name, *asked;
		enum dns_type type;
		enum dns_status status;
		const char *records; /* parted by '|' */
	} rows[] = {
		{ "strings are joined, case does not matter", "EXAMPLE.org",
			DNS_TXT, DNS_FOUND, "v=spf1 a -all" },
		{ "order is kept", "example.org", DNS_MX, DNS_FOUND,
			"20 mail.example.org|10 backup.example.org" },
		{ "nothing of that type", "example.org", DNS_A, DNS_NO_DATA,
			"" },
		{ "no such name", "example.com", DNS_A, DNS_NO_NAME, "" },
		{ "null MX", "null.example", DNS_MX, DNS_FOUND, "0 ." },
		{ "time before class, on the next line", "mail.example.org",
			DNS_AAAA, DNS_FOUND, "2001:db8::1" },
		{ "parentheses", "key._domainkey.example.org", DNS_TXT,
			DNS_FOUND, "v=DKIM1; k=rsa; p=abc" },
		{ "PTR", "1.2.0.192.in-addr.arpa", DNS_PTR, DNS_FOUND,
			"mail.example.org" },
		{ "two CNAMEs", "deep.example.org", DNS_A, DNS_FOUND,
			"192.0.2.1" },
		{ "CNAME and no data", "www.example.org", DNS_TXT, DNS_NO_DATA,
			"" },
		{ "CNAMEs in a circle", "round.example.org", DNS_A, DNS_FAILED,
			"" },
		{ "CNAME to nowhere", "gone.example.org", DNS_A, DNS_NO_NAME,
			"" },
		{ "FAIL", "slow.example.org", DNS_TXT, DNS_FAILED, "" },
		{ "FAIL leaves what is there", "slow.example.org", DNS_A,
			DNS_FOUND, "192.0.2.9" },
		{ "FAIL of a type", "half.example.org", DNS_TXT, DNS_FAILED,
			"" },
		{ "FAIL of another type", "half.example.org", DNS_MX,
			DNS_NO_DATA, "" },
		{ "escapes; a comment ends a word", "odd.example.org", DNS_TXT,
			DNS_FOUND, "a\"bA\377" },
		{ "no line end", "last.example.org", DNS_A, DNS_FOUND,
			"192.0.2.12" },
	};
	AUTO(dns_zone) struct dns_zone *z = dns_zone_new();
	struct err err = { 0 };
	const char *bad = strstr(zone_text, "a\\032b");
	size_t bad_len = strcspn(bad, "\n") + 1;

	is_int(dns_zone_read(z, "z", str_c(zone_text), &err), -1,
		"a blank is in no name");
	has_text(err.text, "z:23: expected a name: \"a b.example.org.\"",
		"which is said");
	is_int(dns_zone_read(z, "z", str_c(bad + bad_len), &err), 0,
		"the rest is read");
	for (size_t i = 0; i < COUNT(rows); i++) {
		AUTO(buf) struct buf b = BUF_INIT(1000);
		struct dns_answer got;

		is_int(dns_zone_lookup(
			       z, rows[i].type, str_c(rows[i].asked), &got),
			0, rows[i].name);
		is_int(got.status, rows[i].status, rows[i].name);
		for (size_t k = 0; k < got.n_records; k++) {
			(void)buf_c(&b, k ? "|" : "");
			(void)buf_str(&b, got.records[k]);
		}
		is_str(buf_view(&b), rows[i].records, rows[i].name);
	}
}

TEST(zone_faults_are_named)
{
	static const struct {
		const char *text, *says;
	} rows[] = {
		{ "\na.example A 192.0.2", "z:2: this is no value of its type: "
					   "\"192.0.2\"" },
		{ "a.example MX mail.example", "no value of its type" },
		{ "a.example MX 70000 mail.example", "no value of its type" },
		{ "a.example AAAA 192.0.2.1", "no value of its type" },
		{ "a.example TXT", "no value of its type: \"TXT\"" },
		{ "a.example", "expected a type (A, AAAA" },
		{ "a.example IN 300", "expected a type" },
		{ "a.example TEXT x", "expected a type" },
		{ "a..example A 192.0.2.1", "expected a name" },
		{ "\"a.example\" A 192.0.2.1", "expected a name" },
		{ "$ORIGIN example.org.", "names are whole here" },
		{ "a.example TXT \"open", "z:1: a string has no end" },
		{ "a.example TXT \"open\n\"", "z:1: a string has no end" },
		{ "a.example TXT a\\", "nothing follows a backslash" },
		{ "a.example TXT ( a\nb", "z:1: a parenthesis is not closed" },
		{ "a.example TXT a )", "this was not opened" },
		{ "a.example CNAME", "CNAME takes a name" },
		{ "a.example FAIL NS", "FAIL takes one of" },
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		AUTO(dns_zone) struct dns_zone *z = dns_zone_new();
		struct err err = { 0 };

		is_int(dns_zone_read(z, "z", str_c(rows[i].text), &err), -1,
			rows[i].text);
		has_text(err.text, rows[i].says, rows[i].text);
	}
}

TEST(types_and_states_have_names)
{
	enum dns_type type = DNS_A;
	enum dns_status status = DNS_FOUND;

	is_int(dns_type_read(STR("txt"), &type), 0, "in any case");
	is_int(type, DNS_TXT, "TXT");
	is_int(dns_type_read(STR("NS"), &type), -1, "others not");
	is_true(!strcmp(dns_type_name(DNS_AAAA), "AAAA"), "AAAA");
	is_int(dns_status_read(STR("failed"), &status), 0, "a state");
	is_int(status, DNS_FAILED, "failed");
	is_int(dns_status_read(STR("lost"), &status), -1, "none");
}
