/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * rtf.c - compressed RTF (MS-OXRTFCP), and the text or HTML in RTF
 * (MS-OXRTFEX).
 *
 * Exchange puts HTML and plain text into RTF so that it comes out again:
 * \fromhtml says that {\*\htmltag ...} holds the markup and \htmlrtf ...
 * \htmlrtf0 what only RTF readers see; \fromtext that the text is all. Other
 * RTF is made text. The reader keeps a stack of groups of limited depth, deeper
 * ones share the last; it looks at each byte once, and gives at most what it
 * gets, times three for UTF-8, and no more than MAIL_TEXT_MAX.
 *
 * Compression is LZ77 over a ring of 4 KB that begins with usual words; two
 * bytes give 17 at most.
 */
#include <mailmill/enc.h>

#include "inside.h"

#define RING ((size_t)4096)
#define MAGIC_COMPRESSED 0x75465a4c
#define MAGIC_PLAIN 0x414c454d
#define HEAD 16 /* bytes before the data */
#define GROUPS_MAX 200
#define FONTS_MAX 300
#define RUNS_MAX 50000 /* of bytes in one codepage, each to be converted */
#define WORD_MAX 32

static const char first_ring[] =
	"{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman "
	"\\fswiss \\fmodern \\fscript \\fdecor MS Sans SerifSymbolArial"
	"Times New RomanCourier{\\colortbl\\red0\\green0\\blue0\r\n\\par "
	"\\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx";

static uint32_t get_u32(struct str s, size_t at)
{
	uint32_t v = 0;

	for (size_t i = 4; i > 0; i--)
		v = v << 8 |
		    (at + i <= s.len ? (unsigned char)s.p[at + i - 1] : 0);
	return v;
}

struct ring {
	unsigned char bytes[RING];
	size_t at;
	struct buf *out;
};

static void put(struct ring *r, unsigned char c)
{
	r->bytes[r->at] = c;
	r->at = (r->at + 1) % RING;
	buf_byte(r->out, c);
}

/* Copies what stands at a place of the ring. Returns: false at the end mark. */
static bool put_again(struct ring *r, unsigned hi, unsigned lo)
{
	size_t from = hi << 4 | lo >> 4, n = (lo & 15) + 2;

	if (from == r->at)
		return false;
	while (n--) {
		put(r, r->bytes[from]);
		from = (from + 1) % RING;
	}
	return true;
}

static void unpack(struct ring *r, struct str s)
{
	size_t i = 0;

	while (i < s.len && !buf_is_over(r->out)) {
		unsigned flags = (unsigned char)s.p[i++];
		for (unsigned bit = 0; bit < 8 && i < s.len; bit++) {
			unsigned c = (unsigned char)s.p[i++];
			if (!(flags >> bit & 1)) {
				put(r, (unsigned char)c);
				continue;
			}
			if (i == s.len ||
				!put_again(r, c, (unsigned char)s.p[i++]))
				return;
		}
	}
}

struct str rtf_unpack(struct arena *a, struct str packed)
{
	struct buf b = BUF_INIT(
		MIN((size_t)get_u32(packed, 4) + 64, MAIL_TEXT_MAX));
	struct ring r = { .at = sizeof(first_ring) - 1, .out = &b };
	struct str data = str_sub(packed, HEAD, SIZE_MAX), out;

	if (get_u32(packed, 8) == MAGIC_PLAIN)
		return str_sub(data, 0, MIN(get_u32(packed, 4), MAIL_TEXT_MAX));
	if (get_u32(packed, 8) != MAGIC_COMPRESSED)
		return STR("");
	memcpy(r.bytes, first_ring, sizeof(first_ring) - 1);
	memset(r.bytes + r.at, ' ', RING - r.at);
	unpack(&r, data);
	out = arena_str(a, str_sub(buf_view(&b), 0, get_u32(packed, 4)));
	buf_fini(&b);
	return out;
}

/*
 * The reader
 */

enum dest {
	DEST_TEXT,
	DEST_SKIP,  /* what is no text */
	DEST_FONTS, /* \fonttbl */
	DEST_TAG    /* {\*\htmltag */
};

