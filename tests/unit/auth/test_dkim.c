/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_dkim.c - signatures, right and wrong in every way. */
#include "signer.h"

#define NOW ((int64_t)1700000000)

/* RFC 8463, appendix A. */
static const char rfc8463[] =
	"DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;\r\n"
	" d=football.example.com; i=@football.example.com;\r\n"
	" q=dns/txt; s=brisbane; t=1528637909; h=from : to :\r\n"
	" subject : date : message-id : from : subject : date;\r\n"
	" bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n"
	" b=/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11Bus\r\n"
	" Fa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==\r\n"
	"DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;\r\n"
	" d=football.example.com; i=@football.example.com;\r\n"
	" q=dns/txt; s=test; t=1528637909; h=from : to : subject :\r\n"
	" date : message-id : from : subject : date;\r\n"
	" bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n"
	" b=F45dVWDfMbQDGHJFlXUNB2HKfbCeLRyhDXgFpEL8GwpsRe0IeIixNTe3\r\n"
	" DhCVlUrSjV4BwcVcOF6+FF3Zo9Rpo1tFOeS9mPYQTnGdaSGsgeefOsk2Jz\r\n"
	" dA+L10TeYt9BgDfQNZtKdN1WO//KgIqXP7OdEFE4LjFYNcUxZQ4FADY+8=\r\n"
	"From: Joe SixPack <joe@football.example.com>\r\n"
	"To: Suzie Q <suzie@shopping.example.net>\r\n"
	"Subject: Is dinner ready?\r\n"
	"Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)\r\n"
	"Message-ID: <20030712040037.46341.5F8J@football.example.com>\r\n"
	"\r\n"
	"Hi.\r\n"
	"\r\n"
	"We lost the game.  Are you hungry yet?\r\n"
	"\r\n"
	"Joe.\r\n";

static size_t judge(struct mail *m, struct answers *answers, int64_t now,
	struct dkim_signature **out)
{
	struct auth_ask ask = { answer, answers, now * 1000 };

	return auth_dkim(mail_arena(m), m, &ask, out);
}

static struct mail *parse(struct str raw)
{
	struct mail *m;
	struct err err = { 0 };

	must(mail_parse(raw, &m, &err) == 0);
	return m;
}

TEST(vector_of_rfc8463)
{
	struct answers a = { .n = 0 };
	AUTO(mail) struct mail *m = parse(str_c(rfc8463));
	struct dkim_signature *s;

	add_answer(&a, "brisbane._domainkey.football.example.com",
		STR("v=DKIM1; k=ed25519; "
		    "p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="));
	add_answer(&a, "test._domainkey.football.example.com",
		STR("v=DKIM1; k=rsa; "
		    "p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWRiGs5"
		    "V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQiY/J16JYi0Qvx/byYzCNb3W9"
		    "1y3FutACDfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hstT5QjvH"
		    "O9PzoxZyVYLzBfO2EeC3Ip3G+2kryOTIKT+l/K4w3QIDAQAB"));
	is_int(judge(m, &a, NOW, &s), 2, "both are found");
	is_int(s[0].verdict, AUTH_PASS, "Ed25519");
	is_str(s[0].algorithm, "ed25519-sha256", "its name");
	is_str(s[0].domain, "football.example.com", "its domain");
	is_str(s[0].selector, "brisbane", "its selector");
	is_str(s[0].identity, "@football.example.com", "its identity");
	is_str(s[0].headers,
		"from:to:subject:date:message-id:from:subject:date",
		"its fields");
	is_int(s[1].verdict, AUTH_PASS, "RSA");
	is_str(s[1].problem, "", "no problem");
}

#define TAGS "a=rsa-sha256; c=relaxed/relaxed; d=example.org; s=s; h=from;"
#define FROM "From: a@example.org\r\n"
#define RFROM "from:a@example.org\r\n"

