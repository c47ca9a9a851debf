/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_eval.c - what scripts decide about a mail. */
#include "script.h"

static const char mail_plain[] =
	"From: \"Ann Example\" <ann+shop@Example.ORG>\r\n"
	"To: bob@example.com, Carl <carl@example.net>\r\n"
	"Cc: undisclosed-recipients:;\r\n"
	"Reply-To: nonsense\r\n"
	"Subject: =?utf-8?q?J=C3=BCrgen_sagt?= hallo\r\n"
	"X-Spaced:   much space   \r\n"
	"X-Empty:\r\n"
	"X-Caffeine: C8H10N4O2\r\n"
	"X-Two: one\r\n"
	"X-Two: two\r\n"
	"X-Priority: 3 (normal)\r\n"
	"X-Folded: first\r\n"
	"\tsecond\r\n"
	"MIME-Version: 1.0\r\n"
	"Content-Type: text/plain; charset=utf-8\r\n"
	"Content-Transfer-Encoding: quoted-printable\r\n"
	"\r\n"
	"Hello =C3=A4 world.\r\n";

static const struct row {
	const char *name, *source, *plan;
} rows[] = {
	{ "nothing means keep", "", "implicit keep" },
	{ "keep", "keep;", "keep" },
	{ "twice is once", "keep; keep;", "keep" },
	{ "discard", "discard;", "discard" },
	{ "stop ends it", "stop; discard;", "implicit keep" },
	{ "actions keep their order",
		"redirect \"a@b.de\"; keep; redirect \"c@d.de\";",
		"redirect a@b.de; keep; redirect c@d.de" },
	{ "redirect takes a name off", "redirect \"Ann <a@b.de>\";",
		"redirect a@b.de" },
	{ "quotes go when they may",
		"redirect \"\\\"a\\\"@b.de\"; redirect \"a@b.de\";",
		"redirect a@b.de" },
	{ "blanks around the at", "redirect \" a  @  b.de \";",
		"redirect a@b.de" },
	{ "fileinto", "require \"fileinto\"; fileinto \"A\";", "fileinto A" },
	{ "same folder once",
		"require \"fileinto\"; fileinto \"A\"; fileinto \"A\";",
		"fileinto A" },
	{ "copy keeps the keep",
		"require [\"fileinto\", \"copy\"]; fileinto :copy \"A\";",
		"fileinto A copy; implicit keep" },
	/* Control */
	{ "if", "if true { discard; }", "discard" },
	{ "else", "if false { keep; } else { discard; }", "discard" },
	{ "elsif", "if false { keep; } elsif true { discard; } else { stop; }",
		"discard" },
	{ "one block of a chain",
		"if true { discard; } elsif true { keep; } else { keep; }",
		"discard" },
	{ "a chain within a chain",
		"if true { if false { keep; } } else { discard; }",
		"implicit keep" },
	{ "not", "if not false { discard; }", "discard" },
	{ "allof", "if allof (true, false) { discard; }", "implicit keep" },
	{ "anyof", "if anyof (false, true) { discard; }", "discard" },
	{ "anyof is short",
		"require \"variables\"; if anyof (header :matches \"X-Two\" "
		"\"*\", header :matches \"X-Empty\" \"*\") {} "
		"redirect \"${1}@b.de\";",
		"redirect one@b.de" },
	/* header */
	{ "header decoded, UTF-8",
		"if header \"subject\" \"j\xc3\xbcrgen SAGT hallo\" "
		"{ discard; }",
		"discard" },
	{ "octet has case",
		"if header :comparator \"i;octet\" \"x-two\" \"ONE\" "
		"{ discard; }",
		"implicit keep" },
	{ "value is trimmed",
		"if header \"x-spaced\" \"much space\" "
		"{ discard; }",
		"discard" },
	{ "value is unfolded",
		"if header :matches \"x-folded\" \"first?second\" "
		"{ discard; }",
		"discard" },
	{ "absent is not empty", "if header \"x-none\" \"\" { discard; }",
		"implicit keep" },
	{ "absent contains nothing",
		"if header :contains \"x-none\" \"\" { discard; }",
		"implicit keep" },
	{ "present and empty", "if header \"x-empty\" \"\" { discard; }",
		"discard" },
	{ "all contain the empty string",
		"if header :contains \"x-two\" \"\" { discard; }", "discard" },
	{ "second occurrence", "if header \"x-two\" \"two\" { discard; }",
		"discard" },
	{ "any name, any key",
		"if header [\"x-none\", \"x-two\"] [\"zero\", \"two\"] "
		"{ discard; }",
		"discard" },
	{ "not a name", "if header \"x two:\" \"x\" { discard; }",
		"implicit keep" },
	{ "an octet for ?",
		"if header :matches \"subject\" \"J?rgen*\" { discard; }",
		"implicit keep" },
	{ "two octets for ??",
		"if header :matches \"subject\" \"J??rgen*\" { discard; }",
		"discard" },
	{ "a character for ?",
		"if header :matches :comparator \"i;unicode-casemap\" "
		"\"subject\" \"J?RGEN*\" { discard; }",
		"discard" },
	{ "case beyond ASCII",
		"if header :contains :comparator \"i;unicode-casemap\" "
		"\"subject\" \"J\xc3\x9cR\" { discard; }",
		"discard" },
	{ "exists wants all",
		"if exists [\"subject\", \"x-none\"] { discard; }",
		"implicit keep" },
	{ "exists", "if exists [\"subject\", \"x-empty\"] { discard; }",
		"discard" },
	/* address */
	{ "address all",
		"if address \"from\" \"ANN+shop@example.org\" "
		"{ discard; }",
		"discard" },
	{ "address localpart",
		"if address :localpart \"from\" \"ann+shop\" { discard; }",
		"discard" },
	{ "address domain",
		"if address :domain \"to\" \"example.net\" { discard; }",
		"discard" },
	{ "names are not seen",
		"if address :contains \"to\" \"Carl <\" { discard; }",
		"implicit keep" },
	{ "what is no address, whole",
		"if address \"reply-to\" \"nonsense\" { discard; }",
		"discard" },
	{ "what is no address has no part",
		"if address :localpart \"reply-to\" \"nonsense\" "
		"{ discard; }",
		"implicit keep" },
	{ "subaddress user",
		"require \"subaddress\"; if address :user \"from\" \"ann\" "
		"{ discard; }",
		"discard" },
	{ "subaddress detail",
		"require \"subaddress\"; if address :detail \"from\" \"shop\" "
		"{ discard; }",
		"discard" },
	{ "no detail is no value",
		"require \"subaddress\"; if address :detail \"to\" \"\" "
		"{ discard; }",
		"implicit keep" },
	{ "count addresses",
		"require [\"relational\", \"comparator-i;ascii-numeric\"]; "
		"if address :count \"eq\" :comparator \"i;ascii-numeric\" "
		"[\"to\", \"from\"] \"3\" { discard; }",
		"discard" },
	{ "count of an empty group",
		"require \"relational\"; if address :count \"eq\" \"cc\" \"0\" "
		"{ discard; }",
		"discard" },
	/* envelope */
	{ "envelope from",
		"require \"envelope\"; if envelope :domain \"FROM\" "
		"\"bounce.example\" { discard; }",
		"discard" },
	{ "envelope to",
		"require \"envelope\"; if envelope \"to\" "
		"\"support@example.com\" { discard; }",
		"discard" },
	/* relational */
	{ "count fields",
		"require \"relational\"; if header :count \"ge\" "
		"[\"x-two\", \"subject\"] \"3\" { discard; }",
		"discard" },
	{ "value by text",
		"require [\"relational\", \"variables\"]; "
		"if string :value \"lt\" \"10\" \"9\" { discard; }",
		"discard" },
	{ "value by number",
		"require [\"relational\", \"variables\", "
		"\"comparator-i;ascii-numeric\"]; if string :value \"gt\" "
		":comparator \"i;ascii-numeric\" \"10\" \"9\" { discard; }",
		"discard" },
	{ "numbers of any length",
		"require [\"relational\", \"variables\", "
		"\"comparator-i;ascii-numeric\"]; if string :value \"gt\" "
		":comparator \"i;ascii-numeric\" \"100000000000000000000\" "
		"\"99999999999999999999\" { discard; }",
		"discard" },
	{ "leading digits count",
		"require \"comparator-i;ascii-numeric\"; if header "
		":comparator \"i;ascii-numeric\" \"x-priority\" \"003\" "
		"{ discard; }",
		"discard" },
	{ "no digits are infinite",
		"require [\"variables\", \"comparator-i;ascii-numeric\"]; "
		"if string :comparator \"i;ascii-numeric\" \"-1\" \"x\" "
		"{ discard; }",
		"discard" },
	{ "infinite is more",
		"require [\"relational\", \"variables\", "
		"\"comparator-i;ascii-numeric\"]; if string :value \"gt\" "
		":comparator \"i;ascii-numeric\" \"\" \"9999\" { discard; }",
		"discard" },
	/* size */
	{ "size over", "if size :over 10 { discard; }", "discard" },
	{ "size under", "if size :under 1M { discard; }", "discard" },
	/* variables */
	{ "set and get",
		"require \"variables\"; set \"A\" \"x\"; "
		"redirect \"${a}@b.de\";",
		"redirect x@b.de" },
	{ "never set is empty",
		"require \"variables\"; redirect \"x${a}@b.de\";",
		"redirect x@b.de" },
	{ "values are not looked at again",
		"require [\"variables\", \"fileinto\"]; set \"a\" \"$\"; "
		"set \"b\" \"y\"; fileinto \"${a}{b}\";",
		"fileinto ${b}" },
	{ "what is no reference stays",
		"require [\"variables\", \"fileinto\"]; "
		"fileinto \"${} ${doh!} ${a.} ${ b} $\";",
		"fileinto ${} ${doh!} ${a.} ${ b} $" },
	{ "a reference in the middle of none",
		"require [\"variables\", \"fileinto\"]; set \"company\" "
		"\"ACME\"; fileinto \"${BAD${Company}\";",
		"fileinto ${BADACME" },
	{ "escapes come first",
		"require [\"variables\", \"fileinto\"]; set \"foo\" \"x\"; "
		"fileinto \"${fo\\o} ${fo\\\\o} \\\\${foo}\";",
		"fileinto x ${fo\\o} \\x" },
	{ "without require, text", "require \"fileinto\"; fileinto \"${foo}\";",
		"fileinto "
		"${foo}" },
	{ "lower",
		"require [\"variables\", \"fileinto\"]; "
		"set :lower \"a\" \"AbC\"; fileinto \"${a}\";",
		"fileinto abc" },
	{ "upperfirst and lower",
		"require [\"variables\", \"fileinto\"]; "
		"set :upperfirst :lower \"a\" \"juMBlEd lETteRS\"; "
		"fileinto \"${a}\";",
		"fileinto Jumbled letters" },
	{ "length counts characters",
		"require [\"variables\", \"fileinto\"]; "
		"set :length \"a\" \"J\xc3\xbcrgen\"; fileinto \"${a}\";",
		"fileinto 6" },
	{ "quotewildcard",
		"require [\"variables\", \"fileinto\"]; "
		"set :quotewildcard \"a\" \"a*b?c\\\\\"; fileinto \"${a}\";",
		"fileinto a\\*b\\?c\\\\" },
	{ "quoteregex",
		"require [\"variables\", \"fileinto\", \"regex\"]; "
		"set :quoteregex \"a\" \"a.b(c)\"; fileinto \"${a}\";",
		"fileinto a\\.b\\(c\\)" },
	{ "match values",
		"require [\"variables\", \"fileinto\"]; if header :matches "
		"\"x-caffeine\" \"C*H*N*O*\" "
		"{ fileinto \"${0} ${1} ${2} ${3} ${4} ${5}\"; }",
		"fileinto C8H10N4O2 8 10 4 2 " },
	{ "match values keep their case",
		"require [\"variables\", \"fileinto\"]; if header :matches "
		"\"from\" \"*@*\" { fileinto \"${2}\"; }",
		"fileinto Example.ORG>" },
	{ "a failed match leaves them",
		"require [\"variables\", \"fileinto\"]; "
		"if string :matches \"ab\" \"?b\" {} "
		"if string :matches \"ab\" \"?c\" {} fileinto \"${1}\";",
		"fileinto a" },
	{ "the first value that fits wins",
		"require [\"variables\", \"fileinto\"]; if header :matches "
		"[\"x-spaced\", \"x-two\"] [\"o*\", \"m*\"] "
		"{ fileinto \"${0}\"; }",
		"fileinto much space" },
	{ "string count",
		"require [\"variables\", \"relational\"]; if string :count "
		"\"eq\" [\"a\", \"\", \"${x}\", \"b\"] \"2\" { discard; }",
		"discard" },
	{ "string is not trimmed",
		"require \"variables\"; if string \" a \" \"a\" { discard; }",
		"implicit keep" },
	/* encoded-character */
	{ "hex",
		"require [\"encoded-character\", \"fileinto\"]; "
		"fileinto \"${hex:41 42}$${hex:40}\";",
		"fileinto AB$@" },
	{ "unicode",
		"require [\"encoded-character\", \"fileinto\"]; "
		"fileinto \"${unicode:000000fc 40}\";",
		"fileinto \xc3\xbc@" },
	{ "not well-formed stays",
		"require [\"encoded-character\", \"fileinto\"]; fileinto "
		"\"${hex:400} ${hex:40 ${unicode:Cool} ${hex:} ${ hex:40}\";",
		"fileinto ${hex:400} ${hex:40 ${unicode:Cool} ${hex:} "
		"${ hex:40}" },
	{ "one pass",
		"require [\"encoded-character\", \"fileinto\"]; "
		"fileinto \"${hex:4${hex:30}}\";",
		"fileinto ${hex:40}" },
	{ "encoded before variables",
		"require [\"encoded-character\", \"variables\", "
		"\"fileinto\"]; set \"name\" \"Ann\"; "
		"fileinto \"dear ${hex:24 7b 4e}ame}\";",
		"fileinto dear Ann" },
	/* regex */
	{ "regex searches and groups",
		"require [\"regex\", \"variables\", \"fileinto\"]; if header "
		":regex \"x-caffeine\" \"c([0-9]+)h([0-9]+)\" "
		"{ fileinto \"${0} ${1} ${2}\"; }",
		"fileinto C8H10 8 10" },
	{ "regex without groups sets ${0}",
		"require [\"regex\", \"variables\", \"fileinto\"]; if header "
		":regex \"x-caffeine\" \"N.\" { fileinto \"${0}\"; }",
		"fileinto N4" },
	{ "octet regex has case",
		"require \"regex\"; if header :regex :comparator \"i;octet\" "
		"\"x-caffeine\" \"c8\" { discard; }",
		"implicit keep" },
	{ "regex from a variable",
		"require [\"regex\", \"variables\"]; set \"a\" \"^on\"; "
		"if header :regex \"x-two\" \"${a}e$\" { discard; }",
		"discard" },
	/* body */
	{ "body text is decoded",
		"require \"body\"; if body :contains \"Hello \xc3\xa4 wo\" "
		"{ discard; }",
		"discard" },
	{ "raw body is not",
		"require \"body\"; if body :raw :contains \"=C3=A4\" "
		"{ discard; }",
		"discard" },
	{ "body content by type",
		"require \"body\"; if body :content \"text/plain\" :contains "
		"\"\xc3\xa4\" { discard; }",
		"discard" },
	{ "body sets no match values",
		"require [\"body\", \"variables\", \"fileinto\"]; "
		"if string :matches \"x\" \"?\" {} "
		"if body :matches \"*\" { fileinto \"${1}\"; }",
		"fileinto x" },
	/* errors at run time */
	{ "address from a variable",
		"require \"variables\";\nkeep;\nset \"a\" \"x\";\n"
		"redirect \"${a}\";",
		"fail: t.sieve: line 4: redirect: invalid address \"x\": "
		"there is no @" },
	{ "folder from a variable",
		"require [\"variables\", \"fileinto\"];\n"
		"fileinto \"${nothing}\";",
		"fail: t.sieve: line 2: fileinto: invalid folder name \"\"" },
	{ "error", "require \"ihave\";\nkeep;\nif true {\n error \"so\"; }",
		"fail: t.sieve: line 4: error: so" },
};

