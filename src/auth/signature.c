/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * signature.c - one signature of DKIM or ARC: read, its key asked for, judged.
 *
 * The fields of both are the same but for a few tags (RFC 8617 4.1): one table
 * says which tag is read by what, and where it must be. A signature gets its
 * verdict from the first thing that is wrong with it: its syntax and the key
 * (permerror, temperror), the body (fail), the header (fail), its time (fail);
 * and when all is right, what makes it worth nothing all the same (policy): a
 * hash or key that RFC 8301 forbids, or a From that was not signed.
 */
#include <stdio.h>

#include <mailmill/enc.h>
#include <mailmill/mem.h>
#include <mailmill/utf8.h>

#include "domain.h"
#include "sign.h"

void signature_refuse(struct arena *a, struct signature *s,
	enum auth_verdict verdict, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	s->verdict = verdict;
	s->problem = str_c(arena_vprintf(a, fmt, ap));
	va_end(ap);
}

/* ---- tags --------------------------------------------------------------- */

#define DKIM (1u << SIGN_DKIM)
#define MESSAGE (1u << SIGN_MESSAGE)
#define SEAL (1u << SIGN_SEAL)
#define ALL (DKIM | MESSAGE | SEAL)

struct tag_reader {
	const char *name;
	unsigned kinds;	 /* that have it */
	unsigned needed; /* that must */
	/* Returns: NULL, or what is wrong. */
	const char *(*read)(
		struct arena *a, struct signature *s, struct str value);
};

static const char *read_version(
	struct arena *a, struct signature *s, struct str value)
{
	(void)a;
	(void)s;
	return str_eq(value, STR("1")) ? NULL : "v= is not 1";
}

static const char *read_algorithm(
	struct arena *a, struct signature *s, struct str value)
{
	static const char *const names[] = {
		[SIGN_RSA_SHA256] = "rsa-sha256",
		[SIGN_RSA_SHA1] = "rsa-sha1",
		[SIGN_ED25519] = "ed25519-sha256",
	};

	s->algorithm_name = utf8_mend(a, value);
	for (size_t i = 0; i < COUNT(names); i++) {
		if (!str_eq(value, str_c(names[i])))
			continue;
		s->algorithm = (enum sign_algorithm)i;
		if (s->kind != SIGN_DKIM && s->algorithm == SIGN_RSA_SHA1)
			return "a= is not for ARC";
		return NULL;
	}
	return "a= names no algorithm that we know";
}

static const char *read_base64(
	struct arena *a, struct str value, struct str *out)
{
	AUTO(buf) struct buf b = BUF_INIT(SIGN_FIELD_MAX);

	value = sign_squeeze(a, value);
	if (!value.len)
		return "is empty";
	if (enc_unbase64(&b, value) < 0)
		return "is no base64";
	*out = arena_str(a, buf_view(&b));
	return NULL;
}

static const char *read_bytes(
	struct arena *a, struct signature *s, struct str value)
{
	return read_base64(a, value, &s->bytes) ? "b= is no base64" : NULL;
}

static const char *read_body_hash(
	struct arena *a, struct signature *s, struct str value)
{
	return read_base64(a, value, &s->body_hash) ? "bh= is no base64" : NULL;
}

static int read_canon(struct str name, enum sign_canon *out)
{
	if (!str_eq(name, STR("simple")) && !str_eq(name, STR("relaxed")))
		return -1;
	*out = name.p[0] == 's' ? SIGN_SIMPLE : SIGN_RELAXED;
	return 0;
}

static const char *read_canons(
	struct arena *a, struct signature *s, struct str value)
{
	struct str header;

	(void)a;
	if (!str_cut(&value, '/', &header) ||
		read_canon(header, &s->header_canon) < 0 ||
		(value.p && read_canon(value, &s->body_canon) < 0))
		return "c= names no canonical form that we know";
	return NULL;
}

static const char *read_name(struct arena *a, struct str value, struct str *out)
{
	struct str name = dns_name(a, value);

	if (!name.p || str_chr(value, '@') >= 0 || value.p[0] == '.' ||
		value.p[value.len - 1] == '.')
		return "is no domain";
	*out = utf8_mend(a, name);
	return NULL;
}

/* RFC 8616: it may be written in U-labels. */
static struct str plain_domain(struct arena *a, struct str s)
{
	struct str plain = domain_read(a, s);

	return plain.p ? plain : s;
}

static const char *read_domain(
	struct arena *a, struct signature *s, struct str value)
{
	return read_name(a, plain_domain(a, value), &s->domain)
		       ? "d= is no domain"
		       : NULL;
}

