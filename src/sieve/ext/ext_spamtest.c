/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ext_spamtest.c - spamtest, spamtestplus and virustest (RFC 5235).
 *
 * The filter's verdict is a header field, whose form the operator tells (struct
 * sieve_scan). Scores are counted in millionths, never in floating point, so
 * that 0.29 of 1 is 29 percent on every machine. Whatever cannot be read means
 * "not tested", and a note says so.
 */
#include "../sieve_private.h"

#define SCALE INT64_C(1000000)
#define SCORE_MAX INT64_C(1000000000)

struct kind {
	const char *what;
	unsigned best, worst; /* results of clean and of not clean */
};
static const struct kind spam = { "spamtest", 1, 10 };
static const struct kind virus = { "virustest", 1, 5 };

/* A pattern of the settings, compiled once a script or once a mail. */
struct pattern {
	struct str text;
	const struct sieve_regex *re;
};
struct patterns {
	struct pattern items[4];
	size_t n;
};

extern const struct sieve_ext sieve_ext_spamtest;

/* "X-Spam-Status: score=(...)" -> name and pattern, which may be empty. */
static struct str cut_field(struct str field, struct str *pattern)
{
	struct str name;

	*pattern = field;
	if (!str_cut(pattern, ':', &name))
		name = STR_NULL;
	*pattern = str_trim(*pattern);
	return str_trim(name);
}

static const struct sieve_regex *find_pattern(
	const struct patterns *p, struct str text)
{
	for (size_t i = 0; p && i < p->n; i++)
		if (str_eq(p->items[i].text, text))
			return p->items[i].re;
	return NULL;
}

static void add_pattern(
	struct patterns *p, struct str text, const struct sieve_regex *re)
{
	if (re && p->n < COUNT(p->items))
		p->items[p->n++] = (struct pattern){ text, re };
}

/* Those that are wrong are told where the configuration is read. */
static void ready_pattern(
	struct sieve_check *c, struct patterns *p, struct str field)
{
	char error[SIEVE_REGEX_ERROR_MAX];
	struct sieve_regex *re = NULL;
	struct str pattern;
	size_t offset;

	cut_field(field, &pattern);
	if (!pattern.len || find_pattern(p, pattern) ||
		sieve_regex_compile(pattern, 0, &re, error, &offset) < 0)
		return;
	sieve_regex_free(re);
	add_pattern(p, pattern,
		sieve_check_regex(
			c, (struct sieve_pos){ 1, 1, 0 }, pattern, 0));
}

static int ready_patterns(struct sieve_check *c)
{
	const struct sieve_settings *s = sieve_check_settings(c);
	struct patterns *p = sieve_check_state(
		c, &sieve_ext_spamtest, sizeof(*p));

	ready_pattern(c, p, s->spam.status);
	ready_pattern(c, p, s->spam.max_header);
	ready_pattern(c, p, s->virus.status);
	ready_pattern(c, p, s->virus.max_header);
	return 0;
}

/* Brings the pattern. Returns: 0, or SIEVE_FAILED. */
static int get_pattern(
	struct sieve_run *r, struct str text, const struct sieve_regex **out)
{
	struct patterns *own;

	*out = find_pattern(
		sieve_run_script_state(r, &sieve_ext_spamtest), text);
	if (*out)
		return 0;
	own = sieve_run_state(r, &sieve_ext_spamtest, sizeof(*own));
	*out = find_pattern(own, text);
	if (*out)
		return 0;
	*out = sieve_run_regex(r, text, 0);
	if (!*out)
		return sieve_fail(r,
			"the pattern of a setting for spamtest or virustest "
			"is wrong: %.*s",
			STR_ARG(str_sub(text, 0, 200)));
	add_pattern(own, text, *out);
	return 0;
}

/* Lends the first field of a name, as the script has changed it. */
static int get_field(struct sieve_run *r, struct str name, struct str *out)
{
	struct sieve_text text = { .value = name };
	struct sieve_arg arg = { .kind = SIEVE_ARG_STRING,
		.texts = &text,
		.n = 1,
		.is_const = true };
	const struct mail_header **list;
	size_t count;
	int rc = sieve_run_headers(r, &arg, &list, &count);

	if (rc < 0 || count == 0)
		return MIN(rc, 0);
	*out = list[0]->value;
	return 1;
}

/*
 * Reads a field as the setting says. Returns: 1, 0: it is not there, or not
 * of this form, or SIEVE_FAILED.
 */
static int read_field(struct sieve_run *r, struct str field, struct str *out)
{
	struct str pattern, groups[2] = { STR_NULL, STR_NULL };
	const struct sieve_regex *re;
	int n;

	n = get_field(r, cut_field(field, &pattern), out);
	if (n <= 0)
		return n;
	if (!pattern.len)
		return 1;
	if (get_pattern(r, pattern, &re) < 0)
		return SIEVE_FAILED;
	n = sieve_regex_exec(
		re, *out, 0, r->limits->regex_steps, groups, COUNT(groups));
	if (n < 0)
		return sieve_fail(r,
			"pattern \"%.*s\" takes more than %u steps for this "
			"mail",
			STR_ARG(str_sub(pattern, 0, 200)),
			r->limits->regex_steps);
	if (n == 0)
		return 0;
	*out = n > 1 && groups[1].p ? groups[1] : groups[0];
	return 1;
}