struct row {
	const char *name, *tags;
	const char *header, *canon_header, *body, *canon_body;
	enum auth_verdict verdict;
	const char *problem; /* a piece of it */
	enum key_kind key;
	const char *record; /* NULL: v=DKIM1; p=; "!" is the key */
};

static const struct row forms[] = {
	{ "plain", TAGS, FROM, RFROM, "a\r\n", "a\r\n", AUTH_PASS },
	{ "line ends of a file", TAGS, "From: a@example.org\n", RFROM,
		"a\n\n b\n", "a\r\n\r\n b\r\n", AUTH_PASS },
	{ "line ends of an old Mac", TAGS, "From: a@example.org\r", RFROM,
		"a\r\r b\r", "a\r\n\r\n b\r\n", AUTH_PASS },
	{ "relaxed header", TAGS, "FROM \t:\t a  b\r\n\t <a@b.c> \r\n",
		"from:a b <a@b.c>\r\n", "a\r\n", "a\r\n", AUTH_PASS },
	{ "relaxed body", TAGS, FROM, RFROM,
		" a \t b\t\r\n\t\r\n\r\nc\td \r\n \r\n\r\n",
		" a b\r\n\r\n\r\nc d\r\n", AUTH_PASS },
	{ "relaxed body without end", TAGS, FROM, RFROM, "a \t", "a\r\n",
		AUTH_PASS },
	{ "relaxed body of blanks", TAGS, FROM, RFROM, " \r\n\t\r\n", "",
		AUTH_PASS },
	{ "relaxed empty body", TAGS, FROM, RFROM, "", "", AUTH_PASS },
	{ "bare CR", TAGS, FROM, RFROM, "a\rb \r\r\nc\n", "a\rb \r\r\nc\r\n",
		AUTH_PASS },
	{ "eight bits and NUL's neighbours", TAGS, FROM, RFROM,
		"\xff\x01 \xc3\xa4\r\n", "\xff\x01 \xc3\xa4\r\n", AUTH_PASS },
	{ "simple", "a=rsa-sha256; d=example.org; s=s; h=from;",
		"From : a@example.org \r\n\t(x)  \r\n",
		"From : a@example.org \r\n\t(x)  \r\n", " a \t b \r\n\r\n\r\n",
		" a \t b \r\n", AUTH_PASS },
	{ "simple with line ends of a file",
		"a=rsa-sha256; d=example.org; s=s; h=from;",
		"From: a@example.org\n (x)\n",
		"From: a@example.org\r\n (x)\r\n", "a\n\nb\n\n",
		"a\r\n\r\nb\r\n", AUTH_PASS },
	{ "simple empty body",
		"a=rsa-sha256; c=simple; d=example.org; s=s; h=from;", FROM,
		FROM, "", "\r\n", AUTH_PASS },
	{ "simple body of blanks",
		"a=rsa-sha256; c=simple; d=example.org; s=s; h=from;", FROM,
		FROM, " ", " \r\n", AUTH_PASS },
	{ "relaxed header and simple body",
		"a=rsa-sha256; c=relaxed; d=example.org; s=s; h=from;", FROM,
		RFROM, "a  b\r\n", "a  b\r\n", AUTH_PASS },
	{ "simple header and relaxed body",
		"a=rsa-sha256; c=simple/relaxed; d=example.org; s=s; h=from;",
		FROM, FROM, "a  b\r\n", "a b\r\n", AUTH_PASS },
	{ "repeated fields from the bottom up",
		"a=rsa-sha256; c=relaxed; d=example.org; s=s; "
		"h=X:from:x:x:X:subject;",
		"X: 1\r\nX: 2\r\n" FROM "X: 3\r\n",
		"x:3\r\n" RFROM "x:2\r\nx:1\r\n", "", "\r\n", AUTH_PASS },
	{ "l=", TAGS " l=3;", FROM, RFROM, "ab  cdef\r\n", "ab ", AUTH_PASS },
	{ "l= of all", TAGS " l=3;", FROM, RFROM, "a\r\n", "a\r\n", AUTH_PASS },
	{ "l= of nothing", TAGS " l=0;", FROM, RFROM, "a\r\n", "", AUTH_PASS },
	{ "l= of more than there is", TAGS " l=4;", FROM, RFROM, "a\r\n",
		"a\r\n", AUTH_FAIL, "shorter" },
	{ "another body", TAGS, FROM, RFROM, "a\r\n", "b\r\n", AUTH_FAIL,
		"body was changed" },
	{ "another header", TAGS, FROM, "from:b@example.org\r\n", "a\r\n",
		"a\r\n", AUTH_FAIL, "header was changed" },
};

