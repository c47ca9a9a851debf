/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * html.c - HTML to readable text, from libxml2's SAX events.
 *
 * No tree is built, so that a million open tags cost a counter each. A writer
 * keeps three things apart: pending blanks, pending line ends, and the text;
 * block tags ask for line ends, which are written only before the next text.
 * Each line begins with the marks of the blockquotes around it. What must not
 * be read (script, style, head, display:none) is skipped by depth, so that its
 * end is found whatever stands inside.
 */
#include <libxml/HTMLparser.h>

#include "html.h"

#define QUOTE_MAX 32
#define LIST_MAX 32
#define HREF_MAX 1000
#define CHUNK ((size_t)16 * 1024)
#define ATTRIBUTES_MAX 300 /* of a tag; libxml2 compares each with all */
#define NAMES_MAX 50000	   /* of a parser; its dictionary slows down beyond */
#define ENTITY_MAX 40	   /* bytes of "&...;" */
#define EFFECTS_MAX 200	   /* elements within one another that do something */
#define ROWS_MAX 16	   /* tables within tables whose cells are kept apart */
#define CELL_MAX 240	   /* bytes of a cell that is data */
#define CELL_LINES_MAX 3   /* of such a cell */
#define MARKS_MAX 2000	   /* that are told of a text */
#define TRACE_MAX ((size_t)200 * 1000) /* pieces whose place is noted */

struct list_level {
	bool is_ordered;
	int number;
};

/*
 * Bytes that stand in the text until it is finished: begin and end of what a
 * mark tells, and where a cell begins. Text itself never holds them.
 */
enum sign {
	SIGN_MARK = 0x0e, /* + 2 * kind, + 1 at its end */
	SIGN_CELL = SIGN_MARK + 2 * (MARK_SIGNATURE + 1),
	SIGN_NONE, /* of a cell that is none after all */
};

/* An element that is open and does something until it ends. */
struct effect {
	unsigned depth;
	unsigned effects;
	enum text_mark_kind mark;
	bool is_written; /* text of it was: so the mark stands there */
};

struct row {
	size_t begin; /* in out */
	unsigned n_cells;
	bool has_table; /* in a cell: it is there for the layout */
};

struct writer {
	struct buf out;
	int n_newlines; /* asked for before the next text */
	bool wants_space, wants_tab;
	bool at_begin;	     /* nothing written yet */
	unsigned skip_depth; /* > 0: inside what is not for reading */
	unsigned pre_depth, quote_depth;
	unsigned last_depth; /* of the text written last */
	struct list_level lists[LIST_MAX];
	unsigned n_lists;
	struct effect effects[EFFECTS_MAX];
	unsigned n_effects, n_unwritten;
	unsigned depth;	 /* of elements */
	bool is_amp;	 /* "&" was the text before this one */
	bool is_line;	 /* the paragraph that is open: nothing around it */
	bool is_history; /* a mark of it waits for text */
	struct row rows[ROWS_MAX];
	unsigned n_rows;
	bool at_cell;		  /* nothing of the cell was written yet */
	struct html_trace *trace; /* or NULL */
	struct arena *arena;	  /* the trace's */
	struct str html;
	htmlParserCtxtPtr parser;
	long skew;	/* from the parser's count of bytes to places in html */
	char *href;	/* of the link that is open */
	size_t link_at; /* where its text begins in out */
};

/* ---- writing ---- */

static void ask_newlines(struct writer *w, int n)
{
	if (w->at_cell)
		return;
	w->n_newlines = MAX(w->n_newlines, n);
	w->wants_space = w->wants_tab = false;
}

static void begin_line(struct writer *w)
{
	for (unsigned i = 0; i < MIN(w->quote_depth, QUOTE_MAX); i++)
		buf_c(&w->out, "> ");
}

