/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * settings.c - what an operator can set: defaults, and the wire form in which
 * a worker gets them.
 *
 * The parent, which the worker trusts, wrote the wire form; the reader checks
 * it only so far that a torn one can do no harm.
 */
#include <mailmill/sieve.h>
#include <mailmill/wire.h>

#include "address.h"
#include "regex.h"

#define STR_LEAST 4
#define ITEM_LEAST 8
#define RULE_LEAST 6
#define LIST_LEAST 8

const struct sieve_settings *sieve_settings_default(void)
{
	static const struct sieve_settings settings = {
		.limits = {
			.script_len = (size_t)1 << 20,
			.nesting = 32,
			.string_len = (size_t)1 << 20,
			.variables = 255,
			.name_len = 64,
			.value_len = (size_t)64 << 10,
			.actions = PLAN_ACTIONS_MAX,
			.redirects = 4,
			.notifies = 10,
			.records = PLAN_RECORDS_MAX,
			.include_depth = 10,
			.includes = 255,
			.part_depth = 4,
			.header_len = 2048,
			.cpu_ms = 0,
			.steps = 100 * 1000 * 1000,
			.regex_steps = 1000 * 1000,
		},
		.delimiters = { "+", 1 },
		.default_folder = { "INBOX", 5 },
		.redirect_sender = { "sender", 6 },
		.duplicate_s = 7 * 86400,
		.duplicate_max_s = 30 * 86400,
		.vacation_s = 7 * 86400,
		.vacation_min_s = 86400,
		.vacation_max_s = 60 * 86400,
		.vacation_subject = { "Automated reply", 15 },
		.vacation_prefix = { "Auto: %$", 8 },
	};

	return &settings;
}

/*
 * Checking
 */

static int check_address(struct str s, const char *what, struct err *err)
{
	AUTO(arena) struct arena *a = arena_new();
	const char *why;
	struct str out;

	if (!s.len || sieve_address_read(a, s, &out, &why) == 0)
		return 0;
	return err_set(err, ERR_CONF, "%s: \"%.*s\" is no address: %s", what,
		STR_ARG(s), why);
}

static int check_sender(struct str s, const char *what, struct err *err)
{
	static const char *const words[] = { "sender", "recipient",
		"orig_recipient", "owner", "postmaster" };

	for (size_t i = 0; i < COUNT(words); i++)
		if (str_eq_case(s, str_c(words[i])))
			return 0;
	if (str_starts(s, STR("<")) && str_ends(s, STR(">")) && s.len > 1)
		return check_address(str_sub(s, 1, s.len - 2), what, err);
	return err_set(err, ERR_CONF,
		"%s: expected sender, recipient, orig_recipient, owner, "
		"postmaster or <ADDRESS>, found \"%.*s\"",
		what, STR_ARG(s));
}

/* RFC 5322 section 3.6.8. */
static bool is_field_name(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.p[i] < 33 || s.p[i] > 126 || s.p[i] == ':')
			return false;
	return s.len > 0;
}

int sieve_settings_check(const struct sieve_settings *s, struct err *err)
{
	if (check_address(s->owner, "owner", err) < 0 ||
		check_address(s->postmaster, "postmaster", err) < 0 ||
		check_sender(s->redirect_sender, "redirect_sender", err) < 0 ||
		(s->notify_sender.len && check_sender(s->notify_sender,
						 "notify_sender", err) < 0))
		return -1;
	for (size_t i = 0; i < s->n_owner_aliases; i++)
		if (check_address(s->owner_aliases[i], "owner_aliases", err) <
			0)
			return -1;
	for (size_t i = 0; i < s->n_auth_trusted; i++)
		if (!is_field_name(s->auth_trusted[i]))
			return err_set(err, ERR_CONF,
				"trusted: \"%.*s\" is no authserv-id: expected "
				"a name like mx.example.org",
				STR_ARG(s->auth_trusted[i]));
	for (size_t i = 0; i < s->n_field_rules; i++)
		if (!is_field_name(s->field_rules[i].name))
			return err_set(err, ERR_CONF,
				"no_add, no_delete: \"%.*s\" is no name of a "
				"field",
				STR_ARG(s->field_rules[i].name));
	if (s->vacation_min_s > s->vacation_max_s)
		return err_set(err, ERR_CONF,
			"vacation_min is longer than vacation_max");
	return 0;
}

