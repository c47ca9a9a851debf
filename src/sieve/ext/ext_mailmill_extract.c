/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ext_mailmill_extract.c - extract: finds a value in the mail by a label in
 * front of it or by a pattern.
 *
 * Each way is tried in the order in which it is written, and in each place
 * before the next way; the first value found is taken.
 *
 * A label is found without regard to case (of ASCII letters), at the begin of
 * a word, with a colon, an equals sign or a cell's border behind it. Marks of
 * emphasis around it are passed over: Gmail writes bold labels as
 * *Order number:* into the text. Its value is the rest of the line or cell; if
 * there is none, the next line that is not empty, unless that one looks like a
 * label, too.
 */
#include "ext_mailmill.h"

/* An empty value looks no further than this many lines down. */
#define LABEL_LINES_MAX 2
#define PLACES_MAX 16

enum place {
	PLACE_SUBJECT,
	PLACE_REPLY,
	PLACE_TEXT,
	PLACE_HTML,
	PLACE_FILES
};
static const char *const place_names[] = { "subject", "reply", "text", "html",
	"attachment:GLOB" };

struct extract {
	unsigned slot;
	enum place places[PLACES_MAX];
	struct str globs[PLACES_MAX];
	size_t n_places;
	const struct sieve_regex **patterns;
	const struct sieve_arg *default_, *required;
	struct mailmill_type type;
};

/*
 * Checking
 */

static int check_places(
	struct sieve_check *c, struct extract *x, const struct sieve_arg *in)
{
	if (!in) {
		x->places[0] = PLACE_REPLY;
		x->places[1] = PLACE_TEXT;
		x->n_places = 2;
		return 0;
	}
	if (in->n > PLACES_MAX)
		return sieve_error(
			c, in->pos, ":in takes at most %d places", PLACES_MAX);
	for (size_t i = 0; i < in->n; i++) {
		int choice = PLACE_FILES;
		if (str_starts_case(in->texts[i].value, STR("attachment:")))
			x->globs[i] = str_sub(in->texts[i].value, 11, SIZE_MAX);
		else
			choice = mailmill_choice(c, &in->texts[i],
				"place to extract from", place_names,
				COUNT(place_names));
		if (choice < 0)
			return -1;
		x->places[i] = (enum place)choice;
	}
	x->n_places = in->n;
	return 0;
}

static int check_patterns(struct sieve_check *c, struct extract *x,
	const struct sieve_arg *patterns)
{
	if (!patterns)
		return 0;
	x->patterns = arena_array(
		sieve_check_arena(c), patterns->n, sizeof(*x->patterns));
	for (size_t i = 0; i < patterns->n; i++) {
		x->patterns[i] = sieve_check_regex(c, patterns->texts[i].pos,
			patterns->texts[i].value, SIEVE_REGEX_MULTILINE);
		if (!x->patterns[i])
			return -1;
	}
	return 0;
}

static int check_extract(struct sieve_check *c, struct sieve_node *n)
{
	struct extract *x = ARENA_NEW(sieve_check_arena(c), struct extract);
	const struct sieve_arg *patterns = sieve_node_param(n, "pattern");

	n->data = x;
	if (!patterns && !sieve_node_tag(n, "label")) {
		sieve_error(c, n->pos, "extract needs :label or :pattern");
		return sieve_hint(c, "extract :label \"Order number\" "
				     "\"order\";");
	}
	x->slot = n->positional[0]->slot;
	x->default_ = sieve_node_param(n, "default");
	x->required = sieve_node_param(n, "required");
	if (check_places(c, x, sieve_node_param(n, "in")) < 0 ||
		mailmill_check_type(c, n, &x->type) < 0)
		return -1;
	return check_patterns(c, x, patterns);
}

/*
 * Labels
 */

static bool is_word_byte(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
	       (c >= 'a' && c <= 'z') || c == '_' || (c & 0x80);
}

static struct str skip_marks(struct str s)
{
	while (s.len && memchr(" \t*_", s.p[0], 4))
		s = str_sub(s, 1, SIZE_MAX);
	/* no-break space */
	return str_starts(s, STR("\xc2\xa0")) ? str_sub(s, 2, SIZE_MAX) : s;
}

static struct str trim_marks(struct str s)
{
	s = str_trim(skip_marks(s));
	while (s.len && (s.p[s.len - 1] == '*' || str_ends(s, STR("\xc2\xa0"))))
		s = str_trim(
			str_sub(s, 0, s.len - (s.p[s.len - 1] == '*' ? 1 : 2)));
	return s;
}