static const char *read_selector(
	struct arena *a, struct signature *s, struct str value)
{
	return read_name(a, value, &s->selector) ? "s= is no selector" : NULL;
}

static const char *read_identity(
	struct arena *a, struct signature *s, struct str value)
{
	ssize_t at;

	s->identity = utf8_mend(a, sign_squeeze(a, value));
	at = str_rchr(s->identity, '@');
	s->identity_domain = plain_domain(
		a, str_sub(s->identity, (size_t)(at + 1), s->identity.len));
	return at < 0 ? "i= has no @" : NULL;
}

static const char *read_instance(
	struct arena *a, struct signature *s, struct str value)
{
	uint64_t n;

	(void)a;
	if (str_to_u64(value, SIGN_SETS_MAX, &n) < 0 || !n)
		return "i= is no number from 1 to 50";
	s->instance = (unsigned)n;
	return NULL;
}

static const char *read_headers(
	struct arena *a, struct signature *s, struct str value)
{
	struct str list = value, name;
	bool has_from = false;

	s->headers = value;
	while (str_cut(&list, ':', &name)) {
		name = str_trim(name);
		if (!name.len)
			return "h= has an empty name";
		has_from |= str_eq_case(name, STR("from"));
		if (s->kind == SIGN_MESSAGE &&
			str_eq_case(name, STR("arc-seal")))
			return "h= names a seal, which is made later";
	}
	(void)a;
	return has_from ? NULL : "h= does not name From";
}

/* More digits than fit are a large number (RFC 6376 3.5). */
static const char *read_number(struct str value, uint64_t *out)
{
	if (!value.len || value.len > 76)
		return "is no number";
	for (size_t i = 0; i < value.len; i++)
		if (value.p[i] < '0' || value.p[i] > '9')
			return "is no number";
	if (str_to_u64(value, UINT64_MAX - 1, out) < 0)
		*out = UINT64_MAX - 1;
	return NULL;
}

static const char *read_limit(
	struct arena *a, struct signature *s, struct str value)
{
	(void)a;
	return read_number(value, &s->limit) ? "l= is no number" : NULL;
}

static const char *read_time(
	struct arena *a, struct signature *s, struct str value)
{
	(void)a;
	s->has_signed_at = true;
	return read_number(value, &s->signed_at) ? "t= is no number" : NULL;
}

static const char *read_expiry(
	struct arena *a, struct signature *s, struct str value)
{
	(void)a;
	s->has_expires_at = true;
	return read_number(value, &s->expires_at) ? "x= is no number" : NULL;
}

static const char *read_query(
	struct arena *a, struct signature *s, struct str value)
{
	(void)a;
	(void)s;
	return sign_list_has(value, "dns/txt") || sign_list_has(value, "dns")
		       ? NULL
		       : "q= asks for the key elsewhere than in the DNS";
}

static const char *read_chain(
	struct arena *a, struct signature *s, struct str value)
{
	(void)a;
	s->cv = value;
	return NULL;
}

static const char *refuse_headers(
	struct arena *a, struct signature *s, struct str value)
{
	(void)a;
	(void)s;
	(void)value;
	return "h= has no place in a seal";
}

static const struct tag_reader readers[] = {
	{ "v", DKIM, DKIM, read_version },
	{ "i", MESSAGE | SEAL, MESSAGE | SEAL, read_instance },
	{ "a", ALL, ALL, read_algorithm },
	{ "d", ALL, ALL, read_domain },
	{ "s", ALL, ALL, read_selector },
	{ "h", DKIM | MESSAGE, DKIM | MESSAGE, read_headers },
	{ "h", SEAL, 0, refuse_headers },
	{ "c", DKIM | MESSAGE, 0, read_canons },
	{ "cv", SEAL, SEAL, read_chain },
	{ "i", DKIM, 0, read_identity },
	{ "l", DKIM | MESSAGE, 0, read_limit },
	{ "q", DKIM | MESSAGE, 0, read_query },
	{ "t", ALL, 0, read_time },
	{ "x", DKIM | MESSAGE, 0, read_expiry },
	{ "bh", DKIM | MESSAGE, DKIM | MESSAGE, read_body_hash },
	{ "b", ALL, ALL, read_bytes },
};

/* Tells whether a domain is another or lies in it. */
static bool is_within(struct str domain, struct str outer)
{
	if (str_eq_case(domain, outer))
		return true;
	return domain.len > outer.len + 1 &&
	       domain.p[domain.len - outer.len - 1] == '.' &&
	       str_eq_case(str_sub(domain, domain.len - outer.len, outer.len),
		       outer);
}

