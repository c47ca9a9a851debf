/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * check.c - binds a parsed script to its words, and says all that is wrong.
 *
 * Each node is checked on its own, and at most one mistake of its own
 * arguments is told; its tests and its block are gone into all the same. An
 * unknown word is told once a script, an unknown tag once a word.
 *
 * For people (not when errors are counted: struct sieve_teller) a mistake is
 * repaired as it was probably meant, so that one is no cause of others: "else
 * if" becomes elsif, a command behind a missing semicolon one of its own.
 */
#include <mailmill/map.h>

#include "lint.h"
#include "script.h"

/* Names that are told when nothing near was found. */
#define FEW_NAMES 8

int sieve_error(
	struct sieve_check *c, struct sieve_pos pos, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	sieve_tell(c->teller, SIEVE_ERROR, pos, fmt, ap);
	va_end(ap);
	return -1;
}

void sieve_warn(
	struct sieve_check *c, struct sieve_pos pos, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	sieve_tell(c->teller, SIEVE_WARNING, pos, fmt, ap);
	va_end(ap);
}

int sieve_hint(struct sieve_check *c, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	sieve_tell_hint(c->teller, fmt, ap);
	va_end(ap);
	return -1;
}

int sieve_hint_nearest(struct sieve_check *c, struct str name,
	const char *const *names, size_t n_names)
{
	AUTO(buf) struct buf list = BUF_INIT(1000);
	ssize_t near;

	if (c->teller->is_full)
		return -1;
	near = str_nearest(name, names, n_names);
	if (near >= 0)
		return sieve_hint(c, "did you mean '%s'?", names[near]);
	if (!n_names || n_names > FEW_NAMES)
		return -1;
	for (size_t i = 0; i < n_names; i++)
		buf_printf(&list, "%s%s", i ? ", " : "", names[i]);
	return sieve_hint(c, "there are: %.*s", STR_ARG(buf_view(&list)));
}

int sieve_error_nearest(struct sieve_check *c, struct sieve_pos pos,
	const char *what, struct str name, const char *const *names,
	size_t n_names)
{
	sieve_error(c, pos, "unknown %s '%.*s'", what,
		STR_ARG(str_sub(name, 0, 100)));
	return sieve_hint_nearest(c, name, names, n_names);
}

/* Tells whether this is the first time that a name comes up. */
bool sieve_check_is_first(
	struct sieve_check *c, const char *what, struct str a, struct str b)
{
	char *key = arena_printf(
		c->script->arena, "%s %.*s %.*s", what, STR_ARG(a), STR_ARG(b));

	return !map_set(c->told, sieve_lower(c->script->arena, str_c(key)), c);
}

struct arena *sieve_check_arena(struct sieve_check *c)
{
	return c->script->arena;
}

const struct sieve_settings *sieve_check_settings(const struct sieve_check *c)
{
	return c->script->settings;
}

const struct sieve_limits *sieve_check_limits(const struct sieve_check *c)
{
	return &c->script->settings->limits;
}

unsigned sieve_ext_index(const struct sieve_ext *ext)
{
	unsigned i = 0;

	while (sieve_exts[i] != ext)
		must(sieve_exts[i++]);
	return i;
}

void *sieve_check_state(
	struct sieve_check *c, const struct sieve_ext *ext, size_t size)
{
	struct sieve_script *s = ext->shares_state ? c->script->root
						   : c->script;
	void **state = &s->states[sieve_ext_index(ext)];

	if (!*state)
		*state = arena_alloc(c->script->arena, size);
	return *state;
}

/*
 * Capabilities
 */

static bool is_capability(const struct sieve_check *c,
	const struct sieve_ext *ext, struct str capability)
{
	return ext->capability && str_eq(str_c(ext->capability), capability) &&
	       (c->is_for_tests || !ext->is_for_tests);
}

const struct sieve_ext *sieve_check_find(
	const struct sieve_check *c, struct str capability)
{
	for (unsigned i = 0; sieve_exts[i]; i++)
		if (is_capability(c, sieve_exts[i], capability))
			return sieve_exts[i];
	return NULL;
}