static const struct envelope *get_envelope(void)
{
	static struct envelope_rcpt rcpts[1];
	static struct envelope env;

	rcpts[0].address = STR("support@example.com");
	env.sender = STR("x@bounce.example");
	env.rcpts = rcpts;
	env.n_rcpts = 1;
	return &env;
}

TEST(scripts_decide)
{
	for (size_t i = 0; i < COUNT(rows); i++) {
		AUTO(buf) struct buf out = BUF_INIT(OUT_MAX);

		run_with(sieve_settings_default(), rows[i].source,
			str_c(mail_plain), get_envelope(), &out);
		is_str(buf_view(&out), rows[i].plan, rows[i].name);
	}
}

TEST(null_sender_is_empty_in_all_parts)
{
	static const char *const parts[] = { ":all", ":localpart", ":domain" };
	struct envelope env = { .sender = STR("") };

	for (size_t i = 0; i < COUNT(parts); i++) {
		AUTO(buf) struct buf out = BUF_INIT(OUT_MAX);
		char source[200];

		snprintf(source, sizeof(source),
			"require \"envelope\"; if envelope %s \"from\" \"\" "
			"{ discard; }",
			parts[i]);
		run_with(sieve_settings_default(), source, str_c(mail_plain),
			&env, &out);
		is_str(buf_view(&out), "discard", parts[i]);
	}
}

