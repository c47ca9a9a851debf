/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * html_tag.c - what an element is for: a block, hidden, a quote, a signature.
 *
 * Mail programs name the elements into which they put what they quote. They
 * do so in class, id or name, and others put something in front when they pass
 * it on ("x_divRplyFwdMsg", "m_-12gmail_quote"), so a name is looked for
 * anywhere within.
 */
#include "html.h"

#define STYLE_MAX 1000 /* bytes that are looked at */

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

unsigned html_tag_flags(const char *name)
{
	const struct tag *t = bsearch(
		name, tags, COUNT(tags), sizeof(tags[0]), compare_tag);

	return t ? t->flags : 0;
}

const char *html_attribute(const char *const *attrs, const char *name)
{
	for (; attrs && attrs[0]; attrs += 2)
		if (!strcmp(attrs[0], name))
			return attrs[1];
	return NULL;
}

/* Lower case, without white space. */
static void squeeze(const char *s, char *out, size_t size)
{
	size_t n = 0;

	for (; s && *s && n < size - 1; s++)
		if (!strchr(" \n\r\t", *s))
			out[n++] = *s >= 'A' && *s <= 'Z' ? (char)(*s | 32)
							  : *s;
	out[n] = 0;
}

/*
 * Marks
 */

static const struct mark_name {
	const char *name;
	enum text_mark_kind kind;
	const char *but; /* not in these elements */
} mark_names[] = {
	{ "gmail_attr", MARK_ATTRIBUTION, NULL },
	{ "moz-cite-prefix", MARK_ATTRIBUTION, NULL },
	{ "airmail_on", MARK_ATTRIBUTION, NULL },
	{ "reply-intro", MARK_ATTRIBUTION, NULL },
	{ "gmail_quote", MARK_QUOTE, "blockquote" },
	{ "protonmail_quote", MARK_QUOTE, "blockquote" },
	{ "tutanota_quote", MARK_QUOTE, "blockquote" },
	{ "zmail_extra", MARK_QUOTE, "blockquote" },
	{ "yahoo_quoted", MARK_WHOLE, NULL },
	{ "olk_src_body_section", MARK_WHOLE, NULL },
	{ "messagereplysection", MARK_WHOLE, NULL },
	{ "ntes-mailmaster-quote", MARK_WHOLE, NULL },
	{ "mail-editor-reference-message", MARK_WHOLE, NULL },
	{ "ms-outlook-mobile-reference-message", MARK_WHOLE, NULL },
	{ "history-quote-wrapper", MARK_WHOLE, NULL },
	{ "freshdesk_quote", MARK_WHOLE, NULL },
	{ "divrplyfwdmsg", MARK_HISTORY, NULL },
	{ "appendonsend", MARK_HISTORY, NULL },
	{ "stopspelling", MARK_HISTORY, NULL },
	{ "outlookmessageheader", MARK_HISTORY, NULL },
	{ "zwchr", MARK_HISTORY, NULL },
	{ "replysplit", MARK_HISTORY, NULL },
	{ "isreplycontent", MARK_HISTORY, NULL },
	{ "ecxreplyheader", MARK_HISTORY, NULL },
	{ "signature", MARK_SIGNATURE, NULL },
};

static bool find_mark(struct tag_view *t, const char *value)
{
	char squeezed[STYLE_MAX];

	if (!value || !*value)
		return false;
	squeeze(value, squeezed, sizeof(squeezed));
	for (size_t i = 0; i < COUNT(mark_names); i++) {
		const struct mark_name *m = &mark_names[i];
		if (!strstr(squeezed, m->name) ||
			(m->but && !strcmp(m->but, t->name)))
			continue;
		t->mark = m->kind;
		t->effects |= m->kind == MARK_HISTORY ? EFFECT_HISTORY
						      : EFFECT_MARK;
		return true;
	}
	return false;
}

/*
 * Styles
 */

