/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * config_sieve.c - how an operator wants rules to be understood: the sections
 * sieve, authentication, spamtest, virustest and list.
 *
 * The defaults here are those of sieve_settings_default(), written as an admin
 * would; a unit test compares them.
 */
#include <unistd.h>

#include <mailmill/file.h>

#include "config.h"
#include "config_sieve.h"

#define LIST_FILE_MAX ((size_t)32 << 20)
#define HOSTNAME_MAX 256

struct config_sieve {
	uint64_t script_size, string_size, value_size, header_size;
	int64_t nesting, variables, name_length, actions, redirects, notifies;
	int64_t records, include_depth, includes_max, part_depth;
	int64_t cpu_ms, steps, regex_steps;
	const char *includes, *default_folder, *owner, *postmaster, *domain;
	struct conf_list owner_aliases, environment, no_add, no_delete;
	const char *redirect_sender, *notify_sender;
	int64_t duplicate_ms, duplicate_max_ms;
	int64_t vacation_ms, vacation_min_ms, vacation_max_ms;
	const char *vacation_subject, *vacation_prefix;
	bool vacation_uses_orig_rcpt, vacation_checks_rcpt;
	bool vacation_sends_from_rcpt, vacation_ignores_envelope;
};

#define AT(member) offsetof(struct config_sieve, member)
#define RELOADS .flags = CONF_RELOAD

