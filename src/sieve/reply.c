/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * reply.c - what reject, vacation and notify have in common: new mail.
 *
 * Which actions go together is a matter of one script (RFC 5429 2.4): what it
 * did is kept in its run, not looked up in the plan, where scripts before it
 * may have left theirs. An answer that is not sent counts as well, so that a
 * script does not fail for one sender only.
 */
#include <mailmill/hash.h>
#include <mailmill/utf8.h>

#include "address.h"
#include "folder.h"
#include "reply.h"

#define REFERENCES_MAX 40
#define ID_MAX COMPOSE_WORD_MAX
#define PIECE_MAX ((size_t)256 << 10)
#define MAILBOXES_MAX 20
#define SHOWN_MAX 100

/*
 * Conflicts
 */

extern const struct sieve_ext sieve_ext_reject;

static bool is_reject(enum plan_action_kind kind)
{
	return kind == PLAN_REJECT || kind == PLAN_EREJECT;
}

static bool is_delivery(enum plan_action_kind kind)
{
	return kind == PLAN_KEEP || kind == PLAN_FILEINTO ||
	       kind == PLAN_REDIRECT;
}

/* What the script did, as bits by kind of action. */
struct done {
	const struct plan *plan; /* test files begin another in the middle */
	unsigned kinds;
};

static bool conflicts(enum plan_action_kind a, enum plan_action_kind b)
{
	if (is_reject(a))
		return is_reject(b) || is_delivery(b) || b == PLAN_VACATION;
	return a == PLAN_VACATION && b == PLAN_VACATION;
}

int reply_claim(struct sieve_run *r, enum plan_action_kind kind)
{
	struct done *done = sieve_run_state(
		r, &sieve_ext_reject, sizeof(*done));

	if (done->plan != r->plan)
		*done = (struct done){ .plan = r->plan };
	for (unsigned k = 0; k <= PLAN_NOTIFY; k++) {
		enum plan_action_kind other = (enum plan_action_kind)k;

		if (!(done->kinds >> k & 1) ||
			(!conflicts(kind, other) && !conflicts(other, kind)))
			continue;
		if (kind == other)
			return sieve_fail(r,
				"a script can do %s only once for a mail",
				plan_action_name(kind));
		return sieve_fail(r, "%s cannot go together with %s",
			plan_action_name(kind), plan_action_name(other));
	}
	done->kinds |= 1U << kind;
	return 0;
}

bool reply_is_planned(const struct sieve_run *r, enum plan_action_kind kind)
{
	for (size_t i = 0; i < r->plan->n_actions; i++)
		if (r->plan->actions[i].kind == kind)
			return true;
	return false;
}

/*
 * The mail that is answered
 */

const struct mail_header *reply_field(struct sieve_run *r, struct str name)
{
	size_t n;
	const struct mail_header *all = mail_fields(r->mail, &n);

	for (size_t i = 0; i < n; i++) {
		if (all[i].name.len != name.len ||
			!str_eq_case(all[i].name, name))
			continue;
		(void)mail_field_value(r->mail, i);
		return &all[i];
	}
	return NULL;
}

static bool is_id(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.p[i] <= ' ' || s.p[i] >= 0x7f)
			return false;
	return s.len > 2 && s.len <= ID_MAX;
}

/* Adds the <ids> of a field. Returns: the count. */
static size_t list_ids(
	struct sieve_run *r, struct str name, struct sieve_values *out)
{
	const struct mail_header *h = reply_field(r, name);
	struct str rest = h ? h->raw : STR_NULL;
	size_t n = 0;

	while (rest.len) {
		ssize_t begin = str_chr(rest, '<');
		ssize_t len;

		if (begin < 0)
			break;
		rest = str_sub(rest, (size_t)begin, rest.len);
		len = str_chr(rest, '>');
		if (len < 0)
			break;
		if (is_id(str_sub(rest, 0, (size_t)len + 1))) {
			sieve_values_add(
				r, out, str_sub(rest, 0, (size_t)len + 1));
			n++;
		}
		rest = str_sub(rest, (size_t)len + 1, rest.len);
	}
	return n;
}

struct str reply_message_id(struct sieve_run *r)
{
	struct sieve_values ids = { 0 };

	return list_ids(r, STR("Message-ID"), &ids) ? ids.items[0] : STR_NULL;
}

/* Long threads keep the first, which begins them, and the last ones. */
static void add_references(struct buf *out, const struct sieve_values *ids)
{
	AUTO(buf) struct buf list = BUF_INIT(REPLY_MAX);
	size_t skipped = ids->n > REFERENCES_MAX ? ids->n - REFERENCES_MAX : 0;

	for (size_t i = 0; i < ids->n; i++) {
		if (i > 0 && i <= skipped)
			continue;
		buf_c(&list, i ? " " : "");
		buf_str(&list, ids->items[i]);
	}
	compose_tokens(out, STR("References"), buf_view(&list));
}

void reply_threads(struct sieve_run *r, struct buf *out)
{
	struct str id = reply_message_id(r);
	struct sieve_values ids = { 0 }, parents = { 0 };

	if (!id.len)
		return;
	compose_tokens(out, STR("In-Reply-To"), id);
	if (!list_ids(r, STR("References"), &ids) &&
		list_ids(r, STR("In-Reply-To"), &parents) == 1)
		ids = parents;
	sieve_values_add(r, &ids, id);
	add_references(out, &ids);
}

/*
 * The answer
 */

