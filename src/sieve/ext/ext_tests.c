/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ext_tests.c - the tests of RFC 5228 section 5. */
#include "../address.h"
#include "../match.h"
#include "../sieve_private.h"

/*
 * Logic. What is constant is known before any mail is there, so that the
 * block of an "if false" is neither checked nor kept in mind.
 */

static int check_not(struct sieve_check *c, struct sieve_node *n)
{
	enum sieve_known known = n->tests[0]->known;

	(void)c;
	if (known != SIEVE_UNKNOWN)
		n->known = known == SIEVE_ALWAYS ? SIEVE_NEVER : SIEVE_ALWAYS;
	return 0;
}

static int test_not(struct sieve_run *r, const struct sieve_node *n)
{
	int rc = sieve_run_test(r, n->tests[0]);

	return rc < 0 ? rc : !rc;
}

/* Of a list: `decisive` in any decides, all others together do. */
static enum sieve_known fold_list(const struct sieve_node *n,
	enum sieve_known decisive, enum sieve_known otherwise)
{
	enum sieve_known known = otherwise;

	for (size_t i = 0; i < n->n_tests; i++) {
		if (n->tests[i]->known == decisive)
			return decisive;
		if (n->tests[i]->known == SIEVE_UNKNOWN)
			known = SIEVE_UNKNOWN;
	}
	return known;
}

static int check_allof(struct sieve_check *c, struct sieve_node *n)
{
	(void)c;
	n->known = fold_list(n, SIEVE_NEVER, SIEVE_ALWAYS);
	return 0;
}

static int check_anyof(struct sieve_check *c, struct sieve_node *n)
{
	(void)c;
	n->known = fold_list(n, SIEVE_ALWAYS, SIEVE_NEVER);
	return 0;
}

/* Runs tests until one says `until`; short, as RFC 5229 section 3 asks. */
static int run_list(struct sieve_run *r, const struct sieve_node *n, int until)
{
	int rc = !until;

	for (size_t i = 0; rc == !until && i < n->n_tests; i++)
		rc = sieve_run_test(r, n->tests[i]);
	return rc;
}

static int test_allof(struct sieve_run *r, const struct sieve_node *n)
{
	return run_list(r, n, 0);
}

static int test_anyof(struct sieve_run *r, const struct sieve_node *n)
{
	return run_list(r, n, 1);
}

static int check_true(struct sieve_check *c, struct sieve_node *n)
{
	(void)c;
	n->known = SIEVE_ALWAYS;
	return 0;
}

static int check_false(struct sieve_check *c, struct sieve_node *n)
{
	(void)c;
	n->known = SIEVE_NEVER;
	return 0;
}

static int test_constant(struct sieve_run *r, const struct sieve_node *n)
{
	(void)r;
	return n->known == SIEVE_ALWAYS;
}

/*
 * Headers
 */

static int test_header(struct sieve_run *r, const struct sieve_node *n)
{
	struct sieve_values values = { 0 };
	const struct mail_header **list;
	size_t count;
	int rc = sieve_run_mime_headers(r, n, n->positional[0], &list, &count);

	if (rc < 0)
		return rc;
	sieve_index_headers(n, &list, &count);
	rc = sieve_run_mime_values(r, n, list, count, &values);
	return rc < 0 ? rc : sieve_match_values(r, n, values.items, values.n);
}

static int test_exists(struct sieve_run *r, const struct sieve_node *n)
{
	const struct sieve_arg *names = n->positional[0];

	for (size_t i = 0; i < names->n; i++) {
		struct sieve_arg one = *names;
		const struct mail_header **list;
		size_t count;
		int rc;

		one.texts = &names->texts[i];
		one.ids = names->ids ? &names->ids[i] : NULL;
		one.n = 1;
		rc = sieve_run_mime_headers(r, n, &one, &list, &count);
		if (rc < 0 || !count)
			return rc;
	}
	return 1;
}

/*
 * address. RFC 5228 section 5.1 restricts it to fields that hold addresses.
 */

static const char *const address_headers[] = {
	"from",
	"to",
	"cc",
	"bcc",
	"sender",
	"reply-to",
	"resent-from",
	"resent-to",
	"resent-cc",
	"resent-bcc",
	"resent-sender",
	"resent-reply-to",
	"for-approval",
	"for-handling",
	"for-comment",
	"apparently-to",
	"errors-to",
	"delivered-to",
	"return-receipt-to",
	"return-receipt-requested",
	"read-receipt-to",
	"disposition-notification-to",
	"x-confirm-reading-to",
	"registered-mail-reply-requested-by",
	"mail-followup-to",
	"mail-reply-to",
	"abuse-reports-to",
	"x-complaints-to",
	"x-report-abuse-to",
	"x-admin",
	"x-beenthere",
	"x-original-from",
	"x-original-to",
};

static bool is_address_header(struct str name)
{
	for (size_t i = 0; i < COUNT(address_headers); i++)
		if (str_eq_case(name, str_c(address_headers[i])))
			return true;
	return false;
}

static int check_address(struct sieve_check *c, struct sieve_node *n)
{
	const struct sieve_arg *names = n->positional[0];

	for (size_t i = 0; i < names->n; i++) {
		struct str name = names->texts[i].value;

		if (names->texts[i].n_pieces || is_address_header(name))
			continue;
		sieve_error(c, names->texts[i].pos,
			"header '%.*s' holds no addresses: not allowed in the "
			"address test",
			STR_ARG(str_sub(name, 0, 100)));
		if (str_eq_case(name, STR("return-path")) ||
			str_eq_case(name, STR("envelope-to")))
			return sieve_hint(c, "use the envelope test");
		return sieve_hint(c, "use the header test");
	}
	return 0;
}

