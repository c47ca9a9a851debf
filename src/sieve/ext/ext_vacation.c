/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ext_vacation.c - vacation (RFC 5230) and vacation-seconds (RFC 6131).
 *
 * The answer is planned only when all conditions of RFC 5230 4.5 and 4.6 and of
 * RFC 3834 hold; a note in the journal tells which one did not. Whether the
 * sender had this answer before is asked as a mark; the mark is set by whoever
 * sends the answer, when it was really sent. A mark is made of the arguments as
 * they are written, so that ${1} in a subject does not make a new answer of
 * each mail, and of the own address, since several people may share a rule.
 */
#include <mailmill/utf8.h>

#include "../address.h"
#include "../reply.h"

#define DAY 86400

/* What is known when the command runs. */
struct answer {
	struct sieve_run *r;
	const struct sieve_node *n;
	struct str *own; /* addresses */
	size_t n_own;
	struct str
		from; /* own address that the mail was sent to, or the first */
};

/*
 * Own addresses
 */

static void add_own(struct answer *v, struct str address)
{
	if (address.len)
		v->own[v->n_own++] = address;
}

static int find_own(struct answer *v)
{
	const struct sieve_settings *s = v->r->settings;
	const struct sieve_arg *more = sieve_node_param(v->n, "addresses");
	const struct envelope *env = v->r->env;
	struct str *list = NULL;
	int rc = more ? sieve_arg_list(v->r, more, &list) : 0;

	if (rc < 0)
		return rc;
	v->own = arena_array(v->r->arena,
		3 + s->n_owner_aliases + (more ? more->n : 0), sizeof(*v->own));
	add_own(v, s->owner);
	add_own(v, env->n_rcpts ? env->rcpts[0].address : STR_NULL);
	if (s->vacation_uses_orig_rcpt)
		add_own(v, sieve_orig_rcpt(v->r));
	for (size_t i = 0; i < s->n_owner_aliases; i++)
		add_own(v, s->owner_aliases[i]);
	for (size_t i = 0; more && i < more->n; i++) {
		const char *why;
		struct str address;

		/* what is no address can be nobody's */
		if (sieve_address_read(v->r->arena, list[i], &address, &why) ==
			0)
			add_own(v, address);
	}
	v->from = v->n_own ? v->own[0] : STR_NULL;
	return 0;
}

static bool is_own(const struct answer *v, struct str address)
{
	for (size_t i = 0; i < v->n_own; i++)
		if (str_eq_case(v->own[i], address))
			return true;
	return false;
}

/* Finds an own address among the recipients: it will be From. */
static bool is_sent_to_me(struct answer *v)
{
	static const char *const names[] = { "To", "Cc", "Bcc", "Resent-To",
		"Resent-Cc", "Resent-Bcc" };
	size_t n;
	const struct mail_header *all = mail_fields(v->r->mail, &n);

	for (size_t k = 0; k < COUNT(names); k++) {
		for (size_t i = 0; i < n; i++) {
			const struct mail_address *list;
			size_t n_list;

			if (!str_eq_case(all[i].name, str_c(names[k])))
				continue;
			n_list = sieve_run_addresses(v->r, &all[i], &list);
			for (size_t a = 0; a < n_list; a++) {
				if (!is_own(v, list[a].address))
					continue;
				v->from = list[a].address;
				return true;
			}
		}
	}
	return false;
}

/*
 * The conditions: each returns why no answer may be sent, or NULL
 */

static const char *look_at_sender(struct answer *v)
{
	static const char *const system[] = { "mailer-daemon", "listserv",
		"majordomo" };
	struct str sender = v->r->env->sender;
	struct mail_address a = sieve_address_split(v->r->arena, sender);

	if (!sender.len)
		return "the mail came from the null reverse-path";
	if (!a.is_valid || !a.domain.len)
		return "the sender's address is none";
	if (is_own(v, sender))
		return "the mail is from an own address";
	for (size_t i = 0; i < COUNT(system); i++)
		if (str_eq_case(a.local, str_c(system[i])))
			return "the sender is a machine";
	if (str_starts_case(a.local, STR("owner-")) ||
		(a.local.len >= 8 &&
			str_eq_case(str_sub(a.local, a.local.len - 8, 8),
				STR("-request"))))
		return "the sender manages a list";
	return NULL;
}

static const char *look_at_list(struct answer *v)
{
	static const char *const names[] = { "List-Id", "List-Owner",
		"List-Subscribe", "List-Post", "List-Unsubscribe", "List-Help",
		"List-Archive" };

	for (size_t i = 0; i < COUNT(names); i++)
		if (reply_field(v->r, str_c(names[i])))
			return "the mail is from a list";
	return NULL;
}

#define GAPS " \t,;"