bool sieve_check_has(const struct sieve_check *c, const char *capability)
{
	for (unsigned i = 0; sieve_exts[i]; i++)
		if (sieve_check_is_on(c, i) &&
			is_capability(c, sieve_exts[i], str_c(capability)))
			return true;
	return false;
}

int sieve_check_enable(struct sieve_check *c, struct str capability)
{
	int rc = -1;

	for (unsigned i = 0; sieve_exts[i]; i++) {
		const struct sieve_ext *ext = sieve_exts[i];

		if (!is_capability(c, ext, capability))
			continue;
		rc = 0;
		if (sieve_check_is_on(c, i))
			continue;
		c->enabled |= (uint64_t)1 << i;
		for (size_t k = 0; ext->implies && ext->implies[k]; k++)
			must(sieve_check_enable(c, str_c(ext->implies[k])) ==
				0);
	}
	return rc;
}

int sieve_error_capability(
	struct sieve_check *c, struct sieve_pos pos, struct str capability)
{
	const char *names[SIEVE_EXTS_MAX];
	size_t n = 0;
	ssize_t near;

	for (unsigned i = 0; sieve_exts[i]; i++)
		if (sieve_exts[i]->capability && !sieve_exts[i]->is_for_tests)
			names[n++] = sieve_exts[i]->capability;
	sieve_error(c, pos, "unknown extension '%.*s'",
		STR_ARG(str_sub(capability, 0, 100)));
	near = str_nearest(capability, names, n);
	if (near < 0)
		return sieve_hint(c, "mailmill has no extension of this name");
	/* What was meant is on, so that its words are not unknown as well. */
	if (!c->teller->is_counting)
		must(sieve_check_enable(c, str_c(names[near])) == 0);
	return sieve_hint(c, "did you mean '%s'?", names[near]);
}

void sieve_hint_require(struct sieve_check *c, const struct sieve_ext *ext)
{
	const struct sieve_node *top = c->script->top;
	const struct sieve_node *first = top->n_block ? top->block[0] : NULL;
	AUTO(buf) struct buf line = BUF_INIT(1000);

	sieve_tell_code(c->teller, "missing-require");
	if (!first || !str_eq_case(first->name, STR("require")) ||
		first->n_args != 1 || first->args[0].n > 6 ||
		first->is_broken) {
		sieve_hint(c, "write at the top: require \"%s\";",
			ext->capability);
		return;
	}
	for (size_t i = 0; i < first->args[0].n; i++)
		buf_printf(&line, "\"%.*s\", ",
			STR_ARG(str_sub(
				first->args[0].texts[i].value, 0, 100)));
	sieve_hint(c, "write in line %u: require [%.*s\"%s\"];",
		first->pos.line, STR_ARG(buf_view(&line)), ext->capability);
}

/*
 * Finding words
 */

const char *sieve_node_kind(const struct sieve_node *n)
{
	return n->kind == SIEVE_NODE_TEST ? "test" : "command";
}

/* Finds a word in one extension. Returns: or NULL. */
static const struct sieve_word *find_in(
	const struct sieve_ext *ext, struct str name)
{
	for (const struct sieve_word *w = ext->words; w && w->name; w++)
		if (str_eq_case(str_c(w->name), name))
			return w;
	return NULL;
}

/* Finds a word that is on, or (is_on false) one that require would give. */
static const struct sieve_word *find_word(const struct sieve_check *c,
	struct str name, bool is_on, const struct sieve_ext **ext)
{
	for (unsigned i = 0; sieve_exts[i]; i++) {
		const struct sieve_word *w;

		if (sieve_check_is_on(c, i) != is_on ||
			(sieve_exts[i]->is_for_tests && !c->is_for_tests))
			continue;
		w = find_in(sieve_exts[i], name);
		if (w) {
			*ext = sieve_exts[i];
			return w;
		}
	}
	return NULL;
}

