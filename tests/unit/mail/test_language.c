/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_language.c - in which language a text is, and when that is not told. */
#include <mailmill/mail.h>

#include "test.h"

static const struct language_row {
	const char *code, *text;
} rows[] = {
	{ "en", "Could you tell me when my parcel will be here?" },
	{ "de", "Wann kommt mein Paket endlich an? Ich warte seit Tagen." },
	{ "fr", "Quand est-ce que mon colis va enfin arriver chez moi ?" },
	{ "es", "\xc2\xbf"
		"Cu\xc3\xa1ndo va a llegar mi paquete? Llevo d\xc3\xad"
		"as esperando." },
	{ "it", "Quando arriva il mio pacco? Lo aspetto da diversi giorni." },
	{ "pt", "Quando chega a minha encomenda? Estou \xc3\xa0 espera dela." },
	{ "nl", "Wanneer komt mijn pakje eindelijk aan? Ik wacht al dagen." },
	{ "sv", "N\xc3\xa4r kommer mitt paket fram? Jag har v\xc3\xa4ntat i "
		"flera dagar." },
	{ "pl", "Kiedy przyjdzie moja paczka? Czekam ju\xc5\xbc od kilku "
		"dni." },
	{ "cs", "Kdy doraz\xc3\xad m\xc5\xafj bal\xc3\xadk? \xc4\x8c"
		"ek\xc3\xa1m u\xc5\xbe n\xc4\x9bkolik dn\xc3\xad." },
	{ "hu", "Mikor \xc3\xa9rkezik meg a csomagom? M\xc3\xa1r napok "
		"\xc3\xb3ta v\xc3\xa1rok." },
	{ "fi", "Milloin pakettini saapuu? Olen odottanut jo monta "
		"p\xc3\xa4iv\xc3\xa4\xc3\xa4." },
	{ "tr", "Paketim ne zaman gelecek? G\xc3\xbcnlerdir bekliyorum." },
	{ "vi", "Khi n\xc3\xa0o g\xc3\xb3i h\xc3\xa0ng c\xe1\xbb\xa7"
		"a t\xc3\xb4i \xc4\x91\xe1\xba\xbfn?" },
	{ "ru", "\xd0\xa1\xd0\xbf\xd0\xb0\xd1\x81\xd0\xb8\xd0\xb1\xd0\xbe, "
		"\xd0\xb2\xd1\x81\xd1\x91 "
		"\xd0\xbf\xd0\xbe\xd0\xbb\xd1\x83\xd1\x87\xd0\xb8\xd0\xbb" },
	{ "uk", "\xd0\x9a\xd0\xbe\xd0\xbb\xd0\xb8 \xd0\xbf\xd1\x80\xd0\xb8\xd0"
		"\xb9\xd0\xb4\xd0\xb5 \xd0\xbc\xd0\xbe\xd1\x8f "
		"\xd0\xbf\xd0\xbe\xd1\x81\xd0\xb8\xd0\xbb\xd0\xba\xd0\xb0?" },
	{ "el", "\xce\xa0\xcf\x8c\xcf\x84\xce\xb5 \xce\xb8\xce\xb1;" },
	{ "ja", "\xe6\xb3\xa8\xe6\x96\x87\xe3\x81\xaf\xe3\x81\xbe\xe3\x81\xa0"
		"\xe3\x81\xa7\xe3\x81\x99\xe3\x81\x8b" },
	{ "zh", "\xe8\xae\xa2\xe5\x8d\x95\xe4\xbb\x80\xe4\xb9\x88\xe6\x97\xb6"
		"\xe5\x80\x99\xe5\x88\xb0" },
	{ "ko", "\xec\x86\x8c\xed\x8f\xac\xea\xb0\x80 \xec\x96\xb8\xec\xa0\x9c "
		"\xec\x98\xa4\xeb\x82\x98\xec\x9a\x94" },
	{ "de", "WANN KOMMT MEIN PAKET ENDLICH AN" },
	/* none rather than a wrong one */
	{ "", "" },
	{ "", "OK" },
	{ "", "4711 - 0815 / AB-1234" },
	{ "", "xq zrtp wvbk qqqx jjzz" },
	{ "", "https://example.org/this/is/the/way/that/we/were" },
	{ "", "the.whole.team.of.this.company@example.org" },
	{ "", "> I would like to know when my order will arrive" },
};

TEST(tells_languages)
{
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct mail_language l;
		mail_guess_language(str_c(rows[i].text), &l);
		is_str(str_c(l.code), rows[i].code, rows[i].text);
		is_true(l.confidence >= 0 && l.confidence < 1, "0 to 1");
	}
}

TEST(is_surer_of_more_text)
{
	struct mail_language one, two;

	mail_guess_language(STR("please call"), &one);
	mail_guess_language(
		STR("please call me back about the order of yesterday"), &two);
	is_true(one.confidence < two.confidence, "more words, more sure");
}

TEST(takes_the_subject_where_there_is_no_text)
{
	AUTO(mail) struct mail *m = NULL;
	struct err err = { 0 };

	mail_init();
	must(mail_parse(STR("Subject: Wo bleibt denn meine Bestellung?\n\n1\n"),
		     &m, &err) == 0);
	is_str(str_c(mail_language(m)->code), "de", "of the subject");
}
