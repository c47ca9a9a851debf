/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * codec.c - the wire form of plans and facts.
 *
 * It crosses from a worker, which a mail may have taken over, to the parent,
 * and it is what the journal keeps; hence a version in front. The reader goes
 * on after the first fault with nothing but zeros (struct wire_in does that),
 * so each get_ function is a plain list of fields, and the fault is told once,
 * at the end.
 */
#include <mailmill/decode.h>
#include <mailmill/map.h>
#include <mailmill/plan.h>
#include <mailmill/utf8.h>
#include <mailmill/wire.h>

#define VERSION 3

/* The least that one of each takes on the wire; bounds forged counts. */
#define PAIR_LEAST 8
#define STR_LEAST 4
#define FIELD_LEAST 26
#define FILE_LEAST 58
#define RECORD_LEAST 33
#define ACTION_LEAST 48
#define PIECE_LEAST 20
#define MARK_LEAST 13
#define QUESTION_LEAST 54
#define ROW_LEAST 4
#define ANSWER_LEAST 8

static void put_pairs(struct buf *b, const struct plan_pair *p, size_t n)
{
	wire_u32(b, (uint32_t)n);
	for (size_t i = 0; i < n; i++) {
		wire_str(b, p[i].name);
		wire_str(b, p[i].value);
	}
}

static void put_field(struct buf *b, const struct plan_field *f)
{
	wire_str(b, f->name);
	wire_u8(b, (uint8_t)f->kind);
	wire_str(b, f->value);
	wire_str(b, f->ref_field);
	wire_u8(b, (uint8_t)f->overflow);
	wire_u64(b, f->max);
	wire_u32(b, f->line);
}

static void put_file(struct buf *b, const struct plan_file *f)
{
	wire_str(b, f->name);
	wire_str(b, f->type);
	wire_str(b, f->content_id);
	wire_u8(b, f->is_inline);
	wire_u8(b, f->is_literal);
	wire_str(b, f->literal);
	wire_u64(b, f->offset);
	wire_u64(b, f->len);
	wire_str(b, f->encoding);
	wire_u64(b, f->skip);
	wire_u64(b, f->size);
	wire_str(b, f->sha256);
	wire_u32(b, f->line);
}

static void put_record(struct buf *b, const struct plan_record *r)
{
	wire_u8(b, (uint8_t)r->op);
	wire_str(b, r->name);
	wire_str(b, r->object);
	wire_str(b, r->key);
	wire_str(b, r->id);
	wire_str(b, r->by);
	wire_u32(b, (uint32_t)r->n_fields);
	for (size_t i = 0; i < r->n_fields; i++)
		put_field(b, &r->fields[i]);
	wire_u32(b, (uint32_t)r->n_files);
	for (size_t i = 0; i < r->n_files; i++)
		put_file(b, &r->files[i]);
	wire_u32(b, r->line);
}

static void put_pieces(struct buf *b, const struct plan_piece *p, size_t n)
{
	wire_u32(b, (uint32_t)n);
	for (size_t i = 0; i < n; i++) {
		wire_str(b, p[i].literal);
		wire_u64(b, p[i].offset);
		wire_u64(b, p[i].len);
	}
}

static void put_action(struct buf *b, const struct plan_action *a)
{
	wire_u8(b, (uint8_t)a->kind);
	wire_str(b, a->value);
	wire_u8(b, a->is_implicit);
	wire_u8(b, a->is_copy);
	wire_u8(b, a->is_create);
	wire_strs(b, a->flags, a->n_flags);
	put_pieces(b, a->pieces, a->n_pieces);
	wire_str(b, a->sender);
	wire_strs(b, a->rcpts, a->n_rcpts);
	wire_str(b, a->fcc);
	wire_str(b, a->mark);
	wire_u64(b, a->mark_seconds);
	wire_u32(b, a->line);
}

static void put_mark(struct buf *b, const struct plan_mark *m)
{
	wire_str(b, m->key);
	wire_u64(b, m->seconds);
	wire_u8(b, m->is_last);
}

