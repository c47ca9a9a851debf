/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ext_enotify.c - notify, valid_notify_method, notify_method_capability and
 * :encodeurl (RFC 5435), with mailto as the only method (RFC 5436).
 *
 * Nobody gets two notifications of one mail: an address that an earlier notify
 * has used is left out of a later one. A mail that a machine has made (Auto-
 * Submitted) is not told of, so that two sets of rules cannot talk to each
 * other without end; one from the null path is, with the null path.
 */
#include <mailmill/utf8.h>

#include "../mailto.h"
#include "../reply.h"

extern const struct sieve_ext sieve_ext_enotify;

#define SHOWN_MAX 100

/* Whom this evaluation has notified. */
struct told {
	const struct plan *plan; /* test files begin another in the middle */
	struct sieve_values addresses;
};

static bool is_told(const struct told *told, struct str address)
{
	for (size_t i = 0; i < told->addresses.n; i++)
		if (str_eq_case(told->addresses.items[i], address))
			return true;
	return false;
}

/* Leaves out whoever was told before; remembers the others. */
static void drop_told(struct sieve_run *r, struct mailto *m)
{
	struct told *told = sieve_run_state(
		r, &sieve_ext_enotify, sizeof(*told));
	size_t n = 0;

	if (told->plan != r->plan)
		*told = (struct told){ .plan = r->plan };
	for (size_t i = 0; i < m->n_rcpts; i++) {
		if (is_told(told, m->rcpts[i].address))
			continue;
		sieve_values_add(r, &told->addresses, m->rcpts[i].address);
		m->rcpts[n++] = m->rcpts[i];
	}
	m->n_rcpts = n;
}

/*
 * Importance
 */

static const struct importance {
	const char *given, *priority, *name;
} importances[] = {
	{ "1", "1 (Highest)", "high" },
	{ "2", "3 (Normal)", "normal" },
	{ "3", "5 (Lowest)", "low" },
};

static const struct importance *find_importance(struct str given)
{
	for (size_t i = 0; i < COUNT(importances); i++)
		if (str_eq(given, str_c(importances[i].given)))
			return &importances[i];
	return NULL;
}

/*
 * The mail
 */

/* What the arguments of one notify are, when it runs. */
struct notice {
	struct str method, message, from, sender; /* from: a field's value */
	const struct importance *importance;
	bool has_message;
	struct mailto mailto;
};

static void add_role(struct buf *out, struct str name, const struct mailto *m,
	enum mailto_role role)
{
	AUTO(buf) struct buf list = BUF_INIT(REPLY_MAX);

	for (size_t i = 0; i < m->n_rcpts; i++) {
		if (m->rcpts[i].role != role)
			continue;
		buf_c(&list, list.len ? ", " : "");
		buf_str(&list, m->rcpts[i].written);
	}
	if (list.len)
		compose_tokens(out, name, buf_view(&list));
}

/* Whose rule it is, so that he can be asked to stop it (RFC 5436 2.7.1). */
static void add_auto_submitted(struct sieve_run *r, struct buf *out)
{
	AUTO(buf) struct buf value = BUF_INIT(REPLY_MAX);
	struct str owner = sieve_owner(r);

	buf_c(&value, "auto-notified; owner-email=\"");
	for (size_t i = 0; i < owner.len; i++) {
		if (owner.p[i] == '"' || owner.p[i] == '\\')
			buf_byte(&value, '\\');
		buf_byte(&value, (unsigned char)owner.p[i]);
	}
	buf_c(&value, "\"");
	compose_tokens(out, STR("Auto-Submitted"), buf_view(&value));
}

static struct str field_or(
	struct sieve_run *r, struct str name, struct str otherwise)
{
	const struct mail_header *h = reply_field(r, name);

	return h && h->value.len ? h->value : otherwise;
}

static struct str get_subject(struct sieve_run *r, const struct notice *note)
{
	if (note->has_message)
		return note->message;
	if (note->mailto.subject.p)
		return note->mailto.subject;
	return field_or(r, STR("Subject"), STR("New mail"));
}

static struct str get_body(struct sieve_run *r, const struct notice *note)
{
	if (note->mailto.body.p)
		return note->mailto.body;
	if (note->has_message)
		return note->message;
	return str_c(arena_printf(r->arena,
		"There is a new mail.\r\n\r\nFrom: %.*s\r\nSubject: %.*s\r\n",
		STR_ARG(field_or(r, STR("From"), STR("-"))),
		STR_ARG(field_or(r, STR("Subject"), STR("-")))));
}