void reply_subject(struct sieve_run *r, struct buf *out, struct str subject)
{
	struct str rest = utf8_mend(r->arena, str_trim(subject));
	size_t n = 0;

	subject = rest;
	for (uint32_t code; rest.len && n < REPLY_SUBJECT_MAX; n++)
		rest = str_sub(rest, utf8_next(rest, &code), rest.len);
	if (rest.len) {
		/* the last character makes room for the ellipsis */
		subject.len -= rest.len;
		while (((unsigned char)subject.p[--subject.len] & 0xc0) == 0x80)
			;
		subject = str_c(arena_printf(
			r->arena, "%.*s\xe2\x80\xa6", STR_ARG(subject)));
	}
	compose_decoded(out, STR("Subject"), subject);
}

void reply_address(struct sieve_run *r, struct buf *out, struct str name,
	struct str phrase, struct str address)
{
	compose_tokens(out, name, compose_address(r->arena, phrase, address));
}

int reply_fcc(
	struct sieve_run *r, const struct sieve_node *n, struct plan_action *a)
{
	const struct sieve_arg *given = sieve_node_param(n, "fcc");
	int rc = given ? sieve_arg_get(r, given, &a->fcc) : 0;

	if (rc < 0 || !given)
		return rc;
	if (!sieve_folder_is_valid(a->fcc))
		return sieve_fail(r, "%s: invalid folder name \"%.*s\"",
			plan_action_name(a->kind),
			STR_ARG(utf8_mend(
				r->arena, str_sub(a->fcc, 0, SHOWN_MAX))));
	a->fcc = arena_str(r->arena, a->fcc);
	a->is_create = sieve_node_tag(n, "create");
	return 0;
}

int reply_add(struct sieve_run *r, const struct sieve_node *n,
	struct plan_action *a, const struct buf *mail)
{
	struct str whole = buf_view(mail);

	if (buf_is_over(mail))
		return sieve_fail(r,
			"%s: the mail would be larger than %zu "
			"MiB",
			plan_action_name(a->kind), REPLY_MAX >> 20);
	whole = arena_str(r->arena, whole);
	a->n_pieces = (whole.len + PIECE_MAX - 1) / PIECE_MAX;
	a->pieces = arena_array(r->arena, a->n_pieces, sizeof(*a->pieces));
	for (size_t i = 0; i < a->n_pieces; i++)
		a->pieces[i].literal = str_sub(whole, i * PIECE_MAX, PIECE_MAX);
	if (sieve_step(r, whole.len / 64) < 0)
		return SIEVE_FAILED;
	return sieve_add(r, n, a);
}

/*
 * Lists of mailboxes
 */

bool reply_cut_mailbox(struct str *rest, struct str *out)
{
	unsigned depth = 0;
	bool is_quoted = false;
	size_t i = 0;

	if (!rest->p)
		return false;
	for (; i < rest->len; i++) {
		char c = rest->p[i];

		if (c == '\\')
			i++;
		else if (c == '"' && !depth)
			is_quoted = !is_quoted;
		else if (is_quoted)
			continue;
		else if (c == '(')
			depth++;
		else if (c == ')' && depth)
			depth--;
		else if (c == ',' && !depth)
			break;
	}
	*out = str_sub(*rest, 0, i);
	*rest = i < rest->len ? str_sub(*rest, i + 1, rest->len) : STR_NULL;
	return true;
}

int reply_mailboxes(struct arena *a, struct str list, struct str *out,
	struct str *first, const char **why)
{
	AUTO(buf) struct buf b = BUF_INIT(REPLY_MAX);
	struct str item, rest = list.p ? list : STR("");
	unsigned n = 0;

	for (; reply_cut_mailbox(&rest, &item); n++) {
		struct mail_address *named;
		struct str address;

		*why = "there are too many";
		if (n == MAILBOXES_MAX ||
			sieve_address_read(a, item, &address, why) < 0)
			return -1;
		if (mail_addresses(a, item, &named) == 0)
			named = &(struct mail_address){ 0 };
		buf_c(&b, n ? ", " : "");
		buf_str(&b, named->name.len
				    ? compose_address(a, named->name, address)
				    : address);
		if (n == 0 && first)
			*first = address;
	}
	*out = arena_str(a, buf_view(&b));
	return 0;
}

/*
 * Marks
 */

struct str reply_key(struct sieve_run *r, const struct str *fields, size_t n)
{
	struct hash *h = hash_begin();
	unsigned char digest[HASH_LEN];
	char hex[HASH_HEX_LEN + 1];

	for (size_t i = 0; i < n; i++)
		hash_field(h, fields[i]);
	hash_end(h, digest);
	hash_hex(digest, hex);
	return arena_str(r->arena, str_n(hex, HASH_HEX_LEN));
}

int reply_seen(struct sieve_run *r, struct str key)
{
	struct plan_question q = { .kind = PLAN_SEEN, .object = key };
	const struct facts_answer *answer;

	if (sieve_ask(r, &q, &answer) < 0)
		return SIEVE_FAILED;
	if (!answer)
		return SIEVE_WAIT;
	return answer->n_rows > 0;
}

int reply_check_from(struct sieve_check *c, struct sieve_node *n,
	const struct sieve_tagged *t)
{
	struct str value;
	const char *why;

	(void)n;
	if (!t->param->is_const ||
		reply_mailboxes(sieve_check_arena(c), sieve_arg_const(t->param),
			&value, NULL, &why) == 0)
		return 0;
	return sieve_error(c, t->param->pos,
		"invalid address \"%.*s\" for :from: %s",
		STR_ARG(str_sub(sieve_arg_const(t->param), 0, 100)), why);
}