static void put_question(struct buf *b, const struct plan_question *q)
{
	wire_u8(b, (uint8_t)q->kind);
	wire_str(b, q->name);
	wire_str(b, q->object);
	put_pairs(b, q->where, q->n_where);
	wire_strs(b, q->fields, q->n_fields);
	wire_str(b, q->order);
	wire_u8(b, q->is_first);
	wire_strs(b, q->ids, q->n_ids);
	wire_strs(b, q->by, q->n_by);
	put_pairs(b, q->tokens, q->n_tokens);
	wire_str(b, q->subject);
	wire_strs(b, q->authors, q->n_authors);
	wire_u64(b, q->within);
	wire_u8(b, q->is_participants);
}

void plan_encode(struct buf *b, const struct plan *p)
{
	wire_u8(b, VERSION);
	wire_str(b, p->script);
	wire_str(b, p->script_sha256);
	wire_u32(b, (uint32_t)p->n_records);
	for (size_t i = 0; i < p->n_records; i++)
		put_record(b, &p->records[i]);
	wire_u32(b, (uint32_t)p->n_actions);
	for (size_t i = 0; i < p->n_actions; i++)
		put_action(b, &p->actions[i]);
	wire_u32(b, (uint32_t)p->n_marks);
	for (size_t i = 0; i < p->n_marks; i++)
		put_mark(b, &p->marks[i]);
	wire_u32(b, (uint32_t)p->n_questions);
	for (size_t i = 0; i < p->n_questions; i++)
		put_question(b, &p->questions[i]);
	wire_strs(b, p->notes, p->n_notes);
	wire_str(b, p->fail);
}

void facts_encode(struct buf *b, const struct facts *f)
{
	wire_u8(b, VERSION);
	wire_u64(b, (uint64_t)f->now);
	wire_str(b, f->route);
	wire_u8(b, f->has_folders);
	wire_strs(b, f->folders, f->n_folders);
	wire_u32(b, (uint32_t)f->n_answers);
	for (size_t i = 0; i < f->n_answers; i++) {
		const struct facts_answer *a = &f->answers[i];
		wire_str(b, a->name);
		wire_u32(b, (uint32_t)a->n_rows);
		for (size_t j = 0; j < a->n_rows; j++)
			put_pairs(b, a->rows[j].fields, a->rows[j].n_fields);
	}
}

static size_t row_size(const struct facts_row *row)
{
	size_t size = ROW_LEAST;

	for (size_t i = 0; i < row->n_fields; i++)
		size += PAIR_LEAST + row->fields[i].name.len +
			row->fields[i].value.len;
	return size;
}

size_t facts_size(const struct facts *f)
{
	size_t size = 0;

	for (size_t i = 0; i < f->n_answers; i++) {
		size += ANSWER_LEAST + f->answers[i].name.len;
		for (size_t j = 0; j < f->answers[i].n_rows; j++)
			size += row_size(&f->answers[i].rows[j]);
	}
	return size;
}

struct reader {
	struct wire_in w;
	struct arena *arena;
	struct map *names; /* of the records read so far */
	size_t n_files;	   /* of all records so far */
	const char *wrong; /* the first thing that was, but for missing bytes */
};

static void refuse(struct reader *r, const char *what)
{
	if (!r->wrong && !r->w.is_bad)
		r->wrong = what;
	r->w.is_bad = true;
}

static struct str get_text(struct reader *r, size_t max, const char *what)
{
	struct str s = wire_get_str(&r->w);

	if (s.len > max || !utf8_is_valid(s)) {
		refuse(r, what);
		return STR_NULL;
	}
	return s;
}

/* Reads a text of one line, which may end up in a URL, a header, a log. */
static struct str get_word(struct reader *r, size_t max, const char *what)
{
	struct str s = get_text(r, max, what);

	for (size_t i = 0; i < s.len; i++)
		if ((unsigned char)s.p[i] < ' ' || s.p[i] == 0x7f) {
			refuse(r, what);
			return STR_NULL;
		}
	return s;
}