/* Cuts the next word off a list of such, "" when there is no more. */
static struct str cut_word(struct str *rest)
{
	size_t from = 0, to;
	struct str word;

	while (from < rest->len && strchr(GAPS, rest->p[from]))
		from++;
	for (to = from; to < rest->len && !strchr(GAPS "(", rest->p[to]); to++)
		;
	word = str_sub(*rest, from, to - from);
	*rest = str_sub(*rest, MAX(to, from + 1), rest->len);
	return word;
}

static const char *look_at_robots(struct answer *v)
{
	const struct mail_header *h = reply_field(v->r, STR("Auto-Submitted"));
	struct str rest = h ? h->value : STR_NULL, word;

	if (rest.len && !str_eq_case(cut_word(&rest), STR("no")))
		return "the mail was made by a machine (Auto-Submitted)";
	h = reply_field(v->r, STR("Precedence"));
	word = h ? str_trim(h->value) : STR("");
	if (str_eq_case(word, STR("bulk")) || str_eq_case(word, STR("junk")) ||
		str_eq_case(word, STR("list")))
		return "the mail was sent to many (Precedence)";
	h = reply_field(v->r, STR("X-Auto-Response-Suppress"));
	for (rest = h ? h->value : STR_NULL; rest.len;) {
		word = cut_word(&rest);
		if (str_eq_case(word, STR("all")) ||
			str_eq_case(word, STR("oof")))
			return "its sender wants no answer "
			       "(X-Auto-Response-Suppress)";
	}
	return NULL;
}

static const char *look_at_recipients(struct answer *v)
{
	if (is_sent_to_me(v) || v->r->settings->vacation_skips_rcpt_check)
		return NULL;
	return "no own address is among its recipients";
}

/* Tells why no answer may be sent, or NULL. */
static const char *find_silence(struct answer *v)
{
	static const char *(*const looks[])(struct answer * v) = {
		look_at_sender,
		look_at_list,
		look_at_robots,
		look_at_recipients,
	};
	const char *why = NULL;

	for (size_t i = 0; !why && i < COUNT(looks); i++)
		why = looks[i](v);
	return why;
}

/*
 * The mark
 */

static uint64_t get_period(const struct answer *v)
{
	const struct sieve_settings *s = v->r->settings;
	const struct sieve_arg *days = sieve_node_param(v->n, "days");
	const struct sieve_arg *seconds = sieve_node_param(v->n, "seconds");
	uint64_t max = s->vacation_max_s ? s->vacation_max_s : UINT64_MAX;
	uint64_t period = s->vacation_s;

	if (days)
		period = MIN(days->number, UINT64_MAX / DAY) * DAY;
	if (seconds)
		period = seconds->number;
	return MIN(MAX(period, s->vacation_min_s), max);
}

/* Lends an argument as it is written, "" when it is not there. */
static struct str as_written(const struct sieve_arg *arg)
{
	return arg ? arg->texts[0].value : STR("");
}

static int get_mark(const struct answer *v, struct str *key)
{
	const struct sieve_arg *handle = sieve_node_param(v->n, "handle");
	struct str fields[] = { STR("vacation"), sieve_owner(v->r),
		v->r->env->sender, STR("handle"), STR(""), STR(""), STR(""),
		STR("") };
	int rc = handle ? sieve_arg_get(v->r, handle, &fields[4]) : 0;

	if (rc < 0)
		return rc;
	fields[1] = arena_lower(v->r->arena, fields[1]);
	fields[2] = arena_lower(v->r->arena, fields[2]);
	if (!handle) {
		fields[3] = STR("arguments");
		fields[4] = as_written(sieve_node_param(v->n, "subject"));
		fields[5] = as_written(sieve_node_param(v->n, "from"));
		fields[6] = sieve_node_tag(v->n, "mime") ? STR("mime")
							 : STR("");
		fields[7] = as_written(v->n->positional[0]);
	}
	*key = reply_key(v->r, fields, COUNT(fields));
	return 0;
}

/*
 * The answer
 */

/* Fills the subject into "Auto: %$". */
static struct str fill_prefix(struct sieve_run *r, struct str subject)
{
	struct str prefix = r->settings->vacation_prefix;
	ssize_t at;

	if (!prefix.len)
		prefix = sieve_settings_default()->vacation_prefix;
	at = str_find(prefix, STR("%$"));
	if (at < 0)
		return prefix;
	return str_c(arena_printf(r->arena, "%.*s%.*s%.*s", (int)at, prefix.p,
		STR_ARG(subject),
		STR_ARG(str_sub(prefix, (size_t)at + 2, prefix.len))));
}