/* What can be wrong when each tag is right by itself. */
static const char *check_tags(struct signature *s)
{
	if (s->kind == SIGN_DKIM && !is_within(s->identity_domain, s->domain))
		return "i= is outside of d=";
	if (s->has_expires_at && s->has_signed_at &&
		s->expires_at <= s->signed_at)
		return "x= is before t=";
	return NULL;
}

static void set_texts(struct signature *s)
{
	struct str *all[] = { &s->problem, &s->domain, &s->selector,
		&s->identity, &s->algorithm_name, &s->headers };

	for (size_t i = 0; i < COUNT(all); i++)
		*all[i] = STR("");
}

/* Reads all tags, as far as they are good. Returns: what is wrong first. */
static const char *read_tags(
	struct arena *a, struct signature *s, const struct sign_tags *t)
{
	const char *why = NULL, *first = NULL;
	unsigned kind = 1u << s->kind;

	for (size_t i = 0; i < COUNT(readers); i++) {
		const struct tag_reader *r = &readers[i];
		struct str value = sign_tag(t, r->name);
		if (!(r->kinds & kind))
			continue;
		why = NULL;
		if (value.p)
			why = r->read(a, s, value);
		else if (r->needed & kind)
			why = arena_printf(a, "%s= is missing", r->name);
		if (why && !first)
			first = why;
	}
	if (!s->identity.len) {
		s->identity_domain = s->domain;
		s->identity = str_c(
			arena_printf(a, "@%.*s", STR_ARG(s->domain)));
	}
	return first ? first : check_tags(s);
}

static void read_result_instance(struct arena *a, struct signature *s)
{
	struct str rest = s->field->raw, first;
	ssize_t eq;

	/* RFC 8617 4.1.1: "i=1;" and then what Authentication-Results say */
	if (!str_cut(&rest, ';', &first) || !rest.p ||
		(eq = str_chr(first, '=')) < 0 ||
		!str_eq(str_trim(str_sub(first, 0, (size_t)eq)), STR("i")) ||
		read_instance(a, s,
			str_trim(str_sub(first, (size_t)eq + 1, first.len))))
		signature_refuse(a, s, AUTH_PERMERROR,
			"the results do not begin with i=");
}

void signature_read(struct arena *a, const struct mail_header *h,
	enum sign_kind kind, struct signature *out)
{
	struct sign_tags *t;
	const char *why;

	*out = (struct signature){
		.kind = kind, .field = h, .limit = UINT64_MAX
	};
	set_texts(out);
	if (h->raw.len > SIGN_FIELD_MAX) {
		signature_refuse(a, out, AUTH_PERMERROR,
			"the field is longer than %zu bytes", SIGN_FIELD_MAX);
		return;
	}
	if (kind == SIGN_RESULTS) {
		read_result_instance(a, out);
		return;
	}
	t = mem_new(sizeof(*t));
	why = sign_tags_read(t, h->raw, false);
	for (size_t i = 0; i < t->n; i++)
		if (str_eq(t->items[i].name, STR("b")))
			out->hole = t->items[i].whole;
	if (why)
		(void)read_tags(a, out, t);
	else
		why = read_tags(a, out, t);
	out->headers = utf8_mend(a, sign_squeeze(a, out->headers));
	if (why)
		signature_refuse(a, out, AUTH_PERMERROR, "%s", why);
	free(t);
}

/* ---- keys --------------------------------------------------------------- */

static struct str key_name(struct arena *a, const struct signature *s)
{
	struct str name = str_c(arena_printf(a, "%.*s._domainkey.%.*s",
		STR_ARG(s->selector), STR_ARG(s->domain)));

	return dns_name(a, plain_domain(a, name));
}

static const char *check_key(
	const struct signature *s, const struct sign_key *k)
{
	if (k->is_strict && s->kind == SIGN_DKIM &&
		!str_eq_case(s->identity_domain, s->domain))
		return "the key is not for subdomains, as i= is one";
	return NULL;
}

/* Takes the keys that are fit; else the first one's problem is the verdict. */
static void take_keys(
	struct arena *a, struct signature *s, const struct dns_answer *answer)
{
	struct sign_key key, first = { .verdict = AUTH_PASS };
	const char *why;

