/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * calc.c - small expressions on numbers and dates: read into a tree, then
 * walked. Depth and size are limited when it is read, so that walking it needs
 * no limits of its own.
 */
#include <mailmill/calc.h>
#include <mailmill/clock.h>
#include <mailmill/decimal.h>
#include <mailmill/str.h>

#define DAY_SECONDS 86400
#define YEARS_MAX 9999

enum op {
	OP_NUMBER,
	OP_NAME,
	OP_WORD, /* now, today */
	OP_ADD,
	OP_SUBTRACT,
	OP_MULTIPLY,
	OP_DIVIDE,
	OP_NEGATE,
	OP_CALL
};

enum unit {
	UNIT_NONE,
	UNIT_MINUTES,
	UNIT_HOURS,
	UNIT_DAYS,
	UNIT_WEEKS,
	UNIT_MONTHS,
	UNIT_YEARS
};

static const struct {
	const char *word;
	enum unit unit;
} units[] = {
	{ "minute", UNIT_MINUTES },
	{ "minutes", UNIT_MINUTES },
	{ "hour", UNIT_HOURS },
	{ "hours", UNIT_HOURS },
	{ "day", UNIT_DAYS },
	{ "days", UNIT_DAYS },
	{ "week", UNIT_WEEKS },
	{ "weeks", UNIT_WEEKS },
	{ "month", UNIT_MONTHS },
	{ "months", UNIT_MONTHS },
	{ "year", UNIT_YEARS },
	{ "years", UNIT_YEARS },
};

/* What a function makes of its values. */
enum function {
	SUM,
	COUNT_OF,
	AVERAGE,
	LEAST,
	GREATEST,
	ROUND,
	ROUND_DOWN,
	ROUND_UP,
	N_FUNCTIONS
};

static const struct {
	const char *name;
	size_t least, most; /* arguments */
	bool takes_list;    /* when it has one, which is a name */
} functions[N_FUNCTIONS] = {
	[SUM] = { "sum", 1, CALC_NODES_MAX, true },
	[COUNT_OF] = { "count", 1, 1, true },
	[AVERAGE] = { "average", 1, CALC_NODES_MAX, true },
	[LEAST] = { "least", 1, CALC_NODES_MAX, true },
	[GREATEST] = { "greatest", 1, CALC_NODES_MAX, true },
	[ROUND] = { "round", 1, 2, false },
	[ROUND_DOWN] = { "round_down", 1, 2, false },
	[ROUND_UP] = { "round_up", 1, 2, false },
};

struct node {
	enum op op;
	struct node *left, *right; /* of a call: first argument, unused */
	struct node *next;	   /* argument */
	struct decimal number;
	enum unit unit;
	enum function function;
	size_t n_arguments;
	bool is_list;
	struct str name;
	size_t at; /* of a name */
};

struct calc {
	struct node *root;
	struct calc_name *names;
	size_t n_names;
};

size_t calc_names(const struct calc *c, const struct calc_name **out)
{
	*out = c->names;
	return c->n_names;
}

/* ---- reading ---------------------------------------------------------- */

struct reader {
	struct arena *arena;
	struct calc *calc;
	struct str text;
	size_t at; /* of what comes next */
	unsigned depth;
	size_t n_nodes;
	struct err *err;
};

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

/* Looks at the next character that is no blank; NUL at the end. */
static char peek(struct reader *r)
{
	while (r->at < r->text.len &&
		(r->text.p[r->at] == ' ' || r->text.p[r->at] == '\t' ||
			r->text.p[r->at] == '\n' || r->text.p[r->at] == '\r'))
		r->at++;
	return r->at < r->text.len ? r->text.p[r->at] : '\0';
}

static struct node *add(
	struct reader *r, enum op op, struct node *left, struct node *right)
{
	struct node *n;

	if (++r->n_nodes > CALC_NODES_MAX) {
		err_set(r->err, ERR_PERM,
			"has more than %d numbers, names and operators",
			CALC_NODES_MAX);
		return NULL;
	}
	n = ARENA_NEW(r->arena, struct node);
	n->op = op;
	n->left = left;
	n->right = right;
	return n;
}

static struct str read_name(struct reader *r)
{
	size_t from = r->at;