static int get_subject(const struct answer *v, struct str *out)
{
	const struct sieve_arg *given = sieve_node_param(v->n, "subject");
	const struct mail_header *h = reply_field(v->r, STR("Subject"));
	const struct sieve_settings *s = v->r->settings;
	int rc = given ? sieve_arg_get(v->r, given, out) : 0;

	if (rc < 0)
		return rc;
	if (given)
		*out = mail_decode(v->r->arena, *out);
	else if (h && h->value.len)
		*out = fill_prefix(v->r, h->value);
	else
		*out = s->vacation_subject.len
			       ? s->vacation_subject
			       : sieve_settings_default()->vacation_subject;
	return 0;
}

/* What is no address at run time is ignored (RFC 5230 4.3). */
static int add_from(const struct answer *v, struct buf *out)
{
	const struct sieve_arg *given = sieve_node_param(v->n, "from");
	struct str list = STR_NULL, value;
	const char *why;
	int rc = given ? sieve_arg_get(v->r, given, &list) : 0;

	if (rc < 0)
		return rc;
	if (given &&
		reply_mailboxes(v->r->arena, list, &value, NULL, &why) == 0) {
		compose_tokens(out, STR("From"), value);
		return 0;
	}
	if (given)
		sieve_add_note(
			v->r, str_c(arena_printf(v->r->arena,
				      "vacation: :from \"%.*s\" is ignored: %s",
				      STR_ARG(str_sub(list, 0, 100)), why)));
	reply_address(v->r, out, STR("From"), STR(""), v->from);
	return 0;
}

/* To is the reverse-path, with the name that the mail has for it. */
static void add_to(const struct answer *v, struct buf *out)
{
	static const char *const names[] = { "Sender", "Resent-From", "From" };
	struct str sender = v->r->env->sender;

	for (size_t i = 0; i < COUNT(names); i++) {
		const struct mail_header *h = reply_field(
			v->r, str_c(names[i]));
		const struct mail_address *list;
		size_t n = h ? sieve_run_addresses(v->r, h, &list) : 0;

		for (size_t k = 0; k < n; k++) {
			if (!list[k].is_valid ||
				(!v->r->settings->vacation_ignores_envelope &&
					!str_eq_case(list[k].address, sender)))
				continue;
			reply_address(v->r, out, STR("To"), list[k].name,
				list[k].address);
			return;
		}
	}
	reply_address(v->r, out, STR("To"), STR(""), sender);
}

static bool is_mime_field(struct str line)
{
	return str_starts_case(line, STR("content-"));
}

static bool is_8bit(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if ((unsigned char)s.p[i] >= 0x80)
			return true;
	return false;
}

/*
 * Adds a MIME entity: its fields that speak of content, and its body. No other
 * field gets through, so that a value in it cannot add a recipient.
 */
static void add_entity(struct buf *out, struct str entity)
{
	bool is_taken = false;
	struct str line;

	while (str_cut_line(&entity, &line) && line.len) {
		bool is_fold = line.p[0] == ' ' || line.p[0] == '\t';

		is_taken = is_fold ? is_taken : is_mime_field(line);
		if (!is_taken || is_8bit(line))
			continue;
		buf_str(out, line);
		buf_c(out, "\r\n");
	}
	buf_c(out, "\r\n");
	while (str_cut_line(&entity, &line)) {
		buf_str(out, line);
		buf_c(out, "\r\n");
	}
}

static int add_body(const struct answer *v, struct buf *out)
{
	struct str reason;
	int rc = sieve_arg_get(v->r, v->n->positional[0], &reason);

	if (rc < 0)
		return rc;
	compose_tokens(out, STR("MIME-Version"), STR("1.0"));
	if (sieve_node_tag(v->n, "mime"))
		add_entity(out, reason);
	else
		compose_entity(out, STR("text/plain; charset=utf-8"),
			utf8_mend(v->r->arena, reason));
	return 0;
}

static int send(const struct answer *v, struct plan_action *a)
{
	AUTO(buf) struct buf out = BUF_INIT(REPLY_MAX);
	struct str subject;
	int rc = add_from(v, &out);

	if (rc == 0)
		rc = get_subject(v, &subject);
	if (rc < 0)
		return rc;
	add_to(v, &out);
	reply_subject(v->r, &out, subject);
	reply_threads(v->r, &out);
	compose_tokens(
		&out, STR("Auto-Submitted"), STR("auto-replied (vacation)"));
	compose_tokens(&out, STR("Precedence"), STR("bulk"));
	compose_tokens(&out, STR("X-Auto-Response-Suppress"), STR("All"));
	rc = add_body(v, &out);
	if (rc < 0)
		return rc;
	a->value = v->r->env->sender;
	a->rcpts = ARENA_NEW(v->r->arena, struct str);
	a->rcpts[0] = a->value;
	a->n_rcpts = 1;
	if (v->r->settings->vacation_sends_from_rcpt && v->r->env->n_rcpts)
		a->sender = v->r->env->rcpts[0].address;
	return reply_add(v->r, v->n, a, &out);
}