/* Writes the marks of elements whose first text comes now. */
static void write_marks(struct writer *w)
{
	if (w->is_history)
		buf_byte(&w->out, SIGN_MARK + 2 * MARK_HISTORY);
	w->is_history = false;
	for (unsigned i = 0; w->n_unwritten && i < w->n_effects; i++) {
		struct effect *e = &w->effects[i];
		if (!(e->effects & EFFECT_MARK) || e->is_written)
			continue;
		buf_byte(&w->out, (unsigned char)(SIGN_MARK + 2 * e->mark));
		e->is_written = true;
		w->n_unwritten--;
	}
}

/* Writes what was asked for before text comes. */
static void before_text(struct writer *w)
{
	unsigned depth = MIN(MIN(w->quote_depth, w->last_depth), QUOTE_MAX);

	if (w->at_begin) {
		begin_line(w);
	} else if (w->n_newlines) {
		for (int i = 0; i < w->n_newlines; i++) {
			buf_byte(&w->out, '\n');
			for (unsigned k = 0; i + 1 < w->n_newlines && k < depth;
				k++)
				buf_c(&w->out, k ? " >" : ">");
		}
		begin_line(w);
	} else if (w->wants_tab) {
		buf_byte(&w->out, '\t');
	} else if (w->wants_space) {
		buf_byte(&w->out, ' ');
	}
	w->at_begin = w->wants_space = w->wants_tab = w->at_cell = false;
	w->n_newlines = 0;
	w->last_depth = w->quote_depth;
	if (w->n_unwritten || w->is_history)
		write_marks(w);
}

/* Bytes of text, without those that are signs of ours. */
static void put_text(struct writer *w, struct str s)
{
	size_t from = 0;

	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.p[i];
		if (c >= ' ' || c == '\t')
			continue;
		buf_add(&w->out, s.p + from, i - from);
		from = i + 1;
	}
	buf_add(&w->out, s.p + from, s.len - from);
}

static void write_text(struct writer *w, struct str s)
{
	while (s.len) {
		size_t n = 0;
		while (n < s.len && !strchr(" \t\r\n\f", s.p[n]))
			n++;
		if (n) {
			before_text(w);
			put_text(w, str_sub(s, 0, n));
			s = str_sub(s, n, s.len);
			continue;
		}
		w->wants_space = !w->n_newlines && !w->wants_tab &&
				 !w->at_begin && !w->at_cell;
		s = str_sub(s, 1, s.len);
	}
}

static void write_pre(struct writer *w, struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (s.p[i] == '\r')
			continue;
		if (s.p[i] == '\n') {
			/* at most two empty lines, as everywhere */
			w->n_newlines = MIN(w->n_newlines + 1, 3);
			continue;
		}
		before_text(w);
		put_text(w, str_sub(s, i, 1));
	}
}

/* ---- tables ---- */

static void begin_row(struct writer *w)
{
	if (w->n_rows && w->n_rows <= ROWS_MAX)
		w->rows[w->n_rows - 1].has_table = true;
	if (w->n_rows++ < ROWS_MAX)
		w->rows[w->n_rows - 1] = (struct row){ .begin = w->out.len };
}

static void begin_cell(struct writer *w)
{
	struct row *row;

	if (!w->n_rows || w->n_rows > ROWS_MAX) {
		if (!w->n_newlines && !w->at_begin)
			w->wants_tab = true;
		return;
	}
	row = &w->rows[w->n_rows - 1];
	if (row->n_cells++) {
		if (w->out.len > row->begin)
			w->n_newlines = 0;
		w->wants_space = w->wants_tab = false;
		before_text(w);
		buf_byte(&w->out, SIGN_CELL);
	}
	w->at_cell = row->n_cells > 1 || w->out.len > row->begin;
}

/* What a row is like: data, or only there for the layout. */
struct row_look {
	unsigned n_filled;
	unsigned n_lines, most_lines;
	size_t len, longest;
	bool is_filled;
};

static void look_at_cell(struct row_look *look)
{
	look->n_filled += look->is_filled;
	look->most_lines = MAX(look->most_lines, look->n_lines);
	look->longest = MAX(look->longest, look->len);
	look->is_filled = false;
	look->n_lines = 0;
	look->len = 0;
}