	while (r->at < r->text.len &&
		(is_letter(r->text.p[r->at]) || str_is_digit(r->text.p[r->at])))
		r->at++;
	return str_sub(r->text, from, r->at - from);
}

static struct node *read_number(struct reader *r)
{
	size_t from = r->at, behind;
	struct node *n = add(r, OP_NUMBER, NULL, NULL);
	struct str word;

	if (!n)
		return NULL;
	while (r->at < r->text.len &&
		(str_is_digit(r->text.p[r->at]) || r->text.p[r->at] == '.'))
		r->at++;
	word = str_sub(r->text, from, r->at - from);
	if (decimal_read(word, &n->number)) {
		r->at = from;
		err_set(r->err, ERR_PERM, "\"%.*s\" is no number that fits",
			STR_ARG(str_sub(word, 0, 60)));
		return NULL;
	}
	behind = r->at;
	if (!is_letter(peek(r))) {
		r->at = behind;
		return n;
	}
	from = r->at;
	word = read_name(r);
	for (size_t i = 0; i < COUNT(units); i++)
		if (str_eq_case(word, str_c(units[i].word)))
			n->unit = units[i].unit;
	if (n->unit == UNIT_NONE) {
		r->at = from;
		err_set(r->err, ERR_PERM,
			"\"%.*s\" behind a number: an operator is missing, or "
			"one of minutes, hours, days, weeks, months, years",
			STR_ARG(str_sub(word, 0, 60)));
		return NULL;
	}
	return n;
}

static void note_name(struct calc *c, const struct node *n, bool is_list)
{
	for (size_t i = 0; i < c->n_names; i++)
		if (str_eq(c->names[i].name, n->name) &&
			c->names[i].is_list == is_list)
			return;
	c->names[c->n_names++] = (struct calc_name){ n->name, n->at, is_list };
}

static struct node *read_sum(struct reader *r);

/* Behind "NAME(". */
static struct node *read_call(struct reader *r, struct str name, size_t at)
{
	const char *list[N_FUNCTIONS];
	struct node *n = add(r, OP_CALL, NULL, NULL), **end;
	ssize_t near;

	if (!n)
		return NULL;
	end = &n->left;
	for (n->function = 0; n->function < N_FUNCTIONS; n->function++)
		if (str_eq(name, str_c(functions[n->function].name)))
			break;
	if (n->function == N_FUNCTIONS) {
		for (size_t i = 0; i < N_FUNCTIONS; i++)
			list[i] = functions[i].name;
		near = str_nearest(name, list, N_FUNCTIONS);
		r->at = at;
		err_set(r->err, ERR_PERM, "there is no function %.*s()%s%s",
			STR_ARG(str_sub(name, 0, 60)),
			near >= 0 ? "; did you mean " : "",
			near >= 0 ? list[near] : "");
		return NULL;
	}
	do {
		if (n->n_arguments++)
			r->at++;
		*end = read_sum(r);
		if (!*end)
			return NULL;
		end = &(*end)->next;
	} while (peek(r) == ',');
	if (peek(r) != ')') {
		err_set(r->err, ERR_PERM, "\")\" of %s( is missing",
			functions[n->function].name);
		return NULL;
	}
	if (n->n_arguments > functions[n->function].most) {
		err_set(r->err, ERR_PERM, "%s() takes at most %zu values",
			functions[n->function].name,
			functions[n->function].most);
		return NULL;
	}
	r->at++;
	n->is_list = functions[n->function].takes_list && n->n_arguments == 1 &&
		     n->left->op == OP_NAME;
	return n;
}

/* "${name}", at its "$". */
static struct node *read_reference(struct reader *r)
{
	struct str rest = str_sub(r->text, r->at, SIZE_MAX), name;
	ssize_t end = str_chr(rest, '}');
	struct node *n;

	if (end < 3 || rest.p[1] != '{') {
		err_set(r->err, ERR_PERM, "a value is written ${name}");
		return NULL;
	}
	name = str_sub(rest, 2, (size_t)end - 2);
	n = add(r, OP_NAME, NULL, NULL);
	if (!n)
		return NULL;
	n->name = arena_str(r->arena, name);
	n->at = r->at;
	r->at += (size_t)end + 1;
	return n;
}

