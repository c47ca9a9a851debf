/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * trust.c - which Authentication-Results are believed, and what they say.
 *
 * Fields stand in the order in which hosts added them, the last on top. What
 * our own hosts added is a block at the top; below it begins what the stranger
 * sent, and there he may write anything, our authserv-id included. The border
 * cannot be seen in the mail; so
 *   - the topmost field with a trusted id is believed, and those that follow
 *     with the same id up to the next Received field, since milters write one
 *     each; of a method only what was said first, for all that is said of it
 *     below may be the stranger's;
 *   - none is believed below a Received field of a host that is not ours:
 *     nobody of us writes there. Ours is a host whose name is a trusted id,
 *     lies below or above one, or shares its organizational domain; and one
 *     without a name (an address, "localhost").
 * What is left is a mail to which our hosts added no result and in which a
 * stranger wrote one: only they can prevent that, by removing fields with
 * their id from what comes in (RFC 8601 section 5).
 */
#include <mailmill/buf.h>

#include "results.h"

/*
 * Whose Received
 */

static bool is_below(struct str name, struct str domain)
{
	return name.len > domain.len && str_ends(name, domain) &&
	       name.p[name.len - domain.len - 1] == '.';
}

/* Finds the host behind "by" in a Received field, in lower case. */
static struct str find_by(struct arena *a, struct str raw)
{
	bool is_next = false;
	unsigned depth = 0;
	size_t at = 0;

	raw = str_sub(raw, 0, RESULTS_LEN_MAX);
	while (at < raw.len) {
		size_t begin = at;
		struct str word;

		while (at < raw.len && !strchr(" \t\r\n();", raw.p[at]))
			at++;
		word = str_sub(raw, begin, at - begin);
		if (!depth && word.len) {
			if (is_next)
				return arena_lower(a, word);
			is_next = str_eq_case(word, STR("by"));
		}
		if (at == raw.len)
			break;
		depth += raw.p[at] == '(';
		depth -= raw.p[at] == ')' && depth;
		at++;
	}
	return STR("");
}

static bool has_name(struct str host)
{
	static const char *const local[] = { "localhost", "localdomain",
		"local", "internal", "lan" };
	ssize_t dot = str_rchr(host, '.');
	struct str last = str_sub(host, (size_t)(dot + 1), host.len);

	if (dot < 0 || str_chr(host, ':') >= 0 || str_starts(host, STR("[")))
		return false;
	for (size_t i = 0; i < COUNT(local); i++)
		if (str_eq(last, str_c(local[i])))
			return false;
	return last.len && !(last.p[0] >= '0' && last.p[0] <= '9');
}

static bool is_ours(
	struct arena *a, struct str raw, const struct auth_settings *s)
{
	struct str host = find_by(a, raw);

	if (!has_name(host))
		return true;
	for (size_t i = 0; i < s->n_trusted; i++) {
		struct str id = arena_lower(a, s->trusted[i]);
		if (str_eq(host, id) || is_below(host, id) ||
			is_below(id, host) ||
			str_eq(auth_organization(a, host),
				auth_organization(a, id)))
			return true;
	}
	return false;
}

static bool is_trusted(struct str id, const struct auth_settings *s)
{
	for (size_t i = 0; i < s->n_trusted; i++)
		if (str_eq_case(id, s->trusted[i]))
			return true;
	return false;
}

/*
 * What they say
 */

struct taking {
	struct arena *arena;
	struct auth_result *out;
	struct str from; /* domain of the From field, lower case, or empty */
	bool has_spf, has_dmarc, has_arc, has_dkim;
};

static enum auth_verdict read_verdict(struct str s)
{
	enum auth_verdict v;

	if (str_eq_case(s, STR("hardfail"))) /* RFC 5451 */
		return AUTH_FAIL;
	if (auth_verdict_read(s, &v) < 0 || v == AUTH_UNKNOWN)
		return AUTH_PERMERROR;
	return v;
}

static struct str domain_of(struct arena *a, struct str address)
{
	ssize_t at = str_rchr(address, '@');

	address = str_trim(address);
	if (str_starts(address, STR("<")))
		address = str_sub(address, 1, address.len);
	if (str_ends(address, STR(">")))
		address.len--;
	at = str_rchr(address, '@');
	return arena_lower(a, str_sub(address, (size_t)(at + 1), address.len));
}

/* Why it is no pass, in the server's words. */
static struct str problem_of(
	const struct results_item *item, enum auth_verdict v)
{
	if (v == AUTH_PASS || v == AUTH_NONE)
		return STR("");
	return item->reason.len ? item->reason : item->comment;
}

static void take_spf(struct taking *t, const struct results_item *item)
{
	static const char *const names[] = { "mailfrom", "mail", "from",
		"helo" };
	struct spf_result *spf = &t->out->spf;

	if (t->has_spf)
		return;
	t->has_spf = true;
	spf->verdict = read_verdict(item->result);
	spf->problem = problem_of(item, spf->verdict);
	for (size_t i = 0; i < COUNT(names) && !spf->domain.len; i++)
		spf->domain = domain_of(
			t->arena, results_get(item, "smtp", names[i]));
}

