/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * svtest_config.c - the settings that a test file sets, by the names that the
 * public suites know them by, put into a copy of ours.
 *
 * Nothing else knows these names. A file's settings are a list of names and
 * values; a reload reads all of it into new settings. A value that is not
 * understood is recorded as an error, and the default holds.
 */
#include <mailmill/clock.h>

#include "svtest.h"

#define DICT_KEY "priv/sieve/extlists/"

/* One value on its way into the settings. */
struct assign {
	struct svtest *t;
	struct sieve_settings *settings;
	struct str name, value;
	struct str rest; /* of the name, behind the row's */
	void *field;
};

/*
 * Values; each returns 0, or -1: not understood.
 */

static int set_text(struct assign *a)
{
	*(struct str *)a->field = a->value;
	return 0;
}

static int set_address(struct assign *a)
{
	struct str path = str_trim(a->value);

	if (str_starts(path, STR("<")) && str_ends(path, STR(">")))
		path = str_sub(path, 1, path.len - 2);
	*(struct str *)a->field = path;
	return path.len == 0 || str_chr(path, '@') > 0 ? 0 : -1;
}

/* A text whose empty value stands for the default. */
static int set_text_or_default(struct assign *a)
{
	return a->value.len ? set_text(a) : 0;
}

static int set_template(struct assign *a)
{
	static const struct str theirs = { "%{subject}", 10 };
	ssize_t at = str_find(a->value, theirs);

	if (at >= 0)
		a->value = str_c(arena_printf(a->t->arena, "%.*s%%$%.*s",
			STR_ARG(str_sub(a->value, 0, (size_t)at)),
			STR_ARG(str_sub(
				a->value, (size_t)at + theirs.len, SIZE_MAX))));
	return set_text_or_default(a);
}

static int set_number(struct assign *a)
{
	uint64_t n;

	if (str_to_u64(a->value, UINT32_MAX, &n) < 0)
		return -1;
	*(unsigned *)a->field = (unsigned)n;
	return 0;
}

static int set_size(struct assign *a)
{
	static const char units[] = "bkmg";
	struct str digits = a->value;
	unsigned shift = 0;
	uint64_t n;

	for (unsigned i = 0; digits.len && units[i]; i++)
		if ((digits.p[digits.len - 1] | 0x20) == units[i]) {
			shift = 10 * i;
			digits.len--;
			break;
		}
	if (str_to_u64(digits, SIZE_MAX >> shift, &n) < 0)
		return -1;
	*(size_t *)a->field = (size_t)(n << shift);
	return 0;
}

static int read_span(struct str s, int64_t *ms)
{
	uint64_t seconds;

	if (str_to_u64(s, INT32_MAX, &seconds) < 0)
		return clock_parse_span(s, ms);
	*ms = (int64_t)seconds * 1000;
	return 0;
}

static int set_ms(struct assign *a)
{
	return read_span(a->value, a->field);
}

static int set_seconds(struct assign *a)
{
	int64_t ms;

	if (read_span(a->value, &ms) < 0)
		return -1;
	*(uint64_t *)a->field = (uint64_t)ms / 1000;
	return 0;
}

static int read_bool(struct str s, bool *out)
{
	*out = str_eq_case(s, STR("yes")) || str_eq_case(s, STR("true"));
	return *out || str_eq_case(s, STR("no")) || str_eq_case(s, STR("false"))
		       ? 0
		       : -1;
}

static int set_bool(struct assign *a)
{
	return read_bool(a->value, a->field);
}

static int set_not(struct assign *a)
{
	bool is_on;

	if (read_bool(a->value, &is_on) < 0)
		return -1;
	*(bool *)a->field = !is_on;
	return 0;
}

/* Whose address goes out: a word, or <an address>. */
static int set_sender(struct assign *a)
{
	static const char *const words[] = { "sender", "recipient",
		"orig_recipient", "postmaster" };
	struct str rule = str_trim(a->value);

	if (str_eq_case(rule, STR("user_email")))
		rule = STR("owner");
	*(struct str *)a->field = rule;
	if (str_eq(rule, STR("owner")) ||
		(str_starts(rule, STR("<")) && str_ends(rule, STR(">"))))
		return 0;
	for (size_t i = 0; i < COUNT(words); i++)
		if (str_eq_case(rule, str_c(words[i])))
			return 0;
	return -1;
}