struct group {
	enum dest dest;
	unsigned skip; /* characters behind \u, by \uc */
	unsigned codepage;
	bool is_rtf_only; /* between \htmlrtf and \htmlrtf0 */
};

struct font {
	unsigned number, codepage;
};

struct rtf {
	struct arena *a;
	struct str s;
	size_t at;
	struct group groups[GROUPS_MAX];
	unsigned depth;
	struct font fonts[FONTS_MAX];
	unsigned n_fonts;
	unsigned codepage; /* \ansicpg */
	unsigned skipped;  /* characters yet to be skipped behind \u */
	uint32_t high;	   /* first half of a pair of UTF-16 */
	bool is_html, is_text, is_star;
	struct buf out, run; /* run: bytes of a codepage, not yet UTF-8 */
	unsigned run_codepage, n_runs;
};

static struct group *top(struct rtf *r)
{
	return &r->groups[MIN(r->depth, GROUPS_MAX - 1)];
}

static void end_run(struct rtf *r)
{
	if (r->run.len && r->n_runs++ >= RUNS_MAX)
		utf8_add(&r->out, 0xfffd);
	else if (r->run.len)
		buf_str(&r->out,
			charset_to_utf8(r->a, buf_view(&r->run),
				tnef_codepage(r->a, r->run_codepage), NULL));
	buf_clear(&r->run);
}

/* Is what stands here shown? */
static bool is_shown(struct rtf *r)
{
	struct group *g = top(r);

	if (g->dest == DEST_TAG)
		return r->is_html;
	return g->dest == DEST_TEXT && !(r->is_html && g->is_rtf_only);
}

static void give_byte(struct rtf *r, unsigned char c)
{
	unsigned codepage = top(r)->codepage ? top(r)->codepage : r->codepage;

	if (r->skipped) {
		r->skipped--;
		return;
	}
	r->high = 0;
	if (!is_shown(r))
		return;
	/* a run goes on through ASCII, which may be a second byte */
	if (c >= 0x80 && r->run.len && r->run_codepage != codepage)
		end_run(r);
	if (c < 0x80 && !r->run.len) {
		buf_byte(&r->out, c);
		return;
	}
	if (!r->run.len)
		r->run_codepage = codepage;
	buf_byte(&r->run, c);
}

static void give_text(struct rtf *r, const char *text)
{
	if (!is_shown(r))
		return;
	end_run(r);
	buf_c(&r->out, text);
}

static void give_code(struct rtf *r, uint32_t code)
{
	if (!is_shown(r))
		return;
	end_run(r);
	if (code >= 0xd800 && code < 0xdc00) {
		r->high = code;
		return;
	}
	if (code >= 0xdc00 && code < 0xe000 && r->high)
		code = 0x10000 + ((r->high - 0xd800) << 10) + (code - 0xdc00);
	r->high = 0;
	if (utf8_add(&r->out, code) < 0)
		utf8_add(&r->out, 0xfffd);
}

/* \fcharsetN as a codepage. */
static unsigned codepage_of(int charset)
{
	static const int rows[][2] = { { 0, 1252 }, { 77, 10000 }, { 128, 932 },
		{ 129, 949 }, { 130, 1361 }, { 134, 936 }, { 136, 950 },
		{ 161, 1253 }, { 162, 1254 }, { 163, 1258 }, { 177, 1255 },
		{ 178, 1256 }, { 186, 1257 }, { 204, 1251 }, { 222, 874 },
		{ 238, 1250 }, { 254, 437 }, { 255, 850 } };

	for (size_t i = 0; i < COUNT(rows); i++)
		if (rows[i][0] == charset)
			return (unsigned)rows[i][1];
	return 0;
}

/* ---- words ---- */

static void do_font(struct rtf *r, int n)
{
	if (top(r)->dest == DEST_FONTS) {
		if (r->n_fonts < FONTS_MAX)
			r->fonts[r->n_fonts++] = (struct font){
				.number = (unsigned)n
			};
		return;
	}
	top(r)->codepage = 0;
	for (unsigned i = 0; i < r->n_fonts; i++)
		if (r->fonts[i].number == (unsigned)n)
			top(r)->codepage = r->fonts[i].codepage;
}