static bool fits_kind(const struct sieve_word *w, const struct sieve_node *n)
{
	return w->flags &
	       (n->kind == SIEVE_NODE_TEST ? SIEVE_TEST : SIEVE_COMMAND);
}

/* Words that people know from elsewhere, and what is meant. */
static const struct {
	const char *name, *hint;
	enum sieve_node_kind kind;
} foreign[] = {
	{ "and", "write allof (test, test)", SIEVE_NODE_TEST },
	{ "or", "write anyof (test, test)", SIEVE_NODE_TEST },
	{ "all", "write allof (test, test)", SIEVE_NODE_TEST },
	{ "any", "write anyof (test, test)", SIEVE_NODE_TEST },
	{ "subject", "write header :contains \"Subject\" \"text\"",
		SIEVE_NODE_TEST },
	{ "from", "write address :is \"From\" \"ann@example.com\"",
		SIEVE_NODE_TEST },
	{ "to", "write address :is [\"To\", \"Cc\"] \"ann@example.com\"",
		SIEVE_NODE_TEST },
	{ "sender", "write address :is \"From\" \"ann@example.com\"",
		SIEVE_NODE_TEST },
	{ "contains", "it is a tag: header :contains \"Subject\" \"text\"",
		SIEVE_NODE_TEST },
	{ "matches", "it is a tag: header :matches \"Subject\" \"*text*\"",
		SIEVE_NODE_TEST },
	{ "is", "it is a tag: header :is \"Subject\" \"text\"",
		SIEVE_NODE_TEST },
	{ "exist", "did you mean 'exists'?", SIEVE_NODE_TEST },
	{ "elseif", "did you mean 'elsif'?", SIEVE_NODE_COMMAND },
	{ "elif", "did you mean 'elsif'?", SIEVE_NODE_COMMAND },
	{ "move", "did you mean 'fileinto'?", SIEVE_NODE_COMMAND },
	{ "file", "did you mean 'fileinto'?", SIEVE_NODE_COMMAND },
	{ "folder", "did you mean 'fileinto'?", SIEVE_NODE_COMMAND },
	{ "forward", "did you mean 'redirect'?", SIEVE_NODE_COMMAND },
	{ "drop", "did you mean 'discard'?", SIEVE_NODE_COMMAND },
	{ "trash", "did you mean 'discard'?", SIEVE_NODE_COMMAND },
	{ "exit", "did you mean 'stop'?", SIEVE_NODE_COMMAND },
	{ "quit", "did you mean 'stop'?", SIEVE_NODE_COMMAND },
	{ "end", "did you mean 'stop'?", SIEVE_NODE_COMMAND },
	{ "reply", "did you mean 'vacation'?", SIEVE_NODE_COMMAND },
	{ "autoreply", "did you mean 'vacation'?", SIEVE_NODE_COMMAND },
	{ "bounce", "did you mean 'reject'?", SIEVE_NODE_COMMAND },
	{ "refuse", "did you mean 'reject'?", SIEVE_NODE_COMMAND },
	{ "import", "did you mean 'require' or 'include'?",
		SIEVE_NODE_COMMAND },
	{ "var", "write set \"name\" \"value\";", SIEVE_NODE_COMMAND },
	{ "let", "write set \"name\" \"value\";", SIEVE_NODE_COMMAND },
};

static bool hint_foreign(struct sieve_check *c, const struct sieve_node *n)
{
	for (size_t i = 0; i < COUNT(foreign); i++) {
		if (foreign[i].kind != n->kind ||
			!str_eq_case(n->name, str_c(foreign[i].name)))
			continue;
		sieve_hint(c, "%s", foreign[i].hint);
		return true;
	}
	return false;
}