static int set_scan_kind(struct assign *a)
{
	static const char *const words[] = { "score", "strlen", "text" };

	for (size_t i = 0; i < COUNT(words); i++)
		if (str_eq_case(a->value, str_c(words[i]))) {
			*(enum sieve_scan_kind *)a->field = i;
			return 0;
		}
	return -1;
}

static int set_scan_text(struct assign *a)
{
	struct sieve_scan *scan = a->field;
	uint64_t n;

	if (str_to_u64(a->rest, COUNT(scan->texts) - 1, &n) < 0)
		return -1;
	scan->texts[n] = a->value;
	return 0;
}

static int set_item(struct assign *a)
{
	struct sieve_settings *s = a->settings;

	s->environment = arena_grow(a->t->arena, s->environment,
		s->n_environment, s->n_environment + 1,
		sizeof(*s->environment));
	s->environment[s->n_environment++] = (struct sieve_item){
		.name = str_c(arena_printf(a->t->arena,
			"vnd.dovecot.config.%.*s", STR_ARG(a->rest))),
		.value = a->value,
	};
	return 0;
}

static struct str find_value(const struct svtest *t, struct str name)
{
	for (size_t i = 0; i < t->n_config; i++)
		if (str_eq(t->config[i].name, name))
			return t->config[i].value;
	return STR_NULL;
}

static bool is_field_listed(const struct svtest *t, struct str name)
{
	struct str list = find_value(t, STR("sieve_editheader_header")), one;

	while (str_cut(&list, ' ', &one))
		if (str_eq_case(one, name))
			return true;
	return false;
}

/* "X-Friep/forbid_add": which of the fields, and what of it. */
static int set_field_rule(struct assign *a)
{
	struct sieve_settings *s = a->settings;
	struct str member = a->rest, name;
	struct sieve_field_rule *rule = NULL;

	if (!str_cut(&member, '/', &name) || str_eq(member, STR("name")))
		return 0;
	if (!is_field_listed(a->t, name))
		return 0;
	for (size_t i = 0; i < s->n_field_rules; i++)
		if (str_eq_case(s->field_rules[i].name, name))
			rule = &s->field_rules[i];
	if (!rule) {
		s->field_rules = arena_grow(a->t->arena, s->field_rules,
			s->n_field_rules, s->n_field_rules + 1,
			sizeof(*s->field_rules));
		rule = &s->field_rules[s->n_field_rules++];
		rule->name = name;
	}
	if (str_eq(member, STR("forbid_add")))
		return read_bool(a->value, &rule->forbids_add);
	if (str_eq(member, STR("forbid_delete")))
		return read_bool(a->value, &rule->forbids_delete);
	return -1;
}

/*
 * Lists (RFC 6134)
 */

/* Reads a file of pairs of lines, a key and a value. */
static int read_members(
	struct svtest *t, struct str path, struct sieve_list *list)
{
	struct str rest, key, value;
	struct err err = { 0 };

	if (svtest_read(t, path, &rest, &err) < 0)
		return -1;
	while (str_cut_line(&rest, &key)) {
		if (str_starts(key, STR(DICT_KEY))) {
			list->members = arena_grow(t->arena, list->members,
				list->n_members, list->n_members + 1,
				sizeof(*list->members));
			list->members[list->n_members++] = str_sub(
				key, strlen(DICT_KEY), SIZE_MAX);
		}
		if (!str_cut_line(&rest, &value))
			break;
	}
	return 0;
}

static int add_list(struct assign *a, struct str id)
{
	struct sieve_settings *s = a->settings;
	struct arena *arena = a->t->arena;
	struct sieve_list list = { 0 };
	struct str path;

	list.name = find_value(
		a->t, str_c(arena_printf(arena, "sieve_extlists_list/%.*s/name",
			      STR_ARG(id))));
	path = find_value(
		a->t, str_c(arena_printf(arena,
			      "sieve_extlists_list/%.*s/dict/file/path",
			      STR_ARG(id))));
	if (!list.name.len)
		list.name = id;
	if (str_starts(list.name, STR(":")))
		list.name = str_c(arena_printf(arena,
			"urn:ietf:params:sieve%.*s", STR_ARG(list.name)));
	/* a file that cannot be read is a list all the same, with nothing in */
	if (path.len && read_members(a->t, path, &list) < 0)
		list.n_members = 0;
	s->lists = arena_grow(
		arena, s->lists, s->n_lists, s->n_lists + 1, sizeof(*s->lists));
	s->lists[s->n_lists++] = list;
	return 0;
}