static void compose(
	struct sieve_run *r, const struct notice *note, struct buf *out)
{
	const struct mailto *m = &note->mailto;

	add_auto_submitted(r, out);
	compose_tokens(out, STR("X-Sieve"), STR("mailmill " MAILMILL_VERSION));
	compose_tokens(out, STR("From"), note->from);
	add_role(out, STR("To"), m, MAILTO_TO);
	add_role(out, STR("Cc"), m, MAILTO_CC);
	reply_subject(r, out, mail_decode(r->arena, get_subject(r, note)));
	compose_tokens(
		out, STR("X-Priority"), str_c(note->importance->priority));
	compose_tokens(out, STR("Importance"), str_c(note->importance->name));
	compose_tokens(out, STR("Precedence"), STR("bulk"));
	for (size_t i = 0; i < m->n_fields; i++)
		compose_field(out, m->fields[i].name, m->fields[i].value);
	compose_tokens(out, STR("MIME-Version"), STR("1.0"));
	compose_entity(out, STR("text/plain; charset=utf-8"),
		utf8_mend(r->arena, get_body(r, note)));
}

/*
 * notify
 */

static int get_text(struct sieve_run *r, const struct sieve_node *n,
	const char *tag, struct str *out)
{
	const struct sieve_arg *arg = sieve_node_param(n, tag);

	return arg ? sieve_arg_get(r, arg, out) : 0;
}

/* Who it is from. What is no address at run time is ignored. */
static int get_from(
	struct sieve_run *r, const struct sieve_node *n, struct notice *note)
{
	struct str rule = r->settings->notify_sender, given = STR_NULL;
	struct str first = STR_NULL;
	const char *why;
	int rc = get_text(r, n, "from", &given);

	if (rc < 0)
		return rc;
	if (!given.p || reply_mailboxes(r->arena, given, &note->from, &first,
				&why) < 0) {
		if (given.p)
			sieve_add_note(r,
				str_c(arena_printf(r->arena,
					"notify: :from \"%.*s\" is ignored: %s",
					STR_ARG(str_sub(given, 0, SHOWN_MAX)),
					why)));
		note->from = compose_address(r->arena, STR(""), sieve_owner(r));
	}
	if (!r->env->sender.len)
		note->sender = STR("");
	else if (rule.len)
		note->sender = sieve_out_sender(r, rule);
	else
		note->sender = first.len ? first : sieve_postmaster(r);
	return 0;
}

static bool is_option(struct str s)
{
	size_t n = 0;

	for (; n < s.len && s.p[n] != '='; n++) {
		char c = s.p[n];
		bool is_alnum = (c >= 'a' && c <= 'z') ||
				(c >= 'A' && c <= 'Z') ||
				(c >= '0' && c <= '9');

		if (!is_alnum && (n == 0 || !memchr(".-_", c, 3)))
			return false;
	}
	if (n == 0 || n == s.len)
		return false;
	for (size_t i = n; i < s.len; i++)
		if (!s.p[i] || s.p[i] == '\r' || s.p[i] == '\n')
			return false;
	return true;
}

/* mailto has no options; wrong ones are told all the same. */
static int check_run_options(struct sieve_run *r, const struct sieve_node *n)
{
	const struct sieve_arg *arg = sieve_node_param(n, "options");
	struct str *list;
	int rc = arg ? sieve_arg_list(r, arg, &list) : 0;

	for (size_t i = 0; rc == 0 && arg && i < arg->n; i++)
		if (!is_option(list[i]))
			return sieve_fail(r,
				"notify: invalid option \"%.*s\": it must be "
				"NAME=VALUE",
				STR_ARG(str_sub(list[i], 0, SHOWN_MAX)));
	return rc;
}

static int get_arguments(
	struct sieve_run *r, const struct sieve_node *n, struct notice *note)
{
	struct str importance = STR("2");
	const char *why;
	int rc = sieve_arg_get(r, n->positional[0], &note->method);