static const struct row tags[] = {
	{ "expired", TAGS " t=1600000000; x=1699999999;", FROM, RFROM, "", "",
		AUTH_FAIL, "expired" },
	{ "not yet expired", TAGS " x=1700000001;", FROM, RFROM, "", "",
		AUTH_PASS },
	{ "expires in ages", TAGS " x=99999999999999999999999999;", FROM, RFROM,
		"", "", AUTH_PASS },
	{ "x= before t=", TAGS " t=1600000000; x=1500000000;", FROM, RFROM, "",
		"", AUTH_PERMERROR, "x= is before t=" },
	{ "future", TAGS " t=1700009999;", FROM, RFROM, "", "", AUTH_FAIL,
		"future" },
	{ "fast clock", TAGS " t=1700000060;", FROM, RFROM, "", "", AUTH_PASS },
	{ "t= no number", TAGS " t=soon;", FROM, RFROM, "", "", AUTH_PERMERROR,
		"t= is no number" },
	{ "i= in a subdomain", TAGS " i=a@x.EXAMPLE.org;", FROM, RFROM, "", "",
		AUTH_PASS },
	{ "i= elsewhere", TAGS " i=a@example.com;", FROM, RFROM, "", "",
		AUTH_PERMERROR, "i= is outside of d=" },
	{ "i= with a similar name", TAGS " i=a@badexample.org;", FROM, RFROM,
		"", "", AUTH_PERMERROR, "i= is outside of d=" },
	{ "i= without @", TAGS " i=example.org;", FROM, RFROM, "", "",
		AUTH_PERMERROR, "i= has no @" },
	{ "a tag twice", TAGS " s=s;", FROM, RFROM, "", "", AUTH_PERMERROR,
		"twice" },
	{ "no equals sign", TAGS " oops;", FROM, RFROM, "", "", AUTH_PERMERROR,
		"without" },
	{ "nothing between two semicolons", TAGS ";", FROM, RFROM, "", "",
		AUTH_PERMERROR, "without" },
	{ "a tag that nobody knows", TAGS " foo_1=bar;", FROM, RFROM, "", "",
		AUTH_PASS },
	{ "a tag with a bad name", TAGS " 1a=bar;", FROM, RFROM, "", "",
		AUTH_PERMERROR, "name" },
	{ "q= elsewhere", TAGS " q=ldap;", FROM, RFROM, "", "", AUTH_PERMERROR,
		"q= asks" },
	{ "q= with a choice", TAGS " q=x : dns/txt;", FROM, RFROM, "", "",
		AUTH_PASS },
	{ "unknown algorithm", "a=rsa-md5; d=example.org; s=s; h=from;", FROM,
		FROM, "", "\r\n", AUTH_PERMERROR, "a= names" },
	{ "unknown canonical form",
		"a=rsa-sha256; c=nowsp; d=example.org; s=s; h=from;", FROM,
		FROM, "", "\r\n", AUTH_PERMERROR, "c= names" },
	{ "no domain", "a=rsa-sha256; s=s; h=from;", FROM, FROM, "", "\r\n",
		AUTH_PERMERROR, "d= is missing" },
	{ "no name of a domain", "a=rsa-sha256; d=a..b; s=s; h=from;", FROM,
		FROM, "", "\r\n", AUTH_PERMERROR, "d= is no domain" },
	{ "From unsigned", "a=rsa-sha256; d=example.org; s=s; h=to;", FROM, "",
		"", "\r\n", AUTH_PERMERROR, "From" },
	{ "another From in front",
		"a=rsa-sha256; c=relaxed; d=example.org; s=s; h=from:subject;",
		"From: x@y.z\r\n" FROM, RFROM, "", "\r\n", AUTH_POLICY,
		"all 2 From fields" },
	{ "two From, both signed",
		"a=rsa-sha256; c=relaxed; d=example.org; s=s; h=from:from;",
		"From: x@y.z\r\n" FROM, RFROM "from:x@y.z\r\n", "", "\r\n",
		AUTH_PASS },
	{ "no such key", "a=rsa-sha256; d=example.org; s=t; h=from;", FROM,
		FROM, "", "\r\n", AUTH_PERMERROR, "no key t._domainkey" },
	{ "key not to be had", "a=rsa-sha256; d=example.org; s=down; h=from;",
		FROM, FROM, "", "\r\n", AUTH_TEMPERROR, "cannot be looked up" },
	{ "U-labels",
		"a=rsa-sha256; d=b\xc3\xbc"
		"cher.example; s=\xc3\xa4; h=from;",
		FROM, FROM, "", "\r\n", AUTH_PERMERROR,
		"no key xn--4ca._domainkey.xn--bcher-kva.example" },
	{ "upper case", "a=rsa-sha256; d=EXAMPLE.Org; s=S; h=FROM;", FROM, FROM,
		"", "\r\n", AUTH_PASS },
};

