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

#include "inside.h"

#define QUOTE_MAX 32
#define LIST_MAX 32
#define HREF_MAX 1000
#define CHUNK ((size_t)16 * 1024)
#define ATTRIBUTES_MAX 300 /* of a tag; libxml2 compares each with all */
#define NAMES_MAX 50000	   /* of a parser; its dictionary slows down beyond */
#define ENTITY_MAX 40	   /* bytes of "&...;" */
#define TRACE_MAX ((size_t)200 * 1000) /* pieces whose place is noted */

enum tag_flags {
	TAG_BLOCK = 1,	   /* a line of its own */
	TAG_PARAGRAPH = 2, /* an empty line around it */
	TAG_SKIP = 4,	   /* not for reading */
	TAG_VOID = 8,	   /* has no end tag */
};

struct list_level {
	bool is_ordered;
	int number;
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
	struct html_trace *trace; /* or NULL */
	struct arena *arena;	  /* the trace's */
	struct str html;
	htmlParserCtxtPtr parser;
	long skew;	/* from the parser's count of bytes to places in html */
	char *href;	/* of the link that is open */
	size_t link_at; /* where its text begins in out */
};

static const struct tag {
	const char *name;
	unsigned flags;
} tags[] = {
	{ "address", TAG_BLOCK },
	{ "applet", TAG_SKIP },
	{ "article", TAG_BLOCK },
	{ "aside", TAG_BLOCK },
	{ "base", TAG_VOID },
	{ "blockquote", TAG_PARAGRAPH },
	{ "br", TAG_VOID },
	{ "caption", TAG_BLOCK },
	{ "center", TAG_BLOCK },
	{ "dd", TAG_BLOCK },
	{ "dir", TAG_BLOCK },
	{ "div", TAG_BLOCK },
	{ "dl", TAG_PARAGRAPH },
	{ "dt", TAG_BLOCK },
	{ "fieldset", TAG_BLOCK },
	{ "footer", TAG_BLOCK },
	{ "form", TAG_BLOCK },
	{ "frameset", TAG_SKIP },
	{ "h1", TAG_PARAGRAPH },
	{ "h2", TAG_PARAGRAPH },
	{ "h3", TAG_PARAGRAPH },
	{ "h4", TAG_PARAGRAPH },
	{ "h5", TAG_PARAGRAPH },
	{ "h6", TAG_PARAGRAPH },
	{ "head", TAG_SKIP },
	{ "header", TAG_BLOCK },
	{ "hr", TAG_VOID },
	{ "img", TAG_VOID },
	{ "input", TAG_VOID },
	{ "legend", TAG_BLOCK },
	{ "li", TAG_BLOCK },
	{ "link", TAG_VOID },
	{ "main", TAG_BLOCK },
	{ "meta", TAG_VOID },
	{ "nav", TAG_BLOCK },
	{ "noscript", 0 },
	{ "object", 0 },
	{ "ol", TAG_PARAGRAPH },
	{ "option", TAG_BLOCK },
	{ "p", TAG_PARAGRAPH },
	{ "pre", TAG_PARAGRAPH },
	{ "script", TAG_SKIP },
	{ "section", TAG_BLOCK },
	{ "style", TAG_SKIP },
	{ "table", TAG_BLOCK },
	{ "tbody", 0 },
	{ "title", TAG_SKIP },
	{ "tr", TAG_BLOCK },
	{ "ul", TAG_PARAGRAPH },
};

static int compare_tag(const void *name, const void *row)
{
	return strcmp(name, ((const struct tag *)row)->name);
}

static unsigned flags_of(const char *name)
{
	const struct tag *t = bsearch(
		name, tags, COUNT(tags), sizeof(tags[0]), compare_tag);

	return t ? t->flags : 0;
}

/* ---- writing ---- */

static void ask_newlines(struct writer *w, int n)
{
	w->n_newlines = MAX(w->n_newlines, n);
	w->wants_space = w->wants_tab = false;
}

static void begin_line(struct writer *w)
{
	for (unsigned i = 0; i < MIN(w->quote_depth, QUOTE_MAX); i++)
		buf_c(&w->out, "> ");
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
	w->at_begin = w->wants_space = w->wants_tab = false;
	w->n_newlines = 0;
	w->last_depth = w->quote_depth;
}

static void write_text(struct writer *w, struct str s)
{
	while (s.len) {
		size_t n = 0;
		while (n < s.len && !strchr(" \t\r\n\f", s.p[n]))
			n++;
		if (n) {
			before_text(w);
			buf_add(&w->out, s.p, n);
			s = str_sub(s, n, s.len);
			continue;
		}
		w->wants_space = !w->n_newlines && !w->wants_tab &&
				 !w->at_begin;
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
		buf_byte(&w->out, (unsigned char)s.p[i]);
	}
}

/* ---- tags ---- */

static const char *find_attribute(const xmlChar **attrs, const char *name)
{
	for (; attrs && attrs[0]; attrs += 2)
		if (!strcmp((const char *)attrs[0], name))
			return (const char *)attrs[1];
	return NULL;
}