static struct row_look look_at_row(struct str s)
{
	struct row_look look = { 0 };

	for (size_t i = 0; i < s.len; i++) {
		if (s.p[i] == SIGN_CELL) {
			look_at_cell(&look);
			continue;
		}
		/* line ends above the first text of the row part nothing */
		look.n_lines += s.p[i] == '\n' && look.is_filled;
		look.len++;
		/* a no-break blank alone fills no cell */
		if (s.p[i] == '\xc2' && i + 1 < s.len && s.p[i + 1] == '\xa0')
			i++;
		else if (!strchr(" \t\n>", s.p[i]) &&
			 (unsigned char)s.p[i] >= ' ')
			look.is_filled = true;
	}
	look_at_cell(&look);
	return look;
}

/*
 * Cells of data are parted by tabs, one row a line. Cells that hold paragraphs
 * or tables are parts of the page, and stand below each other.
 */
static void end_row(struct writer *w)
{
	struct row *row;
	struct row_look look;
	struct str s;
	bool is_data, is_filled = false;

	w->at_cell = false;
	if (!w->n_rows || w->n_rows-- > ROWS_MAX)
		return;
	row = &w->rows[w->n_rows];
	if (row->n_cells < 2 || row->begin > w->out.len)
		return;
	s = str_sub(buf_view(&w->out), row->begin, w->out.len - row->begin);
	look = look_at_row(s);
	is_data = !row->has_table && look.longest <= CELL_MAX &&
		  look.most_lines < CELL_LINES_MAX && look.n_filled > 1;
	if (is_data) /* not what the last paragraph asked for */
		w->n_newlines = MIN(w->n_newlines, 1);
	for (size_t i = 0; i < s.len; i++) {
		char *c = &w->out.p[row->begin + i];
		if (*c == SIGN_CELL)
			*c = look.n_filled < 2 ? SIGN_NONE
			     : is_data	       ? '\t'
			     : w->quote_depth  ? ' '
					       : '\n';
		else if (*c == '\n' && is_data && is_filled && !w->quote_depth)
			*c = ' ';
		else if (look.n_filled < 2 && !is_filled &&
			 (*c == '\xa0' || (*c == '\xc2' && c[1] == '\xa0')))
			*c = SIGN_NONE;
		is_filled |= (unsigned char)*c > ' ' &&
			     !(*c == '>' && w->quote_depth);
	}
}

/* ---- tags ---- */

static void begin_item(struct writer *w)
{
	unsigned depth = MIN(w->n_lists, LIST_MAX);
	char mark[32] = "- ";

	ask_newlines(w, 1);
	if (depth && w->lists[depth - 1].is_ordered)
		snprintf(mark, sizeof(mark), "%d. ",
			++w->lists[depth - 1].number);
	before_text(w);
	for (unsigned i = 1; i < depth; i++)
		buf_c(&w->out, "  ");
	buf_c(&w->out, mark);
	w->at_cell = true; /* a paragraph in it begins on this line */
}

static void begin_list(
	struct writer *w, bool is_ordered, const char *const *attrs)
{
	const char *start = html_attribute(attrs, "start");
	uint64_t number = 1;

	if (start && str_to_u64(str_c(start), 1000000, &number) < 0)
		number = 1;
	/* within another list no empty line is wanted */
	w->n_newlines = w->n_lists ? 1 : w->n_newlines;
	if (w->n_lists < LIST_MAX)
		w->lists[w->n_lists] = (struct list_level){
			.is_ordered = is_ordered, .number = (int)number - 1
		};
	w->n_lists++;
}

/* Without what a link says no more by: its scheme, "www.", a last "/". */
static struct str bare_link(struct str s)
{
	static const char *const front[] = { "mailto:", "http://", "https://",
		"www." };

	for (size_t i = 0; i < COUNT(front); i++)
		if (str_starts_case(s, str_c(front[i])))
			s = str_sub(s, strlen(front[i]), s.len);
	while (s.len && s.p[s.len - 1] == '/')
		s.len--;
	return s;
}

