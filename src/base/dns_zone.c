/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * dns_zone.c - answers of the DNS that were read from the text of a zone.
 *
 * A node a name, with the records of each type in the order of the text. The
 * text is read an entry at a time: words, which may go on over several lines
 * between parentheses. Names in it are whole: there is no origin, since the
 * zones of several domains stand in one file.
 */
#include <arpa/inet.h>

#include <mailmill/buf.h>
#include <mailmill/dns.h>
#include <mailmill/map.h>

#define CNAMES_MAX 8
#define WORDS_MAX 1000 /* of one entry */
#define N_SETS 5

static const enum dns_type set_types[N_SETS] = { DNS_A, DNS_PTR, DNS_MX,
	DNS_TXT, DNS_AAAA };

/* Types that zones have and nobody asks for. */
static const char *const other_types[] = { "CAA", "DNSKEY", "DS", "HINFO",
	"HTTPS", "NAPTR", "NS", "NSEC", "NSEC3", "RRSIG", "SOA", "SPF", "SRV",
	"SSHFP", "SVCB", "TLSA" };

struct set {
	struct str *records;
	size_t n, cap;
	bool is_failed;
};

struct node {
	struct set sets[N_SETS];
	struct str cname;
	bool is_failed; /* for all that has no records */
};

struct dns_zone {
	struct arena *arena;
	struct map *nodes;
};

struct word {
	struct str text;
	bool is_quoted;
};

/* Where in the text we are, and the entry that was read last. */
struct reader {
	struct dns_zone *zone;
	struct arena *arena; /* for words */
	const char *file;
	struct str rest;
	unsigned line, entry_line;
	struct word *words;
	size_t n_words;
	bool is_indented;  /* the entry began with a blank */
	struct node *node; /* of the last name */
};

struct dns_zone *dns_zone_new(void)
{
	struct dns_zone *z = NEW(struct dns_zone);

	z->arena = arena_new();
	z->nodes = map_new();
	return z;
}

void dns_zone_free(struct dns_zone *z)
{
	if (!z)
		return;
	map_free(z->nodes);
	arena_free(z->arena);
	free(z);
}

/*
 * Lookup
 */

static struct set *find_set(struct node *n, enum dns_type type)
{
	for (size_t i = 0; i < N_SETS; i++)
		if (set_types[i] == type)
			return &n->sets[i];
	return NULL;
}

int dns_zone_lookup(
	void *zone, enum dns_type type, struct str name, struct dns_answer *out)
{
	struct dns_zone *z = zone;
	char lower[DNS_NAME_MAX];
	struct node *n;

	*out = (struct dns_answer){ .status = DNS_NO_NAME };
	if (name.len > DNS_NAME_MAX)
		return 0;
	for (size_t i = 0; i < name.len; i++)
		lower[i] = name.p[i] >= 'A' && name.p[i] <= 'Z'
				   ? (char)(name.p[i] + 32)
				   : name.p[i];
	n = map_get(z->nodes, str_n(lower, name.len));
	for (unsigned hops = 0; n; hops++) {
		struct set *set = find_set(n, type);

		if (set && set->n) {
			*out = (struct dns_answer){ DNS_FOUND, set->records,
				set->n };
			return 0;
		}
		if (n->is_failed || (set && set->is_failed) ||
			hops == CNAMES_MAX) {
			out->status = DNS_FAILED;
			return 0;
		}
		if (!n->cname.p) {
			out->status = DNS_NO_DATA;
			return 0;
		}
		n = map_get(z->nodes, n->cname);
	}
	return 0;
}

/*
 * Reading
 */

