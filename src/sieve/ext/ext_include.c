/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ext_include.c - include, return, global, ${global.NAME} (RFC 6609). How
 * scripts go together: include.c.
 */
#include <mailmill/utf8.h>

#include "../script.h"

#define NAME_MAX_LEN 249 /* a file name has 255 */
#define SUFFIX ".sieve"

/* RFC 5804 section 1.6, without "/", and without what a file cannot have. */
static bool is_script_name(struct str name)
{
	size_t at = 0;

	if (!name.len || name.len > NAME_MAX_LEN || !utf8_is_valid(name))
		return false;
	while (at < name.len) {
		uint32_t c = 0;

		at += utf8_next(str_sub(name, at, SIZE_MAX), &c);
		if (c < 0x20 || (c >= 0x7f && c <= 0x9f) || c == 0x2028 ||
			c == 0x2029 || c == '/')
			return false;
	}
	return name.p[0] != '.';
}

static int check_include(struct sieve_check *c, struct sieve_node *n)
{
	const struct sieve_arg *arg = n->positional[0];
	struct sieve_include what = {
		.is_global = sieve_node_tag(n, "global") != NULL,
		.name = sieve_arg_const(arg),
	};
	const struct sieve_included *inc;

	if (!is_script_name(what.name)) {
		sieve_error(c, arg->pos, "'%.*s' is no name of a script",
			STR_ARG(str_sub(what.name, 0, 100)));
		return sieve_hint(c,
			"a name has neither '/' nor control characters, and "
			"does not begin with '.'");
	}
	if (str_ends(what.name, STR(SUFFIX)) && what.name.len > strlen(SUFFIX))
		what.name.len -= strlen(SUFFIX);
	if (sieve_include_check(c, arg->pos, &what,
		    sieve_node_tag(n, "once") != NULL,
		    sieve_node_tag(n, "optional") != NULL, &inc) < 0)
		return -1;
	n->data = (void *)(uintptr_t)inc;
	return 0;
}

static int exec_include(struct sieve_run *r, const struct sieve_node *n)
{
	const struct sieve_included *inc = n->data;
	bool is_once = sieve_node_tag(n, "once");

	if (!inc && !is_once && !sieve_node_tag(n, "optional"))
		return sieve_fail(r, "included script '%.*s' is not there",
			STR_ARG(sieve_arg_const(n->positional[0])));
	if (!inc || (is_once && r->is_included[inc->number]))
		return SIEVE_GO_ON;
	return sieve_include_run(r, inc);
}

static int exec_return(struct sieve_run *r, const struct sieve_node *n)
{
	(void)r;
	(void)n;
	return SIEVE_RETURN;
}

static int check_global(struct sieve_check *c, struct sieve_node *n)
{
	const struct sieve_arg *names = n->positional[0];

	if (!sieve_check_has(c, "variables")) {
		sieve_error(c, n->pos,
			"the global command needs the extension 'variables'");
		return sieve_hint(
			c, "write at the top: require \"variables\";");
	}
	for (size_t i = 0; i < names->n; i++)
		if (sieve_check_share(
			    c, names->texts[i].pos, names->texts[i].value) < 0)
			return -1;
	return 0;
}

static const struct sieve_tag include_tags[] = {
	{ .name = "personal", .group = 1 },
	{ .name = "global", .group = 1 },
	{ .name = "once" },
	{ .name = "optional" },
	{ 0 },
};

static const struct sieve_word words[] = {
	{ .name = "include",
		.flags = SIEVE_COMMAND,
		.params = { { SIEVE_CONST, "name of a script", 0 } },
		.tags = include_tags,
		.check = check_include,
		.exec = exec_include },
	{ .name = "return",
		.flags = SIEVE_COMMAND | SIEVE_ENDS,
		.exec = exec_return },
	{ .name = "global",
		.flags = SIEVE_COMMAND,
		.params = { { SIEVE_CONSTS, "names of variables", 0 } },
		.check = check_global },
	{ 0 },
};

/*
 * ${global.NAME}
 */

static int check_ref(struct sieve_check *c, struct sieve_ref *ref)
{
	unsigned *slot;

	if (!str_starts_case(ref->name, STR("global.")))
		return 0;
	slot = ARENA_NEW(sieve_check_arena(c), unsigned);
	ref->data = slot;
	return sieve_check_global(
		       c, ref->pos, str_sub(ref->name, 7, SIZE_MAX), slot) < 0
		       ? -1
		       : 1;
}

static int get_ref(
	struct sieve_run *r, const struct sieve_ref *ref, struct str *out)
{
	*out = sieve_get(r, *(const unsigned *)ref->data);
	return 0;
}

const struct sieve_ext sieve_ext_include = {
	.capability = "include",
	.words = words,
	.ref_check = check_ref,
	.ref_get = get_ref,
};