static void end_link(struct writer *w)
{
	struct str text, target = str_c(w->href), bare;
	ssize_t query;

	if (!w->href)
		return;
	text = str_trim(str_sub(
		buf_view(&w->out), w->link_at, w->out.len - w->link_at));
	bare = bare_link(target);
	query = str_chr(bare, '?');
	if (query > 0 && str_starts_case(target, STR("mailto:")))
		bare.len = (size_t)query;
	/* a target that says no more than its text is left out */
	if (text.len && bare.len && str_find_case(text, bare) < 0) {
		buf_c(&w->out, " <");
		put_text(w, target);
		buf_c(&w->out, ">");
	}
	free(w->href);
	w->href = NULL;
}

static void begin_link(struct writer *w, const char *const *attrs)
{
	const char *href = html_attribute(attrs, "href");

	end_link(w);
	if (!href || strlen(href) > HREF_MAX)
		return;
	if (!str_starts_case(str_c(href), STR("http")) &&
		!str_starts_case(str_c(href), STR("mailto:")) &&
		!str_starts_case(str_c(href), STR("ftp:")))
		return;
	w->href = mem_strdup(href);
	w->link_at = w->out.len;
}

/* A picture of a point is there to tell that the mail was read. */
static bool is_point(const char *const *attrs)
{
	const char *width = html_attribute(attrs, "width");
	const char *height = html_attribute(attrs, "height");

	return width && height &&
	       (!strcmp(width, "1") || !strcmp(width, "0")) &&
	       (!strcmp(height, "1") || !strcmp(height, "0"));
}

static void begin_image(struct writer *w, const char *const *attrs)
{
	const char *alt = html_attribute(attrs, "alt");

	if (alt && *alt && !is_point(attrs))
		write_text(w, str_c(alt));
}

static void begin_special(
	struct writer *w, const char *name, const char *const *attrs)
{
	if (!strcmp(name, "br")) {
		/* each one counts, where a block's newlines do not add up */
		if (!w->at_cell)
			w->n_newlines = MIN(w->n_newlines + 1, 3);
		w->wants_space = w->wants_tab = false;
	} else if (!strcmp(name, "hr")) {
		ask_newlines(w, 1);
		before_text(w);
		buf_c(&w->out, "--------");
		ask_newlines(w, 1);
	} else if (!strcmp(name, "a")) {
		begin_link(w, attrs);
	} else if (!strcmp(name, "img")) {
		begin_image(w, attrs);
	} else if (!strcmp(name, "li")) {
		begin_item(w);
	} else if (!strcmp(name, "ul") || !strcmp(name, "ol")) {
		begin_list(w, name[0] == 'o', attrs);
	} else if (!strcmp(name, "tr")) {
		begin_row(w);
	} else if (!strcmp(name, "td") || !strcmp(name, "th")) {
		begin_cell(w);
	}
}

static void begin_effects(struct writer *w, const struct tag_view *t)
{
	w->is_history |= (t->effects & EFFECT_HISTORY) != 0;
	if (!(t->effects & ~(unsigned)EFFECT_HISTORY) ||
		w->n_effects == EFFECTS_MAX || (t->flags & TAG_VOID))
		return;
	w->effects[w->n_effects++] = (struct effect){
		.depth = w->depth, .effects = t->effects, .mark = t->mark
	};
	w->pre_depth += (t->effects & EFFECT_PRE) != 0;
	w->quote_depth += (t->effects & EFFECT_QUOTE) != 0;
	w->n_unwritten += (t->effects & EFFECT_MARK) != 0;
}

static void end_effects(struct writer *w)
{
	struct effect *e = w->n_effects ? &w->effects[w->n_effects - 1] : NULL;

	if (!e || e->depth != w->depth)
		return;
	w->n_effects--;
	w->pre_depth -= (e->effects & EFFECT_PRE) != 0;
	w->quote_depth -= (e->effects & EFFECT_QUOTE) != 0;
	if (!(e->effects & EFFECT_MARK))
		return;
	if (e->is_written)
		buf_byte(&w->out, (unsigned char)(SIGN_MARK + 2 * e->mark + 1));
	else
		w->n_unwritten--;
}

