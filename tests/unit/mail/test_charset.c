/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_charset.c - charsets, where no file can be opened any more. */
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <mailmill/buf.h>
#include <mailmill/mail.h>

#include "test.h"

static const struct row {
	const char *charset, *bytes, *text;
} rows[] = {
	{ "koi8-r", "\xf0\xd2", "\xd0\x9f\xd1\x80" },
	{ "windows-1251", "\xcf\xf0", "\xd0\x9f\xd1\x80" },
	{ "iso-8859-5", "\xbf\xe0", "\xd0\x9f\xd1\x80" },
	{ "x-mac-cyrillic", "\x8f\xf0", "\xd0\x9f\xd1\x80" },
	{ "iso-8859-2", "\xb1", "\xc4\x85" },
	{ "ISO_8859-15", "\xa4", "\xe2\x82\xac" },
	{ "iso-8859-7", "\xe1", "\xce\xb1" },
	{ "iso-8859-8-i", "\xe0", "\xd7\x90" },
	{ "windows-1256", "\xc7", "\xd8\xa7" },
	{ "iso-8859-9", "\xfd", "\xc4\xb1" },
	{ "windows-874", "\xa1", "\xe0\xb8\x81" },
	{ "gb2312", "\xc4\xe3", "\xe4\xbd\xa0" },
	{ "gb18030", "\x81\x30\x81\x30", "\xc2\x80" },
	{ "hz-gb-2312", "~{Dc~}", "\xe4\xbd\xa0" },
	{ "big5", "\xa7\x41", "\xe4\xbd\xa0" },
	{ "ks_c_5601-1987", "\xb0\xa1", "\xea\xb0\x80" },
	{ "iso-2022-kr", "\x1b$)C\x0e\x30\x21\x0f", "\xea\xb0\x80" },
	{ "iso-2022-jp", "\x1b$BF|\x1b(B", "\xe6\x97\xa5" },
	{ "euc-jp", "\xc6\xfc", "\xe6\x97\xa5" },
	{ "shift-jis", "\x93\xfa", "\xe6\x97\xa5" },
	{ "utf-16", "\xff\xfe\xe5\x65", "\xe6\x97\xa5" },
	{ "utf-16be", "\x65\xe5", "\xe6\x97\xa5" },
	{ "utf-7", "+ZeU-", "\xe6\x97\xa5" },
	{ "cp850", "\x84", "\xc3\xa4" },
	{ "x-ias-german", "{", "\xc3\xa4" },
	{ "uft-8", "\xc3\xa4", "\xc3\xa4" },
	{ "no-such-charset", "\xe4", "\xc3\xa4" },
	{ "", "\xe4", "\xc3\xa4" },
};

/* Returns: how many rows come out wrong. */
static int count_wrong(void)
{
	int n = 0;

	for (size_t i = 0; i < COUNT(rows); i++) {
		AUTO(buf) struct buf raw = BUF_INIT(4096);
		AUTO(mail) struct mail *m = NULL;
		struct err err = { 0 };
		buf_printf(&raw,
			"Content-Type: text/plain; charset=\"%s\"\n\n%s",
			rows[i].charset, rows[i].bytes);
		if (mail_parse(buf_view(&raw), &m, &err) < 0 ||
			!str_eq(mail_text(m), str_c(rows[i].text))) {
			struct str got = m ? mail_text(m) : STR("");
			printf("# %s: got \"%.*s\"\n", rows[i].charset,
				STR_ARG(got));
			n++;
		}
	}
	return n;
}

TEST(converts)
{
	mail_init();
	is_int(count_wrong(), 0, "all");
}