static void do_fcharset(struct rtf *r, int n)
{
	if (top(r)->dest == DEST_FONTS && r->n_fonts)
		r->fonts[r->n_fonts - 1].codepage = codepage_of(n);
}

static void do_cpg(struct rtf *r, int n)
{
	/* a font of codepage FE names its own */
	if (top(r)->dest == DEST_FONTS && r->n_fonts)
		r->fonts[r->n_fonts - 1].codepage = (unsigned)n;
}

static void do_ansicpg(struct rtf *r, int n)
{
	r->codepage = (unsigned)n;
}

static void do_mac(struct rtf *r, int n)
{
	(void)n;
	r->codepage = 10000;
}

static void do_fonttbl(struct rtf *r, int n)
{
	(void)n;
	top(r)->dest = DEST_FONTS;
}

static void do_skip(struct rtf *r, int n)
{
	(void)n;
	top(r)->dest = DEST_SKIP;
}

static void do_fromhtml(struct rtf *r, int n)
{
	r->is_html = n != 0;
}

static void do_fromtext(struct rtf *r, int n)
{
	(void)n;
	r->is_text = true;
}

static void do_htmlrtf(struct rtf *r, int n)
{
	end_run(r);
	top(r)->is_rtf_only = n != 0;
}

static void do_htmltag(struct rtf *r, int n)
{
	(void)n;
	if (top(r)->dest == DEST_TEXT || top(r)->dest == DEST_SKIP)
		top(r)->dest = r->is_html ? DEST_TAG : DEST_SKIP;
}

static void do_line(struct rtf *r, int n)
{
	(void)n;
	give_text(r, "\n");
}

static void do_tab(struct rtf *r, int n)
{
	(void)n;
	give_text(r, "\t");
}

static void do_cell(struct rtf *r, int n)
{
	(void)n;
	if (!r->is_html)
		give_text(r, "\t");
}

static void do_uc(struct rtf *r, int n)
{
	top(r)->skip = n < 0 ? 0 : MIN((unsigned)n, 16);
}

static void do_u(struct rtf *r, int n)
{
	give_code(r, (uint32_t)n & 0xffff);
	r->skipped = top(r)->skip;
}

static void do_plain(struct rtf *r, int n)
{
	(void)n;
	top(r)->codepage = 0;
}

static const struct word {
	const char *name;
	void (*run)(struct rtf *r, int n);
	int missing; /* what the number is when none is given */
} words[] = {
	{ "ansicpg", do_ansicpg, 1252 },
	{ "cell", do_cell, 1 },
	{ "colortbl", do_skip, 1 },
	{ "cpg", do_cpg, 0 },
	{ "f", do_font, 0 },
	{ "fcharset", do_fcharset, 0 },
	{ "filetbl", do_skip, 1 },
	{ "fonttbl", do_fonttbl, 1 },
	{ "footer", do_skip, 1 },
	{ "footerf", do_skip, 1 },
	{ "fromhtml", do_fromhtml, 1 },
	{ "fromtext", do_fromtext, 1 },
	{ "header", do_skip, 1 },
	{ "headerf", do_skip, 1 },
	{ "htmlrtf", do_htmlrtf, 1 },
	{ "htmltag", do_htmltag, 1 },
	{ "info", do_skip, 1 },
	{ "line", do_line, 1 },
	{ "mac", do_mac, 1 },
	{ "mhtmltag", do_skip, 1 },
	{ "object", do_skip, 1 },
	{ "par", do_line, 1 },
	{ "pict", do_skip, 1 },
	{ "plain", do_plain, 1 },
	{ "row", do_line, 1 },
	{ "sect", do_line, 1 },
	{ "stylesheet", do_skip, 1 },
	{ "tab", do_tab, 1 },
	{ "u", do_u, 0 },
	{ "uc", do_uc, 1 },
};

/* Words that are characters. */
static const struct sign {
	const char *name;
	uint32_t code;
} signs[] = {
	{ "bullet", 0x2022 },
	{ "emdash", 0x2014 },
	{ "emspace", 0x2003 },
	{ "endash", 0x2013 },
	{ "enspace", 0x2002 },
	{ "ldblquote", 0x201c },
	{ "lquote", 0x2018 },
	{ "rdblquote", 0x201d },
	{ "rquote", 0x2019 },
};