static void on_start(void *ctx, const xmlChar *xml_name, const xmlChar **attrs)
{
	struct writer *w = ctx;
	const char *name = (const char *)xml_name;
	struct tag_view t;

	if (w->skip_depth) {
		w->skip_depth += !(html_tag_flags(name) & TAG_VOID);
		return;
	}
	t = html_tag(name, (const char **)(void *)attrs);
	if (!(t.flags & TAG_VOID) && ((t.flags & TAG_SKIP) || t.is_hidden)) {
		w->skip_depth = 1;
		return;
	}
	w->depth += !(t.flags & TAG_VOID);
	if ((t.flags & TAG_PARAGRAPH) || (t.effects & EFFECT_QUOTE))
		ask_newlines(w, 2);
	else if (t.flags & TAG_BLOCK)
		ask_newlines(w, 1);
	begin_effects(w, &t);
	begin_special(w, name, t.attrs);
	/* the end tag does not tell what the element's style said */
	if (*name == 'p' && !name[1])
		w->is_line = !(t.flags & TAG_PARAGRAPH);
}

static void on_end(void *ctx, const xmlChar *xml_name)
{
	struct writer *w = ctx;
	const char *name = (const char *)xml_name;
	unsigned flags = html_tag_flags(name);

	if (w->skip_depth) {
		w->skip_depth -= !(flags & TAG_VOID);
		return;
	}
	if (!strcmp(name, "a"))
		end_link(w);
	if ((flags & TAG_PARAGRAPH) &&
		!(*name == 'p' && !name[1] && w->is_line))
		ask_newlines(w, w->n_lists > 1 ? 1 : 2);
	else if (flags & (TAG_BLOCK | TAG_PARAGRAPH))
		ask_newlines(w, 1);
	if (!strcmp(name, "tr"))
		end_row(w);
	if ((!strcmp(name, "ul") || !strcmp(name, "ol")) && w->n_lists)
		w->n_lists--;
	if (!(flags & TAG_VOID) && w->depth) {
		end_effects(w);
		w->depth--;
	}
}

/*
 * Finds where text that libxml2 just gave stands. Its count of bytes is behind
 * by a letter where it gives long text in pieces.
 */
static struct html_piece find_piece(const struct writer *w, struct str s)
{
	const xmlParserInput *in = w->parser->input;
	long place = (long)in->consumed + (in->cur - in->base) + w->skew;
	size_t end = place < 0 ? 0 : (size_t)place, before, amp;
	ssize_t found;

	for (size_t k = end; k <= end + 4; k++)
		if (k >= s.len && str_eq(str_sub(w->html, k - s.len, s.len), s))
			return (struct html_piece){ (uint32_t)(k - s.len),
				(uint32_t)k, 0, 0, true };
	end = MIN(end, w->html.len);
	before = end > ENTITY_MAX ? end - ENTITY_MAX : 0;
	found = str_rchr(str_sub(w->html, before, end - before), '&');
	amp = found < 0 ? end : before + (size_t)found;
	return (struct html_piece){ (uint32_t)amp, (uint32_t)end, 0, 0, false };
}

static void trace_text(struct writer *w, struct str s, size_t at)
{
	struct html_trace *t = w->trace;

	if (w->out.len == at || t->n == TRACE_MAX)
		return;
	if (t->n == t->room) {
		t->items = arena_grow(w->arena, t->items, t->n,
			t->room * 2 + 64, sizeof(*t->items));
		t->room = t->room * 2 + 64;
	}
	t->items[t->n] = find_piece(w, s);
	t->items[t->n].at = (uint32_t)at;
	t->items[t->n++].end = (uint32_t)w->out.len;
}