/* A function, or one of the words that stand for a time. */
static struct node *read_word(struct reader *r)
{
	size_t at = r->at;
	struct str name = read_name(r);
	struct node *n;

	if (peek(r) == '(') {
		r->at++;
		return read_call(r, name, at);
	}
	if (!str_eq(name, STR("now")) && !str_eq(name, STR("today"))) {
		r->at = at;
		err_set(r->err, ERR_PERM, "\"%.*s\" is no value: write ${%.*s}",
			STR_ARG(str_sub(name, 0, 60)),
			STR_ARG(str_sub(name, 0, 60)));
		return NULL;
	}
	n = add(r, OP_WORD, NULL, NULL);
	if (n)
		n->name = arena_str(r->arena, name);
	return n;
}

static struct node *read_factor(struct reader *r)
{
	bool is_negative = false;
	struct node *n = NULL;
	char c = peek(r);

	for (; c == '-' || c == '+'; c = peek(r)) {
		is_negative ^= c == '-';
		r->at++;
	}
	if (++r->depth > CALC_DEPTH_MAX) {
		err_set(r->err, ERR_PERM, "is nested more than %d deep",
			CALC_DEPTH_MAX);
	} else if (str_is_digit(c) || c == '.') {
		n = read_number(r);
	} else if (c == '$') {
		n = read_reference(r);
	} else if (is_letter(c)) {
		n = read_word(r);
	} else if (c == '(') {
		r->at++;
		n = read_sum(r);
		if (n && peek(r) != ')') {
			err_set(r->err, ERR_PERM, "a \")\" is missing");
			n = NULL;
		} else if (n) {
			r->at++;
		}
	} else {
		err_set(r->err, ERR_PERM,
			c ? "a number, a name or \"(\" is wanted here"
			  : "ends where a number, a name or \"(\" is wanted");
	}
	r->depth--;
	return n && is_negative ? add(r, OP_NEGATE, n, NULL) : n;
}

static struct node *read_product(struct reader *r)
{
	struct node *n = read_factor(r);

	while (n && (peek(r) == '*' || peek(r) == '/')) {
		enum op op = r->text.p[r->at++] == '*' ? OP_MULTIPLY
						       : OP_DIVIDE;
		struct node *right = read_factor(r);
		n = right ? add(r, op, n, right) : NULL;
	}
	return n;
}

static struct node *read_sum(struct reader *r)
{
	struct node *n = read_product(r);

	while (n && (peek(r) == '+' || peek(r) == '-')) {
		enum op op = r->text.p[r->at++] == '+' ? OP_ADD : OP_SUBTRACT;
		struct node *right = read_product(r);
		n = right ? add(r, op, n, right) : NULL;
	}
	return n;
}

/* Names that stand alone mean one value; those a function takes, a list. */
static void note_names(struct calc *c, const struct node *n)
{
	if (!n)
		return;
	if (n->op == OP_NAME)
		note_name(c, n, false);
	if (n->op == OP_CALL && n->is_list)
		note_name(c, n->left, true);
	else
		for (const struct node *k = n->left; k; k = k->next)
			note_names(c, k);
	note_names(c, n->right);
}

int calc_parse(struct arena *a, struct str text, struct calc **out, size_t *at,
	struct err *err)
{
	struct calc *c = ARENA_NEW(a, struct calc);
	struct reader r = { .arena = a, .calc = c, .text = text, .err = err };

	*at = 0;
	if (text.len > CALC_TEXT_MAX)
		return err_set(err, ERR_PERM, "is longer than %d bytes",
			CALC_TEXT_MAX);
	c->names = arena_array(a, CALC_NODES_MAX, sizeof(*c->names));
	c->root = read_sum(&r);
	if (c->root && peek(&r))
		err_set(err, ERR_PERM, "an operator is wanted here");
	*at = r.at;
	if (!c->root || peek(&r))
		return -1;
	note_names(c, c->root);
	*out = c;
	return 0;
}

/* ---- calculating ------------------------------------------------------ */

enum kind {
	EMPTY,
	NUMBER,
	DATE,	/* `seconds` is its midnight */
	MOMENT, /* `seconds` in UTC */
	SPAN	/* `number` of `unit` */
};

struct value {
	enum kind kind;
	struct decimal number;
	enum unit unit;
	int64_t seconds;
};