static void hint_words(struct sieve_check *c, const struct sieve_node *n)
{
	const char *names[400];
	size_t count = 0;

	if (hint_foreign(c, n))
		return;
	for (unsigned i = 0; sieve_exts[i]; i++) {
		const struct sieve_word *w = sieve_exts[i]->words;

		if (sieve_exts[i]->is_for_tests && !c->is_for_tests)
			continue;
		for (; w && w->name && count < COUNT(names); w++)
			if (fits_kind(w, n))
				names[count++] = w->name;
	}
	sieve_hint_nearest(c, n->name, names, count);
}

static void tell_unknown(struct sieve_check *c, const struct sieve_node *n)
{
	const struct sieve_ext *ext;
	const struct sieve_word *w;

	if (!sieve_check_is_first(c, "word", n->name, STR_NULL))
		return;
	sieve_error(c, n->pos, "unknown %s '%.*s'", sieve_node_kind(n),
		STR_ARG(n->name));
	sieve_tell_code(c->teller, n->kind == SIEVE_NODE_TEST
					   ? "unknown-test"
					   : "unknown-command");
	w = find_word(c, n->name, false, &ext);
	if (w && fits_kind(w, n))
		sieve_hint_require(c, ext);
	else
		hint_words(c, n);
}

/* Binds the node to its word. Returns: 0, or -1: an error was told. */
static int bind_word(struct sieve_check *c, struct sieve_node *n)
{
	const struct sieve_ext *ext;

	n->word = find_word(c, n->name, true, &ext);
	if (n->word && fits_kind(n->word, n))
		return 0;
	if (!n->word) {
		tell_unknown(c, n);
	} else {
		sieve_error(c, n->pos, "attempted to use %s '%s' as a %s",
			n->kind == SIEVE_NODE_TEST ? "command" : "test",
			n->word->name, sieve_node_kind(n));
		if (n->kind == SIEVE_NODE_COMMAND)
			sieve_hint(c,
				"a test stands behind if: "
				"if %s ... { ... }",
				n->word->name);
		else
			sieve_hint(c,
				"it does something and says neither true nor "
				"false: it stands in a block, as in: "
				"if true { %s%s; }",
				n->word->name,
				n->word->params[0].type ? " ..." : "");
	}
	n->word = NULL;
	return -1;
}

static bool is_unit(struct str s)
{
	return s.len == 1 && memchr("kKmMgG", s.p[0], 6);
}

/* Why tests stand behind what takes none; `w` is the first one's word. */
static int hint_tests(struct sieve_check *c, const struct sieve_node *n,
	const struct sieve_word *w)
{
	const struct sieve_node *test = n->tests[0];

	if (n->n_args && n->args[n->n_args - 1].kind == SIEVE_ARG_NUMBER &&
		is_unit(test->name))
		return sieve_hint(c, "leave out the space before '%.*s'",
			STR_ARG(test->name));
	if (str_eq_case(test->name, STR("and")))
		return sieve_hint(c, "write allof (test, test): true when all "
				     "of them are");
	if (str_eq_case(test->name, STR("or")))
		return sieve_hint(c, "write anyof (test, test): true when any "
				     "of them is");
	if (w && !(w->flags & SIEVE_TEST))
		return sieve_hint(c,
			"'%s' is a command: commands that depend "
			"on a test stand in { }",
			w->name);
	if (w && n->parent && n->parent->has_parens)
		return sieve_hint(c, "is a comma missing before it?");
	if (w && n->kind == SIEVE_NODE_TEST)
		return sieve_hint(c, "several tests are joined by anyof (test, "
				     "test) or allof (test, test)");
	return -1;
}

/*
 * A word that takes no tests has one. Without a semicolon the next command
 * reads as a test, and without a colon a tag does. Returns: 0 when the word
 * itself is right and only its semicolon is missing, else -1.
 */