/* Bytes without a label, and what a person reads in them. */
static const struct guess_row {
	const char *name, *bytes, *text;
} guess_rows[] = {
	{ "koi8-r",
		"\xd0\xd2\xc9\xd7\xc5\xd4, \xdc\xd4\xcf "
		"\xd0\xd2\xcf\xd7\xc5\xd2\xcb\xc1",
		"привет, это проверка" },
	{ "cp1251",
		"\xef\xf0\xe8\xe2\xe5\xf2, \xfd\xf2\xee "
		"\xef\xf0\xee\xe2\xe5\xf0\xea\xe0",
		"привет, это проверка" },
	{ "iso8859-5",
		"\xb1\xde\xdb\xec\xe8\xde\xd5 \xe1\xdf\xd0\xe1\xd8\xd1\xde "
		"\xd7\xd0 \xdf\xd8\xe1\xec\xdc\xde",
		"Большое спасибо за письмо" },
	{ "cp1253",
		"\xca\xe1\xeb\xe7\xec\xdd\xf1\xe1 \xf3\xe1\xf2, "
		"\xe5\xf5\xf7\xe1\xf1\xe9\xf3\xf4\xfe",
		"Καλημέρα σας, ευχαριστώ" },
	{ "cp1255", "\xf9\xec\xe5\xed \xec\xeb\xe5\xec\xed, \xfa\xe5\xe3\xe4",
		"שלום לכולם, תודה" },
	{ "cp1256",
		"\xc7\xe1\xd3\xe1\xc7\xe3 \xda\xe1\xed\xdf\xe3 "
		"\xe6\xd1\xcd\xe3\xc9 \xc7\xe1\xe1\xe5",
		"السلام عليكم ورحمة الله" },
	{ "cp874",
		"\xca\xc7\xd1\xca\xb4\xd5\xa4\xc3\xd1\xba "
		"\xa2\xcd\xba\xa4\xd8\xb3\xc1\xd2\xa1",
		"สวัสดีครับ ขอบคุณมาก" },
	{ "cp1250", "Dzi\xeakuj\xea za wiadomo\x9c\xe6, pozdrawiam",
		"Dziękuję za wiadomość, pozdrawiam" },
	{ "iso8859-2",
		"\xaf\xb1"
		"dam odpowiedzi, prosz\xea",
		"Żądam odpowiedzi, proszę" },
	{ "cp1254",
		"Te\xfe"
		"ekk\xfcrler, iyi g\xfcnler dile\xf0iyle",
		"Teşekkürler, iyi günler dileğiyle" },
	{ "cp1257", "A\xe8i\xfb u\xfe j\xfbs\xf8 lai\xf0k\xe0",
		"Ačiū už jūsų laišką" },
	{ "gb18030",
		"\xc4\xfa\xba\xc3\xa3\xac\xc7\xeb\xce\xca\xb2\xfa\xc6\xb7\xb5"
		"\xc4\xbc\xdb\xb8\xf1\xca\xc7\xb6\xe0\xc9\xd9",
		"您好，请问产品的价格是多少" },
	{ "big5",
		"\xb1z\xa6n\xa1"
		"A\xbd\xd0\xb0\xdd\xb2\xa3\xab~"
		"\xaa\xba\xbb\xf9\xae\xe6\xacO\xa6h\xa4\xd6",
		"您好，請問產品的價格是多少" },
	{ "shift_jis",
		"\x82\xa8\x96\xe2\x82\xa2\x8d\x87\x82\xed\x82\xb9\x82\xa0\x82"
		"\xe8\x82\xaa\x82\xc6\x82\xa4\x82\xb2\x82\xb4\x82\xa2\x82\xdc"
		"\x82\xb7",
		"お問い合わせありがとうございます" },
	{ "euc_jp",
		"\xa4\xaa\xcc\xe4\xa4\xa4\xb9\xe7\xa4\xef\xa4\xbb\xa4\xa2\xa4"
		"\xea\xa4\xac\xa4\xc8\xa4\xa6\xa4\xb4\xa4\xb6\xa4\xa4\xa4\xde"
		"\xa4\xb9",
		"お問い合わせありがとうございます" },
	{ "iso2022_jp", "\x1b$B$*Ld$$9g$o$;$\"$j$,$H$&$4$6$$$^$9\x1b(B",
		"お問い合わせありがとうございます" },
	{ "euc_kr",
		"\xbe\xc8\xb3\xe7\xc7\xcf\xbc\xbc\xbf\xe4, "
		"\xb9\xae\xc0\xc7\xb5\xe5\xb8\xb3\xb4\xcf\xb4\xd9",
		"안녕하세요, 문의드립니다" },
	{ "cp1252",
		"Sch\xf6ne Gr\xfc\xdf"
		"e aus K\xf6ln",
		"Schöne Grüße aus Köln" },
	{ "cp1252",
		"C\x92"
		"est d\xe9j\xe0 tr\xe8s bien, Fran\xe7ois",
		"C’est déjà très bien, François" },
	{ "cp1252", "\xbfQu\xe9 m\xe1s, se\xf1or Mu\xf1oz?",
		"¿Qué más, señor Muñoz?" },
	{ "cp850",
		"Sch\x94ne Gr\x81\xe1"
		"e aus \x99sterreich",
		"Schöne Grüße aus Österreich" },
};

static const char *const labels[] = { "", "us-ascii", "iso-8859-1", "x-unknown",
	"utf-8", "no-such-thing", "unknown-8bit" };

static struct mail *parse_labelled(const char *label, const char *bytes)
{
	AUTO(buf) struct buf raw = BUF_INIT(8192);
	struct mail *m;

	buf_printf(&raw, "Content-Type: text/plain; charset=\"%s\"\n\n%s",
		label, bytes);
	m = mail_parse_in(arena_new(), STR("x"));
	return mail_parse_in(
		mail_arena(m), arena_str(mail_arena(m), buf_view(&raw)));
}

TEST(guesses)
{
	mail_init();
	for (size_t i = 0; i < COUNT(guess_rows); i++)
		for (size_t k = 0; k < COUNT(labels); k++) {
			struct mail *m = parse_labelled(
				labels[k], guess_rows[i].bytes);
			is_str(mail_text(m), guess_rows[i].text,
				guess_rows[i].name);
			arena_free(mail_arena(m));
		}
}