static bool is_hidden(const xmlChar **attrs)
{
	const char *style = find_attribute(attrs, "style");
	char squeezed[256];
	size_t n = 0;

	for (const xmlChar **at = attrs; at && at[0]; at += 2)
		if (!strcmp((const char *)at[0], "hidden"))
			return true;
	if (!style)
		return false;
	for (; *style && n < sizeof(squeezed) - 1; style++)
		if (*style != ' ' && *style != '\n' && *style != '\t')
			squeezed[n++] = *style >= 'A' && *style <= 'Z'
						? (char)(*style | 32)
						: *style;
	squeezed[n] = 0;
	return strstr(squeezed, "display:none") ||
	       strstr(squeezed, "mso-hide:all") ||
	       strstr(squeezed, "visibility:hidden");
}

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
}

static void begin_list(struct writer *w, bool is_ordered)
{
	/* within another list no empty line is wanted */
	w->n_newlines = w->n_lists ? 1 : w->n_newlines;
	if (w->n_lists < LIST_MAX)
		w->lists[w->n_lists] = (struct list_level){
			.is_ordered = is_ordered
		};
	w->n_lists++;
}

static void end_link(struct writer *w)
{
	struct str text, target = str_c(w->href);

	if (!w->href)
		return;
	text = str_trim(str_sub(
		buf_view(&w->out), w->link_at, w->out.len - w->link_at));
	/* a target that says no more than its text is left out */
	if (text.len && str_find(text, target) < 0) {
		struct str plain = target;
		if (str_starts_case(plain, STR("mailto:")))
			plain = str_sub(plain, 7, plain.len);
		if (str_find_case(text, plain) < 0)
			buf_printf(&w->out, " <%.*s>", STR_ARG(target));
	}
	free(w->href);
	w->href = NULL;
}

static void begin_link(struct writer *w, const xmlChar **attrs)
{
	const char *href = find_attribute(attrs, "href");

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

static void begin_image(struct writer *w, const xmlChar **attrs)
{
	const char *alt = find_attribute(attrs, "alt");

	if (alt && *alt)
		write_text(w, str_c(alt));
}

static void begin_special(
	struct writer *w, const char *name, const xmlChar **attrs)
{
	if (!strcmp(name, "br")) {
		/* each one counts, where a block's newlines do not add up */
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
		begin_list(w, name[0] == 'o');
	} else if (!strcmp(name, "td") || !strcmp(name, "th")) {
		if (!w->n_newlines && !w->at_begin)
			w->wants_tab = true;
	} else if (!strcmp(name, "pre")) {
		w->pre_depth++;
	} else if (!strcmp(name, "blockquote")) {
		w->quote_depth++;
	}
}

static void on_start(void *ctx, const xmlChar *xml_name, const xmlChar **attrs)
{
	struct writer *w = ctx;
	const char *name = (const char *)xml_name;
	unsigned flags = flags_of(name);

	if (w->skip_depth) {
		w->skip_depth += !(flags & TAG_VOID);
		return;
	}
	if (!(flags & TAG_VOID) && ((flags & TAG_SKIP) || is_hidden(attrs))) {
		w->skip_depth = 1;
		return;
	}
	if (flags & TAG_PARAGRAPH)
		ask_newlines(w, 2);
	else if (flags & TAG_BLOCK)
		ask_newlines(w, 1);
	begin_special(w, name, attrs);
}

static void on_end(void *ctx, const xmlChar *xml_name)
{
	struct writer *w = ctx;
	const char *name = (const char *)xml_name;
	unsigned flags = flags_of(name);

	if (w->skip_depth) {
		w->skip_depth -= !(flags & TAG_VOID);
		return;
	}
	if (!strcmp(name, "a"))
		end_link(w);
	if (flags & TAG_PARAGRAPH)
		ask_newlines(w, w->n_lists > 1 ? 1 : 2);
	else if (flags & TAG_BLOCK)
		ask_newlines(w, 1);
	if (!strcmp(name, "pre") && w->pre_depth)
		w->pre_depth--;
	if (!strcmp(name, "blockquote") && w->quote_depth)
		w->quote_depth--;
	if ((!strcmp(name, "ul") || !strcmp(name, "ol")) && w->n_lists)
		w->n_lists--;
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

static void on_text(void *ctx, const xmlChar *text, int len)
{
	struct writer *w = ctx;
	struct str s = str_n((const char *)text, (size_t)len);
	size_t at = w->out.len;

	if (w->skip_depth)
		return;
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

/* Replaces no-break blanks, which mean nothing in text. */
static struct str plain_blanks(struct arena *a, struct str s)
{
	char *p = arena_alloc(a, s.len + 1), *to = p;

	for (size_t i = 0; i < s.len; i++) {
		if (s.p[i] == '\xc2' && i + 1 < s.len && s.p[i + 1] == '\xa0') {
			*to++ = ' ';
			i++;
		} else {
			*to++ = s.p[i];
		}
	}
	while (to > p && (to[-1] == ' ' || to[-1] == '\n' || to[-1] == '\t'))
		to--;
	return str_n(p, (size_t)(to - p));
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

struct str html_to_text(
	struct arena *a, struct str html, struct html_trace *trace)
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
	out = plain_blanks(a, utf8_mend(a, buf_view(&w.out)));
	buf_fini(&w.out);
	return out;
}

struct str mail_html_to_text(struct arena *a, struct str html)
{
	return html_to_text(a, html, NULL);
}