static int set_lists(struct assign *a)
{
	struct str rest = a->value, id;

	while (str_cut(&rest, ' ', &id))
		if (id.len && add_list(a, id) < 0)
			return -1;
	return 0;
}

/* Names parted by blanks. */
static int set_trusted(struct assign *a)
{
	struct sieve_settings *s = a->settings;
	struct str rest = a->value, id;

	s->n_auth_trusted = 0;
	s->auth_trusted = NULL;
	while (str_cut(&rest, ' ', &id)) {
		if (!id.len)
			continue;
		s->auth_trusted = arena_grow(a->t->arena, s->auth_trusted,
			s->n_auth_trusted, s->n_auth_trusted + 1,
			sizeof(*s->auth_trusted));
		s->auth_trusted[s->n_auth_trusted++] = id;
	}
	return 0;
}

/* Read together with the list that it belongs to. */
static int set_nothing(struct assign *a)
{
	(void)a;
	return 0;
}

/*
 * The table
 */

#define AT(member) offsetof(struct sieve_settings, member)

static const struct row {
	const char *name; /* that ends in a slash has members */
	int (*set)(struct assign *a);
	size_t offset;
} rows[] = {
	{ "recipient_delimiter", set_text, AT(delimiters) },
	{ "sieve_user_email", set_address, AT(owner) },
	{ "postmaster_address", set_address, AT(postmaster) },
	{ "sieve_max_script_size", set_size, AT(limits.script_len) },
	{ "sieve_max_actions", set_number, AT(limits.actions) },
	{ "sieve_max_redirects", set_number, AT(limits.redirects) },
	{ "sieve_max_cpu_time", set_ms, AT(limits.cpu_ms) },
	{ "sieve_redirect_envelope_from", set_sender, AT(redirect_sender) },
	{ "sieve_include_max_nesting_depth", set_number,
		AT(limits.include_depth) },
	{ "sieve_include_max_includes", set_number, AT(limits.includes) },
	{ "sieve_variables_max_scope_count", set_number, AT(limits.variables) },
	{ "sieve_variables_max_scope_size", set_number, AT(limits.variables) },
	{ "sieve_variables_max_variable_size", set_size, AT(limits.value_len) },
	{ "sieve_variables_max_value_size", set_size, AT(limits.value_len) },
	{ "sieve_editheader_max_header_size", set_size, AT(limits.header_len) },
	{ "sieve_editheader_header", set_nothing, 0 },
	{ "sieve_editheader_header/", set_field_rule, 0 },
	{ "sieve_duplicate_default_period", set_seconds, AT(duplicate_s) },
	{ "sieve_duplicate_max_period", set_seconds, AT(duplicate_max_s) },
	{ "sieve_vacation_default_period", set_seconds, AT(vacation_s) },
	{ "sieve_vacation_min_period", set_seconds, AT(vacation_min_s) },
	{ "sieve_vacation_max_period", set_seconds, AT(vacation_max_s) },
	{ "sieve_vacation_default_subject", set_text_or_default,
		AT(vacation_subject) },
	{ "sieve_vacation_default_subject_template", set_template,
		AT(vacation_prefix) },
	{ "sieve_vacation_use_original_recipient", set_bool,
		AT(vacation_uses_orig_rcpt) },
	{ "sieve_vacation_check_recipient", set_not,
		AT(vacation_skips_rcpt_check) },
	{ "sieve_vacation_dont_check_recipient", set_bool,
		AT(vacation_skips_rcpt_check) },
	{ "sieve_vacation_send_from_recipient", set_bool,
		AT(vacation_sends_from_rcpt) },
	{ "sieve_vacation_to_header_ignore_envelope", set_bool,
		AT(vacation_ignores_envelope) },
	{ "sieve_notify_max_notifications", set_number, AT(limits.notifies) },
	{ "sieve_notify_mailto_envelope_from", set_sender, AT(notify_sender) },
	{ "sieve_spamtest_status_header", set_text, AT(spam.status) },
	{ "sieve_spamtest_status_type", set_scan_kind, AT(spam.kind) },
	{ "sieve_spamtest_score_max_value", set_text, AT(spam.max_value) },
	{ "sieve_spamtest_score_max_header", set_text, AT(spam.max_header) },
	{ "sieve_spamtest_text_value/", set_scan_text, AT(spam) },
	{ "sieve_virustest_status_header", set_text, AT(virus.status) },
	{ "sieve_virustest_status_type", set_scan_kind, AT(virus.kind) },
	{ "sieve_virustest_score_max_value", set_text, AT(virus.max_value) },
	{ "sieve_virustest_score_max_header", set_text, AT(virus.max_header) },
	{ "sieve_virustest_text_value/", set_scan_text, AT(virus) },
	{ "authentication_trusted", set_trusted, 0 },
	{ "authentication_check", set_not, AT(auth_asks_nobody) },
	{ "sieve_extlists_list", set_lists, 0 },
	{ "sieve_extlists_list/", set_nothing, 0 },
	{ "sieve_environment/", set_item, 0 },
};