static const struct conf_field sieve_fields[] = {
	{ "includes", CONF_PATH, AT(includes), RELOADS,
		.help = "folder of the scripts that include :global means" },
	{ "default_folder", CONF_STR, AT(default_folder), "INBOX", RELOADS,
		.help = "the folder that keep means" },
	{ "owner", CONF_STR, AT(owner), RELOADS,
		.help = "address whose rules these are; the recipient's" },
	{ "owner_aliases", CONF_LIST, AT(owner_aliases), RELOADS,
		.help = "further addresses of his" },
	{ "postmaster", CONF_STR, AT(postmaster), RELOADS,
		.help = "address of the postmaster; postmaster@ the domain" },
	{ "domain", CONF_STR, AT(domain), RELOADS,
		.help = "domain of this service; that of the hostname" },
	{ "environment", CONF_LIST, AT(environment), RELOADS,
		.help = "items for the environment test, NAME=VALUE" },
	{ "redirect_sender", CONF_STR, AT(redirect_sender), "sender", RELOADS,
		.help = "reverse-path of redirected mail" },
	{ "notify_sender", CONF_STR, AT(notify_sender), RELOADS,
		.help = "reverse-path of notifications; their :from" },
	{ "no_add", CONF_LIST, AT(no_add), RELOADS,
		.help = "fields that addheader may not add" },
	{ "no_delete", CONF_LIST, AT(no_delete), RELOADS,
		.help = "fields that deleteheader may not delete" },
	{ "duplicate", CONF_SPAN, AT(duplicate_ms), "7d", 1000, 366 * 86400000L,
		RELOADS, .help = "how long duplicate remembers a mail" },
	{ "duplicate_max", CONF_SPAN, AT(duplicate_max_ms), "30d", 1000,
		366 * 86400000L, RELOADS,
		.help = "the longest that a rule may ask for" },
	{ "vacation", CONF_SPAN, AT(vacation_ms), "7d", 0, 366 * 86400000L,
		RELOADS, .help = "time between two answers to one sender" },
	{ "vacation_min", CONF_SPAN, AT(vacation_min_ms), "1d", 0,
		366 * 86400000L, RELOADS,
		.help = "the shortest that a rule may ask for" },
	{ "vacation_max", CONF_SPAN, AT(vacation_max_ms), "60d", 0,
		366 * 86400000L, RELOADS,
		.help = "the longest that a rule may ask for" },
	{ "vacation_subject", CONF_STR, AT(vacation_subject), "Automated reply",
		RELOADS, .help = "subject of an answer to a mail without one" },
	{ "vacation_prefix", CONF_STR, AT(vacation_prefix), "Auto: %$", RELOADS,
		.help = "subject of an answer; %$ is the mail's" },
	{ "vacation_orig_recipient", CONF_BOOL, AT(vacation_uses_orig_rcpt),
		"false", RELOADS,
		.help = "the original recipient is an own address, too" },
	{ "vacation_check_recipient", CONF_BOOL, AT(vacation_checks_rcpt),
		"true", RELOADS,
		.help = "answer only mail that names an own address" },
	{ "vacation_from_recipient", CONF_BOOL, AT(vacation_sends_from_rcpt),
		"false", RELOADS,
		.help = "reverse-path of an answer is the recipient, not <>" },
	{ "vacation_ignore_envelope", CONF_BOOL, AT(vacation_ignores_envelope),
		"false", RELOADS,
		.help = "answer whom the header names, not the envelope" },
	{ "script_size", CONF_SIZE, AT(script_size), "1M", 1024, 16L << 20,
		RELOADS, .help = "the largest rule file" },
	{ "string_size", CONF_SIZE, AT(string_size), "1M", 1000, 16L << 20,
		RELOADS, .help = "the longest string in it" },
	{ "nesting", CONF_INT, AT(nesting), "32", 15, 100, RELOADS,
		.help = "blocks within blocks, tests within tests" },
	{ "variables", CONF_INT, AT(variables), "255", 128, 10000, RELOADS,
		.help = "variables of a script" },
	{ "variable_name", CONF_INT, AT(name_length), "64", 32, 255, RELOADS,
		.help = "letters of a variable's name" },
	{ "variable_size", CONF_SIZE, AT(value_size), "64k", 4000, 1L << 20,
		RELOADS, .help = "bytes of a variable's value" },
	{ "actions", CONF_INT, AT(actions), "32", 1, PLAN_ACTIONS_MAX, RELOADS,
		.help = "actions of one mail" },
	{ "redirects", CONF_INT, AT(redirects), "4", 0, PLAN_ACTIONS_MAX,
		RELOADS, .help = "redirects of one mail" },
	{ "notifies", CONF_INT, AT(notifies), "10", 0, PLAN_ACTIONS_MAX,
		RELOADS, .help = "notifications of one mail; 0: none" },
	{ "records", CONF_INT, AT(records), "10000", 0, PLAN_RECORDS_MAX,
		RELOADS, .help = "records of one mail" },
	{ "include_depth", CONF_INT, AT(include_depth), "10", 3, 100, RELOADS,
		.help = "scripts within scripts" },
	{ "include_count", CONF_INT, AT(includes_max), "255", 0, 1000, RELOADS,
		.help = "scripts that one rule file includes" },
	{ "part_depth", CONF_INT, AT(part_depth), "4", 1, 32, RELOADS,
		.help = "loops of foreverypart within each other" },
	{ "header_size", CONF_SIZE, AT(header_size), "2k", 1024, 1L << 20,
		RELOADS, .help = "bytes of a field that addheader adds" },
	{ "cpu_time", CONF_SPAN, AT(cpu_ms), "0", 0, 600000, RELOADS,
		.help = "processor time of one mail; 0: the worker's alone" },
	{ "steps", CONF_INT, AT(steps), "100000000", 1000, INT64_MAX, RELOADS,
		.help = "commands, tests and comparisons of one mail" },
	{ "regex_steps", CONF_INT, AT(regex_steps), "1000000", 1000, UINT32_MAX,
		RELOADS, .help = "steps of a pattern on one value" },
	{ 0 },
};
const struct conf_schema config_sieve_schema = {
	.keyword = "sieve",
	.flags = CONF_SINGLE,
	.size = sizeof(struct config_sieve),
	.fields = sieve_fields,
	.help = "how rules are understood, and what they may take",
};

#define AUTH_AT(member) offsetof(struct config_authentication, member)

static const struct conf_field authentication_fields[] = {
	{ "trusted", CONF_LIST, AUTH_AT(trusted), RELOADS,
		.help = "servers whose Authentication-Results are believed" },
	{ "check", CONF_BOOL, AUTH_AT(is_checking), "true", RELOADS,
		.help = "judge mails of which none of these said anything" },
	{ "resolver", CONF_LIST, AUTH_AT(resolver),
		.help = "addresses of name servers; the system's" },
	{ 0 },
};
const struct conf_schema config_authentication_schema = {
	.keyword = "authentication",
	.flags = CONF_SINGLE,
	.size = sizeof(struct config_authentication),
	.fields = authentication_fields,
	.help = "who vouches for mails",
};