static int tell_tests(struct sieve_check *c, struct sieve_node *n)
{
	const struct sieve_node *test = n->tests[0];
	const struct sieve_ext *ext;
	const struct sieve_word *w = find_word(c, test->name, true, &ext);

	if (!w && sieve_check_is_tag(c, n, test->name)) {
		sieve_error(c, test->pos,
			"missing colon ':' before ':%.*s' tag in %s %s",
			STR_ARG(test->name), n->word->name, sieve_node_kind(n));
		return sieve_hint(c, "write :%.*s", STR_ARG(test->name));
	}
	if (n->kind == SIEVE_NODE_COMMAND && !n->has_parens &&
		(!w || !(w->flags & SIEVE_TEST))) {
		sieve_error(c, n->end, "missing semicolon ';' after %s command",
			n->word->name);
		n->lacks_semicolon = !c->teller->is_counting;
		return 0;
	}
	sieve_error(c, test->pos,
		"the %s %s accepts no sub-tests, but tests are specified",
		n->word->name, sieve_node_kind(n));
	return hint_tests(c, n, w);
}

static int check_tests_count(struct sieve_check *c, struct sieve_node *n)
{
	const char *kind = sieve_node_kind(n);
	unsigned flags = n->word->flags;

	if (flags & SIEVE_TEST_LIST) {
		if (n->has_parens)
			return 0;
		sieve_error(c, n->pos, "the %s %s requires a list of tests",
			n->word->name, kind);
		return sieve_hint(
			c, "in parentheses: %s (..., ...)", n->word->name);
	}
	if (flags & SIEVE_ONE_TEST) {
		if (n->n_tests == 1 && !n->has_parens)
			return 0;
		sieve_error(c, n->pos,
			"the %s %s requires one test, but %s specified",
			n->word->name, kind,
			n->n_tests ? "a list of tests is" : "none is");
		if (n->n_tests == 1)
			sieve_hint(c, "leave out the parentheses");
		else if (n->n_tests)
			sieve_hint(c, "write anyof or allof before the list");
		return -1;
	}
	return n->n_tests ? tell_tests(c, n) : 0;
}

static bool takes_tests(const struct sieve_node *n)
{
	return n->word->flags & (SIEVE_ONE_TEST | SIEVE_TEST_LIST);
}

static bool takes_block(const struct sieve_node *n)
{
	return n->word->flags & (SIEVE_BLOCK | SIEVE_BLOCK_MAY);
}

static int check_block_count(struct sieve_check *c, struct sieve_node *n)
{
	unsigned flags = n->word->flags;

	if (n->kind == SIEVE_NODE_TEST)
		return 0;
	if (!n->has_block && flags & SIEVE_BLOCK) {
		sieve_error(c, n->pos, "the %s command requires a block",
			n->word->name);
		return sieve_hint(c, "write { ... } instead of the semicolon");
	}
	/* With tests, too, it is the next command's block: that was told. */
	if (n->has_block && !takes_block(n) && !n->n_tests) {
		sieve_error(c, n->pos, "the %s command accepts no block",
			n->word->name);
		return sieve_hint(c, "write ';' instead of { }");
	}
	return 0;
}

/* Tells whether the first test is a tag that lacks its colon. */
static bool lacks_colon(const struct sieve_check *c, const struct sieve_node *n)
{
	const struct sieve_ext *ext;

	return n->n_tests && !takes_tests(n) &&
	       !find_word(c, n->tests[0]->name, true, &ext) &&
	       sieve_check_is_tag(c, n, n->tests[0]->name);
}

/*
 * Tells of a name where a string is missing: it lacks its quotes. Returns: -1,
 * or 0: it is not so.
 */
static int tell_bare_word(struct sieve_check *c, const struct sieve_node *n)
{
	const struct sieve_node *test = n->n_tests ? n->tests[0] : NULL;
	const struct sieve_ext *ext;
	size_t given = 0;

	for (size_t i = 0; i < n->n_args; i++)
		given += n->args[i].kind != SIEVE_ARG_TAG;
	if (!test || takes_tests(n) || n->has_parens || test->n_tests ||
		given >= SIEVE_PARAMS_MAX || !n->word->params[given].type ||
		n->word->params[given].flags & SIEVE_OPTIONAL ||
		n->word->params[given].type == SIEVE_NUMBER ||
		find_word(c, test->name, true, &ext) ||
		find_word(c, test->name, false, &ext))
		return 0;
	sieve_error(c, test->pos,
		"the %s %s expects a string (%s), but found the name %.*s",
		n->word->name, sieve_node_kind(n), n->word->params[given].what,
		STR_ARG(test->name));
	return sieve_hint(
		c, "strings stand in quotes: \"%.*s\"", STR_ARG(test->name));
}