/* Those that browsers know without the semicolon, and people leave so. */
static const char *const bare_entities[] = { "nbsp", "\xc2\xa0", "amp", "&",
	"lt", "<", "gt", ">", "quot", "\"", "copy", "\xc2\xa9", "reg",
	"\xc2\xae", "laquo", "\xc2\xab", "raquo", "\xc2\xbb", "euro",
	"\xe2\x82\xac", "auml", "\xc3\xa4", "ouml", "\xc3\xb6", "uuml",
	"\xc3\xbc", "Auml", "\xc3\x84", "Ouml", "\xc3\x96", "Uuml", "\xc3\x9c",
	"szlig", "\xc3\x9f", "agrave", "\xc3\xa0", "eacute", "\xc3\xa9",
	"egrave", "\xc3\xa8", "ecirc", "\xc3\xaa", "ccedil", "\xc3\xa7",
	"aacute", "\xc3\xa1", "iacute", "\xc3\xad", "oacute", "\xc3\xb3",
	"uacute", "\xc3\xba", "ntilde", "\xc3\xb1", "atilde", "\xc3\xa3",
	"otilde", "\xc3\xb5", "aring", "\xc3\xa5", "oslash", "\xc3\xb8",
	"aelig", "\xc3\xa6", "deg", "\xc2\xb0", "sect", "\xc2\xa7", "pound",
	"\xc2\xa3", "middot", "\xc2\xb7", "bull", "\xe2\x80\xa2", "shy", "" };

/* libxml2 gives "&" and the name apart. Returns: what it means, or s. */
static struct str read_bare_entity(struct writer *w, struct str s)
{
	bool was_amp = w->is_amp && w->out.len &&
		       w->out.p[w->out.len - 1] == '&';

	w->is_amp = str_eq(s, STR("&"));
	for (size_t i = 0; was_amp && i < COUNT(bare_entities); i += 2)
		if (str_eq(s, str_c(bare_entities[i]))) {
			w->out.len--;
			return str_c(bare_entities[i + 1]);
		}
	return s;
}

static void on_text(void *ctx, const xmlChar *text, int len)
{
	struct writer *w = ctx;
	struct str s = str_n((const char *)text, (size_t)len);
	size_t at = w->out.len;

	if (w->skip_depth)
		return;
	s = read_bare_entity(w, s);
	at = MIN(at, w->out.len);
	if (w->pre_depth)
		write_pre(w, s);
	else
		write_text(w, s);
	if (w->trace)
		trace_text(w, s, at);
}

void html_init(void)
{
	xmlInitParser();
}

/* Numbers of windows-1252 that were written as if they were of Unicode. */
static const uint16_t windows[32] = { 0x20ac, 0x81, 0x201a, 0x192, 0x201e,
	0x2026, 0x2020, 0x2021, 0x2c6, 0x2030, 0x160, 0x2039, 0x152, 0x8d,
	0x17d, 0x8f, 0x90, 0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013,
	0x2014, 0x2dc, 0x2122, 0x161, 0x203a, 0x153, 0x9d, 0x17e, 0x178 };

struct finisher {
	struct buf out;
	struct text_mark marks[MARKS_MAX];
	size_t n_marks;
};

static void strip_blanks(struct finisher *f)
{
	while (f->out.len && is_blank(f->out.p[f->out.len - 1]))
		f->out.len--;
	for (size_t i = f->n_marks; i-- > 0;) {
		if (f->marks[i].offset <= f->out.len)
			break;
		f->marks[i].offset = f->out.len;
	}
}

/* At most two empty lines, whatever asked for more. */
static bool is_too_many(const struct finisher *f)
{
	size_t n = f->out.len;

	return n >= 3 && !memcmp(f->out.p + n - 3, "\n\n\n", 3);
}

static bool is_invisible(uint32_t c)
{
	return c == 0xad || c == 0x34f || c == 0x200b || c == 0x2060 ||
	       c == 0xfeff || (c >= 0x200c && c <= 0x200f);
}