static const char mail_parts[] = "From: a@example.org\r\n"
				 "Content-Type: multipart/mixed; boundary=b\r\n"
				 "\r\n"
				 "the preamble\r\n"
				 "--b\r\n"
				 "Content-Type: text/html\r\n"
				 "\r\n"
				 "<p>some <b>bold</b> text</p>\r\n"
				 "--b\r\n"
				 "Content-Type: message/rfc822\r\n"
				 "\r\n"
				 "Subject: inner subject\r\n"
				 "\r\n"
				 "inner body\r\n"
				 "--b\r\n"
				 "Content-Type: application/octet-stream\r\n"
				 "Content-Transfer-Encoding: base64\r\n"
				 "\r\n"
				 "c2VjcmV0\r\n"
				 "--b--\r\n"
				 "the epilogue\r\n";

TEST(body_sees_parts)
{
	static const struct {
		const char *name, *test;
		bool is_true;
	} tests[] = {
		{ "HTML as text", "body :contains \"some bold text\"", true },
		{ "inner text", "body :contains \"inner body\"", true },
		{ "preamble is no text", "body :contains \"preamble\"", false },
		{ "files are no text", "body :contains \"secret\"", false },
		{ "raw has all", "body :raw :contains \"the epilogue\"", true },
		{ "preamble of multipart",
			"body :content \"multipart\" :matches \"the "
			"preamble*\"",
			true },
		{ "epilogue of multipart",
			"body :content \"multipart\" :matches \"the "
			"epilogue*\"",
			true },
		{ "nothing else of multipart",
			"body :content \"multipart\" :contains \"inner\"",
			false },
		{ "header of a message",
			"body :content \"message/rfc822\" :contains "
			"\"Subject: inner subject\"",
			true },
		{ "but not its body",
			"body :content \"message/rfc822\" :contains \"inner "
			"body\"",
			false },
		{ "decoded content",
			"body :content \"application\" :is \"secret\"", true },
		{ "HTML stays HTML",
			"body :content \"text/html\" :contains \"<b>\"", true },
		{ "all content", "body :content \"\" :contains \"secret\"",
			true },
		{ "slash at the end", "body :content \"text/\" :contains \"\"",
			false },
		{ "slash first", "body :content \"/html\" :contains \"\"",
			false },
		{ "two slashes", "body :content \"text/html/\" :contains \"\"",
			false },
	};

	for (size_t i = 0; i < COUNT(tests); i++) {
		AUTO(buf) struct buf out = BUF_INIT(OUT_MAX);
		char source[500];

		snprintf(source, sizeof(source),
			"require \"body\"; if %s { discard; }", tests[i].test);
		run_with(sieve_settings_default(), source, str_c(mail_parts),
			get_envelope(), &out);
		is_str(buf_view(&out),
			tests[i].is_true ? "discard" : "implicit keep",
			tests[i].name);
	}
}