static void take_dkim(struct taking *t, const struct results_item *item)
{
	struct dkim_signature *sig;

	if (str_eq_case(item->result, STR("none")))
		return;
	if (t->out->n_dkim == AUTH_SIGNATURES_MAX)
		return;
	if (!t->out->dkim)
		t->out->dkim = arena_array(
			t->arena, AUTH_SIGNATURES_MAX, sizeof(*sig));
	sig = &t->out->dkim[t->out->n_dkim++];
	sig->verdict = read_verdict(item->result);
	sig->problem = problem_of(item, sig->verdict);
	sig->domain = arena_lower(t->arena, results_get(item, "header", "d"));
	sig->identity = results_get(item, "header", "i");
	if (!sig->domain.len)
		sig->domain = domain_of(t->arena, sig->identity);
	sig->selector = results_get(item, "header", "s");
	sig->algorithm = arena_lower(
		t->arena, results_get(item, "header", "a"));
}

static bool is_policy(struct str s)
{
	return str_eq(s, STR("none")) || str_eq(s, STR("quarantine")) ||
	       str_eq(s, STR("reject"));
}

static bool cut_word(struct str *rest, struct str *word)
{
	size_t len = 0;

	while (rest->len && strchr(" ,;\t\r\n", rest->p[0]))
		*rest = str_sub(*rest, 1, rest->len);
	while (len < rest->len && !strchr(" ,;\t\r\n", rest->p[len]))
		len++;
	*word = str_sub(*rest, 0, len);
	*rest = str_sub(*rest, len, rest->len);
	return len > 0;
}

/* "(p=REJECT sp=NONE dis=NONE)", "(policy=reject)", "policy.dmarc=reject" */
static struct str find_policy(struct arena *a, const struct results_item *item)
{
	static const char *const props[] = { "dmarc",
		"published-domain-policy" };
	struct str rest = item->comment, word;

	for (size_t i = 0; i < COUNT(props); i++) {
		struct str s = arena_lower(
			a, results_get(item, "policy", props[i]));
		if (is_policy(s))
			return s;
	}
	while (cut_word(&rest, &word)) {
		struct str name, value = arena_lower(a, word);
		if (str_cut(&value, '=', &name) && is_policy(value) &&
			(str_eq(name, STR("p")) || str_eq(name, STR("policy"))))
			return value;
	}
	return STR("");
}

static void take_dmarc(struct taking *t, const struct results_item *item)
{
	struct dmarc_result *d = &t->out->dmarc;
	struct str from = domain_of(
		t->arena, results_get(item, "header", "from"));

	if (t->has_dmarc)
		return;
	t->has_dmarc = true;
	d->verdict = read_verdict(item->result);
	d->problem = problem_of(item, d->verdict);
	d->domain = from.len ? from : t->from;
	d->policy = find_policy(t->arena, item);
	if (d->verdict == AUTH_PASS && from.len && !str_eq(from, t->from) &&
		!is_below(t->from, from)) {
		d->verdict = AUTH_PERMERROR;
		d->problem = STR("it is of another From than the mail's");
	}
}

static void take_arc(struct taking *t, const struct results_item *item)
{
	if (t->has_arc)
		return;
	t->has_arc = true;
	t->out->arc.verdict = read_verdict(item->result);
	t->out->arc.problem = problem_of(item, t->out->arc.verdict);
	t->out->arc.oldest_pass = results_get(item, "header", "oldest-pass");
}

/* Returns: whether the field speaks of anything that we know. */
static bool take_field(struct taking *t, const struct results_field *f)
{
	bool had_dkim = t->has_dkim, has_any = false;

	for (size_t i = 0; i < f->n_items; i++) {
		const struct results_item *item = &f->items[i];
		bool is_dkim = str_eq_case(item->method, STR("dkim"));

		if (is_dkim && !had_dkim) {
			t->has_dkim = true;
			take_dkim(t, item);
		} else if (str_eq_case(item->method, STR("spf"))) {
			take_spf(t, item);
		} else if (str_eq_case(item->method, STR("dmarc"))) {
			take_dmarc(t, item);
		} else if (str_eq_case(item->method, STR("arc"))) {
			take_arc(t, item);
		} else if (!is_dkim) {
			continue;
		}
		has_any = true;
	}
	return has_any;
}

bool results_take(struct arena *a, struct mail *m, struct str from,
	const struct auth_settings *s, struct auth_result *out)
{
	size_t n, n_seen = 0;
	const struct mail_header *h = mail_fields(m, &n);
	struct taking t = {
		.arena = a, .out = out, .from = arena_lower(a, from)
	};
	struct str id = STR_NULL;
	bool has_spoken = false;

	for (size_t i = 0; i < n && n_seen < RESULTS_FIELDS_MAX; i++) {
		struct results_field f;

		if (str_eq_case(h[i].name, STR("received"))) {
			if (id.p || !is_ours(a, h[i].raw, s))
				break;
			continue;
		}
		if (!str_eq_case(h[i].name, STR("authentication-results")))
			continue;
		n_seen++;
		if (results_parse(a, h[i].raw, &f) < 0 ||
			!is_trusted(f.authserv, s) ||
			(id.p && !str_eq_case(id, f.authserv)))
			continue;
		id = f.authserv;
		has_spoken |= take_field(&t, &f);
	}
	if (has_spoken)
		out->authserv = id;
	return has_spoken;
}