static bool is_ascii(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if ((unsigned char)s.p[i] >= 0x80)
			return false;
	return true;
}

/* Letters beyond ASCII make an address only in a mail that says so, by
 * SMTPUTF8 (RFC 6532); elsewhere they are what some broken program wrote. */
static struct mail_address look_at(const struct sieve_run *r,
	const struct mail_header *h, const struct mail_address *a,
	bool is_alone)
{
	struct mail_address seen = *a;

	if (r->env->is_smtputf8 || is_ascii(a->address))
		return seen;
	seen.is_valid = false;
	if (is_alone)
		seen.address = str_trim(h->raw);
	return seen;
}

/*
 * Adds the parts of a field's addresses. What is no address has no parts, but
 * ":all" sees it as it is written.
 */
static void add_addresses(struct sieve_run *r, const struct sieve_node *n,
	const struct mail_header *h, struct sieve_values *out,
	uint64_t *n_mailboxes)
{
	const struct sieve_address_part *part = n->match->part;
	const struct mail_address *list;
	size_t count = sieve_run_addresses(r, h, &list);
	struct str value;

	*n_mailboxes += count;
	if (!str_trim(h->raw).len && (!part || !strcmp(part->name, "all")))
		sieve_values_add(r, out, STR_NULL);
	for (size_t i = 0; i < count; i++) {
		struct mail_address a = look_at(r, h, &list[i], count == 1);

		value = a.address;
		if (!part || part->get(r, &a, &value))
			sieve_values_add(r, out, value);
	}
}

static int test_address(struct sieve_run *r, const struct sieve_node *n)
{
	struct sieve_values values = { 0 };
	const struct mail_header **list;
	uint64_t n_mailboxes = 0;
	size_t count;
	int rc = sieve_run_mime_headers(r, n, n->positional[0], &list, &count);

	if (rc < 0)
		return rc;
	sieve_index_headers(n, &list, &count);
	for (size_t i = 0; i < count; i++)
		add_addresses(r, n, list[i], &values, &n_mailboxes);
	return sieve_match_counted(r, n, values.items, values.n, n_mailboxes);
}

static bool get_all(const struct sieve_run *r, const struct mail_address *a,
	struct str *out)
{
	(void)r;
	*out = a->address;
	return true;
}

static bool get_local(const struct sieve_run *r, const struct mail_address *a,
	struct str *out)
{
	(void)r;
	*out = a->local;
	return a->is_valid;
}

static bool get_domain(const struct sieve_run *r, const struct mail_address *a,
	struct str *out)
{
	(void)r;
	*out = a->domain;
	return a->is_valid;
}

static const struct sieve_address_part parts[] = {
	{ "all", get_all },
	{ "localpart", get_local },
	{ "domain", get_domain },
	{ 0 },
};

/*
 * size
 */

static int check_size(struct sieve_check *c, struct sieve_node *n)
{
	if (n->n_tags == 1)
		return 0;
	sieve_error(c, n->pos, "the size test needs ':over' or ':under'");
	return sieve_hint(c, "write for example: size :over 100K");
}

static int test_size(struct sieve_run *r, const struct sieve_node *n)
{
	uint64_t size = mail_size(r->mail), limit = n->positional[0]->number;

	return sieve_node_tag(n, "over") ? size > limit : size < limit;
}

static const struct sieve_tag size_tags[] = {
	{ .name = "over", .group = 1 },
	{ .name = "under", .group = 1 },
	{ 0 },
};

static const struct sieve_word words[] = {
	{ .name = "address",
		.flags = SIEVE_TEST | SIEVE_MATCHES | SIEVE_ADDRESSES,
		.params = { { SIEVE_HEADERS, "header list", 0 },
			{ SIEVE_STRINGS, "key list", 0 } },
		.check = check_address,
		.test = test_address },
	{ .name = "allof",
		.flags = SIEVE_TEST | SIEVE_TEST_LIST,
		.check = check_allof,
		.test = test_allof },
	{ .name = "anyof",
		.flags = SIEVE_TEST | SIEVE_TEST_LIST,
		.check = check_anyof,
		.test = test_anyof },
	{ .name = "exists",
		.flags = SIEVE_TEST,
		.params = { { SIEVE_HEADERS, "header names", 0 } },
		.test = test_exists },
	{ .name = "false",
		.flags = SIEVE_TEST,
		.check = check_false,
		.test = test_constant },
	{ .name = "header",
		.flags = SIEVE_TEST | SIEVE_MATCHES,
		.params = { { SIEVE_HEADERS, "header names", 0 },
			{ SIEVE_STRINGS, "key list", 0 } },
		.test = test_header },
	{ .name = "not",
		.flags = SIEVE_TEST | SIEVE_ONE_TEST,
		.check = check_not,
		.test = test_not },
	{ .name = "size",
		.flags = SIEVE_TEST,
		.params = { { SIEVE_NUMBER, "limit", 0 } },
		.tags = size_tags,
		.check = check_size,
		.test = test_size },
	{ .name = "true",
		.flags = SIEVE_TEST,
		.check = check_true,
		.test = test_constant },
	{ 0 },
};

const struct sieve_ext sieve_ext_tests = {
	.words = words,
	.address_parts = parts,
};