/* Cuts what stands between a label and its value. Returns: false: no label. */
static bool cut_colon(struct str *rest)
{
	struct str s = skip_marks(*rest);
	bool is_cell = rest->len && memchr(rest->p, '\t', rest->len - s.len);

	if (s.len == 0) {
		*rest = s;
		return true;
	}
	if (s.p[0] == ':' || s.p[0] == '=' || s.p[0] == '|')
		s = str_sub(s, 1, SIZE_MAX);
	else if (str_starts(s, STR("\xef\xbc\x9a"))) /* full-width colon */
		s = str_sub(s, 3, SIZE_MAX);
	else if (!is_cell)
		return false;
	*rest = s;
	return true;
}

/* Lends the value in this cell: what is behind a tab or | is another's. */
static struct str first_cell(struct str s)
{
	struct str rest = skip_marks(s);
	struct str cell = rest;

	if (rest.len && rest.p[0] == '|')
		rest = skip_marks(str_sub(rest, 1, SIZE_MAX));
	for (size_t i = 0; i < rest.len; i++) {
		if (rest.p[i] != '\t' && rest.p[i] != '|')
			continue;
		cell = str_sub(rest, 0, i);
		return trim_marks(cell);
	}
	return trim_marks(rest);
}

static bool looks_like_label(struct str line)
{
	ssize_t colon = str_chr(line, ':');

	return colon > 0 && (size_t)colon + 1 <= line.len && colon < 40 &&
	       ((size_t)colon + 1 == line.len || line.p[colon + 1] == ' ');
}

static struct str value_below(struct str text)
{
	struct str line;

	for (int i = 0; i < LABEL_LINES_MAX; i++) {
		if (!str_cut_line(&text, &line))
			break;
		line = first_cell(line);
		if (line.len)
			return looks_like_label(line) ? STR_NULL : line;
	}
	return STR_NULL;
}

/* Finds a label in a line. Returns: true, with what is behind it. */
static bool find_label(struct str line, struct str label, struct str *behind)
{
	size_t from = 0;
	ssize_t at;

	while ((at = str_find_case(str_sub(line, from, SIZE_MAX), label)) >=
		0) {
		size_t begin = from + (size_t)at;
		struct str rest = str_sub(line, begin + label.len, SIZE_MAX);
		from = begin + 1;
		if (begin && is_word_byte(line.p[begin - 1]))
			continue;
		/* a line that merely ends with the words is no label */
		if (skip_marks(rest).len == 0 &&
			skip_marks(line).p != line.p + begin)
			continue;
		if (!cut_colon(&rest))
			continue;
		*behind = rest;
		return true;
	}
	return false;
}

static struct str by_label(struct str text, struct str label)
{
	struct str line, value;

	/* a colon that the rule wrote is the one that is looked for anyway */
	label = str_trim(label);
	if (str_ends(label, STR(":")))
		label = str_trim(str_sub(label, 0, label.len - 1));
	while (label.len && str_cut_line(&text, &line)) {
		if (!find_label(line, label, &value))
			continue;
		value = first_cell(value);
		if (value.len == 0)
			value = value_below(text);
		if (value.len)
			return value;
	}
	return STR_NULL;
}

/*
 * Running
 */

/*
 * Is a text that was found a value of the type? What is none is noted, and the
 * search goes on.
 */
static bool take(struct sieve_run *r, const struct sieve_node *n,
	struct str text, struct str *value)
{
	const struct extract *x = n->data;
	const char *why;

	text = str_trim(text);
	if (!text.len)
		return false;
	*value = text;
	if (!x->type.is_given)
		return true;
	why = mailmill_read_type(r, &x->type, text, value);
	if (why)
		sieve_add_note(
			r, str_c(arena_printf(r->arena,
				   "line %u: extract :as \"%s\": \"%.*s\" %s",
				   n->pos.line, typed_name(x->type.type),
				   STR_ARG(str_sub(text, 0, 100)), why)));
	return !why;
}

/* Tries one way on one text. Returns: 1 found, 0, or < 0. */
typedef int (*way_fn)(struct sieve_run *r, const struct sieve_node *n,
	struct str text, struct str *value);

static int try_labels(struct sieve_run *r, const struct sieve_node *n,
	struct str text, struct str *value)
{
	const struct sieve_arg *labels = sieve_node_param(n, "label");
	struct str *names;
	int rc = sieve_arg_list(r, labels, &names);

	for (size_t i = 0; rc == 0 && i < labels->n; i++) {
		rc = sieve_step(r, 1 + text.len / 64);
		if (rc < 0)
			break;
		if (take(r, n, by_label(text, names[i]), value))
			return 1;
	}
	return rc;
}