static struct str get_name(struct reader *r, const char *what)
{
	struct str s = get_word(r, PLAN_NAME_MAX, what);

	if (s.len == 0)
		refuse(r, what);
	return s;
}

/* Reads a SHA-256 in hex, or nothing. */
static struct str get_digest(struct reader *r)
{
	struct str s = wire_get_str(&r->w);

	for (size_t i = 0; i < s.len; i++)
		if (!strchr("0123456789abcdef", s.p[i]) || !s.p[i])
			refuse(r, "a digest that is no hex");
	if (s.len != 0 && s.len != 64)
		refuse(r, "a digest of a wrong length");
	return r->w.is_bad ? STR_NULL : s;
}

static unsigned get_enum(struct reader *r, unsigned last, const char *what)
{
	unsigned v = wire_get_u8(&r->w);

	if (v > last) {
		refuse(r, what);
		return 0;
	}
	return v;
}

static bool get_bool(struct reader *r)
{
	return get_enum(r, 1, "a truth value that is none") == 1;
}

/* Reads a count and makes the array for it in *out. */
static size_t get_array(struct reader *r, size_t least, size_t max, size_t size,
	void *out, const char *what)
{
	size_t n = wire_get_count(&r->w, least);
	void *p;

	if (n > max) {
		refuse(r, what);
		n = 0;
	}
	p = n ? arena_array(r->arena, n, size) : NULL;
	memcpy(out, &p, sizeof(p));
	return n;
}

static size_t get_words(struct reader *r, size_t max, size_t len_max,
	struct str **out, const char *what)
{
	size_t n = get_array(r, STR_LEAST, max, sizeof(**out), out, what);

	for (size_t i = 0; i < n; i++)
		(*out)[i] = get_word(r, len_max, what);
	return n;
}

static size_t get_pairs(
	struct reader *r, size_t max, struct plan_pair **out, const char *what)
{
	size_t n = get_array(r, PAIR_LEAST, max, sizeof(**out), out, what);

	for (size_t i = 0; i < n; i++) {
		(*out)[i].name = get_name(r, what);
		(*out)[i].value = get_text(r, PLAN_VALUE_MAX, what);
	}
	return n;
}

static void get_field(struct reader *r, struct plan_field *f)
{
	f->name = get_name(r, "a field's name");
	f->kind = get_enum(r, PLAN_NULL, "a field's kind");
	f->value = get_text(r, PLAN_VALUE_MAX, "a field's value");
	f->ref_field = get_word(r, PLAN_NAME_MAX, "a reference's field");
	f->overflow = get_enum(r, PLAN_FILE, "a field's overflow");
	f->max = wire_get_u64(&r->w);
	f->line = wire_get_u32(&r->w);
	if (f->kind != PLAN_REF)
		return;
	if (!r->w.is_bad && !map_get(r->names, f->value))
		refuse(r, "a reference to no earlier record");
	if (f->ref_field.len == 0)
		refuse(r, "a reference without a field");
}

static bool is_encoding(struct str s)
{
	static const char *const known[] = { "base64", "quoted-printable",
		"identity", "uuencode" };

	for (size_t i = 0; i < COUNT(known); i++)
		if (str_eq(s, str_c(known[i])))
			return true;
	return false;
}