static int check_scan_field(struct str field, const char *what, struct err *err)
{
	char error[SIEVE_REGEX_ERROR_MAX];
	struct sieve_regex *re = NULL;
	struct str name, pattern = field;
	size_t offset;

	if (!field.len)
		return 0;
	str_cut(&pattern, ':', &name);
	pattern = str_trim(pattern);
	if (!is_field_name(str_trim(name)))
		return err_set(err, ERR_CONF,
			"%s: expected NAME or NAME: PATTERN, found \"%.*s\"",
			what, STR_ARG(field));
	if (pattern.len &&
		sieve_regex_compile(pattern, 0, &re, error, &offset) < 0)
		return err_set(
			err, ERR_CONF, "%s: invalid pattern: %s", what, error);
	sieve_regex_free(re);
	return 0;
}

int sieve_scan_check(const struct sieve_scan *s, struct err *err)
{
	if (check_scan_field(s->status, "status", err) < 0 ||
		check_scan_field(s->max_header, "max_header", err) < 0)
		return -1;
	if (!s->status.len || s->kind == SIEVE_SCAN_TEXT)
		return 0;
	if (!s->max_value.len && !s->max_header.len)
		return err_set(err, ERR_CONF,
			"what is the worst? set max or max_header, too");
	return 0;
}

/*
 * On the wire
 */

static void put_limits(struct buf *b, const struct sieve_limits *l)
{
	wire_u64(b, l->script_len);
	wire_u32(b, l->nesting);
	wire_u64(b, l->string_len);
	wire_u32(b, l->variables);
	wire_u32(b, l->name_len);
	wire_u64(b, l->value_len);
	wire_u32(b, l->actions);
	wire_u32(b, l->redirects);
	wire_u32(b, l->notifies);
	wire_u32(b, l->records);
	wire_u32(b, l->include_depth);
	wire_u32(b, l->includes);
	wire_u32(b, l->part_depth);
	wire_u64(b, l->header_len);
	wire_u64(b, (uint64_t)l->cpu_ms);
	wire_u64(b, l->steps);
	wire_u32(b, l->regex_steps);
}

static void get_limits(struct wire_in *w, struct sieve_limits *l)
{
	l->script_len = wire_get_u64(w);
	l->nesting = wire_get_u32(w);
	l->string_len = wire_get_u64(w);
	l->variables = wire_get_u32(w);
	l->name_len = wire_get_u32(w);
	l->value_len = wire_get_u64(w);
	l->actions = wire_get_u32(w);
	l->redirects = wire_get_u32(w);
	l->notifies = wire_get_u32(w);
	l->records = wire_get_u32(w);
	l->include_depth = wire_get_u32(w);
	l->includes = wire_get_u32(w);
	l->part_depth = wire_get_u32(w);
	l->header_len = wire_get_u64(w);
	l->cpu_ms = (int64_t)wire_get_u64(w);
	l->steps = wire_get_u64(w);
	l->regex_steps = wire_get_u32(w);
}

static struct str *get_strs(struct wire_in *w, struct arena *a, size_t *n)
{
	struct str *s;

	*n = wire_get_count(w, STR_LEAST);
	s = arena_array(a, *n, sizeof(*s));
	for (size_t i = 0; i < *n; i++)
		s[i] = wire_get_str(w);
	return s;
}

static void put_scan(struct buf *b, const struct sieve_scan *s)
{
	wire_str(b, s->status);
	wire_str(b, s->max_header);
	wire_str(b, s->max_value);
	wire_u8(b, (uint8_t)s->kind);
	for (size_t i = 0; i < COUNT(s->texts); i++)
		wire_str(b, s->texts[i]);
}

static void get_scan(struct wire_in *w, struct sieve_scan *s)
{
	s->status = wire_get_str(w);
	s->max_header = wire_get_str(w);
	s->max_value = wire_get_str(w);
	s->kind = wire_get_u8(w);
	if (s->kind > SIEVE_SCAN_TEXT)
		w->is_bad = true;
	for (size_t i = 0; i < COUNT(s->texts); i++)
		s->texts[i] = wire_get_str(w);
}

static void put_lists(struct buf *b, const struct sieve_settings *s)
{
	wire_u32(b, (uint32_t)s->n_environment);
	for (size_t i = 0; i < s->n_environment; i++) {
		wire_str(b, s->environment[i].name);
		wire_str(b, s->environment[i].value);
	}
	wire_u32(b, (uint32_t)s->n_field_rules);
	for (size_t i = 0; i < s->n_field_rules; i++) {
		wire_str(b, s->field_rules[i].name);
		wire_u8(b, s->field_rules[i].forbids_add);
		wire_u8(b, s->field_rules[i].forbids_delete);
	}
	wire_u32(b, (uint32_t)s->n_lists);
	for (size_t i = 0; i < s->n_lists; i++) {
		wire_str(b, s->lists[i].name);
		wire_strs(b, s->lists[i].members, s->lists[i].n_members);
	}
}