static const struct row keys[] = {
	{ "Ed25519", "a=ed25519-sha256; d=example.org; s=s; h=from;", FROM,
		FROM, "", "\r\n", AUTH_PASS, "", KEY_ED25519,
		"k=ed25519; p=!" },
	{ "an RSA key for Ed25519",
		"a=ed25519-sha256; d=example.org; s=s; h=from;", FROM, FROM, "",
		"\r\n", AUTH_PERMERROR, "another algorithm", KEY_ED25519,
		"k=rsa; p=!" },
	{ "a key that is no point",
		"a=ed25519-sha256; d=example.org; s=s; h=from;", FROM, FROM, "",
		"\r\n", AUTH_PERMERROR, "no Ed25519 key", KEY_ED25519,
		"k=ed25519; p=AAAA!" },
	{ "SHA-1", "a=rsa-sha1; d=example.org; s=s; h=from;", FROM, FROM, "",
		"\r\n", AUTH_POLICY, "SHA-1" },
	{ "SHA-1, and wrong", "a=rsa-sha1; d=example.org; s=s; h=from;", FROM,
		FROM, "", "a\r\n", AUTH_FAIL, "body was changed" },
	{ "1024 bits", TAGS, FROM, RFROM, "", "", AUTH_PASS, "", KEY_1024 },
	{ "768 bits", TAGS, FROM, RFROM, "", "", AUTH_POLICY, "under 1024",
		KEY_768 },
	{ "test mode", TAGS, FROM, RFROM, "", "", AUTH_PASS, "", KEY_2048,
		"v=DKIM1; t = y : x ; p=!;;" },
	{ "not for subdomains", TAGS " i=@a.example.org;", FROM, RFROM, "", "",
		AUTH_PERMERROR, "not for subdomains", KEY_2048, "t=y:s; p=!" },
	{ "not for subdomains, and none", TAGS, FROM, RFROM, "", "", AUTH_PASS,
		"", KEY_2048, "t=s; p=!" },
	{ "revoked", TAGS, FROM, RFROM, "", "", AUTH_PERMERROR, "revoked",
		KEY_2048, "v=DKIM1; p=" },
	{ "no key in the record", TAGS, FROM, RFROM, "", "", AUTH_PERMERROR,
		"has no key", KEY_2048, "v=DKIM1; n=later" },
	{ "another version", TAGS, FROM, RFROM, "", "", AUTH_PERMERROR,
		"version", KEY_2048, "v=DKIM2; p=!" },
	{ "version behind", TAGS, FROM, RFROM, "", "", AUTH_PERMERROR,
		"version", KEY_2048, "p=!; v=DKIM1" },
	{ "for all services", TAGS, FROM, RFROM, "", "", AUTH_PASS, "",
		KEY_2048, "s=web:*; p=!" },
	{ "not for mail", TAGS, FROM, RFROM, "", "", AUTH_PERMERROR,
		"not for mail", KEY_2048, "s=web; p=!" },
	{ "for another hash", TAGS, FROM, RFROM, "", "", AUTH_PERMERROR,
		"another hash", KEY_2048, "h=sha1; p=!" },
	{ "for this hash, too", TAGS, FROM, RFROM, "", "", AUTH_PASS, "",
		KEY_2048, "h=sha1 : sha256; p=!" },
	{ "malformed record", TAGS, FROM, RFROM, "", "", AUTH_PERMERROR,
		"malformed", KEY_2048, "k; p=!" },
	{ "no base64", TAGS, FROM, RFROM, "", "", AUTH_PERMERROR, "no base64",
		KEY_2048, "p=!%" },
	{ "no key at all", TAGS, FROM, RFROM, "", "", AUTH_PERMERROR,
		"no RSA key", KEY_2048, "p=AAAA" },
	{ "the key of RFC 6376's text", TAGS, FROM, RFROM, "", "", AUTH_PASS,
		"", KEY_2048, "p=$" },
	{ "huge key", TAGS, FROM, RFROM, "", "", AUTH_POLICY, "4096", KEY_2048,
		"p=#" },
	{ "huge exponent", TAGS, FROM, RFROM, "", "", AUTH_POLICY, "exponent",
		KEY_2048, "p=^" },
	{ "huge record", TAGS, FROM, RFROM, "", "", AUTH_PERMERROR, "too long",
		KEY_2048, "v=DKIM1; p=~" },
	{ "huge note", TAGS, FROM, RFROM, "", "", AUTH_PASS, "", KEY_2048,
		"n=~; p=!" },
	{ "a second record", TAGS, FROM, RFROM, "", "", AUTH_PASS, "", KEY_2048,
		"p=@" },
};