static int try_patterns(struct sieve_run *r, const struct sieve_node *n,
	struct str text, struct str *value)
{
	const struct extract *x = n->data;
	const struct sieve_arg *patterns = sieve_node_param(n, "pattern");
	struct str groups[2] = { 0 };

	for (size_t i = 0; i < patterns->n; i++) {
		int rc = sieve_step(r, 1 + text.len / 64);
		if (rc < 0)
			return rc;
		rc = sieve_regex_exec(x->patterns[i], text, 0,
			r->limits->regex_steps, groups, COUNT(groups));
		if (rc == SIEVE_REGEX_LIMIT)
			return sieve_fail(r,
				"the pattern \"%.*s\" takes too many steps on "
				"this mail",
				STR_ARG(patterns->texts[i].value));
		if (rc == 0)
			continue;
		if (take(r, n, rc > 1 && groups[1].p ? groups[1] : groups[0],
			    value))
			return 1;
	}
	return 0;
}

static int try_files(struct sieve_run *r, const struct sieve_node *n,
	way_fn way, struct str glob, struct str *value)
{
	const struct mail_attachment *files;
	size_t n_files = mail_attachments(r->mail, &files);
	struct str groups[1];

	for (size_t i = 0; i < n_files; i++) {
		struct str text;
		int rc;
		rc = sieve_glob(glob, files[i].name, true, groups,
			COUNT(groups), &r->steps);
		if (rc < 0)
			return sieve_fail(r, "too many steps");
		if (rc == 0)
			continue;
		text = mail_attachment_text(r->mail, &files[i]);
		rc = text.p ? way(r, n, text, value) : 0;
		if (rc)
			return rc;
	}
	return 0;
}

static struct str text_of(struct sieve_run *r, enum place place)
{
	switch (place) {
	case PLACE_SUBJECT:
		return mail_header(r->mail, STR("subject"));
	case PLACE_REPLY:
		return mail_reply(r->mail);
	case PLACE_TEXT:
		return mail_text(r->mail);
	case PLACE_HTML:
		return mail_html(r->mail);
	case PLACE_FILES:
		break;
	}
	return STR_NULL;
}

static int try_way(struct sieve_run *r, const struct sieve_node *n, way_fn way,
	struct str *value)
{
	const struct extract *x = n->data;

	for (size_t i = 0; i < x->n_places; i++) {
		int rc = x->places[i] == PLACE_FILES
				 ? try_files(r, n, way, x->globs[i], value)
				 : way(r, n, text_of(r, x->places[i]), value);
		if (rc)
			return rc;
	}
	return 0;
}

static int set_missing(struct sieve_run *r, const struct extract *x)
{
	struct str text = STR("");
	int rc = 0;

	if (x->default_)
		rc = sieve_arg_get(r, x->default_, &text);
	else if (x->required)
		rc = sieve_arg_get(r, x->required, &text);
	if (rc < 0)
		return rc;
	if (x->required)
		return mailmill_fail(r, text);
	sieve_set(r, x->slot, text);
	return SIEVE_GO_ON;
}

static int exec_extract(struct sieve_run *r, const struct sieve_node *n)
{
	const struct extract *x = n->data;
	struct str value = STR("");

	for (size_t i = 0; i < n->n_tags; i++) {
		const char *tag = n->tags[i].tag->name;
		int rc = 0;
		if (str_eq(str_c(tag), STR("label")))
			rc = try_way(r, n, try_labels, &value);
		else if (str_eq(str_c(tag), STR("pattern")))
			rc = try_way(r, n, try_patterns, &value);
		if (rc < 0)
			return rc;
		if (rc == 0)
			continue;
		sieve_set(r, x->slot, value);
		return SIEVE_GO_ON;
	}
	return set_missing(r, x);
}

static const struct sieve_tag tags[] = {
	{ "label", SIEVE_STRINGS, "labels", 0, 0, NULL },
	{ "pattern", SIEVE_CONSTS, "regular expressions", 0, 0, NULL },
	{ "in", SIEVE_CONSTS, "places", 0, 0, NULL },
	MAILMILL_TYPE_TAGS,
	{ "default", SIEVE_STRING, "value", 0, 1, NULL },
	{ "required", SIEVE_STRING, "reason", 0, 1, NULL },
	{ 0 },
};

static const struct sieve_word words[] = {
	{ .name = "extract",
		.flags = SIEVE_COMMAND,
		.params = { { SIEVE_VARIABLE, "variable", 0 } },
		.tags = tags,
		.check = check_extract,
		.exec = exec_extract },
	{ 0 },
};

const struct sieve_ext sieve_ext_mailmill_extract = {
	.capability = "vnd.mailmill",
	.words = words,
};