/* Reads "-1.25 of something" in millionths; false: no number stands there. */
static bool read_score(struct str s, int64_t *out)
{
	int64_t value = 0, unit = SCALE;
	bool is_negative, has_digit = false, has_dot = false;
	size_t i = 0;

	s = str_trim(s);
	is_negative = str_starts(s, STR("-"));
	i = is_negative || str_starts(s, STR("+"));
	for (; i < s.len; i++) {
		char c = s.p[i];

		if (c == '.' && !has_dot) {
			has_dot = true;
			continue;
		}
		if (c < '0' || c > '9')
			break;
		has_digit = true;
		if (has_dot)
			unit /= 10;
		value = has_dot ? value + (c - '0') * unit
				: value * 10 + (c - '0') * SCALE;
		value = MIN(value, SCORE_MAX * SCALE);
	}
	*out = is_negative ? -value : value;
	return has_digit;
}

/* What a filter said: `part` of `whole`, and that cut to 0 up to 1. */
struct verdict {
	int64_t part, whole;
	bool is_known;
};

static void note_unread(struct sieve_run *r, const struct kind *k,
	struct str field, bool is_max)
{
	sieve_add_note(r, str_c(arena_printf(r->arena,
				  "%s: the %s of %.*s is no number: not tested",
				  k->what, is_max ? "maximum" : "score",
				  STR_ARG(str_sub(field, 0, 100)))));
}

static int get_whole(struct sieve_run *r, const struct sieve_scan *s,
	const struct kind *k, int64_t *out)
{
	struct str text = s->max_value;
	int rc = 1;

	if (s->max_header.len)
		rc = read_field(r, s->max_header, &text);
	if (rc <= 0)
		return rc;
	if (read_score(text, out))
		return 1;
	note_unread(r, k, s->max_header.len ? s->max_header : s->status, true);
	return 0;
}

/* The letters are a bar: "*****". Else it is a score. */
static int get_score(struct sieve_run *r, const struct sieve_scan *s,
	const struct kind *k, struct str status, struct verdict *v)
{
	int rc = get_whole(r, s, k, &v->whole);

	if (rc <= 0 || v->whole <= 0)
		return MIN(rc, 0);
	if (s->kind == SIEVE_SCAN_STRLEN)
		v->part = (int64_t)MIN(status.len, SCORE_MAX) * SCALE;
	else if (!read_score(status, &v->part)) {
		note_unread(r, k, s->status, false);
		return 0;
	}
	v->part = MAX(0, MIN(v->part, v->whole));
	v->is_known = true;
	return 0;
}

/* One of the texts says the result itself. */
static void get_text(const struct sieve_scan *s, const struct kind *k,
	struct str status, struct verdict *v)
{
	for (unsigned i = k->best; i <= k->worst; i++)
		if (s->texts[i].len && str_eq(s->texts[i], status)) {
			v->part = i - k->best;
			v->whole = k->worst - k->best;
			v->is_known = true;
		}
}

static int get_verdict(struct sieve_run *r, const struct sieve_scan *s,
	const struct kind *k, struct verdict *v)
{
	struct str status;
	int rc;

	if (!s->status.len)
		return 0;
	rc = read_field(r, s->status, &status);
	if (rc <= 0)
		return rc;
	if (s->kind != SIEVE_SCAN_TEXT)
		return get_score(r, s, k, status, v);
	get_text(s, k, status, v);
	return 0;
}

static int match_verdict(struct sieve_run *r, const struct sieve_node *n,
	const struct sieve_scan *s, const struct kind *k)
{
	struct verdict v = { 0 };
	int64_t result = 0;
	struct str value;
	int rc = get_verdict(r, s, k, &v);

	if (rc < 0)
		return rc;
	/* in steps that cannot overflow: part and whole are below 2^50 */
	if (v.is_known && sieve_node_tag(n, "percent"))
		result = v.part * 100 / v.whole;
	else if (v.is_known)
		result = k->best + v.part * (k->worst - k->best) / v.whole;
	value = str_c(arena_printf(r->arena, "%lld", (long long)result));
	return sieve_match_counted(r, n, &value, 1, v.is_known);
}

static int test_spamtest(struct sieve_run *r, const struct sieve_node *n)
{
	return match_verdict(r, n, &r->settings->spam, &spam);
}

static int test_virustest(struct sieve_run *r, const struct sieve_node *n)
{
	return match_verdict(r, n, &r->settings->virus, &virus);
}

static const struct sieve_word spam_words[] = {
	{ .name = "spamtest",
		.flags = SIEVE_TEST | SIEVE_MATCHES,
		.params = { { SIEVE_STRING, "value", 0 } },
		.test = test_spamtest },
	{ 0 },
};

static const struct sieve_word virus_words[] = {
	{ .name = "virustest",
		.flags = SIEVE_TEST | SIEVE_MATCHES,
		.params = { { SIEVE_STRING, "value", 0 } },
		.test = test_virustest },
	{ 0 },
};

static const struct sieve_added_tag plus_tags[] = {
	{ "spamtest", { .name = "percent" } },
	{ 0 },
};

static const char *const plus_implies[] = { "spamtest", NULL };

const struct sieve_ext sieve_ext_spamtest = {
	.capability = "spamtest",
	.words = spam_words,
	.check_script = ready_patterns,
};

const struct sieve_ext sieve_ext_spamtestplus = {
	.capability = "spamtestplus",
	.implies = plus_implies,
	.added_tags = plus_tags,
};

const struct sieve_ext sieve_ext_virustest = {
	.capability = "virustest",
	.words = virus_words,
	.check_script = ready_patterns,
};