/* Makes the record: letters stand for keys. */
static void make_record(struct buf *b, const struct row *r)
{
	for (const char *p = r->record ? r->record : "v=DKIM1; p=!"; *p; p++) {
		if (*p == '!')
			add_key(b, r->key);
		else if (*p == '$')
			add_bare_key(b, r->key);
		else if (*p == '#')
			add_made_up_key(b, 16384, 17);
		else if (*p == '^')
			add_made_up_key(b, 2048, 65);
		else if (*p == '~')
			for (int i = 0; i < 16384; i++)
				buf_c(b, "AAAA");
		else if (*p == '@')
			add_key(b, KEY_1024);
		else
			buf_byte(b, (unsigned char)*p);
	}
}

/* Makes the mail, with its signature on top in the form that needs no more. */
static void make_mail(struct buf *raw, const struct row *r)
{
	bool is_sha1 = strstr(r->tags, "sha1");
	const EVP_MD *md = is_sha1 ? EVP_sha1() : EVP_sha256();
	bool is_relaxed = strstr(r->tags, "c=relaxed");
	const char *end = strstr(r->header, "\r\n") ? "\r\n"
			  : strchr(r->header, '\n') ? "\n"
						    : "\r";
	AUTO(buf) struct buf field = BUF_INIT(10000), text = BUF_INIT(10000);

	buf_printf(&field, "v=1; %s bh=", r->tags);
	add_hash(&field, md, str_c(r->canon_body));
	buf_c(&field, "; b=");
	buf_c(&text, r->canon_header);
	buf_printf(&text, "%s%s",
		is_relaxed ? "dkim-signature:" : "DKIM-Signature: ", field.p);
	buf_printf(raw, "DKIM-Signature: %s", field.p);
	add_signature(raw, r->key, md, buf_view(&text));
	buf_printf(raw, "%s%s%s%s", end, r->header, end, r->body);
}

