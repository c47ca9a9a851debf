/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_typed.c - values as people in many countries write them. */
#include <mailmill/clock.h>
#include <mailmill/typed.h>

#include "test.h"

static const struct row {
	enum typed_type type;
	const char *text, *locales; /* with blanks between */
	const char *want;	    /* NULL: none */
	const char *currency;	    /* or NULL */
} rows[] = {
	{ TYPED_NUMBER, "1.234,56", "", "1234.56", NULL },
	{ TYPED_NUMBER, "1,234.56", "", "1234.56", NULL },
	{ TYPED_NUMBER, "1 234,56", "", "1234.56", NULL },
	{ TYPED_NUMBER,
		"1\xc2\xa0"
		"234,5",
		"", "1234.5", NULL },
	{ TYPED_NUMBER, "1'234.50", "", "1234.50", NULL },
	{ TYPED_NUMBER,
		"1\xe2\x80\x99"
		"234.50",
		"", "1234.50", NULL },
	{ TYPED_NUMBER, "12,34,567.8", "", "1234567.8", NULL },
	{ TYPED_NUMBER, "1.234.567", "", "1234567", NULL },
	{ TYPED_NUMBER, "1.234", "", NULL, NULL },
	{ TYPED_NUMBER, "1.234", "de", "1234", NULL },
	{ TYPED_NUMBER, "1.234", "en-US", "1.234", NULL },
	{ TYPED_NUMBER, "1.234", "de en", NULL, NULL },
	{ TYPED_NUMBER, "1,234", "de_AT fr", "1.234", NULL },
	{ TYPED_NUMBER, "1.5", "de", "1.5", NULL },
	{ TYPED_NUMBER, "0,125", "", "0.125", NULL },
	{ TYPED_NUMBER, "-12", "", "-12", NULL },
	{ TYPED_NUMBER,
		"\xe2\x88\x92"
		"12,5",
		"", "-12.5", NULL },
	{ TYPED_NUMBER, "19 %", "", "19", NULL },
	{ TYPED_NUMBER,
		"3 St\xc3\xbc"
		"ck",
		"", "3", NULL },
	{ TYPED_NUMBER, "\xef\xbc\x91\xef\xbc\x92", "", "12", NULL },
	{ TYPED_NUMBER, "\xd9\xa1\xd9\xa2\xd9\xab\xd9\xa5", "", "12.5", NULL },
	{ TYPED_NUMBER, "1,2,3", "", NULL, NULL },
	{ TYPED_NUMBER, "12.34.56", "", NULL, NULL },
	{ TYPED_NUMBER, "3 of 5", "", NULL, NULL },
	{ TYPED_NUMBER, "2-3", "", NULL, NULL },
	{ TYPED_NUMBER, "about 5", "", NULL, NULL },
	{ TYPED_NUMBER, "", "", NULL, NULL },
	{ TYPED_INTEGER, "007", "", "7", NULL },
	{ TYPED_INTEGER, "2,00", "", "2", NULL },
	{ TYPED_INTEGER, "2.5", "", NULL, NULL },
	{ TYPED_INTEGER, "10 pcs", "", "10", NULL },

	{ TYPED_MONEY, "1.234,56 \xe2\x82\xac", "", "1234.56", "EUR" },
	{ TYPED_MONEY, "$1,234.56", "", "1234.56", "" },
	{ TYPED_MONEY, "$1,234.56", "en-US", "1234.56", "USD" },
	{ TYPED_MONEY, "US$ 12.00", "", "12.00", "USD" },
	{ TYPED_MONEY, "EUR 1.049,90", "", "1049.90", "EUR" },
	{ TYPED_MONEY, "1,150.00 CHF", "", "1150.00", "CHF" },
	{ TYPED_MONEY, "CHF 12.-", "", "12", "CHF" },
	{ TYPED_MONEY, "49,- \xe2\x82\xac", "", "49", "EUR" },
	{ TYPED_MONEY, "49,\xe2\x80\x93 Euro", "", "49", "EUR" },
	{ TYPED_MONEY, "(12.50)", "", "-12.50", "" },
	{ TYPED_MONEY,
		"-\xc2\xa3"
		"5.00",
		"", "-5.00", "GBP" },
	{ TYPED_MONEY, "12,50- EUR", "", "-12.50", "EUR" },
	{ TYPED_MONEY, "199 kr.", "sv", "199", "SEK" },
	{ TYPED_MONEY, "199 kr", "", "199", "" },
	{ TYPED_MONEY, "2 499,00 z\xc5\x82", "", "2499.00", "PLN" },
	{ TYPED_MONEY,
		"\xc2\xa5"
		"12,800",
		"ja", "12800", "JPY" },
	{ TYPED_MONEY, "12,800\xe5\x86\x86", "ja", "12800", "JPY" },
	{ TYPED_MONEY, "R$ 1.999,90", "", "1999.90", "BRL" },
	{ TYPED_MONEY, "EUR 119,00 (inkl. 19% MwSt.)", "", "119.00", "EUR" },
	{ TYPED_MONEY, "49,90 \xe2\x82\xac inkl. MwSt.", "", "49.90", "EUR" },
	{ TYPED_MONEY, "10 \xe2\x82\xac - 20 \xe2\x82\xac", "", NULL, NULL },
	{ TYPED_MONEY, "free", "", NULL, NULL },

	{ TYPED_DATE, "2024-04-13", "", "2024-04-13", NULL },
	{ TYPED_DATE, "13.04.2024", "en-US", "2024-04-13", NULL },
	{ TYPED_DATE, "3.4.24", "", "2024-04-03", NULL },
	{ TYPED_DATE, "13/04/2024", "", "2024-04-13", NULL },
	{ TYPED_DATE, "04/13/2024", "", "2024-04-13", NULL },
	{ TYPED_DATE, "03/04/2024", "", NULL, NULL },
	{ TYPED_DATE, "03/04/2024", "en-US", "2024-03-04", NULL },
	{ TYPED_DATE, "03/04/2024", "en-GB", "2024-04-03", NULL },
	{ TYPED_DATE, "03/04/2024", "en-US fr", NULL, NULL },
	{ TYPED_DATE, "04/04/2024", "", "2024-04-04", NULL },
	{ TYPED_DATE, "2024/4/13", "", "2024-04-13", NULL },
	{ TYPED_DATE, "April 13, 2024", "", "2024-04-13", NULL },
	{ TYPED_DATE, "Saturday, 13th of April 2024", "", "2024-04-13", NULL },
	{ TYPED_DATE, "Apr 3, '24", "", "2024-04-03", NULL },
	{ TYPED_DATE, "Samstag, den 13. April 2024", "", "2024-04-13", NULL },
	{ TYPED_DATE, "13. M\xc3\xa4rz 2024", "", "2024-03-13", NULL },
	{ TYPED_DATE, "1. J\xc3\xa4nner 2024", "", "2024-01-01", NULL },
	{ TYPED_DATE, "samedi 13 ao\xc3\xbbt 2024", "", "2024-08-13", NULL },
	{ TYPED_DATE,
		"13 d\xc3\xa9"
		"c. 2024",
		"", "2024-12-13", NULL },
	{ TYPED_DATE, "13 de abril de 2024", "", "2024-04-13", NULL },
	{ TYPED_DATE, "13 aprile 2024", "", "2024-04-13", NULL },
	{ TYPED_DATE, "13 de mar\xc3\xa7o de 2024", "", "2024-03-13", NULL },
	{ TYPED_DATE, "13 maart 2024", "", "2024-03-13", NULL },
	{ TYPED_DATE,
		"13 pa\xc5\xba"
		"dziernika 2024 r.",
		"", "2024-10-13", NULL },
	{ TYPED_DATE,
		"13. b\xc5\x99"
		"ezna 2024",
		"", "2024-03-13", NULL },
	{ TYPED_DATE, "den 13 maj 2024", "", "2024-05-13", NULL },
	{ TYPED_DATE, "13. marraskuuta 2024", "", "2024-11-13", NULL },
	{ TYPED_DATE,
		"13 \xd0\xb0\xd0\xbf\xd1\x80\xd0\xb5\xd0\xbb\xd1\x8f "
		"2024 \xd0\xb3.",
		"", "2024-04-13", NULL },
	{ TYPED_DATE, "13 A\xc4\x9fustos 2024", "", "2024-08-13", NULL },
	{ TYPED_DATE,
		"2024\xe5\xb9\xb4"
		"4\xe6\x9c\x88"
		"13\xe6\x97\xa5",
		"", "2024-04-13", NULL },
	{ TYPED_DATE, "2024\xeb\x85\x84 4\xec\x9b\x94 13\xec\x9d\xbc", "",
		"2024-04-13", NULL },
	{ TYPED_DATE, "13.04.2024, 14:30 Uhr", "", "2024-04-13", NULL },
	{ TYPED_DATE, "31.02.2024", "", NULL, NULL },
	{ TYPED_DATE, "29.02.2024", "", "2024-02-29", NULL },
	{ TYPED_DATE, "13.04.2024 - 15.04.2024", "", NULL, NULL },
	{ TYPED_DATE, "13 April", "", NULL, NULL },
	{ TYPED_DATE,
		"13. \xc4\x8d"
		"erv 2024",
		"", NULL, NULL },
	{ TYPED_DATE, "soon", "", NULL, NULL },

	{ TYPED_DATETIME, "2024-04-13T10:00:00Z", "", "2024-04-13T10:00:00Z",
		NULL },
	{ TYPED_DATETIME, "2024-04-13T10:00:00.123+02:00", "",
		"2024-04-13T08:00:00Z", NULL },
	{ TYPED_DATETIME, "2024-04-13 10:00", "", "2024-04-13T09:00:00Z",
		NULL },
	{ TYPED_DATETIME, "13.04.2024, 14:30 Uhr", "", "2024-04-13T13:30:00Z",
		NULL },
	{ TYPED_DATETIME, "13.04.2024 um 14.30 Uhr", "", "2024-04-13T13:30:00Z",
		NULL },
	{ TYPED_DATETIME, "Sat, Apr 13, 2024 at 2:30 PM EDT", "",
		"2024-04-13T18:30:00Z", NULL },
	{ TYPED_DATETIME, "4/13/2024 12:05 a.m.", "", "2024-04-12T23:05:00Z",
		NULL },
	{ TYPED_DATETIME, "13 avril 2024 \xc3\xa0 14h30", "",
		"2024-04-13T13:30:00Z", NULL },
	{ TYPED_DATETIME, "13. april 2024 kl. 14.30", "",
		"2024-04-13T13:30:00Z", NULL },
	{ TYPED_DATETIME, "April 13, 2024 2 pm GMT+2", "",
		"2024-04-13T12:00:00Z", NULL },
	{ TYPED_DATETIME, "Sat, 13 Apr 2024 14:30:05 -0500 (CDT)", "",
		"2024-04-13T19:30:05Z", NULL },
	{ TYPED_DATETIME,
		"2024\xe5\xb9\xb4"
		"4\xe6\x9c\x88"
		"13\xe6\x97\xa5 14\xe6\x99\x82"
		"30\xe5\x88\x86",
		"", "2024-04-13T13:30:00Z", NULL },
	{ TYPED_DATETIME, "2024-04-13 25:00", "", NULL, NULL },
	{ TYPED_DATETIME, "13.04.2024", "", NULL, NULL },

	{ TYPED_BOOLEAN, "Ja", "", "true", NULL },
	{ TYPED_BOOLEAN, "off", "", "false", NULL },
	{ TYPED_BOOLEAN, "maybe", "", NULL, NULL },
	{ TYPED_EMAIL, "Ann Lee <ann.lee@example.org>", "",
		"ann.lee@example.org", NULL },
	{ TYPED_EMAIL, "write to ann@example.org.", "", "ann@example.org",
		NULL },
	{ TYPED_EMAIL, "a@x.org, b@x.org", "", NULL, NULL },
	{ TYPED_EMAIL, "@ann", "", NULL, NULL },

	{ TYPED_PHONE, "+49 (0)30 1234-567", "", "+49301234567", NULL },
	{ TYPED_PHONE, "030 / 123 45 67", "", "+49301234567", NULL },
	{ TYPED_PHONE, "0049 30 1234567", "", "+49301234567", NULL },
	{ TYPED_PHONE, "Tel.: +1 (212) 555-0142 ext. 7", "", "+12125550142",
		NULL },
	{ TYPED_PHONE, "+44 20 7946 0018", "", "+442079460018", NULL },
	{ TYPED_PHONE, "+1 212 555", "", NULL, NULL },
	{ TYPED_PHONE, "call me", "", NULL, NULL },
	{ TYPED_PHONE, "12", "", NULL, NULL },

	{ TYPED_URL, "see https://example.org/a?b=c.", "",
		"https://example.org/a?b=c", NULL },
	{ TYPED_URL, "www.example.org/x", "", "https://www.example.org/x",
		NULL },
	{ TYPED_URL,
		"https://eur01.safelinks.protection.outlook.com/?url=https%3A%"
		"2F%2Fexample.org%2Fx%3Fy%3D1&data=05%7C01&sdata=a&reserved=0",
		"", "https://example.org/x?y=1", NULL },
	{ TYPED_URL,
		"https://urldefense.proofpoint.com/v2/url?u=https-3A__example."
		"org_x-3Fy-3D1&d=Dw&c=x&r=y",
		"", "https://example.org/x?y=1", NULL },
	{ TYPED_URL,
		"https://urldefense.com/v3/__https://example.org/x__;!!Abc$",
		"", "https://example.org/x", NULL },
	{ TYPED_URL, "https://www.google.com/url?q=https://example.org/&sa=D",
		"", "https://example.org/", NULL },
	{ TYPED_URL, "https://en.wikipedia.org/wiki/Mill_(grinding)", "",
		"https://en.wikipedia.org/wiki/Mill_(grinding)", NULL },
	{ TYPED_URL, "javascript:alert(1)", "", NULL, NULL },
};

