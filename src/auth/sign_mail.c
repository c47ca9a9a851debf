/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * sign_mail.c - a mail as its signers saw it: canonical forms, body digests.
 *
 * Signers saw lines that end in CRLF (RFC 6376 5.3). Mails are stored with LF,
 * or, rarely, with CR: whatever ends the lines of this mail counts as CRLF, and
 * a CR that stands alone elsewhere is a byte as any other.
 *
 * All that DKIM and ARC want to know of the body is noted when the signatures
 * are read: canonical form, hash, length. The first that needs an answer has
 * the body walked, once a canonical form, for all of them: one digest runs
 * along for each hash, and what it is at a length that was asked for is noted
 * on the way. Stretches of the body that are canonical as they stand, which is
 * nearly all of them, go into the digest from where they lie; nothing of the
 * body is copied but what is between two changes and short. Header fields are
 * found by a sorted list of names, so that a h= of many names costs what it is
 * long.
 */
#include <mailmill/mem.h>

#include "sign.h"

struct entry {
	struct str name;
	size_t i; /* in fields */
};

struct sign_mail {
	struct arena *arena;
	struct mail *mail;
	const struct mail_header *fields;
	size_t n_fields;
	struct entry *index; /* by name, then from the bottom up */
	size_t *n_used;	     /* of the names, at their first entry */
	struct str body;
	char eol;
	struct signature *dkim, *arc;
	size_t n_dkim, n_arc;
	struct sign_body **needs;
	size_t n_needs;
};

/* ---- reading ------------------------------------------------------------ */

static int compare_entries(const void *x, const void *y)
{
	const struct entry *a = x, *b = y;
	int c = str_cmp_case(a->name, b->name);

	if (c)
		return c;
	return a->i > b->i ? -1 : a->i < b->i;
}

static void make_index(struct sign_mail *sm)
{
	sm->index = arena_array(sm->arena, sm->n_fields, sizeof(*sm->index));
	sm->n_used = arena_array(sm->arena, sm->n_fields, sizeof(*sm->n_used));
	for (size_t i = 0; i < sm->n_fields; i++)
		sm->index[i] = (struct entry){ sm->fields[i].name, i };
	if (sm->n_fields)
		qsort(sm->index, sm->n_fields, sizeof(*sm->index),
			compare_entries);
}