static void check_row(const struct row *r)
{
	AUTO(buf) struct buf raw = BUF_INIT(16 << 20);
	AUTO(buf) struct buf record = BUF_INIT(100000);
	AUTO(mail) struct mail *m = NULL;
	struct answers a = { .n = 0 };
	struct dkim_signature *s;

	make_mail(&raw, r);
	make_record(&record, r);
	add_answer(&a, "s._domainkey.example.org", buf_view(&record));
	if (r->record && !strcmp(r->record, "p=@")) {
		AUTO(buf) struct buf second = BUF_INIT(10000);
		buf_c(&second, "p=");
		add_key(&second, r->key);
		add_answer(&a, "s._domainkey.example.org", buf_view(&second));
		m = parse(buf_view(&raw));
		is_int(judge(m, &a, NOW, &s), 1, r->name);
		is_int(s->verdict, r->verdict, r->name);
		return;
	}
	add_answer(&a, "down._domainkey.example.org", STR(""));
	a.status[1] = DNS_FAILED;
	m = parse(buf_view(&raw));
	is_int(judge(m, &a, NOW, &s), 1, r->name);
	is_int(s->verdict, r->verdict, r->name);
	if (s->verdict != r->verdict)
		printf("# %.*s\n%s\n", STR_ARG(s->problem), raw.p);
	is_true(str_find(s->problem, str_c(r->problem ? r->problem : "")) >= 0,
		r->name);
	is_true((s->verdict == AUTH_PASS) == !s->problem.len, r->name);
	is_int(s->is_test, r->record && strchr(r->record, 'y') != NULL,
		r->name);
	is_int(s->is_partial,
		strstr(r->name, "l=") && r->verdict == AUTH_PASS &&
			!strstr(r->name, "of all"),
		r->name);
}

TEST(canonical_forms)
{
	for (size_t i = 0; i < COUNT(forms); i++)
		check_row(&forms[i]);
}

TEST(tags)
{
	for (size_t i = 0; i < COUNT(tags); i++)
		check_row(&tags[i]);
}

TEST(keys)
{
	for (size_t i = 0; i < COUNT(keys); i++)
		check_row(&keys[i]);
}

TEST(all_keys_are_asked_for_at_once)
{
	struct answers a = { .is_silent = true };
	AUTO(mail) struct mail *m = parse(str_c(rfc8463));
	struct dkim_signature *s;

	is_int(judge(m, &a, NOW, &s), 2, "both are found");
	is_int(a.n_asked, 2, "both are asked for");
	is_int(s[0].verdict, AUTH_UNKNOWN, "the first waits");
	is_int(s[1].verdict, AUTH_UNKNOWN, "the second waits");
	a.is_silent = false;
	is_int(judge(m, &a, NOW, &s), 2, "the same again");
	is_int(s[0].verdict, AUTH_PERMERROR, "now it is known: no key");
}

TEST(no_signature)
{
	struct answers a = { .n = 0 };
	AUTO(mail) struct mail *m = parse(
		STR("DomainKey-Signature: a=rsa-sha1\r\n" FROM "\r\n"));
	struct dkim_signature *s;

	is_int(judge(m, &a, NOW, &s), 0, "DomainKeys are not looked at");
	is_int(a.n_asked, 0, "nor asked for");
}

/* ---- hostile ------------------------------------------------------------ */

TEST(two_thousand_signatures)
{
	struct answers a = { .n = 0 };
	AUTO(buf) struct buf raw = BUF_INIT(10 << 20);
	AUTO(mail) struct mail *m = NULL;
	struct dkim_signature *s;

	for (int i = 0; i < 2000; i++)
		buf_printf(&raw,
			"DKIM-Signature: v=1; a=rsa-sha256; d=d%d.test; s=s; "
			"h=from; bh=AAAA; b=AAAA\r\n",
			i);
	buf_c(&raw, FROM "\r\nx\r\n");
	m = parse(buf_view(&raw));
	is_int(judge(m, &a, NOW, &s), AUTH_SIGNATURES_MAX, "ten of them");
	is_str(s[9].domain, "d9.test", "the topmost");
	is_int(a.n_asked, AUTH_SIGNATURES_MAX, "no more are asked for");
}