struct run {
	struct arena *arena;
	int64_t now;
	calc_values_fn values;
	void *ctx;
	struct err *err;
};

static const char *const kind_names[] = { "nothing", "a number", "a date",
	"a moment", "a span of time" };

static bool is_time(const struct value *v)
{
	return v->kind == DATE || v->kind == MOMENT;
}

static int no_room(struct run *r)
{
	return err_set(r->err, ERR_PERM,
		"the result has more digits than there is room for");
}

static int read_value(
	struct run *r, struct str name, struct str s, struct value *out)
{
	int64_t ms;

	s = str_trim(s);
	*out = (struct value){ .kind = EMPTY };
	if (!s.len)
		return 0;
	if (decimal_read(s, &out->number) == 0) {
		out->kind = NUMBER;
		return 0;
	}
	if (s.len == 10 && s.p[4] == '-' &&
		clock_parse_rfc3339(str_c(arena_printf(r->arena,
					    "%.*sT00:00:00Z", STR_ARG(s))),
			&ms) == 0)
		out->kind = DATE;
	else if (clock_parse_rfc3339(s, &ms) == 0)
		out->kind = MOMENT;
	else
		return err_set(r->err, ERR_PERM,
			"${%.*s} is \"%.*s\", which is no number and no date",
			STR_ARG(name), STR_ARG(str_sub(s, 0, 60)));
	out->seconds = ms / 1000;
	return 0;
}

static void get_word(struct run *r, const struct node *n, struct value *out)
{
	int64_t seconds = r->now / 1000;

	*out = (struct value){ .kind = MOMENT, .seconds = seconds };
	if (str_eq(n->name, STR("today")))
		*out = (struct value){ .kind = DATE,
			.seconds = seconds - seconds % DAY_SECONDS };
}

static int get_name(struct run *r, const struct node *n, struct value *out)
{
	const struct str *values;

	*out = (struct value){ .kind = EMPTY };
	if (r->values(r->ctx, n->name, &values) == 0)
		return 0;
	return read_value(r, n->name, values[0], out);
}

static int days_in_month(int year, int month)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30,
		31 };
	bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return days[month - 1] + (month == 2 && is_leap);
}

static int add_months(struct run *r, struct value *v, int64_t months)
{
	struct clock_civil c;
	int64_t count;

	if (months > YEARS_MAX * 12 || months < -YEARS_MAX * 12)
		return no_room(r);
	clock_to_civil(v->seconds, &c);
	count = (int64_t)c.year * 12 + c.month - 1 + months;
	if (count < 12 || count / 12 > YEARS_MAX)
		return no_room(r);
	c.year = (int)(count / 12);
	c.month = (int)(count % 12) + 1;
	c.day = MIN(c.day, days_in_month(c.year, c.month));
	v->seconds = clock_from_civil(&c);
	return 0;
}

/* A date or moment plus a span; a bare number counts days. */
static int add_span(
	struct run *r, struct value *v, struct value span, bool is_minus)
{
	static const int64_t seconds_of[] = { [UNIT_NONE] = DAY_SECONDS,
		[UNIT_MINUTES] = 60,
		[UNIT_HOURS] = 3600,
		[UNIT_DAYS] = DAY_SECONDS,
		[UNIT_WEEKS] = (int64_t)7 * DAY_SECONDS,
		[UNIT_MONTHS] = 1,
		[UNIT_YEARS] = 12 };
	struct decimal product;
	int64_t n;

	if (decimal_multiply(
		    span.number, decimal_of(seconds_of[span.unit]), &product) ||
		decimal_round(product, 0, DECIMAL_HALF_UP, &product))
		return no_room(r);
	if (product.digits > (__int128)YEARS_MAX * 366 * DAY_SECONDS ||
		product.digits < -(__int128)YEARS_MAX * 366 * DAY_SECONDS)
		return no_room(r);
	n = is_minus ? -(int64_t)product.digits : (int64_t)product.digits;
	if (span.unit == UNIT_MONTHS || span.unit == UNIT_YEARS)
		return add_months(r, v, n);
	v->seconds += n;
	if (v->kind == DATE && v->seconds % DAY_SECONDS != 0)
		v->kind = MOMENT;
	return 0;
}