/* Is the property there with a value that is zero? "height:0", "0px;" */
static bool is_zero(const char *style, const char *property)
{
	const char *at = strstr(style, property);

	if (!at || (at > style && at[-1] != ';'))
		return false;
	at += strlen(property);
	if (*at != '0' && strncmp(at, "1px", 3))
		return false;
	for (; *at && *at != ';'; at++)
		if (*at != '0' && *at != '.' && *at != '1' &&
			strncmp(at, "px", 2) && strncmp(at - 1, "px", 2) &&
			strncmp(at, "pt", 2) && strncmp(at - 1, "pt", 2) &&
			*at != '!' && !(*at >= 'a' && *at <= 'z'))
			return false;
	return true;
}

/*
 * Not to be seen: said so, or off the page, or two of the ways to shrink
 * something to nothing. One alone is how tables close gaps.
 */
static bool is_hidden_style(const char *style)
{
	static const char *const zeros[] = { "font-size:", "max-height:",
		"max-width:", "height:", "line-height:" };
	unsigned n = 0;

	if (strstr(style, "display:none") || strstr(style, "mso-hide:all") ||
		strstr(style, "visibility:hidden") ||
		strstr(style, "text-indent:-9999") ||
		strstr(style, "left:-9999") || strstr(style, "top:-9999"))
		return true;
	for (size_t i = 0; i < COUNT(zeros); i++)
		n += is_zero(style, zeros[i]);
	if (!n)
		return false;
	n += is_zero(style, "opacity:");
	n += strstr(style, "overflow:hidden") != NULL &&
	     (is_zero(style, "max-height:") || is_zero(style, "height:"));
	n += strstr(style, "color:transparent") != NULL;
	return n >= 2;
}

static void read_style(struct tag_view *t, const char *value)
{
	char style[STYLE_MAX];

	squeeze(value, style, sizeof(style));
	t->is_hidden |= is_hidden_style(style);
	if (strstr(style, "white-space:pre") &&
		!strstr(style, "white-space:pre-line"))
		t->effects |= EFFECT_PRE;
	/* how Word quotes when it is told to put a line beside */
	if (strstr(style, "border:none;border-left:solid"))
		t->effects |= EFFECT_QUOTE;
	/* Word's paragraphs are lines */
	if (t->flags & TAG_PARAGRAPH && *t->name == 'p' &&
		(!strncmp(style, "margin:0", 8) ||
			(is_zero(style, "margin-bottom:") &&
				is_zero(style, "margin-top:"))))
		t->flags = TAG_BLOCK;
}

static bool has_class(const char *value, const char *name)
{
	const char *at = value ? strstr(value, name) : NULL;
	size_t len = strlen(name);

	return at && (at == value || at[-1] == ' ' || at[-1] == '_') &&
	       (at[len] == 0 || at[len] == ' ');
}

struct tag_view html_tag(const char *name, const char **attrs)
{
	struct tag_view t = {
		.name = name, .attrs = attrs, .flags = html_tag_flags(name)
	};
	const char *class = NULL, *style = NULL;

	if (!strcmp(name, "pre"))
		t.effects |= EFFECT_PRE;
	if (!strcmp(name, "blockquote"))
		t.effects |= EFFECT_QUOTE;
	for (const char **at = attrs; at && at[0]; at += 2) {
		if (!strcmp(at[0], "hidden"))
			t.is_hidden = true;
		else if (!strcmp(at[0], "style"))
			style = at[1];
		else if (!strcmp(at[0], "class"))
			class = at[1];
		if (!(t.effects & (EFFECT_MARK | EFFECT_HISTORY)) &&
			(!strcmp(at[0], "class") || !strcmp(at[0], "id") ||
				!strcmp(at[0], "name") ||
				!strcmp(at[0], "data-marker")))
			find_mark(&t, at[1]);
	}
	if (t.flags & TAG_PARAGRAPH && *name == 'p' &&
		(has_class(class, "MsoNormal") ||
			has_class(class, "MsoPlainText") ||
			has_class(class, "MsoListParagraph")))
		t.flags = TAG_BLOCK;
	if (style)
		read_style(&t, style);
	return t;
}