static void get_file(struct reader *r, struct plan_file *f)
{
	f->name = get_word(r, PLAN_VALUE_MAX, "a file's name");
	f->type = get_word(r, PLAN_NAME_MAX, "a file's type");
	f->content_id = get_word(r, PLAN_VALUE_MAX, "a file's Content-ID");
	f->is_inline = get_bool(r);
	f->is_literal = get_bool(r);
	f->literal = get_text(r, PLAN_VALUE_MAX, "a file's text");
	f->offset = wire_get_u64(&r->w);
	f->len = wire_get_u64(&r->w);
	f->encoding = get_word(r, PLAN_NAME_MAX, "a file's encoding");
	f->skip = wire_get_u64(&r->w);
	f->size = wire_get_u64(&r->w);
	f->sha256 = get_digest(r);
	f->line = wire_get_u32(&r->w);
	if (f->name.len == 0 || str_chr(f->name, '/') >= 0)
		refuse(r, "a file's name");
	if (f->is_literal) {
		if (f->size != f->literal.len)
			refuse(r, "a file's size");
		return;
	}
	if (!is_encoding(f->encoding))
		refuse(r, "a file's encoding");
	if (f->len > INT64_MAX || f->offset > INT64_MAX - f->len)
		refuse(r, "a file's place");
	else if (f->size > f->len + 2 * DECODE_EXTRA ||
		 f->skip > f->len + 2 * DECODE_EXTRA - f->size)
		refuse(r, "a file's size");
	if (f->sha256.len == 0)
		refuse(r, "a file without digest");
}

static void get_key(struct reader *r, struct plan_record *rec)
{
	rec->key = wire_get_str(&r->w);
	for (size_t i = 0; i < rec->key.len; i++) {
		char c = rec->key.p[i];
		if (!((c >= 'a' && c <= 'z') || (c >= '2' && c <= '7')))
			refuse(r, "a record's key");
	}
	if (rec->key.len > 64)
		refuse(r, "a record's key");
}

/* What each operation can not do without. */
static void check_record(struct reader *r, struct plan_record *rec)
{
	bool needs_id = rec->op == PLAN_UPDATE || rec->op == PLAN_DELETE;

	if (r->w.is_bad)
		return;
	if (needs_id && rec->id.len == 0)
		refuse(r, "a record to change without its id");
	if (rec->op == PLAN_UPSERT && rec->by.len == 0)
		refuse(r, "an upsert without its field");
	if (map_set(r->names, rec->name, rec))
		refuse(r, "two records of one name");
}

static void get_record(struct reader *r, struct plan_record *rec)
{
	rec->op = get_enum(r, PLAN_DELETE, "a record's operation");
	rec->name = get_name(r, "a record's name");
	rec->object = get_name(r, "a record's object");
	get_key(r, rec);
	rec->id = get_word(r, PLAN_NAME_MAX, "a record's id");
	rec->by = get_word(r, PLAN_NAME_MAX, "an upsert's field");
	rec->n_fields = get_array(r, FIELD_LEAST, PLAN_FIELDS_MAX,
		sizeof(*rec->fields), &rec->fields, "too many fields");
	for (size_t i = 0; i < rec->n_fields; i++)
		get_field(r, &rec->fields[i]);
	rec->n_files = get_array(r, FILE_LEAST, PLAN_FILES_MAX - r->n_files,
		sizeof(*rec->files), &rec->files, "too many files");
	r->n_files += rec->n_files;
	for (size_t i = 0; i < rec->n_files; i++)
		get_file(r, &rec->files[i]);
	rec->line = wire_get_u32(&r->w);
	check_record(r, rec);
}

static struct str get_mark_key(struct reader *r)
{
	struct str key = get_digest(r);

	if (key.len != PLAN_MARK_LEN)
		refuse(r, "a mark's key");
	return key;
}

static void get_pieces(struct reader *r, struct plan_action *a)
{
	a->n_pieces = get_array(r, PIECE_LEAST, PLAN_PIECES_MAX,
		sizeof(*a->pieces), &a->pieces, "too many pieces");
	for (size_t i = 0; i < a->n_pieces; i++) {
		struct plan_piece *p = &a->pieces[i];
		p->literal = wire_get_str(&r->w);
		p->offset = wire_get_u64(&r->w);
		p->len = wire_get_u64(&r->w);
		if (p->len > INT64_MAX || p->offset > INT64_MAX - p->len)
			refuse(r, "a piece's place");
	}
}