static void note(struct sieve_run *r, const char *why)
{
	sieve_add_note(r, str_c(arena_printf(r->arena,
				  "vacation: no answer, since %s", why)));
}

static int exec_vacation(struct sieve_run *r, const struct sieve_node *n)
{
	struct plan_action a = { .kind = PLAN_VACATION };
	struct answer v = { .r = r, .n = n };
	const char *why;
	int rc;

	if (reply_claim(r, PLAN_VACATION) < 0)
		return SIEVE_FAILED;
	rc = find_own(&v);
	if (rc < 0)
		return rc;
	rc = reply_fcc(r, n, &a);
	if (rc < 0)
		return rc;
	why = find_silence(&v);
	if (!why && reply_is_planned(r, PLAN_VACATION))
		why = "an earlier script answers it";
	if (why) {
		note(r, why);
		return SIEVE_GO_ON;
	}
	a.mark_seconds = get_period(&v);
	if (a.mark_seconds) {
		rc = get_mark(&v, &a.mark);
		if (rc == 0)
			rc = reply_seen(r, a.mark);
		if (rc == SIEVE_WAIT)
			return SIEVE_GO_ON; /* others may have questions, too */
		if (rc > 0)
			note(r, "its sender had this answer before");
		if (rc)
			return rc < 0 ? rc : SIEVE_GO_ON;
	}
	return send(&v, &a);
}

/*
 * Checking
 */

static int check_addresses(struct sieve_check *c, struct sieve_node *n,
	const struct sieve_tagged *t)
{
	(void)n;
	for (size_t i = 0; i < t->param->n; i++) {
		const struct sieve_text *text = &t->param->texts[i];
		struct str address;
		const char *why;

		if (!text->n_pieces && sieve_address_read(sieve_check_arena(c),
					       text->value, &address, &why) < 0)
			sieve_warn(c, text->pos, "\"%.*s\" is no address: %s",
				STR_ARG(str_sub(text->value, 0, 100)), why);
	}
	return 0;
}

/* Tells what cannot be right in a :mime reason (RFC 5230 4.4 and 5). */
static int check_mime(struct sieve_check *c, struct sieve_node *n)
{
	const struct sieve_arg *reason = n->positional[0];
	struct str rest = reason->texts[0].value, line;

	if (!reason->is_const)
		return 0;
	while (str_cut_line(&rest, &line) && line.len) {
		bool is_fold = line.p[0] == ' ' || line.p[0] == '\t';

		if (is_8bit(line))
			return sieve_error(c, reason->pos,
				"the header of a :mime reason may be ASCII "
				"only");
		if (is_fold || is_mime_field(line) ||
			str_starts_case(line, STR("mime-version:")))
			continue;
		sieve_warn(c, reason->pos,
			"a :mime reason begins with its MIME header and an "
			"empty line: \"%.*s\" is left out",
			STR_ARG(str_sub(line, 0, 60)));
		sieve_hint(c, "without :mime, the reason is plain text");
		return 0;
	}
	return 0;
}

static const struct sieve_tag tags[] = {
	{ "days", SIEVE_NUMBER, "days", 0, 1, NULL },
	{ "subject", SIEVE_STRING, "a subject", 0, 0, NULL },
	{ "from", SIEVE_STRING, "an address", 0, 0, reply_check_from },
	{ "addresses", SIEVE_STRINGS, "own addresses", 0, 0, check_addresses },
	{ "mime", SIEVE_NOTHING, NULL, 0, 0, NULL },
	{ "handle", SIEVE_STRING, "a handle", 0, 0, NULL },
	{ 0 },
};

static int check_vacation(struct sieve_check *c, struct sieve_node *n)
{
	return sieve_node_tag(n, "mime") ? check_mime(c, n) : 0;
}

static const struct sieve_word words[] = {
	{ .name = "vacation",
		.flags = SIEVE_COMMAND,
		.params = { { SIEVE_STRING, "reason", 0 } },
		.tags = tags,
		.check = check_vacation,
		.exec = exec_vacation },
	{ 0 },
};

const struct sieve_ext sieve_ext_vacation = {
	.capability = "vacation",
	.words = words,
};

static const struct sieve_added_tag seconds_tags[] = {
	{ .word = "vacation",
		.tag = { "seconds", SIEVE_NUMBER, "seconds", 0, 1, NULL } },
	{ 0 },
};

static const char *const seconds_implies[] = { "vacation", NULL };

const struct sieve_ext sieve_ext_vacation_seconds = {
	.capability = "vacation-seconds",
	.implies = seconds_implies,
	.added_tags = seconds_tags,
};