/* Those that join letters do so only between letters. */
static bool is_to_keep(const struct finisher *f, uint32_t c)
{
	return c >= 0x200c && c <= 0x200f && f->out.len &&
	       !strchr(" \t\n>", f->out.p[f->out.len - 1]);
}

static void finish_char(struct finisher *f, uint32_t c)
{
	if (c == '\n') {
		strip_blanks(f);
		if (is_too_many(f))
			return;
	}
	if (c == '\t')
		while (f->out.len && f->out.p[f->out.len - 1] == ' ')
			f->out.len--;
	if (c == 0xa0)
		c = ' ';
	else if (c >= 0x80 && c < 0xa0)
		c = windows[c - 0x80];
	else if (is_invisible(c) && !is_to_keep(f, c))
		return;
	utf8_add(&f->out, c);
}

/* "<![if !mso]>" and "<![endif]>", which Word leaves. Returns: its length. */
static size_t condition_at(struct str s)
{
	ssize_t end;

	if (!str_starts(s, STR("<![if ")) && !str_starts(s, STR("<![endif]")))
		return 0;
	end = str_find(str_sub(s, 0, 100), STR("]>"));
	return end < 0 ? 0 : (size_t)end + 2;
}

/* Takes the signs out, and what means nothing in text. */
static struct str finish(
	struct arena *a, struct str s, struct text_marks *marks)
{
	struct finisher *f = NEW(struct finisher);
	struct str out;

	buf_init(&f->out, s.len * 3 / 2 + 1);
	while (s.len) {
		unsigned char c = (unsigned char)*s.p;
		uint32_t code = c;
		size_t len = c < 0x80 ? 1 : utf8_next(s, &code);
		size_t skip = c == '<' ? condition_at(s) : 0;
		s = str_sub(s, skip ? skip : len, s.len);
		if (skip)
			continue;
		if (c >= ' ' || c == '\n' || c == '\t')
			finish_char(f, code);
		else if (c >= SIGN_MARK && c < SIGN_CELL &&
			 f->n_marks < MARKS_MAX)
			f->marks[f->n_marks++] = (struct text_mark){ f->out.len,
				(enum text_mark_kind)((c - SIGN_MARK) / 2),
				(c - SIGN_MARK) % 2 };
	}
	while (f->out.len && strchr(" \n\t", f->out.p[f->out.len - 1]))
		f->out.len--;
	strip_blanks(f);
	out = arena_str(a, buf_view(&f->out));
	if (marks && f->n_marks) {
		marks->n = f->n_marks;
		marks->items = arena_array(
			a, f->n_marks, sizeof(*marks->items));
		memcpy(marks->items, f->marks,
			f->n_marks * sizeof(*marks->items));
	}
	buf_fini(&f->out);
	free(f);
	return out;
}

/*
 * Follows tags as far as is needed to count their attributes. It may see a tag
 * where libxml2 sees none, never the other way round: a quote opens whenever
 * it stands behind "=", so that no ">" ends a tag too early.
 */
struct guard {
	enum {
		IN_TEXT,
		BEHIND_LESS, /* than: a tag, or not */
		IN_TAG,
		BEHIND_EQUALS,
		IN_VALUE,
		IN_QUOTES
	} state;
	char quote;
	unsigned n;	  /* attributes, or what may be one */
	unsigned n_names; /* the same, and tags, since the parser was made */
};

static void guard_step(struct guard *g, char c)
{
	bool is_space = c == ' ' || c == '\t' || c == '\n' || c == '\r' ||
			c == '\f';

	if (g->state == IN_QUOTES) {
		if (c == g->quote)
			g->state = IN_TAG;
	} else if (g->state == IN_TEXT) {
		if (c == '<')
			g->state = BEHIND_LESS;
	} else if (g->state == BEHIND_LESS) {
		g->n = 0;
		g->state = is_space || strchr("!/?", c) ? IN_TEXT : IN_TAG;
		g->n_names++;
	} else if (c == '>') {
		g->state = IN_TEXT;
	} else if (g->state == BEHIND_EQUALS) {
		if (c == '"' || c == '\'') {
			g->state = IN_QUOTES;
			g->quote = c;
			g->n++;
			g->n_names++;
		} else if (!is_space) {
			g->state = IN_VALUE;
		}
	} else if (is_space) {
		g->n++;
		g->n_names++;
		g->state = IN_TAG;
	} else if (g->state == IN_TAG && c == '=') {
		g->state = BEHIND_EQUALS;
	}
}