static int fail_at(struct reader *r, unsigned line, struct err *err,
	const char *what, struct str found)
{
	return err_set(err, ERR_PERM, "%s:%u: %s: \"%.*s\"", r->file, line,
		what, STR_ARG(str_sub(found, 0, 100)));
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static char peek(const struct reader *r)
{
	return r->rest.len ? r->rest.p[0] : 0;
}

static void skip(struct reader *r)
{
	if (peek(r) == '\n')
		r->line++;
	r->rest = str_sub(r->rest, 1, r->rest.len);
}

/* Reads "\X" or "\DDD" behind the backslash. */
static int read_escape(struct reader *r, struct buf *out)
{
	uint64_t code;

	if (str_to_u64(str_sub(r->rest, 0, 3), 255, &code) == 0 &&
		r->rest.len >= 3) {
		r->rest = str_sub(r->rest, 3, r->rest.len);
		return buf_byte(out, (unsigned char)code);
	}
	if (r->rest.len == 0 || peek(r) == '\n')
		return -1;
	(void)buf_byte(out, (unsigned char)peek(r));
	skip(r);
	return 0;
}

static bool is_word_end(const struct reader *r, bool is_quoted)
{
	char c = peek(r);

	if (r->rest.len == 0 || c == '\n')
		return true;
	if (is_quoted)
		return c == '"';
	return is_blank(c) || c == ';' || c == '(' || c == ')' || c == '"';
}

static int read_word(struct reader *r, struct err *err)
{
	AUTO(buf) struct buf b = BUF_INIT(DNS_RECORD_MAX);
	bool is_quoted = peek(r) == '"';
	struct str from = r->rest;

	if (r->n_words == WORDS_MAX)
		return fail_at(r, r->line, err, "too many words",
			str_sub(from, 0, 20));
	if (is_quoted)
		skip(r);
	while (!is_word_end(r, is_quoted)) {
		char c = peek(r);

		skip(r);
		if (c != '\\')
			(void)buf_byte(&b, (unsigned char)c);
		else if (read_escape(r, &b) < 0)
			return fail_at(r, r->line, err,
				"nothing follows a backslash",
				str_sub(from, 0, 20));
	}
	if (is_quoted && peek(r) != '"')
		return fail_at(r, r->line, err, "a string has no end",
			str_sub(from, 0, 20));
	if (is_quoted)
		skip(r);
	if (buf_is_over(&b))
		return fail_at(r, r->line, err, "a word is too long",
			str_sub(from, 0, 20));
	r->words[r->n_words++] = (struct word){
		arena_str(r->arena, buf_view(&b)), is_quoted
	};
	return 0;
}

/* Reads an entry. Returns: 1, 0 at the end, or -1. */
static int read_entry(struct reader *r, struct err *err)
{
	unsigned depth = 0;

	r->n_words = 0;
	r->is_indented = is_blank(peek(r));
	while (r->rest.len) {
		char c = peek(r);

		if (c == '\n' && !depth && r->n_words) {
			skip(r);
			return 1;
		}
		if (c == '\n' && !depth) {
			skip(r);
			r->is_indented = is_blank(peek(r));
		} else if (c == '\n' || is_blank(c)) {
			skip(r);
		} else if (c == ';') {
			while (r->rest.len && peek(r) != '\n')
				skip(r);
		} else if (c == '(' || c == ')') {
			if (c == ')' && !depth)
				return fail_at(r, r->line, err,
					"this was not opened", STR(")"));
			depth += c == '(' ? 1u : -1u;
			skip(r);
		} else {
			if (!r->n_words)
				r->entry_line = r->line;
			if (read_word(r, err) < 0)
				return -1;
		}
	}
	if (depth)
		return fail_at(r, r->entry_line, err,
			"a parenthesis is not closed", r->words[0].text);
	return r->n_words > 0;
}

/*
 * Entries
 */

static bool is_other_type(struct str s)
{
	for (size_t i = 0; i < COUNT(other_types); i++)
		if (str_eq_case(s, str_c(other_types[i])))
			return true;
	return false;
}

static bool is_time(struct str s)
{
	uint64_t n;

	if (s.len && strchr("smhdwSMHDW", s.p[s.len - 1]))
		s.len--;
	return str_to_u64(s, UINT32_MAX, &n) == 0;
}

static bool is_class_or_time(const struct word *w)
{
	return !w->is_quoted &&
	       (str_eq_case(w->text, STR("IN")) || is_time(w->text));
}

static bool is_type(const struct word *w)
{
	enum dns_type type;

	return !w->is_quoted &&
	       (dns_type_read(w->text, &type) == 0 || is_other_type(w->text) ||
		       str_eq_case(w->text, STR("CNAME")) ||
		       str_eq_case(w->text, STR("FAIL")));
}

static struct node *make_node(struct dns_zone *z, struct str name)
{
	struct node *n = map_get(z->nodes, name);

	if (!n) {
		n = ARENA_NEW(z->arena, struct node);
		map_set(z->nodes, name, n);
	}
	return n;
}

static void add_record(struct dns_zone *z, struct set *s, struct str record)
{
	if (s->n == DNS_RECORDS_MAX)
		return;
	if (s->n == s->cap) {
		s->cap = s->cap ? s->cap * 2 : 2;
		s->records = arena_grow(z->arena, s->records, s->n, s->cap,
			sizeof(*s->records));
	}
	s->records[s->n++] = record;
}

/* Makes the value of an address in its one form. */
static struct str make_address(struct arena *a, int family, struct str s)
{
	char text[INET6_ADDRSTRLEN];
	unsigned char ip[16];

	if (strlen(s.p) != s.len || inet_pton(family, s.p, ip) != 1)
		return STR_NULL;
	return arena_str(a, str_c(inet_ntop(family, ip, text, sizeof(text))));
}

static struct str make_mx(struct arena *a, const struct word *w, size_t n)
{
	struct str host;
	uint64_t rank;

	if (n != 2 || str_to_u64(w[0].text, UINT16_MAX, &rank) < 0)
		return STR_NULL;
	host = str_eq(w[1].text, STR(".")) ? STR(".") : dns_name(a, w[1].text);
	if (!host.p)
		return STR_NULL;
	return str_c(arena_printf(a, "%u %.*s", (unsigned)rank, STR_ARG(host)));
}

static struct str make_txt(struct arena *a, const struct word *w, size_t n)
{
	AUTO(buf) struct buf b = BUF_INIT(DNS_RECORD_MAX);

	for (size_t i = 0; i < n; i++)
		(void)buf_str(&b, w[i].text);
	if (n == 0 || buf_is_over(&b))
		return STR_NULL;
	return arena_str(a, buf_view(&b));
}

static struct str make_value(
	struct arena *a, enum dns_type type, const struct word *w, size_t n)
{
	switch (type) {
	case DNS_TXT:
		return make_txt(a, w, n);
	case DNS_MX:
		return make_mx(a, w, n);
	case DNS_A:
		return n == 1 ? make_address(a, AF_INET, w->text) : STR_NULL;
	case DNS_AAAA:
		return n == 1 ? make_address(a, AF_INET6, w->text) : STR_NULL;
	case DNS_PTR:
		return n == 1 ? dns_name(a, w->text) : STR_NULL;
	}
	return STR_NULL;
}

static int add_failure(
	struct reader *r, const struct word *w, size_t n, struct err *err)
{
	enum dns_type type;

	if (n == 0) {
		r->node->is_failed = true;
		return 0;
	}
	if (n > 1 || dns_type_read(w->text, &type) < 0)
		return fail_at(r, r->entry_line, err,
			"FAIL takes one of A, AAAA, MX, PTR, TXT, or nothing",
			w[n - 1].text);
	find_set(r->node, type)->is_failed = true;
	return 0;
}

static int add_cname(
	struct reader *r, const struct word *w, size_t n, struct err *err)
{
	struct str name = n == 1 ? dns_name(r->zone->arena, w->text) : STR_NULL;

	if (!name.p)
		return fail_at(r, r->entry_line, err, "CNAME takes a name",
			n ? w->text : STR(""));
	r->node->cname = name;
	return 0;
}

/* Adds what stands behind name, time and class: a type and its value. */
static int add_typed(
	struct reader *r, const struct word *w, size_t n, struct err *err)
{
	struct str value;
	enum dns_type type;

	if (str_eq_case(w->text, STR("FAIL")))
		return add_failure(r, w + 1, n - 1, err);
	if (str_eq_case(w->text, STR("CNAME")))
		return add_cname(r, w + 1, n - 1, err);
	if (dns_type_read(w->text, &type) < 0)
		return 0; /* of another type: the name exists */
	value = make_value(r->zone->arena, type, w + 1, n - 1);
	if (!value.p)
		return fail_at(r, r->entry_line, err,
			"this is no value of its type",
			n > 1 ? w[n - 1].text : w->text);
	add_record(r->zone, find_set(r->node, type), value);
	return 0;
}

static int add_entry(struct reader *r, struct err *err)
{
	size_t at = 0;

	if (str_eq_case(r->words[0].text, STR("$TTL")))
		return 0;
	if (str_starts(r->words[0].text, STR("$")))
		return fail_at(r, r->entry_line, err,
			"names are whole here, without an origin",
			r->words[0].text);
	if (!(r->is_indented && r->node &&
		    (is_type(r->words) || is_class_or_time(r->words)))) {
		struct str name = dns_name(r->arena, r->words[0].text);
		if (!name.p || r->words[0].is_quoted)
			return fail_at(r, r->entry_line, err, "expected a name",
				r->words[0].text);
		r->node = make_node(r->zone, name);
		at = 1;
	}
	while (at < r->n_words && is_class_or_time(&r->words[at]))
		at++;
	if (at == r->n_words || !is_type(&r->words[at]))
		return fail_at(r, r->entry_line, err,
			"expected a type (A, AAAA, CNAME, FAIL, MX, PTR, TXT)",
			at < r->n_words ? r->words[at].text : STR(""));
	return add_typed(r, r->words + at, r->n_words - at, err);
}

int dns_zone_read(
	struct dns_zone *z, const char *file, struct str text, struct err *err)
{
	AUTO(arena) struct arena *a = arena_new();
	struct reader r = { .zone = z,
		.arena = a,
		.file = file,
		.rest = text,
		.line = 1,
		.words = arena_array(a, WORDS_MAX, sizeof(struct word)) };
	int rc;

	while ((rc = read_entry(&r, err)) > 0)
		if (add_entry(&r, err) < 0)
			return -1;
	return rc;
}