	if (rc == 0)
		rc = get_text(r, n, "message", &note->message);
	if (rc == 0)
		rc = get_text(r, n, "importance", &importance);
	if (rc == 0)
		rc = check_run_options(r, n);
	if (rc == 0)
		rc = get_from(r, n, note);
	if (rc < 0)
		return rc;
	note->has_message = sieve_node_tag(n, "message");
	note->importance = find_importance(importance);
	if (!note->importance)
		return sieve_fail(r,
			"notify: the importance must be 1, 2 or 3, not "
			"\"%.*s\"",
			STR_ARG(str_sub(importance, 0, SHOWN_MAX)));
	if (mailto_read(r->arena, note->method, &note->mailto, &why) < 0)
		return sieve_fail(r, "notify: invalid method \"%.*s\": %s",
			STR_ARG(str_sub(note->method, 0, SHOWN_MAX)), why);
	return 0;
}

static bool is_by_machine(struct sieve_run *r)
{
	struct str value = field_or(r, STR("Auto-Submitted"), STR("no"));
	struct str word;

	str_cut(&value, ';', &word);
	return !str_eq_case(str_trim(word), STR("no"));
}

static int add_action(
	struct sieve_run *r, const struct sieve_node *n, struct notice *note)
{
	AUTO(buf) struct buf mail = BUF_INIT(REPLY_MAX);
	struct plan_action a = {
		.kind = PLAN_NOTIFY,
		.value = utf8_mend(r->arena, note->method),
		.sender = note->sender,
		.n_rcpts = note->mailto.n_rcpts,
	};

	if (reply_fcc(r, n, &a) < 0)
		return SIEVE_FAILED;
	a.rcpts = arena_array(r->arena, a.n_rcpts, sizeof(*a.rcpts));
	for (size_t i = 0; i < a.n_rcpts; i++)
		a.rcpts[i] = note->mailto.rcpts[i].address;
	compose(r, note, &mail);
	return reply_add(r, n, &a, &mail);
}

static int exec_notify(struct sieve_run *r, const struct sieve_node *n)
{
	struct notice note = { 0 };
	int rc = get_arguments(r, n, &note);

	if (rc < 0)
		return rc;
	if (!r->limits->notifies)
		return sieve_fail(r, "local policy prohibits the use of a "
				     "notify action");
	if (is_by_machine(r)) {
		sieve_add_note(r, STR("notify: nobody is told of a mail that a "
				      "machine made (Auto-Submitted)"));
		return SIEVE_GO_ON;
	}
	drop_told(r, &note.mailto);
	if (!note.mailto.n_rcpts) {
		sieve_add_note(r, STR("notify: there is nobody left to tell"));
		return SIEVE_GO_ON;
	}
	return add_action(r, n, &note);
}

/*
 * Tests and the modifier
 */

static int test_valid(struct sieve_run *r, const struct sieve_node *n)
{
	struct str *list;
	int rc = sieve_arg_list(r, n->positional[0], &list);

	for (size_t i = 0; rc == 0 && i < n->positional[0]->n; i++) {
		struct mailto m;
		const char *why;

		if (mailto_read(r->arena, list[i], &m, &why) < 0)
			return 0;
	}
	return rc < 0 ? rc : 1;
}

/* Nobody can know whether an address is read now. */
static int test_capability(struct sieve_run *r, const struct sieve_node *n)
{
	struct str uri, capability, maybe = STR("maybe");
	struct mailto m;
	const char *why;
	int rc = sieve_arg_get(r, n->positional[0], &uri);

	if (rc == 0)
		rc = sieve_arg_get(r, n->positional[1], &capability);
	if (rc < 0)
		return rc;
	if (!str_eq_case(capability, STR("online")) ||
		mailto_read(r->arena, uri, &m, &why) < 0)
		return 0;
	return sieve_match_values(r, n, &maybe, 1);
}

static bool is_unreserved(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || (c && strchr("-._~", c));
}