TEST(huge_fields)
{
	static const char *const begin[] = { "h=from", "h=from; b=" };
	struct answers a = { .n = 0 };

	for (int k = 0; k < 2; k++) {
		AUTO(buf) struct buf raw = BUF_INIT(10 << 20);
		AUTO(mail) struct mail *m = NULL;
		struct dkim_signature *s;
		buf_printf(&raw,
			"DKIM-Signature: v=1; a=rsa-sha256; "
			"d=d.test; s=s; bh=AAAA; %s",
			begin[k]);
		for (int i = 0; i < 100000; i++)
			buf_c(&raw, k ? "AAAAAAAAAA" : ":x\r\n ");
		buf_c(&raw, "\r\n" FROM "\r\nx\r\n");
		m = parse(buf_view(&raw));
		is_int(judge(m, &a, NOW, &s), 1, "it is there");
		is_int(s->verdict, AUTH_PERMERROR, "and refused");
		is_true(str_find(s->problem, STR("longer")) >= 0, "as such");
	}
}

TEST(huge_header)
{
	static const struct row r = { "",
		"a=rsa-sha256; c=relaxed; "
		"d=example.org; s=s; h=from:x:x:x:x:x;",
		FROM, RFROM, "", "" };
	struct answers a = { .n = 0 };
	AUTO(buf) struct buf raw = BUF_INIT(10 << 20);
	AUTO(buf) struct buf record = BUF_INIT(10000);
	AUTO(mail) struct mail *m = NULL;
	struct dkim_signature *s;

	make_record(&record, &r);
	add_answer(&a, "s._domainkey.example.org", buf_view(&record));
	for (int k = 0; k < 5; k++) {
		buf_c(&raw, "X: ");
		for (int i = 0; i < 100000; i++)
			buf_c(&raw, "abcdef");
		buf_c(&raw, "\r\n");
	}
	buf_printf(&raw, "DKIM-Signature: v=1; %s bh=", r.tags);
	add_hash(&raw, EVP_sha256(), STR("\r\n"));
	buf_c(&raw, "; b=AAAA\r\n" FROM "\r\n");
	m = parse(buf_view(&raw));
	is_int(judge(m, &a, NOW, &s), 1, "it is there");
	is_int(s->verdict, AUTH_POLICY, "it signs too much");
	is_true(str_find(s->problem, STR("more than")) >= 0, "as it says");
}

/* The body is walked in pieces of 1 MB: lines lie across their ends. */
TEST(long_bodies)
{
	static const char *const lines[] = { "a  b\t\r\n", "a  b\n",
		" \r\n \n" };
	static const char *const canonical[] = { "a b\r\n", "a b\r\n",
		"\r\n\r\n" };

	for (size_t i = 0; i < 3 * 7; i++) {
		AUTO(buf) struct buf body = BUF_INIT(16 << 20);
		AUTO(buf) struct buf canon = BUF_INIT(16 << 20);
		struct row r = { "long", TAGS, FROM, RFROM, "", "", AUTH_PASS };
		for (size_t k = 0; k < i / 3; k++) {
			buf_c(&body, "x");
			buf_c(&canon, "x");
		}
		for (size_t k = 0; k < 500000; k++) {
			buf_c(&body, lines[i % 3]);
			buf_c(&canon, canonical[i % 3]);
		}
		buf_c(&body, ".");
		buf_c(&canon, ".\r\n");
		r.body = body.p;
		r.canon_body = canon.p;
		r.key = KEY_1024;
		check_row(&r);
	}
}