static int mismatch(
	struct run *r, const char *what, struct value a, struct value b)
{
	return err_set(r->err, ERR_PERM, "cannot %s %s and %s", what,
		kind_names[a.kind], kind_names[b.kind]);
}

static int add_up(
	struct run *r, struct value a, struct value b, struct value *out)
{
	*out = a;
	if (a.kind == NUMBER && b.kind == NUMBER)
		return decimal_add(a.number, b.number, &out->number)
			       ? no_room(r)
			       : 0;
	if (is_time(&a) && (b.kind == SPAN || b.kind == NUMBER))
		return add_span(r, out, b, false);
	if (is_time(&b) && (a.kind == SPAN || a.kind == NUMBER)) {
		*out = b;
		return add_span(r, out, a, false);
	}
	return mismatch(r, "add", a, b);
}

static int subtract(
	struct run *r, struct value a, struct value b, struct value *out)
{
	*out = a;
	if (a.kind == NUMBER && b.kind == NUMBER)
		return decimal_subtract(a.number, b.number, &out->number)
			       ? no_room(r)
			       : 0;
	if (is_time(&a) && is_time(&b)) {
		out->kind = NUMBER;
		return decimal_divide(decimal_of(a.seconds - b.seconds),
			       decimal_of(DAY_SECONDS), &out->number)
			       ? no_room(r)
			       : 0;
	}
	if (is_time(&a) && (b.kind == SPAN || b.kind == NUMBER))
		return add_span(r, out, b, true);
	return mismatch(r, "subtract", a, b);
}

static int multiply_or_divide(struct run *r, enum op op, struct value a,
	struct value b, struct value *out)
{
	int rc;

	if (op == OP_MULTIPLY && a.kind == NUMBER && b.kind == SPAN)
		return multiply_or_divide(r, op, b, a, out);
	if ((a.kind != NUMBER && a.kind != SPAN) || b.kind != NUMBER)
		return mismatch(
			r, op == OP_MULTIPLY ? "multiply" : "divide", a, b);
	*out = a;
	if (op == OP_DIVIDE && b.number.digits == 0)
		return err_set(r->err, ERR_PERM, "division by zero");
	rc = op == OP_MULTIPLY
		     ? decimal_multiply(a.number, b.number, &out->number)
		     : decimal_divide(a.number, b.number, &out->number);
	return rc ? no_room(r) : 0;
}

static int compare(struct run *r, struct value a, struct value b, int *out)
{
	if (a.kind == NUMBER && b.kind == NUMBER)
		*out = decimal_compare(a.number, b.number);
	else if (is_time(&a) && is_time(&b))
		*out = (a.seconds > b.seconds) - (a.seconds < b.seconds);
	else
		return mismatch(r, "compare", a, b);
	return 0;
}

static int evaluate(struct run *r, const struct node *n, struct value *out);

/* Brings the values of a call: of a list all that are not empty. */
static int get_values(
	struct run *r, const struct node *n, struct value **out, size_t *n_out)
{
	const struct str *texts = NULL;
	size_t n_texts = n->is_list ? r->values(r->ctx, n->left->name, &texts)
				    : n->n_arguments;
	const struct node *k = n->left;

	n_texts = MIN(n_texts, CALC_VALUES_MAX);
	*out = arena_array(r->arena, MAX(n_texts, 1), sizeof(**out));
	*n_out = 0;
	for (size_t i = 0; i < n_texts; i++) {
		struct value *v = &(*out)[*n_out];

		if (n->is_list ? read_value(r, n->left->name, texts[i], v)
			       : evaluate(r, k, v))
			return -1;
		*n_out += v->kind != EMPTY;
		if (!n->is_list)
			k = k->next;
	}
	return 0;
}

static int total(
	struct run *r, const struct value *v, size_t n, struct value *out)
{
	*out = n ? v[0] : (struct value){ .kind = NUMBER };
	for (size_t i = 1; i < n; i++)
		if (add_up(r, *out, v[i], out))
			return -1;
	return 0;
}