/* What goes out must say to whom, and new mail what. */
static void check_action(struct reader *r, const struct plan_action *a)
{
	bool is_new = a->kind >= PLAN_REJECT;
	bool goes_out = is_new || a->kind == PLAN_REDIRECT;
	bool may_be_empty = a->kind == PLAN_KEEP || a->kind == PLAN_DISCARD ||
			    a->kind == PLAN_REJECT || a->kind == PLAN_EREJECT;

	if (!may_be_empty && a->value.len == 0)
		refuse(r, "an action without value");
	if (goes_out != (a->n_rcpts > 0))
		refuse(r, "an action's recipients");
	if (is_new && a->n_pieces == 0)
		refuse(r, "mail without text");
	if (a->mark.len != 0 && a->mark.len != PLAN_MARK_LEN)
		refuse(r, "a mark's key");
	for (size_t i = 0; i < a->n_rcpts; i++)
		if (a->rcpts[i].len == 0)
			refuse(r, "an empty recipient");
}

static void get_action(struct reader *r, struct plan_action *a)
{
	a->kind = get_enum(r, PLAN_NOTIFY, "an action's kind");
	a->value = a->kind == PLAN_REJECT || a->kind == PLAN_EREJECT
			   ? get_text(r, PLAN_VALUE_MAX, "an action's reason")
			   : get_word(r, PLAN_VALUE_MAX, "an action's value");
	a->is_implicit = get_bool(r);
	a->is_copy = get_bool(r);
	a->is_create = get_bool(r);
	a->n_flags = get_words(r, PLAN_FLAGS_MAX, PLAN_NAME_MAX, &a->flags,
		"an action's flags");
	get_pieces(r, a);
	a->sender = get_word(r, PLAN_VALUE_MAX, "an action's reverse-path");
	a->n_rcpts = get_words(r, PLAN_RCPTS_MAX, PLAN_VALUE_MAX, &a->rcpts,
		"an action's recipients");
	a->fcc = get_word(r, PLAN_VALUE_MAX, "an action's fcc");
	a->mark = get_digest(r);
	a->mark_seconds = wire_get_u64(&r->w);
	a->line = wire_get_u32(&r->w);
	if (!r->w.is_bad)
		check_action(r, a);
}

static void get_mark(struct reader *r, struct plan_mark *m)
{
	m->key = get_mark_key(r);
	m->seconds = wire_get_u64(&r->w);
	m->is_last = get_bool(r);
}

static void get_thread(struct reader *r, struct plan_question *q)
{
	q->n_by = get_words(
		r, PLAN_WAYS_MAX, PLAN_NAME_MAX, &q->by, "a question's ways");
	q->n_tokens = get_pairs(
		r, PLAN_TOKENS_MAX, &q->tokens, "a question's token");
	q->subject = get_word(r, PLAN_VALUE_MAX, "a question's subject");
	q->n_authors = get_words(r, PLAN_AUTHORS_MAX, PLAN_VALUE_MAX,
		&q->authors, "a question's authors");
	q->within = wire_get_u64(&r->w);
	q->is_participants = get_bool(r);
}

static void get_question(struct reader *r, struct plan_question *q)
{
	struct str name, host;
	enum dns_type type;

	q->kind = get_enum(r, PLAN_DNS, "a question's kind");
	name = get_word(r, PLAN_QUESTION_NAME_MAX, "a question's name");
	q->object = get_name(r, "a question's object");
	q->n_where = get_pairs(
		r, PLAN_WHERE_MAX, &q->where, "a question's condition");
	q->n_fields = get_words(r, PLAN_COLUMNS_MAX, PLAN_NAME_MAX, &q->fields,
		"a question's fields");
	q->order = get_word(r, PLAN_NAME_MAX, "a question's order");
	q->is_first = get_bool(r);
	q->n_ids = get_words(r, PLAN_IDS_MAX, PLAN_VALUE_MAX, &q->ids,
		"a question's Message-IDs");
	get_thread(r, q);
	if (r->w.is_bad)
		return;
	plan_name_question(r->arena, q);
	if (!str_eq(name, q->name))
		refuse(r, "a question under another's name");
	if (q->kind == PLAN_DNS && plan_read_dns(q, &type, &host) < 0)
		refuse(r, "a question that the DNS cannot be asked");
}