/*
 * A missing colon spoils the arguments: so the tests are looked at anyway, and
 * for people the colon is all that is told.
 */
static int check_own(struct sieve_check *c, struct sieve_node *n)
{
	int rc;

	if (!c->teller->is_counting && lacks_colon(c, n))
		return tell_tests(c, n);
	if (!c->teller->is_counting && tell_bare_word(c, n) < 0)
		return -1;
	rc = sieve_check_args(c, n);
	if (check_tests_count(c, n) < 0 || rc < 0)
		return -1;
	return check_block_count(c, n);
}

/*
 * Repairs, for people
 */

/* Reads "else if" as elsif. */
static void repair_else_if(struct sieve_check *c, struct sieve_node *n)
{
	struct sieve_node *test = n->n_tests ? n->tests[0] : NULL;

	if (!str_eq_case(n->name, STR("else")) || !test || n->has_parens ||
		!str_eq_case(test->name, STR("if")))
		return;
	sieve_error(c, n->pos, "'else if' is written as one word");
	sieve_hint(c, "write elsif");
	n->name = STR("elsif");
	n->tests = test->tests;
	n->n_tests = test->n_tests;
	n->has_parens = test->has_parens;
	for (size_t i = 0; i < n->n_tests; i++)
		n->tests[i]->parent = n;
}

/* Finds a command among the tests of a command: there a block begins. */
static struct sieve_node **find_command(
	const struct sieve_check *c, struct sieve_node *n)
{
	const struct sieve_ext *ext;

	while (n->n_tests && !n->has_parens) {
		struct sieve_node *test = n->tests[0];
		const struct sieve_word *w = find_word(
			c, test->name, true, &ext);

		if (w && !(w->flags & SIEVE_TEST))
			return n->tests;
		n = test;
	}
	return NULL;
}

static void turn_to_command(struct sieve_node *n)
{
	n->kind = SIEVE_NODE_COMMAND;
	n->before = NULL;
}

/* "if TEST COMMAND;": a block without its braces. */
static void repair_braces(struct sieve_check *c, struct sieve_node *n)
{
	struct sieve_node **at = takes_block(n) && !n->has_block
					 ? find_command(c, n)
					 : NULL;
	struct sieve_node *command = at ? *at : NULL;

	if (!command || (command->parent == n && takes_tests(n)))
		return;
	sieve_error(c, command->pos, "missing '{' before the %.*s command",
		STR_ARG(command->name));
	sieve_hint(c, "commands that depend on a test stand in { }, even when "
		      "there is but one");
	command->parent->n_tests = 0;
	command->parent = n;
	turn_to_command(command);
	n->block = at;
	n->n_block = 1;
	n->has_block = true;
}

/*
 * Behind a missing semicolon the next command stands as a test: puts it behind
 * this one in the block that both are in.
 */
static void repair_semicolon(
	struct sieve_check *c, struct sieve_node *in, size_t at)
{
	struct sieve_node *n = in->block[at], *next = n->tests[0];
	struct sieve_node **block = arena_array(
		c->script->arena, in->n_block + 1, sizeof(*block));

	memcpy(block, in->block, (at + 1) * sizeof(*block));
	block[at + 1] = next;
	memcpy(block + at + 2, in->block + at + 1,
		(in->n_block - at - 1) * sizeof(*block));
	in->block = block;
	in->n_block++;
	n->n_tests = 0;
	next->parent = n->parent;
	turn_to_command(next);
	next->before = n;
	if (at + 2 < in->n_block)
		block[at + 2]->before = next;
	next->has_block = n->has_block;
	next->block = n->block;
	next->n_block = n->n_block;
	n->has_block = false;
	n->block = NULL;
	n->n_block = 0;
	for (size_t i = 0; i < next->n_block; i++)
		next->block[i]->parent = next;
}