/* A label that counts is believed, unless it makes nonsense of the bytes. */
static const struct label_row {
	const char *name, *label, *bytes, *text;
} label_rows[] = {
	{ "few bytes: as labelled", "koi8-r", "\xcf\xf0", "оП" },
	{ "Cyrillic in a Chinese charset", "gb2312",
		"\xa7\xb1\xa7\xe2\xa7\xda\xa7\xd3\xa7\xd6\xa7\xe4", "Привет" },
	{ "KOI8 labelled windows-1251", "windows-1251",
		"\xe4\xcf\xc2\xd2\xd9\xca \xc4\xc5\xce\xd8, "
		"\xf3\xd0\xc1\xd3\xc9\xc2\xcf \xfa\xc1 "
		"\xe2\xd9\xd3\xd4\xd2\xd9\xca \xef\xd4\xd7\xc5\xd4",
		"Добрый день, Спасибо За Быстрый Ответ" },
	{ "UTF-8 labelled gb2312", "gb2312", "你好，世界", "你好，世界" },
	{ "UTF-8 labelled koi8-r", "koi8-r", "Grüße", "Grüße" },
	{ "Windows quotes in iso-8859-2", "iso-8859-2",
		"\x84tak\x94 \xb3"
		"adnie",
		"„tak” ładnie" },
	{ "NEC signs in ISO-2022-JP", "iso-2022-jp", "\x1b$B-!F|\x1b(B",
		"①日" },
	{ "ISO-2022-JP without ESC", "iso-2022-jp", "$BF|K\\(B", "日本" },
	{ "ISO-2022-KR without its mark", "iso-2022-kr", "\x0e\x30\x21\x0f",
		"가" },
	{ "EUC-JP labelled iso-2022-jp", "iso-2022-jp",
		"\xa4\xb3\xa4\xf3\xa4\xcb\xa4\xc1\xa4\xcf", "こんにちは" },
	{ "UTF-16 without mark", "utf-16", "\x65\xe5\x67\x2c", "日本" },
	{ "any text called unicode", "unicode", "Grüße", "Grüße" },
	{ "UTF-8 twice", "utf-8", "GrÃ¼ÃŸe", "Grüße" },
	{ "UTF-8 thrice", "utf-8", "GrÃƒÂ¼ÃƒÅ¸e", "Grüße" },
	{ "no UTF-8 twice", "utf-8", "NÃO é Ã", "NÃO é Ã" },
	{ "GB in UTF-8", "gb2312", "²úÆ·ÑÐ·¢¼°¼¼Êõ", "产品研发及技术" },
	{ "halves of surrogates", "utf-8", "\xed\xa0\xbd\xed\xb8\x80", "😀" },
	{ "a Latin footer", "utf-8", "Größe für ß\n--\nf\xfcr",
		"Größe für ß\n--\nfür" },
	{ "cut within a character", "utf-8", "für \xe2\x82", "für" },
	{ "one letter is no language", "us-ascii", "a \xff b", "a ÿ b" },
	{ "a currency sign", "us-ascii",
		"isn't it \xa4"
		"250",
		"isn't it ¤250" },
	{ "dashes", "us-ascii", "a \x96\x96\x96\x96 b", "a –––– b" },
	{ "cp-850", "cp-850", "\x84", "ä" },
	{ "win1251", "win-1251", "\xcf\xf0", "Пр" },
	{ "x-cp1251", "x-cp1251", "\xcf\xf0", "Пр" },
	{ "KOI8_R", "KOI8_R", "\xf0\xd2", "Пр" },
	{ "more behind it", "iso-8859-2-windows-latin-2", "\xb1", "ą" },
	{ "language behind it", "koi8-r*ru", "\xf0\xd2", "Пр" },
	{ "quotes around it", "'koi8-r'", "\xf0\xd2", "Пр" },
};

TEST(believes_labels)
{
	mail_init();
	for (size_t i = 0; i < COUNT(label_rows); i++) {
		const struct label_row *r = &label_rows[i];
		struct mail *m = parse_labelled(r->label, r->bytes);
		is_str(mail_text(m), r->text, r->name);
		arena_free(mail_arena(m));
	}
}

/* As in the sandbox: what glibc did not load before, it never will. */
TEST(converts_without_files)
{
	struct rlimit none = { 0, 0 };
	int status = -1;
	pid_t child;

	mail_init();
	fflush(stdout);
	child = fork();
	if (child == 0) {
		if (setrlimit(RLIMIT_NOFILE, &none) < 0 ||
			open("/dev/null", O_RDONLY) >= 0)
			_exit(100);
		_exit(count_wrong());
	}
	is_true(waitpid(child, &status, 0) == child, "ends");
	is_int(status, 0, "all come out right");
}