struct config_scan {
	const char *status, *max, *max_header;
	int kind;
	struct conf_list texts;
};

static const char *const scan_kinds[] = { "score", "strlen", "text", NULL };

#define SCAN_AT(member) offsetof(struct config_scan, member)

static const struct conf_field scan_fields[] = {
	{ "status", CONF_STR, SCAN_AT(status), RELOADS,
		.help = "field of the verdict: NAME or NAME: PATTERN" },
	{ "kind", CONF_WORD, SCAN_AT(kind), "score", .words = scan_kinds,
		RELOADS, .help = "what stands there" },
	{ "max", CONF_STR, SCAN_AT(max), RELOADS,
		.help = "the worst score, or the longest text" },
	{ "max_header", CONF_STR, SCAN_AT(max_header), RELOADS,
		.help = "a field that holds it, as status" },
	{ "texts", CONF_LIST, SCAN_AT(texts), RELOADS,
		.help = "what texts mean, RESULT=TEXT" },
	{ 0 },
};
const struct conf_schema config_spamtest_schema = {
	.keyword = "spamtest",
	.flags = CONF_SINGLE,
	.size = sizeof(struct config_scan),
	.fields = scan_fields,
	.help = "where the spam filter's verdict stands",
};
const struct conf_schema config_virustest_schema = {
	.keyword = "virustest",
	.flags = CONF_SINGLE,
	.size = sizeof(struct config_scan),
	.fields = scan_fields,
	.help = "where the virus filter's verdict stands",
};

struct config_list {
	struct conf_list members;
	const char *file;
};

#define LIST_AT(member) offsetof(struct config_list, member)

static const struct conf_field list_fields[] = {
	{ "members", CONF_LIST, LIST_AT(members), RELOADS,
		.help = "what is in it" },
	{ "file", CONF_PATH, LIST_AT(file), RELOADS,
		.help = "a file with one member a line" },
	{ 0 },
};
const struct conf_schema config_list_schema = {
	.keyword = "list",
	.flags = CONF_TITLED,
	.size = sizeof(struct config_list),
	.fields = list_fields,
	.help = "a list that rules can look into",
};

/*
 * From the sections to the settings
 */

static struct str *take_list(
	struct arena *a, const struct conf_list *list, size_t *n)
{
	struct str *out = arena_array(a, list->n, sizeof(*out));

	for (size_t i = 0; i < list->n; i++)
		out[i] = str_c(list->items[i]);
	*n = list->n;
	return out;
}

static void take_limits(
	const struct config_sieve *c, struct sieve_limits *limits)
{
	*limits = (struct sieve_limits){
		.script_len = c->script_size,
		.nesting = (unsigned)c->nesting,
		.string_len = c->string_size,
		.variables = (unsigned)c->variables,
		.name_len = (unsigned)c->name_length,
		.value_len = c->value_size,
		.actions = (unsigned)c->actions,
		.redirects = (unsigned)c->redirects,
		.notifies = (unsigned)c->notifies,
		.records = (unsigned)c->records,
		.include_depth = (unsigned)c->include_depth,
		.includes = (unsigned)c->includes_max,
		.part_depth = (unsigned)c->part_depth,
		.header_len = c->header_size,
		.cpu_ms = c->cpu_ms,
		.steps = (uint64_t)c->steps,
		.regex_steps = (uint32_t)c->regex_steps,
	};
}

static uint64_t seconds(int64_t ms)
{
	return (uint64_t)ms / 1000;
}

static void take_mails(const struct config_sieve *c, struct sieve_settings *s)
{
	s->redirect_sender = str_c(c->redirect_sender);
	s->notify_sender = str_c(c->notify_sender);
	s->duplicate_s = seconds(c->duplicate_ms);
	s->duplicate_max_s = seconds(c->duplicate_max_ms);
	s->vacation_s = seconds(c->vacation_ms);
	s->vacation_min_s = seconds(c->vacation_min_ms);
	s->vacation_max_s = seconds(c->vacation_max_ms);
	s->vacation_subject = str_c(c->vacation_subject);
	s->vacation_prefix = str_c(c->vacation_prefix);
	s->vacation_uses_orig_rcpt = c->vacation_uses_orig_rcpt;
	s->vacation_skips_rcpt_check = !c->vacation_checks_rcpt;
	s->vacation_sends_from_rcpt = c->vacation_sends_from_rcpt;
	s->vacation_ignores_envelope = c->vacation_ignores_envelope;
}