TEST(no_body_is_less_than_an_empty_one)
{
	AUTO(buf) struct buf out = BUF_INIT(OUT_MAX);
	const char *source =
		"require \"body\"; if body :raw :contains \"\" { discard; }";

	run_with(sieve_settings_default(), source, STR("From: a@b.de\r\n"),
		get_envelope(), &out);
	is_str(buf_view(&out), "implicit keep", "header only");
	run_with(sieve_settings_default(), source, STR("From: a@b.de\r\n\r\n"),
		get_envelope(), &out);
	is_str(buf_view(&out), "discard", "header and an empty body");
}

TEST(evaluating_twice_gives_the_same)
{
	AUTO(buf) struct buf out = BUF_INIT(OUT_MAX);
	AUTO(sieve)
	struct sieve_script *s = compile_with(sieve_settings_default(),
		STR("require [\"variables\", \"fileinto\"]; "
		    "if header :matches \"subject\" \"*\" "
		    "{ fileinto \"${1}\"; }"),
		&out);
	struct facts facts = { 0 };

	mail_init();
	for (int i = 0; i < 2; i++) {
		AUTO(arena) struct arena *a = arena_new();
		AUTO(mail) struct mail *mail = NULL;
		struct plan *plan;
		struct err err = { 0 };

		is_int(mail_parse(str_c(mail_plain), &mail, &err), 0, "parse");
		is_int(sieve_eval(
			       s, mail, get_envelope(), &facts, a, &plan, &err),
			0, "evaluate");
		is_str(plan->script, "t.sieve", "the plan names its script");
		is_int(plan->script_sha256.len, 64, "and its digest");
		buf_clear(&out);
		write_plan(&out, plan);
		is_str(buf_view(&out), "fileinto J\xc3\xbcrgen sagt hallo",
			"the plan");
	}
}