static bool is_for(const struct row *row, struct str name)
{
	struct str known = str_c(row->name);

	return str_ends(known, STR("/")) ? str_starts(name, known)
					 : str_eq(name, known);
}

static const struct row *find_row(struct str name)
{
	for (size_t i = 0; i < COUNT(rows); i++)
		if (is_for(&rows[i], name))
			return &rows[i];
	return NULL;
}

static void assign(
	struct svtest *t, struct sieve_settings *s, struct plan_pair pair)
{
	const struct row *row = find_row(pair.name);
	struct sieve_settings tried = *s;
	struct assign a = {
		.t = t,
		.settings = &tried,
		.name = pair.name,
		.value = pair.value,
	};

	/* settings of what is not here (pipe, report) change nothing */
	if (!row)
		return;
	a.field = (char *)&tried + row->offset;
	a.rest = str_sub(pair.name, strlen(row->name), SIZE_MAX);
	if (row->set(&a) == 0)
		*s = tried;
	else
		svtest_add_error(
			t, str_c(arena_printf(t->arena,
				   "invalid value '%.*s' for setting %.*s",
				   STR_ARG(pair.value), STR_ARG(pair.name))));
}

/*
 * Includes: beside the test file
 */

/* Whose reader it is does not tell why a file cannot be read. */
static bool read_include(struct svtest *t, struct arena *a, const char *folder,
	struct str name, struct str *path, struct str *source)
{
	struct err err = { 0 };

	*path = str_c(arena_printf(a, "%s%.*s.sieve", folder, STR_ARG(name)));
	return svtest_read(t, *path, source, &err) == 0;
}

/* The public suite has folders for them; people have them beside the rule. */
static int find_script(void *ctx, struct arena *a, bool is_global,
	struct str name, struct str *path, struct str *source, struct err *err)
{
	struct svtest *t = ctx;

	(void)err;
	if (is_global)
		return read_include(
			       t, a, "included-global/", name, path, source)
			       ? 0
			       : SIEVE_FIND_NONE;
	return read_include(t, a, "included/", name, path, source) ||
			       read_include(t, a, "", name, path, source)
		       ? 0
		       : SIEVE_FIND_NONE;
}

void svtest_config_reload(struct svtest *t)
{
	struct sieve_settings *s = ARENA_NEW(t->arena, struct sieve_settings);

	*s = *(t->host->settings ? t->host->settings
				 : sieve_settings_default());
	if (!s->hostname.len) {
		s->hostname = STR("mail.example.com");
		s->domain = STR("example.com");
		s->postmaster = STR("postmaster@example.com");
	}
	s->find = find_script;
	s->find_ctx = t;
	for (size_t i = 0; i < t->n_config; i++)
		assign(t, s, t->config[i]);
	t->settings = s;
	if (!t->run)
		return;
	t->run->settings = s;
	t->run->limits = &s->limits;
}

void svtest_config_set(struct svtest *t, struct str name, struct str value)
{
	svtest_config_unset(t, name);
	t->config = arena_grow(t->arena, t->config, t->n_config,
		t->n_config + 1, sizeof(*t->config));
	t->config[t->n_config++] = (struct plan_pair){
		arena_str(t->arena, name), arena_str(t->arena, value)
	};
}

void svtest_config_unset(struct svtest *t, struct str name)
{
	for (size_t i = 0; i < t->n_config; i++)
		if (str_eq(t->config[i].name, name)) {
			memmove(&t->config[i], &t->config[i + 1],
				(t->n_config - i - 1) * sizeof(*t->config));
			t->n_config--;
			return;
		}
}