static void get_lists(
	struct wire_in *w, struct arena *a, struct sieve_settings *s)
{
	s->n_environment = wire_get_count(w, ITEM_LEAST);
	s->environment = arena_array(
		a, s->n_environment, sizeof(*s->environment));
	for (size_t i = 0; i < s->n_environment; i++) {
		s->environment[i].name = wire_get_str(w);
		s->environment[i].value = wire_get_str(w);
	}
	s->n_field_rules = wire_get_count(w, RULE_LEAST);
	s->field_rules = arena_array(
		a, s->n_field_rules, sizeof(*s->field_rules));
	for (size_t i = 0; i < s->n_field_rules; i++) {
		s->field_rules[i].name = wire_get_str(w);
		s->field_rules[i].forbids_add = wire_get_u8(w) != 0;
		s->field_rules[i].forbids_delete = wire_get_u8(w) != 0;
	}
	s->n_lists = wire_get_count(w, LIST_LEAST);
	s->lists = arena_array(a, s->n_lists, sizeof(*s->lists));
	for (size_t i = 0; i < s->n_lists; i++) {
		s->lists[i].name = wire_get_str(w);
		s->lists[i].members = get_strs(w, a, &s->lists[i].n_members);
	}
}

void sieve_settings_encode(struct buf *b, const struct sieve_settings *s)
{
	put_limits(b, &s->limits);
	wire_str(b, s->delimiters);
	wire_str(b, s->default_folder);
	wire_str(b, s->owner);
	wire_strs(b, s->owner_aliases, s->n_owner_aliases);
	wire_str(b, s->postmaster);
	wire_str(b, s->hostname);
	wire_str(b, s->domain);
	wire_str(b, s->redirect_sender);
	wire_str(b, s->notify_sender);
	wire_strs(b, s->auth_trusted, s->n_auth_trusted);
	wire_u8(b, s->auth_asks_nobody);
	put_lists(b, s);
	put_scan(b, &s->spam);
	put_scan(b, &s->virus);
	wire_u64(b, s->duplicate_s);
	wire_u64(b, s->duplicate_max_s);
	wire_u64(b, s->vacation_s);
	wire_u64(b, s->vacation_min_s);
	wire_u64(b, s->vacation_max_s);
	wire_str(b, s->vacation_subject);
	wire_str(b, s->vacation_prefix);
	wire_u8(b, s->vacation_uses_orig_rcpt);
	wire_u8(b, s->vacation_skips_rcpt_check);
	wire_u8(b, s->vacation_sends_from_rcpt);
	wire_u8(b, s->vacation_ignores_envelope);
}

void sieve_settings_decode(
	struct arena *a, struct wire_in *w, struct sieve_settings *s)
{
	*s = (struct sieve_settings){ 0 };
	get_limits(w, &s->limits);
	s->delimiters = wire_get_str(w);
	s->default_folder = wire_get_str(w);
	s->owner = wire_get_str(w);
	s->owner_aliases = get_strs(w, a, &s->n_owner_aliases);
	s->postmaster = wire_get_str(w);
	s->hostname = wire_get_str(w);
	s->domain = wire_get_str(w);
	s->redirect_sender = wire_get_str(w);
	s->notify_sender = wire_get_str(w);
	s->auth_trusted = get_strs(w, a, &s->n_auth_trusted);
	s->auth_asks_nobody = wire_get_u8(w) != 0;
	get_lists(w, a, s);
	get_scan(w, &s->spam);
	get_scan(w, &s->virus);
	s->duplicate_s = wire_get_u64(w);
	s->duplicate_max_s = wire_get_u64(w);
	s->vacation_s = wire_get_u64(w);
	s->vacation_min_s = wire_get_u64(w);
	s->vacation_max_s = wire_get_u64(w);
	s->vacation_subject = wire_get_str(w);
	s->vacation_prefix = wire_get_str(w);
	s->vacation_uses_orig_rcpt = wire_get_u8(w) != 0;
	s->vacation_skips_rcpt_check = wire_get_u8(w) != 0;
	s->vacation_sends_from_rcpt = wire_get_u8(w) != 0;
	s->vacation_ignores_envelope = wire_get_u8(w) != 0;
}