/* What would be cut by the limit in the midst of a character is left out. */
static int apply_encodeurl(struct sieve_run *r, const struct sieve_node *n,
	const struct sieve_tagged *t, struct str *value)
{
	AUTO(buf) struct buf b = BUF_INIT(r->limits->value_len);

	(void)n;
	(void)t;
	for (struct str rest = *value; rest.len && !buf_is_over(&b);) {
		uint32_t code;
		size_t len = MAX(utf8_next(rest, &code), (size_t)1);
		char encoded[4 * 3 + 1];
		size_t used = 0;

		if (len == 1 && is_unreserved((unsigned char)rest.p[0]))
			encoded[used++] = rest.p[0];
		for (size_t i = 0; !used && i < len; i++)
			snprintf(&encoded[3 * i], 4, "%%%02X",
				(unsigned char)rest.p[i]);
		buf_add(&b, encoded, used ? used : 3 * len);
		rest = str_sub(rest, len, rest.len);
	}
	*value = arena_str(r->arena, buf_view(&b));
	return sieve_step(r, value->len / 64);
}

/*
 * Checking
 */

static int check_importance(struct sieve_check *c, struct sieve_node *n,
	const struct sieve_tagged *t)
{
	(void)n;
	if (!t->param->is_const || find_importance(sieve_arg_const(t->param)))
		return 0;
	sieve_error(c, t->param->pos, "unknown importance \"%.*s\"",
		STR_ARG(str_sub(sieve_arg_const(t->param), 0, SHOWN_MAX)));
	return sieve_hint(c, "\"1\" is high, \"2\" normal, \"3\" low");
}

static int check_options(struct sieve_check *c, struct sieve_node *n,
	const struct sieve_tagged *t)
{
	(void)n;
	for (size_t i = 0; i < t->param->n; i++) {
		const struct sieve_text *text = &t->param->texts[i];

		if (text->n_pieces || is_option(text->value))
			continue;
		sieve_error(c, text->pos, "invalid option \"%.*s\"",
			STR_ARG(str_sub(text->value, 0, SHOWN_MAX)));
		return sieve_hint(c, "an option is NAME=VALUE on one line");
	}
	return 0;
}

static void warn_method(struct sieve_check *c, const struct sieve_arg *arg)
{
	sieve_warn(
		c, arg->pos, "the method is not known before a mail is there");
	sieve_hint(c, "whoever writes the mail may choose who is told: fill "
		      "in only what went through set :encodeurl");
}

static int check_notify(struct sieve_check *c, struct sieve_node *n)
{
	const struct sieve_arg *arg = n->positional[0];
	struct mailto m;
	const char *why;

	if (!sieve_check_limits(c)->notifies)
		return sieve_error(c, n->pos,
			"local policy prohibits the use of a notify action");
	if (!arg->is_const) {
		warn_method(c, arg);
		return 0;
	}
	if (mailto_read(sieve_check_arena(c), sieve_arg_const(arg), &m, &why) <
		0)
		return sieve_error(c, arg->pos, "invalid method \"%.*s\": %s",
			STR_ARG(str_sub(sieve_arg_const(arg), 0, SHOWN_MAX)),
			why);
	if (!m.n_rcpts)
		sieve_warn(c, arg->pos, "the method names nobody to tell");
	return 0;
}

static const struct sieve_tag tags[] = {
	{ "from", SIEVE_STRING, "an address", 0, 0, reply_check_from },
	{ "importance", SIEVE_STRING, "\"1\", \"2\" or \"3\"", 0, 0,
		check_importance },
	{ "options", SIEVE_STRINGS, "options", 0, 0, check_options },
	{ "message", SIEVE_STRING, "a text", 0, 0, NULL },
	{ 0 },
};

static const struct sieve_word words[] = {
	{ .name = "notify",
		.flags = SIEVE_COMMAND,
		.params = { { SIEVE_STRING, "method", 0 } },
		.tags = tags,
		.check = check_notify,
		.exec = exec_notify },
	{ .name = "valid_notify_method",
		.flags = SIEVE_TEST,
		.params = { { SIEVE_STRINGS, "methods", 0 } },
		.test = test_valid },
	{ .name = "notify_method_capability",
		.flags = SIEVE_TEST | SIEVE_MATCHES,
		.params = { { SIEVE_STRING, "method", 0 },
			{ SIEVE_STRING, "capability", 0 },
			{ SIEVE_STRINGS, "key list", 0 } },
		.test = test_capability },
	{ 0 },
};

static const struct sieve_modifier modifiers[] = {
	{ .name = "encodeurl", .precedence = 15, .apply = apply_encodeurl },
	{ 0 },
};

const struct sieve_ext sieve_ext_enotify = {
	.capability = "enotify",
	.words = words,
	.modifiers = modifiers,
};