static htmlParserCtxtPtr open_parser(struct writer *w)
{
	static htmlSAXHandler sax = { .startElement = on_start,
		.endElement = on_end,
		.characters = on_text,
		.ignorableWhitespace = on_text };
	htmlParserCtxtPtr ctx = htmlCreatePushParserCtxt(
		&sax, w, NULL, 0, NULL, XML_CHAR_ENCODING_UTF8);

	must(ctx);
	htmlCtxtUseOptions(ctx,
		HTML_PARSE_RECOVER | HTML_PARSE_NOERROR | HTML_PARSE_NOWARNING |
			HTML_PARSE_NONET | HTML_PARSE_IGNORE_ENC);
	/* else libxml2 puts a paragraph around text that stands alone */
	htmlParseChunk(ctx, "<html><body>", 12, 0);
	w->parser = ctx;
	return ctx;
}

static void close_parser(htmlParserCtxtPtr ctx)
{
	htmlParseChunk(ctx, NULL, 0, 1);
	htmlFreeParserCtxt(ctx);
}

/*
 * Feeds a chunk. A tag with too many attributes is ended there; after too many
 * names the parser is replaced, which ends all that is open.
 */
static htmlParserCtxtPtr feed(
	struct writer *w, htmlParserCtxtPtr ctx, struct guard *g, struct str s)
{
	size_t from = 0;

	for (size_t i = 0; i < s.len; i++) {
		bool is_full;
		if (g->state == IN_TEXT) {
			const char *less = memchr(s.p + i, '<', s.len - i);
			if (!less)
				break;
			i = (size_t)(less - s.p);
		}
		guard_step(g, s.p[i]);
		is_full = g->n_names > NAMES_MAX && g->state == IN_TEXT;
		/* a ">" within quotes would end nothing */
		if (!is_full && (g->state != IN_TAG || g->n < ATTRIBUTES_MAX))
			continue;
		htmlParseChunk(ctx, s.p + from, (int)(i + 1 - from), 0);
		from = i + 1;
		if (g->state != IN_TEXT) {
			htmlParseChunk(ctx, ">", 1, 0);
			w->skew--;
		}
		g->state = IN_TEXT;
		g->n = 0;
		if (is_full) {
			close_parser(ctx);
			w->skew = (s.p + from) - w->html.p - 12;
			ctx = open_parser(w);
			g->n_names = 0;
		}
	}
	htmlParseChunk(ctx, s.p + from, (int)(s.len - from), 0);
	return ctx;
}

struct str html_to_text(struct arena *a, struct str html,
	struct html_trace *trace, struct text_marks *marks)
{
	struct writer w = { .out = BUF_INIT(MAIL_TEXT_MAX),
		.at_begin = true,
		.trace = trace,
		.arena = a,
		.html = html,
		.skew = -12 };
	htmlParserCtxtPtr ctx = open_parser(&w);
	struct guard guard = { 0 };
	struct str out;

	html = str_sub(html, 0, MAIL_TEXT_MAX);
	while (html.len) {
		struct str piece = str_sub(html, 0, CHUNK);
		ctx = feed(&w, ctx, &guard, piece);
		html = str_sub(html, piece.len, html.len);
	}
	close_parser(ctx);
	end_link(&w);
	if (trace)
		trace->written = arena_str(a, buf_view(&w.out));
	out = finish(a, utf8_mend(a, buf_view(&w.out)), marks);
	buf_fini(&w.out);
	return out;
}

struct str mail_html_to_text(struct arena *a, struct str html)
{
	return html_to_text(a, html, NULL, NULL);
}