static void check_node(struct sieve_check *c, struct sieve_node *n);

static void check_block(struct sieve_check *c, struct sieve_node *n)
{
	for (size_t i = 0; i < n->n_block; i++) {
		const struct sieve_node *before = n->block[i]->before;

		if (before && before->word && before->word->flags & SIEVE_ENDS)
			sieve_warn(c, n->block[i]->pos,
				"never reached: %s stands before it",
				before->word->name);
		check_node(c, n->block[i]);
		if (n->block[i]->lacks_semicolon)
			repair_semicolon(c, n, i);
	}
}

/*
 * What a word does not take is not gone into: it was told, and nobody knows
 * what was meant.
 */
static void check_node(struct sieve_check *c, struct sieve_node *n)
{
	bool is_for_people = !c->teller->is_counting;
	int rc;

	if (n->is_broken) {
		check_block(c, n);
		return;
	}
	if (is_for_people)
		repair_else_if(c, n);
	if (bind_word(c, n) < 0)
		return;
	if (is_for_people)
		repair_braces(c, n);
	rc = check_own(c, n);
	for (size_t i = 0; takes_tests(n) && i < n->n_tests; i++)
		check_node(c, n->tests[i]);
	if (rc == 0 && n->word->check)
		rc = n->word->check(c, n);
	/* Of one without semicolon the block is the next command's. */
	if (takes_block(n) && !n->is_never && !n->lacks_semicolon)
		check_block(c, n);
	if (rc == 0 && n->word->check_end)
		n->word->check_end(c, n);
}

/*
 * When a require could not be read nobody knows what is required: words of all
 * extensions are taken.
 */
static void guess_capabilities(struct sieve_check *c)
{
	const struct sieve_node *top = c->script->top;

	for (size_t k = 0; k < top->n_block; k++) {
		if (!top->block[k]->is_broken ||
			!str_eq_case(top->block[k]->name, STR("require")))
			continue;
		for (unsigned i = 0; sieve_exts[i]; i++)
			if (!sieve_exts[i]->is_for_tests)
				c->enabled |= (uint64_t)1 << i;
	}
}

void sieve_check_script(struct sieve_check *c)
{
	for (unsigned i = 0; sieve_exts[i]; i++) {
		must(i < SIEVE_EXTS_MAX);
		if (!sieve_exts[i]->capability)
			c->enabled |= (uint64_t)1 << i;
	}
	guess_capabilities(c);
	check_block(c, c->script->top);
	for (unsigned i = 0; sieve_exts[i]; i++)
		if (sieve_check_is_on(c, i) && sieve_exts[i]->check_script)
			sieve_exts[i]->check_script(c);
	if (!c->teller->n_errors && !c->teller->is_counting)
		sieve_lint(c);
}

const struct sieve_regex *sieve_check_regex(struct sieve_check *c,
	struct sieve_pos pos, struct str pattern, unsigned flags)
{
	struct sieve_script *s = c->script->root;
	char error[SIEVE_REGEX_ERROR_MAX];
	struct sieve_regex *re;
	size_t offset = 0;

	if (sieve_regex_compile(pattern, flags, &re, error, &offset) < 0) {
		sieve_error(c, pos, "invalid pattern: %s", error);
		sieve_hint(c, "after \"%.*s\"",
			STR_ARG(str_sub(pattern, 0, MIN(offset, 100))));
		return NULL;
	}
	if (!(s->n_regexes & (s->n_regexes - 1)))
		s->regexes = arena_grow(s->arena, s->regexes, s->n_regexes,
			MAX(1, s->n_regexes * 2), sizeof(*s->regexes));
	s->regexes[s->n_regexes++] = re;
	return re;
}