/* Returns: where a name begins in the index, or n_fields. */
static size_t find_name(const struct sign_mail *sm, struct str name)
{
	size_t low = 0, high = sm->n_fields;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		if (str_cmp_case(sm->index[mid].name, name) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	if (low < sm->n_fields && str_eq_case(sm->index[low].name, name))
		return low;
	return sm->n_fields;
}

size_t sign_count(const struct sign_mail *sm, struct str name)
{
	size_t at = find_name(sm, name), n = 0;

	while (at + n < sm->n_fields &&
		str_eq_case(sm->index[at + n].name, name))
		n++;
	return n;
}

static int kind_of_field(struct str name)
{
	static const struct {
		const char *name;
		enum sign_kind kind;
	} names[] = {
		{ "dkim-signature", SIGN_DKIM },
		{ "arc-message-signature", SIGN_MESSAGE },
		{ "arc-seal", SIGN_SEAL },
		{ "arc-authentication-results", SIGN_RESULTS },
	};

	for (size_t i = 0; i < COUNT(names); i++)
		if (str_eq_case(name, str_c(names[i].name)))
			return (int)names[i].kind;
	return -1;
}

static void add_need(struct sign_mail *sm, struct signature *s)
{
	enum sign_hash hash = s->algorithm == SIGN_RSA_SHA1 ? SIGN_SHA1
							    : SIGN_SHA256;

	if (s->verdict == AUTH_NONE && s->kind <= SIGN_MESSAGE)
		s->body = sign_body_need(sm, s->body_canon, hash, s->limit);
}

/* One more than ARC may have of a kind is enough to see that it is too many. */
#define ARC_FIELDS_MAX (3 * (size_t)SIGN_SETS_MAX + 1)

static void read_signatures(struct sign_mail *sm)
{
	size_t n_dkim = 0, n_arc = 0;

	for (size_t i = 0; i < sm->n_fields; i++) {
		int kind = kind_of_field(sm->fields[i].name);
		n_dkim += kind == SIGN_DKIM;
		n_arc += kind > SIGN_DKIM;
	}
	n_dkim = MIN(n_dkim, AUTH_SIGNATURES_MAX);
	n_arc = MIN(n_arc, ARC_FIELDS_MAX);
	sm->dkim = arena_array(sm->arena, n_dkim, sizeof(*sm->dkim));
	sm->arc = arena_array(sm->arena, n_arc, sizeof(*sm->arc));
	sm->needs = arena_array(
		sm->arena, n_dkim + n_arc, sizeof(struct sign_body *));
	for (size_t i = 0; i < sm->n_fields; i++) {
		int kind = kind_of_field(sm->fields[i].name);
		struct signature *s;
		if (kind < 0)
			continue;
		if (kind == SIGN_DKIM && sm->n_dkim < n_dkim)
			s = &sm->dkim[sm->n_dkim++];
		else if (kind != SIGN_DKIM && sm->n_arc < n_arc)
			s = &sm->arc[sm->n_arc++];
		else
			continue;
		signature_read(
			sm->arena, &sm->fields[i], (enum sign_kind)kind, s);
		add_need(sm, s);
	}
}

struct sign_mail *sign_mail_of(struct mail *m)
{
	struct mail *origin = mail_origin(m);
	void **place = mail_judged(origin);
	struct str raw = mail_raw(origin);
	struct sign_mail *sm = *place;
	uint64_t at;

	if (sm)
		return sm;
	sign_init();
	*place = sm = ARENA_NEW(mail_arena(origin), struct sign_mail);
	sm->arena = mail_arena(origin);
	sm->mail = origin;
	sm->fields = mail_fields(origin, &sm->n_fields);
	at = MIN(mail_root(origin)->offset, raw.len);
	sm->body = str_n(raw.p + at, raw.len - at);
	sm->eol = !memchr(raw.p, '\n', raw.len) && memchr(raw.p, '\r', raw.len)
			  ? '\r'
			  : '\n';
	make_index(sm);
	read_signatures(sm);
	return sm;
}

struct signature *sign_dkim(struct sign_mail *sm, size_t *n)
{
	*n = sm->n_dkim;
	return sm->dkim;
}

struct signature *sign_arc(struct sign_mail *sm, size_t *n)
{
	*n = sm->n_arc;
	return sm->arc;
}

/* ---- header fields ------------------------------------------------------ */

static size_t line_end_at(const struct sign_mail *sm, struct str s, size_t i)
{
	if (s.p[i] == sm->eol)
		return 1;
	if (s.p[i] == '\r' && i + 1 < s.len && s.p[i + 1] == sm->eol)
		return 2;
	return 0;
}

static void add_simple(
	const struct sign_mail *sm, struct buf *out, struct str s)
{
	size_t run = 0, i = 0, end;

	while (i < s.len) {
		if (!(end = line_end_at(sm, s, i))) {
			i++;
			continue;
		}
		buf_add(out, s.p + run, i - run);
		buf_c(out, "\r\n");
		run = i += end;
	}
	if (run < s.len)
		buf_add(out, s.p + run, s.len - run);
}

/* What was added since `from` ends without white space at this place. */
struct squeeze {
	size_t from;
	bool is_blank; /* white space is owed */
};

static void add_relaxed(const struct sign_mail *sm, struct buf *out,
	struct squeeze *q, struct str s)
{
	size_t end;

	for (size_t i = 0; i < s.len; i++) {
		if ((end = line_end_at(sm, s, i))) {
			i += end - 1;
			continue;
		}
		if (s.p[i] == ' ' || s.p[i] == '\t') {
			q->is_blank = true;
			continue;
		}
		if (q->is_blank && out->len > q->from)
			buf_byte(out, ' ');
		q->is_blank = false;
		buf_byte(out, (unsigned char)s.p[i]);
	}
}

static void add_name(struct buf *out, struct str name)
{
	for (size_t i = 0; i < name.len; i++) {
		char c = name.p[i];
		buf_byte(out,
			(unsigned char)(c >= 'A' && c <= 'Z' ? c | 32 : c));
	}
	buf_byte(out, ':');
}

static struct str without_line_end(const struct sign_mail *sm, struct str s)
{
	if (s.len && s.p[s.len - 1] == sm->eol)
		s.len--;
	if (sm->eol == '\n' && s.len && s.p[s.len - 1] == '\r')
		s.len--;
	return s;
}

void sign_field(const struct sign_mail *sm, struct buf *out,
	const struct mail_header *h, enum sign_canon canon, struct str hole,
	bool is_last)
{
	struct str value = without_line_end(sm, h->raw), before = value;
	struct str after = STR_NULL;

	if (hole.p) {
		size_t at = (size_t)(hole.p - value.p);
		before = str_sub(value, 0, at);
		after = str_sub(value, at + hole.len, value.len);
	}
	if (canon == SIGN_RELAXED) {
		struct squeeze q = { 0 };
		add_name(out, h->name);
		q.from = out->len;
		add_relaxed(sm, out, &q, before);
		add_relaxed(sm, out, &q, after);
	} else {
		/* blanks before the colon belong to the field */
		buf_add(out, h->name.p, (size_t)(value.p - h->name.p));
		add_simple(sm, out, before);
		add_simple(sm, out, after);
	}
	if (!is_last)
		buf_c(out, "\r\n");
}

void sign_fields(struct sign_mail *sm, struct buf *out, struct str names,
	enum sign_canon canon)
{
	struct str name;

	if (sm->n_fields)
		memset(sm->n_used, 0, sm->n_fields * sizeof(*sm->n_used));
	while (!out->is_over && str_cut(&names, ':', &name)) {
		size_t first, at;
		name = str_trim(name);
		first = find_name(sm, name);
		if (first == sm->n_fields)
			continue; /* RFC 6376 5.4: absent, and must stay so */
		at = first + sm->n_used[first];
		if (at >= sm->n_fields ||
			!str_eq_case(sm->index[at].name, name))
			continue;
		sm->n_used[first]++;
		sign_field(sm, out, &sm->fields[sm->index[at].i], canon,
			STR_NULL, false);
	}
}

/* ---- body --------------------------------------------------------------- */

#define STAGE 4096
#define PIECE ((size_t)1 << 20)

struct walk {
	struct sign_body **needs; /* of this canonical form, by limit */
	size_t n_needs, next;
	struct sign_digest *digests[2]; /* NULL: nobody asks */
	uint64_t len;			/* canonical so far */
	char stage[STAGE];		/* short pieces, before the digest */
	size_t n_stage;
};

struct sign_body *sign_body_need(struct sign_mail *sm, enum sign_canon canon,
	enum sign_hash hash, uint64_t limit)
{
	struct sign_body *b;

	for (size_t i = 0; i < sm->n_needs; i++) {
		b = sm->needs[i];
		if (b->canon == canon && b->hash == hash && b->limit == limit)
			return b;
	}
	b = ARENA_NEW(sm->arena, struct sign_body);
	*b = (struct sign_body){ canon, hash, limit, .is_short = false };
	sm->needs[sm->n_needs++] = b;
	return b;
}

static void digest_all(struct walk *w, const char *p, size_t len)
{
	for (size_t i = 0; i < COUNT(w->digests); i++)
		if (w->digests[i] && len)
			sign_digest_add(w->digests[i], p, len);
}

static void flush_stage(struct walk *w)
{
	digest_all(w, w->stage, w->n_stage);
	w->n_stage = 0;
}

static void add_bytes(struct walk *w, const char *p, size_t len)
{
	if (len > STAGE - w->n_stage)
		flush_stage(w);
	if (len > STAGE / 4) {
		flush_stage(w);
		digest_all(w, p, len);
	} else if (len) {
		memcpy(w->stage + w->n_stage, p, len);
		w->n_stage += len;
	}
	w->len += len;
}

static void answer_need(struct walk *w)
{
	struct sign_body *b = w->needs[w->next++];

	flush_stage(w);
	sign_digest_peek(w->digests[b->hash], b->digest);
	b->is_short = b->limit != UINT64_MAX && w->len < b->limit;
	b->is_done = true;
}

/* Adds canonical bytes, stopping at lengths that were asked for. */
static void emit(struct walk *w, const char *p, size_t len)
{
	while (w->next < w->n_needs &&
		w->needs[w->next]->limit - w->len <= len) {
		size_t part = (size_t)(w->needs[w->next]->limit - w->len);
		add_bytes(w, p, part);
		p += part;
		len -= part;
		answer_need(w);
	}
	add_bytes(w, p, len);
}

/* Tells where the body ends but for empty lines. */
static size_t trim_body(struct str s, char eol, enum sign_canon canon)
{
	size_t end = s.len;

	for (;;) {
		size_t at = end;
		if (canon == SIGN_RELAXED)
			while (at &&
				(s.p[at - 1] == ' ' || s.p[at - 1] == '\t'))
				at--;
		if (at && s.p[at - 1] == eol)
			at -= eol == '\n' && at > 1 && s.p[at - 2] == '\r' ? 2
									   : 1;
		if (at == end)
			return end;
		end = at;
	}
}

static size_t walk_simple(
	struct walk *w, struct str s, char eol, size_t at, size_t end)
{
	size_t run = at;
	const char *p;

	while (at < end && (p = memchr(s.p + at, eol, end - at))) {
		size_t i = (size_t)(p - s.p);
		at = i + 1;
		if (eol == '\n' && i && s.p[i - 1] == '\r')
			continue;
		emit(w, s.p + run, i - run);
		emit(w, "\r\n", 2);
		run = at;
	}
	emit(w, s.p + run, end - run);
	return end;
}

/* Deals with blanks that begin at i. Returns: where they end. */
static size_t take_blanks(
	struct walk *w, struct str s, char eol, size_t *run, size_t i)
{
	size_t end = i + 1;
	bool is_at_end;

	while (end < s.len && (s.p[end] == ' ' || s.p[end] == '\t'))
		end++;
	is_at_end = end == s.len || s.p[end] == eol ||
		    (s.p[end] == '\r' && end + 1 < s.len &&
			    s.p[end + 1] == eol);
	if (!is_at_end && end == i + 1 && s.p[i] == ' ')
		return end;
	emit(w, s.p + *run, i - *run);
	if (!is_at_end)
		emit(w, " ", 1);
	*run = end;
	return end;
}

static size_t walk_relaxed(
	struct walk *w, struct str s, char eol, size_t i, size_t end)
{
	size_t run = i;

	while (i < end) {
		char c = s.p[i];
		if ((unsigned char)c > ' ') {
			i++;
		} else if (c == ' ' || c == '\t') {
			i = take_blanks(w, s, eol, &run, i);
		} else if (c == eol &&
			   (eol != '\n' || !i || s.p[i - 1] != '\r')) {
			emit(w, s.p + run, i - run);
			emit(w, "\r\n", 2);
			run = ++i;
		} else {
			i++;
		}
	}
	emit(w, s.p + run, i - run);
	return i;
}

/* Walks the body in pieces, whose pages are given back behind it. */
static void walk_body(struct walk *w, const struct sign_mail *sm, struct str s,
	enum sign_canon canon)
{
	size_t at = 0, from;

	while (at < s.len) {
		from = at;
		at += MIN(s.len - at, PIECE);
		if (canon == SIGN_RELAXED)
			at = walk_relaxed(w, s, sm->eol, from, at);
		else
			at = walk_simple(w, s, sm->eol, from, at);
		mail_forget(sm->mail, s.p + from, s.p + at);
	}
}

static int compare_needs(const void *x, const void *y)
{
	struct sign_body *const *a = x, *const *b = y;

	return (*a)->limit < (*b)->limit ? -1 : (*a)->limit > (*b)->limit;
}

static void choose_needs(
	struct walk *w, const struct sign_mail *sm, enum sign_canon canon)
{
	w->needs = mem_array(sm->n_needs, sizeof(struct sign_body *));
	for (size_t i = 0; i < sm->n_needs; i++) {
		struct sign_body *b = sm->needs[i];
		if (b->canon != canon)
			continue;
		w->needs[w->n_needs++] = b;
		if (!w->digests[b->hash])
			w->digests[b->hash] = sign_digest_new(b->hash);
	}
	qsort(w->needs, w->n_needs, sizeof(struct sign_body *), compare_needs);
}

void sign_body_hash(struct sign_mail *sm, struct sign_body *need)
{
	struct walk w = { .len = 0 };
	struct str body = sm->body;

	if (need->is_done)
		return;
	choose_needs(&w, sm, need->canon);
	body.len = trim_body(body, sm->eol, need->canon);
	walk_body(&w, sm, body, need->canon);
	/* RFC 6376 3.4.3, 3.4.4: of nothing, relaxed makes nothing */
	if (body.len || need->canon == SIGN_SIMPLE)
		emit(&w, "\r\n", 2);
	while (w.next < w.n_needs)
		answer_need(&w);
	for (size_t i = 0; i < w.n_needs; i++)
		w.needs[i]->is_partial = w.len > w.needs[i]->limit;
	sign_digest_free(w.digests[0]);
	sign_digest_free(w.digests[1]);
	free(w.needs);
}