static void get_plan(struct reader *r, struct plan *p)
{
	if (wire_get_u8(&r->w) != VERSION)
		refuse(r, "another version");
	p->script = get_word(r, PLAN_VALUE_MAX, "the script's name");
	p->script_sha256 = get_digest(r);
	p->n_records = get_array(r, RECORD_LEAST, PLAN_RECORDS_MAX,
		sizeof(*p->records), &p->records, "too many records");
	for (size_t i = 0; i < p->n_records; i++)
		get_record(r, &p->records[i]);
	p->n_actions = get_array(r, ACTION_LEAST, PLAN_ACTIONS_MAX,
		sizeof(*p->actions), &p->actions, "too many actions");
	for (size_t i = 0; i < p->n_actions; i++)
		get_action(r, &p->actions[i]);
	p->n_marks = get_array(r, MARK_LEAST, PLAN_MARKS_MAX, sizeof(*p->marks),
		&p->marks, "too many marks");
	for (size_t i = 0; i < p->n_marks; i++)
		get_mark(r, &p->marks[i]);
	p->n_questions = get_array(r, QUESTION_LEAST, PLAN_QUESTIONS_MAX,
		sizeof(*p->questions), &p->questions, "too many questions");
	for (size_t i = 0; i < p->n_questions; i++)
		get_question(r, &p->questions[i]);
	p->n_notes = get_array(r, STR_LEAST, PLAN_NOTES_MAX, sizeof(*p->notes),
		&p->notes, "too many notes");
	for (size_t i = 0; i < p->n_notes; i++)
		p->notes[i] = get_text(r, PLAN_VALUE_MAX, "a note");
	p->fail = get_text(r, PLAN_VALUE_MAX, "the reason of failing");
}

static int tell(const struct reader *r, const char *what, struct err *err)
{
	const char *wrong = r->wrong ? r->wrong : "bytes missing or left over";

	return err_set(err, ERR_PERM, "not a valid %s: %s", what, wrong);
}

int plan_decode(
	struct arena *a, struct str in, struct plan **out, struct err *err)
{
	AUTO(map) struct map *names = map_new();
	struct reader r = { .w.in = in, .arena = a, .names = names };
	struct plan *p = ARENA_NEW(a, struct plan);

	get_plan(&r, p);
	if (!wire_is_done(&r.w))
		return tell(&r, "plan", err);
	*out = p;
	return 0;
}

static void get_answer(struct reader *r, struct facts_answer *a)
{
	a->name = get_word(r, PLAN_QUESTION_NAME_MAX, "an answer's name");
	a->n_rows = get_array(r, ROW_LEAST, FACTS_ROWS_MAX, sizeof(*a->rows),
		&a->rows, "too many rows");
	for (size_t i = 0; i < a->n_rows; i++)
		a->rows[i].n_fields = get_pairs(r, FACTS_FIELDS_MAX,
			&a->rows[i].fields, "an answer's field");
}

int facts_decode(
	struct arena *a, struct str in, struct facts **out, struct err *err)
{
	struct reader r = { .w.in = in, .arena = a };
	struct facts *f = ARENA_NEW(a, struct facts);

	if (wire_get_u8(&r.w) != VERSION)
		refuse(&r, "another version");
	f->now = (int64_t)wire_get_u64(&r.w);
	f->route = get_word(&r, PLAN_VALUE_MAX, "the route");
	f->has_folders = get_bool(&r);
	f->n_folders = get_words(&r, FACTS_FOLDERS_MAX, PLAN_VALUE_MAX,
		&f->folders, "the folders");
	f->n_answers = get_array(&r, ANSWER_LEAST, FACTS_ANSWERS_MAX,
		sizeof(*f->answers), &f->answers, "too many answers");
	for (size_t i = 0; i < f->n_answers; i++)
		get_answer(&r, &f->answers[i]);
	if (!wire_is_done(&r.w))
		return tell(&r, "set of facts", err);
	*out = f;
	return 0;
}