	for (size_t i = 0; i < answer->n_records && s->n_keys < SIGN_KEYS_MAX &&
			   i < SIGN_KEYS_MAX;
		i++) {
		sign_key_read(a, answer->records[i], s->algorithm, &key);
		s->is_test |= key.is_test;
		why = check_key(s, &key);
		if (key.verdict == AUTH_PASS && why) {
			key.verdict = AUTH_PERMERROR;
			key.problem = why;
		}
		if (key.verdict == AUTH_PASS)
			s->keys[s->n_keys++] = key;
		else if (first.verdict == AUTH_PASS)
			first = key;
	}
	if (!s->n_keys && first.verdict != AUTH_PASS)
		signature_refuse(a, s, first.verdict, "%s", first.problem);
}

int signature_ask(
	struct arena *a, struct signature *s, const struct auth_ask *ask)
{
	struct dns_answer answer = { DNS_NO_NAME, NULL, 0 };
	struct str name;

	if (s->verdict != AUTH_NONE || s->kind == SIGN_RESULTS)
		return 0;
	name = key_name(a, s);
	if (!name.p) {
		signature_refuse(a, s, AUTH_PERMERROR,
			"s= and d= make no name that can be asked for");
		return 0;
	}
	if (ask->lookup(ask->ctx, DNS_TXT, name, &answer) < 0)
		return -1;
	if (answer.status == DNS_FAILED)
		signature_refuse(a, s, AUTH_TEMPERROR,
			"the key %.*s cannot be looked up now", STR_ARG(name));
	else if (answer.status == DNS_FOUND)
		take_keys(a, s, &answer);
	if (s->verdict == AUTH_NONE && !s->n_keys)
		signature_refuse(a, s, AUTH_PERMERROR, "there is no key %.*s",
			STR_ARG(name));
	return 0;
}

/* ---- judging ------------------------------------------------------------ */

static bool is_hash(struct str want, const unsigned char *got, size_t len)
{
	return want.len == len && !memcmp(want.p, got, len);
}

static size_t count_name(struct str list, const char *name)
{
	struct str piece;
	size_t n = 0;

	while (str_cut(&list, ':', &piece))
		n += str_eq_case(piece, str_c(name));
	return n;
}

static void check_body(
	struct arena *a, struct sign_mail *sm, struct signature *s)
{
	struct sign_body *b = s->body;

	sign_body_hash(sm, b);
	if (b->is_short)
		signature_refuse(a, s, AUTH_FAIL,
			"the body is shorter than what was signed of it");
	else if (!is_hash(s->body_hash, b->digest, sign_hash_len(b->hash)))
		signature_refuse(a, s, AUTH_FAIL,
			"the body was changed since it was signed");
}

void signature_verify(struct arena *a, struct signature *s,
	const unsigned char digest[HASH_LEN])
{
	enum sign_hash hash = s->algorithm == SIGN_RSA_SHA1 ? SIGN_SHA1
							    : SIGN_SHA256;
	const struct sign_key *k = NULL;

	for (size_t i = 0; i < s->n_keys && !k; i++)
		if (sign_key_verify(&s->keys[i], hash, digest, s->bytes))
			k = &s->keys[i];
	if (!k)
		signature_refuse(a, s, AUTH_FAIL,
			"the header was changed since it was signed, or the "
			"key is another");
	else if (hash == SIGN_SHA1)
		signature_refuse(a, s, AUTH_POLICY,
			"right, but SHA-1 proves nothing (RFC 8301)");
	else if (k->is_weak)
		signature_refuse(a, s, AUTH_POLICY,
			"right, but a key under %d bits proves nothing (RFC "
			"8301)",
			SIGN_RSA_MIN);
	else
		s->verdict = AUTH_PASS;
	if (k)
		s->is_test = k->is_test;
}

void signature_judge(struct arena *a, struct sign_mail *sm, struct signature *s)
{
	AUTO(buf) struct buf text = BUF_INIT(SIGN_HEADER_MAX);
	unsigned char digest[HASH_LEN];
	size_t n_from = sign_count(sm, STR("from"));

	if (s->verdict != AUTH_NONE)
		return;
	check_body(a, sm, s);
	if (s->verdict != AUTH_NONE)
		return;
	sign_fields(sm, &text, s->headers, s->header_canon);
	sign_field(sm, &text, s->field, s->header_canon, s->hole, true);
	if (buf_is_over(&text)) {
		signature_refuse(a, s, AUTH_POLICY,
			"it signs more than %zu bytes of header",
			SIGN_HEADER_MAX);
		return;
	}
	sign_hash_bytes(s->body->hash, buf_view(&text), digest);
	signature_verify(a, s, digest);
	if (s->verdict == AUTH_PASS && n_from > count_name(s->headers, "from"))
		signature_refuse(a, s, AUTH_POLICY,
			"right, but it does not sign all %zu From fields",
			n_from);
}