static struct typed_options options_of(struct arena *a, const char *locales)
{
	struct typed_options o = { .zone_minutes = 60, .country = STR("DE") };
	struct str *list = arena_array(a, TYPED_LOCALES_MAX, sizeof(*list));
	struct str rest = str_c(locales), one;

	must(clock_parse_rfc3339(STR("2024-06-01T00:00:00Z"), &o.now) == 0);
	while (rest.len && str_cut(&rest, ' ', &one))
		list[o.n_locales++] = one;
	o.locales = list;
	return o;
}

TEST(reads_what_people_write)
{
	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct row *r = &rows[i];
		struct arena *a = arena_new();
		struct typed_options o = options_of(a, r->locales);
		struct typed_value v;
		char name[200];
		bool is_one = typed_read(a, r->type, str_c(r->text), &o, &v);

		snprintf(name, sizeof(name), "%s \"%s\" (%s)",
			typed_name(r->type), r->text, r->locales);
		is_int(is_one, r->want != NULL, name);
		is_str(v.value, r->want ? r->want : "", name);
		is_int(v.why != NULL, r->want == NULL, name);
		if (r->currency)
			is_str(v.currency, r->currency, name);
		arena_free(a);
	}
}

TEST(learns_from_the_whole_mail)
{
	struct arena *a = arena_new();
	struct typed_options o = options_of(a, "de en-US");
	struct typed_value v;

	typed_learn(&o.style,
		STR("Item 1: 1,049.90\nItem 2: 1,150.00\nOn 04/13/2024"));
	is_true(typed_read(a, TYPED_NUMBER, STR("1,234"), &o, &v), "number");
	is_str(v.value, "1234", "by the style of the others");
	is_true(typed_read(a, TYPED_DATE, STR("03/04/2024"), &o, &v), "date");
	is_str(v.value, "2024-03-04", "month first, too");
	o.style = (struct typed_style){ 0 };
	typed_learn(&o.style, STR("Summe: 1.049,90\n am 13/04/2024"));
	is_true(typed_read(a, TYPED_NUMBER, STR("1.234"), &o, &v), "number");
	is_str(v.value, "1234", "points part thousands");
	is_true(typed_read(a, TYPED_DATE, STR("03/04/2024"), &o, &v), "date");
	is_str(v.value, "2024-04-03", "day first");
	arena_free(a);
}

TEST(knows_locales)
{
	is_true(typed_knows_locale(STR("de")), "de");
	is_true(typed_knows_locale(STR("PT_br")), "PT_br");
	is_true(typed_knows_locale(STR("en-AU")), "en-AU");
	is_false(typed_knows_locale(STR("klingon")), "klingon");
	is_false(typed_knows_locale(STR("")), "nothing");
}