static void do_word(struct rtf *r, struct str name, bool has_number, int n)
{
	bool is_star = r->is_star;

	r->is_star = false;
	for (size_t i = 0; i < COUNT(words); i++)
		if (str_eq(name, str_c(words[i].name))) {
			words[i].run(r, has_number ? n : words[i].missing);
			return;
		}
	for (size_t i = 0; i < COUNT(signs); i++)
		if (str_eq(name, str_c(signs[i].name))) {
			give_code(r, signs[i].code);
			return;
		}
	/* {\*\word: may be skipped by who does not know the word */
	if (is_star)
		top(r)->dest = DEST_SKIP;
}

static void read_word(struct rtf *r)
{
	size_t from = r->at;
	struct str name;
	bool is_minus, has_number;
	int n = 0;

	while (r->at < r->s.len && r->at - from < WORD_MAX &&
		(r->s.p[r->at] | 0x20) >= 'a' && (r->s.p[r->at] | 0x20) <= 'z')
		r->at++;
	name = str_sub(r->s, from, r->at - from);
	is_minus = r->at < r->s.len && r->s.p[r->at] == '-';
	r->at += is_minus;
	from = r->at;
	while (r->at < r->s.len && r->s.p[r->at] >= '0' &&
		r->s.p[r->at] <= '9') {
		if (n < 10000000)
			n = n * 10 + (r->s.p[r->at] - '0');
		r->at++;
	}
	has_number = r->at > from;
	if (r->at < r->s.len && r->s.p[r->at] == ' ')
		r->at++;
	do_word(r, name, has_number, is_minus ? -n : n);
}

static void read_escape(struct rtf *r)
{
	char c = r->at < r->s.len ? r->s.p[r->at] : ' ';
	int hi, lo;

	if ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') {
		read_word(r);
		return;
	}
	r->at++;
	switch (c) {
	case '\'':
		if (r->at + 2 > r->s.len)
			return;
		hi = enc_hex_value(r->s.p[r->at]);
		lo = enc_hex_value(r->s.p[r->at + 1]);
		r->at += 2;
		if (hi >= 0 && lo >= 0)
			give_byte(r, (unsigned char)(hi << 4 | lo));
		return;
	case '*':
		r->is_star = true;
		return;
	case '~':
		give_text(r, r->is_html ? "&nbsp;" : "\xc2\xa0");
		return;
	case '_':
		give_text(r, r->is_html ? "&shy;" : "-");
		return;
	case '-': /* where a word may be cut */
		return;
	case '\r':
	case '\n':
		do_line(r, 1);
		return;
	default:
		give_byte(r, (unsigned char)c);
		return;
	}
}

static void open_group(struct rtf *r)
{
	struct group *outer = top(r);

	r->depth++;
	if (r->depth < GROUPS_MAX)
		r->groups[r->depth] = *outer;
	r->skipped = 0;
	r->is_star = false;
}

static void close_group(struct rtf *r)
{
	if (r->depth)
		r->depth--;
	r->skipped = 0;
	r->is_star = false;
}

static void read_all(struct rtf *r)
{
	while (r->at < r->s.len && !buf_is_over(&r->out)) {
		char c = r->s.p[r->at++];
		if (c == '\\')
			read_escape(r);
		else if (c == '{')
			open_group(r);
		else if (c == '}')
			close_group(r);
		else if (c != '\r' && c != '\n' && c != 0)
			give_byte(r, (unsigned char)c);
	}
	end_run(r);
}

void rtf_read(
	struct arena *a, struct str rtf, struct str *text, struct str *html)
{
	struct rtf *r;
	struct str out;

	*text = *html = STR("");
	if (!str_starts(str_trim(rtf), STR("{\\rtf")))
		return;
	r = NEW(struct rtf);
	r->a = a;
	r->s = rtf;
	r->codepage = 1252;
	r->groups[0].skip = 1;
	r->out = BUF_INIT(MAIL_TEXT_MAX);
	r->run = BUF_INIT(MAIL_TEXT_MAX);
	read_all(r);
	out = arena_str(a, buf_view(&r->out));
	if (r->is_html)
		*html = out;
	else
		*text = out;
	buf_fini(&r->out);
	buf_fini(&r->run);
	free(r);
}