/* Cuts "NAME=VALUE". Returns: 0, or -1 with *err. */
static int cut_pair(const char *text, const char *option, struct str *name,
	struct str *value, struct err *err)
{
	struct str rest = str_c(text);

	str_cut(&rest, '=', name);
	*name = str_trim(*name);
	*value = str_trim(rest);
	if (rest.p && name->len)
		return 0;
	return err_set(err, ERR_CONF, "%s: expected NAME=VALUE, found \"%s\"",
		option, text);
}

static int take_environment(const struct config_sieve *c, struct arena *a,
	struct sieve_settings *s, struct err *err)
{
	const struct conf_list *list = &c->environment;

	s->environment = arena_array(a, list->n, sizeof(*s->environment));
	for (; s->n_environment < list->n; s->n_environment++) {
		struct sieve_item *item = &s->environment[s->n_environment];

		if (cut_pair(list->items[s->n_environment], "environment",
			    &item->name, &item->value, err) < 0)
			return -1;
	}
	return 0;
}

static struct sieve_field_rule *find_rule(
	struct sieve_settings *s, struct str name)
{
	for (size_t i = 0; i < s->n_field_rules; i++)
		if (str_eq_case(s->field_rules[i].name, name))
			return &s->field_rules[i];
	s->field_rules[s->n_field_rules].name = name;
	return &s->field_rules[s->n_field_rules++];
}

static void take_field_rules(
	const struct config_sieve *c, struct arena *a, struct sieve_settings *s)
{
	s->field_rules = arena_array(
		a, c->no_add.n + c->no_delete.n, sizeof(*s->field_rules));
	for (size_t i = 0; i < c->no_add.n; i++)
		find_rule(s, str_c(c->no_add.items[i]))->forbids_add = true;
	for (size_t i = 0; i < c->no_delete.n; i++)
		find_rule(s, str_c(c->no_delete.items[i]))->forbids_delete =
			true;
}

static int take_scan(
	const struct config_scan *c, struct sieve_scan *out, struct err *err)
{
	out->status = str_c(c->status);
	out->max_header = str_c(c->max_header);
	out->max_value = str_c(c->max);
	out->kind = (enum sieve_scan_kind)c->kind;
	for (size_t i = 0; i < c->texts.n; i++) {
		struct str number, text;
		uint64_t n;

		if (cut_pair(c->texts.items[i], "texts", &number, &text, err) <
			0)
			return -1;
		if (str_to_u64(number, COUNT(out->texts) - 1, &n) < 0)
			return err_set(err, ERR_CONF,
				"texts: a result is 0 to %zu, found \"%s\"",
				COUNT(out->texts) - 1, c->texts.items[i]);
		out->texts[n] = text;
	}
	return 0;
}

/*
 * Lists
 */

static void add_member(struct arena *a, struct sieve_list *list, struct str s)
{
	/* the room follows from the count */
	if (!(list->n_members & (list->n_members - 1)))
		list->members = arena_grow(a, list->members, list->n_members,
			MAX(1, list->n_members * 2), sizeof(*list->members));
	list->members[list->n_members++] = s;
}

static int read_members(const char *path, struct arena *a,
	struct sieve_list *list, struct err *err)
{
	AUTO(buf) struct buf text = BUF_INIT(LIST_FILE_MAX);
	struct str rest, line;

	if (file_read(path, &text, err) < 0)
		return -1;
	rest = arena_str(a, buf_view(&text));
	while (str_cut_line(&rest, &line)) {
		line = str_trim(line);
		if (line.len && line.p[0] != '#')
			add_member(a, list, line);
	}
	return 0;
}

static int take_lists(const struct conf *c, struct arena *a,
	struct sieve_settings *s, struct err *err)
{
	size_t n = 0;