static int round_value(struct run *r, const struct node *n,
	const struct value *v, size_t n_v, struct value *out)
{
	enum decimal_rounding how = n->function == ROUND_DOWN ? DECIMAL_DOWN
				    : n->function == ROUND_UP ? DECIMAL_UP
							      : DECIMAL_HALF_UP;
	unsigned scale = 0;

	*out = v[0];
	if (v[0].kind != NUMBER)
		return err_set(r->err, ERR_PERM, "%s cannot be rounded",
			kind_names[v[0].kind]);
	if (n_v > 1) {
		struct decimal d = decimal_shorten(v[1].number);

		if (v[1].kind != NUMBER || d.scale || d.digits < 0 ||
			d.digits > DECIMAL_SCALE_MAX)
			return err_set(r->err, ERR_PERM,
				"%s() rounds to 0 up to %d digits",
				functions[n->function].name, DECIMAL_SCALE_MAX);
		scale = (unsigned)d.digits;
	}
	return decimal_round(v[0].number, scale, how, &out->number) ? no_room(r)
								    : 0;
}

static int call(struct run *r, const struct node *n, struct value *out)
{
	struct value *v;
	size_t n_v;
	int order = 0;

	*out = (struct value){ .kind = EMPTY };
	if (get_values(r, n, &v, &n_v))
		return -1;
	if (n->function == COUNT_OF) {
		*out = (struct value){ .kind = NUMBER,
			.number = decimal_of((int64_t)n_v) };
		return 0;
	}
	if (n->function == SUM)
		return total(r, v, n_v, out);
	if (n_v == 0 || (!n->is_list && n_v < n->n_arguments))
		return 0;
	if (n->function == AVERAGE) {
		struct value count = { .kind = NUMBER,
			.number = decimal_of((int64_t)n_v) };
		if (total(r, v, n_v, out))
			return -1;
		return multiply_or_divide(r, OP_DIVIDE, *out, count, out);
	}
	if (n->function != LEAST && n->function != GREATEST)
		return round_value(r, n, v, n_v, out);
	*out = v[0];
	for (size_t i = 1; i < n_v; i++) {
		if (compare(r, v[i], *out, &order))
			return -1;
		if (n->function == LEAST ? order < 0 : order > 0)
			*out = v[i];
	}
	return 0;
}

static int negate(struct run *r, const struct node *n, struct value *out)
{
	if (evaluate(r, n->left, out))
		return -1;
	if (is_time(out))
		return err_set(r->err, ERR_PERM, "%s has no negative",
			kind_names[out->kind]);
	out->number.digits = -out->number.digits;
	return 0;
}

static int evaluate(struct run *r, const struct node *n, struct value *out)
{
	struct value a, b;

	if (n->op == OP_NUMBER) {
		*out = (struct value){ .kind = n->unit ? SPAN : NUMBER,
			.number = n->number,
			.unit = n->unit };
		return 0;
	}
	if (n->op == OP_NAME)
		return get_name(r, n, out);
	if (n->op == OP_WORD) {
		get_word(r, n, out);
		return 0;
	}
	if (n->op == OP_CALL)
		return call(r, n, out);
	if (n->op == OP_NEGATE)
		return negate(r, n, out);
	if (evaluate(r, n->left, &a) || evaluate(r, n->right, &b))
		return -1;
	if (a.kind == EMPTY || b.kind == EMPTY) {
		*out = (struct value){ .kind = EMPTY };
		return 0;
	}
	if (n->op == OP_ADD)
		return add_up(r, a, b, out);
	if (n->op == OP_SUBTRACT)
		return subtract(r, a, b, out);
	return multiply_or_divide(r, n->op, a, b, out);
}

int calc_run(struct arena *a, const struct calc *c, int64_t now,
	calc_values_fn values, void *ctx, struct str *out, struct err *err)
{
	struct run r = { a, now, values, ctx, err };
	struct value v;
	struct str text;

	if (evaluate(&r, c->root, &v))
		return -1;
	if (v.kind == SPAN)
		return err_set(err, ERR_PERM,
			"the result is a span of time: add it to a date");
	if (v.kind == EMPTY || v.kind == NUMBER) {
		*out = v.kind == EMPTY ? STR("") : decimal_print(a, v.number);
		return 0;
	}
	text = str_c(clock_rfc3339(a, v.seconds * 1000));
	/* "2024-04-13T10:00:00.000Z" has more than was asked for */
	*out = v.kind == DATE ? str_sub(text, 0, 10)
			      : str_c(arena_printf(a, "%.*sZ",
					STR_ARG(str_sub(text, 0, 19))));
	return 0;
}