	for (const struct conf_section *at = conf_first(c); at; at = at->next)
		n += at->schema == &config_list_schema;
	s->lists = arena_array(a, n, sizeof(*s->lists));
	for (const struct conf_section *at = conf_first(c); at; at = at->next) {
		const struct config_list *from = at->data;
		struct sieve_list *list = &s->lists[s->n_lists];

		if (at->schema != &config_list_schema)
			continue;
		list->name = str_c(at->title);
		for (size_t i = 0; i < from->members.n; i++)
			add_member(a, list, str_c(from->members.items[i]));
		if (from->file && read_members(from->file, a, list, err) < 0)
			return err_add(err, "%s:%d: list \"%s\"", at->file,
				at->line, at->title);
		s->n_lists++;
	}
	return 0;
}

static struct str get_hostname(const char *configured, struct arena *a)
{
	char name[HOSTNAME_MAX] = "";

	if (configured)
		return str_c(configured);
	if (gethostname(name, sizeof(name) - 1) < 0)
		return STR("localhost");
	return str_c(arena_strdup(a, name));
}

/* Puts file and line of a section before what is wrong with it. */
static int blame(
	const struct conf *c, const struct conf_schema *schema, struct err *err)
{
	const struct conf_section *at = conf_find(c, schema->keyword, NULL);

	return at && at->line ? err_add(err, "%s:%d: %s", at->file, at->line,
					schema->keyword)
			      : err_add(err, "%s", schema->keyword);
}

static int fill(const struct conf *c, struct arena *a, struct config_rules *out,
	struct err *err)
{
	const struct config_top *top = conf_data(c, &config_top_schema);
	const struct config_sieve *own = conf_data(c, &config_sieve_schema);
	struct sieve_settings *s = &out->settings;

	take_limits(own, &s->limits);
	take_mails(own, s);
	out->includes = own->includes;
	s->delimiters = str_c(top->delimiter);
	s->hostname = get_hostname(top->hostname, a);
	s->default_folder = str_c(own->default_folder);
	s->owner = str_c(own->owner);
	s->owner_aliases = take_list(
		a, &own->owner_aliases, &s->n_owner_aliases);
	s->postmaster = str_c(own->postmaster);
	s->domain = str_c(own->domain);
	take_field_rules(own, a, s);
	if (take_environment(own, a, s, err) < 0 ||
		sieve_settings_check(s, err) < 0)
		return blame(c, &config_sieve_schema, err);
	return 0;
}

static int fill_authentication(const struct conf *c, struct arena *a,
	struct config_rules *out, struct err *err)
{
	const struct config_authentication *own = conf_data(
		c, &config_authentication_schema);
	struct sieve_settings *s = &out->settings;

	s->auth_trusted = take_list(a, &own->trusted, &s->n_auth_trusted);
	s->auth_asks_nobody = !own->is_checking;
	if (sieve_settings_check(s, err) < 0)
		return blame(c, &config_authentication_schema, err);
	return 0;
}

static int fill_scans(
	const struct conf *c, struct config_rules *out, struct err *err)
{
	struct sieve_settings *s = &out->settings;

	if (take_scan(conf_data(c, &config_spamtest_schema), &s->spam, err) <
			0 ||
		sieve_scan_check(&s->spam, err) < 0)
		return blame(c, &config_spamtest_schema, err);
	if (take_scan(conf_data(c, &config_virustest_schema), &s->virus, err) <
			0 ||
		sieve_scan_check(&s->virus, err) < 0)
		return blame(c, &config_virustest_schema, err);
	return 0;
}

int config_rules(const struct conf *c, struct arena *a,
	struct config_rules *out, struct err *err)
{
	struct config_rules rules = { .settings = *sieve_settings_default() };

	if (!c)
		rules.settings.hostname = get_hostname(NULL, a);
	else if (fill(c, a, &rules, err) < 0 ||
		 fill_authentication(c, a, &rules, err) < 0 ||
		 fill_scans(c, &rules, err) < 0 ||
		 take_lists(c, a, &rules.settings, err) < 0)
		return -1;
	*out = rules;
	return 0;
}
