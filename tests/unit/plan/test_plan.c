/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_plan.c - plans and facts: names, keys, wire form, JSON form. */
#include <mailmill/clock.h>
#include <mailmill/hash.h>
#include <mailmill/plan.h>
#include <mailmill/wire.h>

#include "test.h"

#define MARK_KEY                                                               \
	"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void add_actions(struct arena *a, struct plan *p)
{
	static struct str flags[] = { { "\\Seen", 5 }, { "$label", 6 } };
	static struct str rcpts[] = { { "ann@example.org", 15 } };
	static struct plan_piece edited[] = { { .literal = { "X: y\r\n", 6 } },
		{ .offset = 6, .len = 400 } };
	static struct plan_piece text[] = { { .literal = { "Away.\r\n", 7 } } };

	p->n_actions = 2;
	p->actions = arena_array(a, 2, sizeof(*p->actions));
	p->actions[0] = (struct plan_action){ .kind = PLAN_FILEINTO,
		.value = STR("Archive"),
		.is_copy = true,
		.is_create = true,
		.flags = flags,
		.n_flags = 2,
		.pieces = edited,
		.n_pieces = 2,
		.line = 30 };
	p->actions[1] = (struct plan_action){ .kind = PLAN_VACATION,
		.value = STR("ann@example.org"),
		.sender = STR(""),
		.rcpts = rcpts,
		.n_rcpts = 1,
		.pieces = text,
		.n_pieces = 1,
		.fcc = STR("Sent"),
		.mark = STR(MARK_KEY),
		.mark_seconds = 604800,
		.line = 31 };
	p->n_marks = 1;
	p->marks = ARENA_NEW(a, struct plan_mark);
	p->marks[0] = (struct plan_mark){ STR(MARK_KEY), 3600, true };
}

static struct plan *make_plan(struct arena *a)
{
	struct plan *p = ARENA_NEW(a, struct plan);
	struct plan_record *r;

	p->script = STR("email-to-case");
	p->n_records = 2;
	p->records = r = arena_array(a, 2, sizeof(*r));
	r[0] = (struct plan_record){ .op = PLAN_CREATE,
		.name = STR("case"),
		.object = STR("Case"),
		.line = 7 };
	r[0].n_fields = 2;
	r[0].fields = arena_array(a, 2, sizeof(struct plan_field));
	r[0].fields[0] = (struct plan_field){ .name = STR("Subject"),
		.value = STR("Grüße"),
		.max = 255,
		.line = 8 };
	r[0].fields[1] = (struct plan_field){ .name = STR("Description"),
		.value = STR("long\ntext"),
		.overflow = PLAN_FILE,
		.line = 9 };
	r[0].n_files = 2;
	r[0].files = arena_array(a, 2, sizeof(struct plan_file));
	r[0].files[0] = (struct plan_file){ .name = STR("a.png"),
		.type = STR("image/png"),
		.content_id = STR("x@y"),
		.is_inline = true,
		.offset = 100,
		.len = 200,
		.encoding = STR("base64"),
		.size = 148,
		.sha256 = STR("0123456789abcdef0123456789abcdef"
			      "0123456789abcdef0123456789abcdef"),
		.line = 12 };
	r[0].files[1] = (struct plan_file){ .name = STR("body.txt"),
		.type = STR("text/plain"),
		.is_literal = true,
		.literal = STR("all of it"),
		.size = 9 };
	r[1] = (struct plan_record){ .op = PLAN_UPDATE,
		.name = STR("message"),
		.object = STR("EmailMessage"),
		.id = STR("02s000000000001AAA"),
		.line = 20 };
	r[1].n_fields = 2;
	r[1].fields = arena_array(a, 2, sizeof(struct plan_field));
	r[1].fields[0] = (struct plan_field){ .name = STR("ParentId"),
		.kind = PLAN_REF,
		.value = STR("case"),
		.ref_field = STR("Id") };
	r[1].fields[1] = (struct plan_field){ .name = STR("Old__c"),
		.kind = PLAN_NULL };
	add_actions(a, p);
	p->n_notes = 1;
	p->notes = ARENA_NEW(a, struct str);
	p->notes[0] = STR("a note");
	return p;
}

static struct plan_question *make_find(struct arena *a)
{
	struct plan_question *q = ARENA_NEW(a, struct plan_question);

	q->kind = PLAN_FIND;
	q->object = STR("Contact");
	q->n_where = 1;
	q->where = ARENA_NEW(a, struct plan_pair);
	q->where[0].name = STR("Email");
	q->where[0].value = STR("ann@example.org");
	q->n_fields = 2;
	q->fields = arena_array(a, 2, sizeof(struct str));
	q->fields[0] = STR("Id");
	q->fields[1] = STR("AccountId");
	plan_name_question(a, q);
	return q;
}

static struct plan *make_questions(struct arena *a)
{
	struct plan *p = ARENA_NEW(a, struct plan);
	struct plan_question *q = arena_array(a, 2, sizeof(*q));

	q[0] = *make_find(a);
	q[1].kind = PLAN_THREAD;
	q[1].object = STR("Case");
	q[1].n_ids = 1;
	q[1].ids = ARENA_NEW(a, struct str);
	q[1].ids[0] = STR("id@example.org");
	plan_name_question(a, &q[1]);
	p->script = STR("s");
	p->questions = q;
	p->n_questions = 2;
	return p;
}

static struct facts *make_facts(struct arena *a)
{
	struct facts *f = ARENA_NEW(a, struct facts);
	struct plan_pair *pair = ARENA_NEW(a, struct plan_pair);

	f->now = 1795560000123;
	f->route = STR("support");
	f->n_answers = 2;
	f->answers = arena_array(a, 2, sizeof(*f->answers));
	f->answers[0].name = make_find(a)->name;
	f->answers[0].n_rows = 1;
	f->answers[0].rows = ARENA_NEW(a, struct facts_row);
	*pair = (struct plan_pair){ STR("Id"), STR("003000000000001AAA") };
	f->answers[0].rows[0].fields = pair;
	f->answers[0].rows[0].n_fields = 1;
	f->answers[1].name = STR("find/Lead/x=y/");
	return f;
}

static struct str encode(struct arena *a, const struct plan *p)
{
	AUTO(buf) struct buf b = BUF_INIT(1 << 24);

	plan_encode(&b, p);
	is_false(buf_is_over(&b), "the plan fits");
	return arena_str(a, buf_view(&b));
}

static char *dump(json_t *json)
{
	char *text = json_dumps(json, JSON_COMPACT);

	json_decref(json);
	return text;
}

/* Decodes a copy without a byte behind, so that a sanitizer sees overreads. */
static int decode(
	struct arena *a, struct str in, struct plan **out, struct err *err)
{
	char *exact = malloc(in.len ? in.len : 1);
	struct plan *p = NULL;
	int rc;

	memcpy(exact, in.p, in.len);
	rc = plan_decode(a, str_n(exact, in.len), &p, err);
	if (rc == 0 && out)
		rc = plan_decode(a, arena_str(a, in), out, err);
	free(exact);
	return rc;
}

static void check_round_trip(struct arena *a, const struct plan *p)
{
	AUTO(bytes) char *before = dump(plan_to_json(p));
	AUTO(bytes) char *after = NULL;
	struct str wire = encode(a, p);
	struct plan *back = NULL;
	struct err err = { 0 };

	is_int(decode(a, wire, &back, &err), 0, "decodes");
	if (!back) {
		test_fail(__FILE__, __LINE__, "%s", err.text);
		return;
	}
	after = dump(plan_to_json(back));
	is_c(after, before, "all of it comes back");
	is_true(str_eq(encode(a, back), wire), "and encodes the same");
}

TEST(a_plan_survives_the_wire)
{
	AUTO(arena) struct arena *a = arena_new();
	struct plan empty = { 0 };

	check_round_trip(a, make_plan(a));
	check_round_trip(a, make_questions(a));
	check_round_trip(a, &empty);
	empty.fail = STR("line 3: no such thing");
	check_round_trip(a, &empty);
}

TEST(every_truncation_is_refused)
{
	AUTO(arena) struct arena *a = arena_new();
	struct str all[] = { encode(a, make_plan(a)),
		encode(a, make_questions(a)) };
	struct err err = { 0 };

	for (size_t k = 0; k < COUNT(all); k++)
		for (size_t n = 0; n < all[k].len; n++)
			if (decode(a, str_sub(all[k], 0, n), NULL, &err) == 0)
				test_fail(__FILE__, __LINE__,
					"plan %zu cut at %zu was taken", k, n);
	is_int(err.kind, ERR_PERM, "kind");
	has_text(err.text, "not a valid plan", "says what");
}

TEST(a_byte_more_is_refused)
{
	AUTO(arena) struct arena *a = arena_new();
	AUTO(buf) struct buf b = BUF_INIT(1 << 20);
	struct err err = { 0 };

	plan_encode(&b, make_plan(a));
	wire_u8(&b, 0);
	is_int(decode(a, buf_view(&b), NULL, &err), -1, "left over");
}

/* Each byte of a valid plan set to each of some values never harms. */
TEST(no_changed_byte_harms)
{
	AUTO(arena) struct arena *a = arena_new();
	static const unsigned char values[] = { 0, 1, 0x7f, 0x80, 0xff };
	struct str all[] = { encode(a, make_plan(a)),
		encode(a, make_questions(a)) };

	for (size_t k = 0; k < COUNT(all); k++) {
		char *p = malloc(all[k].len);
		for (size_t i = 0; i < all[k].len * COUNT(values); i++) {
			AUTO(arena) struct arena *one = arena_new();
			struct plan *out = NULL;
			struct err err = { 0 };
			memcpy(p, all[k].p, all[k].len);
			p[i / COUNT(values)] = (char)values[i % COUNT(values)];
			if (plan_decode(
				    one, str_n(p, all[k].len), &out, &err) == 0)
				json_decref(plan_to_json(out));
		}
		free(p);
	}
}

TEST(the_size_of_facts_is_that_of_the_wire)
{
	AUTO(arena) struct arena *a = arena_new();
	AUTO(buf) struct buf with = BUF_INIT(1 << 16);
	AUTO(buf) struct buf without = BUF_INIT(1 << 16);
	struct facts *f = make_facts(a), none = *f;

	none.n_answers = 0;
	facts_encode(&with, f);
	facts_encode(&without, &none);
	is_int(facts_size(f), with.len - without.len, "all answers");
	is_int(facts_size(&none), 0, "none");
}

static void change_ref_unknown(struct arena *a, struct plan *p)
{
	p->records[1].fields[0].value = STR("kase");
}
static void change_ref_self(struct arena *a, struct plan *p)
{
	p->records[1].fields[0].value = STR("message");
}
static void change_ref_later(struct arena *a, struct plan *p)
{
	struct plan_record first = p->records[0];
	p->records[0] = p->records[1];
	p->records[1] = first;
}
static void change_ref_field(struct arena *a, struct plan *p)
{
	p->records[1].fields[0].ref_field = STR_NULL;
}
static void change_same_name(struct arena *a, struct plan *p)
{
	p->records[1].name = STR("case");
}
static void change_no_name(struct arena *a, struct plan *p)
{
	p->records[0].name = STR_NULL;
}
static void change_name_line(struct arena *a, struct plan *p)
{
	p->records[0].object = STR("Case\r\nX: y");
}
static void change_utf8(struct arena *a, struct plan *p)
{
	p->records[0].fields[0].value = STR("\xc3(");
}
static void change_note_utf8(struct arena *a, struct plan *p)
{
	p->notes[0] = STR("\xff");
}
static void change_no_id(struct arena *a, struct plan *p)
{
	p->records[1].id = STR_NULL;
}
static void change_no_by(struct arena *a, struct plan *p)
{
	p->records[1].op = PLAN_UPSERT;
}
static void change_op(struct arena *a, struct plan *p)
{
	p->records[0].op = (enum plan_op)4;
}
static void change_kind(struct arena *a, struct plan *p)
{
	p->records[0].fields[0].kind = (enum plan_kind)3;
}
static void change_overflow(struct arena *a, struct plan *p)
{
	p->records[0].fields[0].overflow = (enum plan_overflow)9;
}
static void change_action(struct arena *a, struct plan *p)
{
	p->actions[0].kind = (enum plan_action_kind)4;
}
static void change_redirect(struct arena *a, struct plan *p)
{
	p->actions[0].value = STR("a@b\r\nDATA");
}
static void change_folder(struct arena *a, struct plan *p)
{
	p->actions[0].value = STR_NULL;
}
static void change_key(struct arena *a, struct plan *p)
{
	p->records[0].key = STR("ABC");
}
static void change_file_path(struct arena *a, struct plan *p)
{
	p->records[0].files[0].name = STR("../a.png");
}
static void change_file_place(struct arena *a, struct plan *p)
{
	p->records[0].files[0].offset = UINT64_MAX;
}
static void change_file_encoding(struct arena *a, struct plan *p)
{
	p->records[0].files[0].encoding = STR("rot13");
}
static void change_file_size(struct arena *a, struct plan *p)
{
	p->records[0].files[0].size = UINT64_MAX;
}
static void change_literal_size(struct arena *a, struct plan *p)
{
	p->records[0].files[1].size = 10;
}
static void change_digest(struct arena *a, struct plan *p)
{
	p->records[0].files[0].sha256 = STR("abc");
}
static void change_too_long(struct arena *a, struct plan *p)
{
	p->records[0].fields[0].value = str_n(
		arena_alloc(a, PLAN_VALUE_MAX + 1), PLAN_VALUE_MAX + 1);
}
static void change_actions(struct arena *a, struct plan *p)
{
	p->n_actions = PLAN_ACTIONS_MAX + 1;
	p->actions = arena_array(a, p->n_actions, sizeof(*p->actions));
}
static void change_files(struct arena *a, struct plan *p)
{
	struct plan_file one = p->records[0].files[0];

	for (int i = 0; i < 2; i++) {
		struct plan_record *r = &p->records[i];
		r->n_files = PLAN_FILES_MAX / 2 + 1;
		r->files = arena_array(a, r->n_files, sizeof(*r->files));
		for (size_t k = 0; k < r->n_files; k++)
			r->files[k] = one;
	}
}

TEST(refuses_what_no_script_makes)
{
	static const struct {
		const char *name;
		void (*change)(struct arena *a, struct plan *p);
	} rows[] = {
		{ "reference to an unknown record", change_ref_unknown },
		{ "reference to itself", change_ref_self },
		{ "reference to a later record", change_ref_later },
		{ "reference without field", change_ref_field },
		{ "two records of one name", change_same_name },
		{ "record without name", change_no_name },
		{ "line break in an object's name", change_name_line },
		{ "value that is no UTF-8", change_utf8 },
		{ "note that is no UTF-8", change_note_utf8 },
		{ "update without id", change_no_id },
		{ "upsert without field", change_no_by },
		{ "unknown operation", change_op },
		{ "unknown kind of field", change_kind },
		{ "unknown overflow", change_overflow },
		{ "unknown action", change_action },
		{ "line break in an address", change_redirect },
		{ "fileinto without folder", change_folder },
		{ "key with other letters", change_key },
		{ "file name with a folder", change_file_path },
		{ "file past all bytes", change_file_place },
		{ "file with unknown encoding", change_file_encoding },
		{ "more bytes than its place can hold", change_file_size },
		{ "a literal of another size", change_literal_size },
		{ "digest of a wrong length", change_digest },
		{ "value over the limit", change_too_long },
		{ "more actions than allowed", change_actions },
		{ "more files in all than allowed", change_files },
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		AUTO(arena) struct arena *a = arena_new();
		struct plan *p = make_plan(a);
		struct err err = { 0 };
		rows[i].change(a, p);
		is_int(decode(a, encode(a, p), NULL, &err), -1, rows[i].name);
	}
}

TEST(a_forged_count_allocates_nothing)
{
	AUTO(arena) struct arena *a = arena_new();
	AUTO(buf) struct buf b = BUF_INIT(1000);
	struct err err = { 0 };

	wire_u8(&b, 1);
	wire_str(&b, STR_NULL);
	wire_str(&b, STR_NULL);
	wire_u32(&b, 9999);
	is_int(decode(a, buf_view(&b), NULL, &err), -1, "refused");
	is_true(arena_used(a) < 4096, "and cost nothing");
}

TEST(a_question_can_not_pass_for_another)
{
	AUTO(arena) struct arena *a = arena_new();
	struct plan *p = make_questions(a);
	struct err err = { 0 };

	p->questions[0].where[0].value = STR("eve@example.org");
	is_int(decode(a, encode(a, p), NULL, &err), -1, "refused");
	has_text(err.text, "another's name", "says why");
}

TEST(names_of_questions)
{
	AUTO(arena) struct arena *a = arena_new();
	struct plan_question *q = make_find(a), *r = make_find(a);
	char *long_value;

	is_str(q->name, "find/Contact/Email=ann%40example.org/Id,AccountId",
		"readable");
	is_true(str_eq(q->name, r->name), "equal questions, equal names");
	r->is_first = true;
	plan_name_question(a, r);
	is_false(str_eq(q->name, r->name), "first tells them apart");
	r = make_find(a);
	r->n_fields = 1;
	r->fields[0] = STR("first");
	q->n_fields = 0;
	q->is_first = true;
	plan_name_question(a, q);
	plan_name_question(a, r);
	is_false(str_eq(q->name, r->name), "a field named first is no flag");
	r->where[0].name = STR("Email=a&b");
	plan_name_question(a, r);
	is_true(str_find(r->name, STR("Email%3Da%26b")) >= 0,
		"separators are encoded");
	long_value = arena_alloc(a, 5001);
	memset(long_value, 'x', 5000);
	q->where[0].value = str_n(long_value, 5000);
	r = make_find(a);
	*r = *q;
	plan_name_question(a, q);
	is_true(q->name.len < PLAN_QUESTION_NAME_MAX, "long ones are short");
	long_value[4999] = 'y';
	plan_name_question(a, r);
	is_false(str_eq(q->name, r->name), "and still told apart");
}

TEST(keys_are_stable_and_apart)
{
	AUTO(arena) struct arena *a = arena_new();
	struct plan *p = make_plan(a), *q = make_plan(a);
	unsigned char id[HASH_LEN] = { 1 };
	struct str identity = str_n((char *)id, sizeof(id));

	p->records[1].op = PLAN_UPSERT;
	plan_set_keys(a, p, identity, STR("support"));
	plan_set_keys(a, q, identity, STR("support"));
	is_int(p->records[0].key.len, 52, "52 letters");
	is_true(str_eq(p->records[0].key, q->records[0].key), "stable");
	is_false(str_eq(p->records[0].key, p->records[1].key), "by record");
	is_int(q->records[1].key.len, 0, "an update has none");
	plan_set_keys(a, q, identity, STR("sales"));
	is_false(str_eq(p->records[0].key, q->records[0].key), "by route");
	id[0] = 2;
	plan_set_keys(a, q, identity, STR("support"));
	is_false(str_eq(p->records[0].key, q->records[0].key), "by identity");
	check_round_trip(a, q);
	/* a changed key would make every stored mail anew */
	id[0] = 0;
	plan_set_keys(a, q, identity, STR("support"));
	is_str(q->records[0].key,
		"iaa4zbd7it6iyjssxvo4646skmhpbsotkuew3u2yed44asj7bzjq",
		"never changes");
}

TEST(facts_survive_the_wire)
{
	AUTO(arena) struct arena *a = arena_new();
	AUTO(buf) struct buf b = BUF_INIT(1 << 20);
	struct facts *f = make_facts(a), *back = NULL;
	const struct facts_answer *answer;
	struct err err = { 0 };

	facts_encode(&b, f);
	is_int(facts_decode(a, buf_view(&b), &back, &err), 0, "decodes");
	is_true(back->now == f->now, "now");
	is_str(back->route, "support", "route");
	answer = facts_find(back, make_find(a)->name);
	is_true(answer && answer->n_rows == 1, "answer is found");
	is_str(facts_row_get(&answer->rows[0], STR("ID")), "003000000000001AAA",
		"field without case");
	is_true(!facts_row_get(&answer->rows[0], STR("Name")).p, "no field");
	answer = facts_find(back, STR("find/Lead/x=y/"));
	is_true(answer && answer->n_rows == 0, "known that there is nothing");
	is_true(!facts_find(back, STR("other")), "not known");
	for (size_t n = 0; n < b.len; n++)
		is_int(facts_decode(a, str_n(b.p, n), &back, &err), -1, "cut");
}

TEST(facts_survive_json)
{
	AUTO(arena) struct arena *a = arena_new();
	json_t *json = facts_to_json(make_facts(a));
	AUTO(bytes) char *before = json_dumps(json, JSON_COMPACT);
	AUTO(bytes) char *after = NULL;
	struct facts *f = NULL;
	struct err err = { 0 };

	is_int(facts_from_json(a, json, &f, &err), 0, "reads its own");
	after = dump(facts_to_json(f));
	is_c(after, before, "and makes the same again");
	json_decref(json);
}

TEST(facts_from_json_names_the_member)
{
	static const struct {
		const char *name, *in, *says;
	} rows[] = {
		{ "no object", "[]", "top: expected an object" },
		{ "bad time", "{\"now\":\"noon\"}", "now: expected a time" },
		{ "route is a number", "{\"route\":1}",
			"route: expected a string" },
		{ "answers no list", "{\"answers\":{}}",
			"answers: expected a list" },
		{ "no question", "{\"answers\":[{\"rows\":[]}]}",
			"answers[0].question: expected a question" },
		{ "no rows", "{\"answers\":[{\"question\":\"q\"}]}",
			"answers[0].rows: expected a list" },
		{ "row no object",
			"{\"answers\":[{\"question\":\"q\",\"rows\":[1]}]}",
			"answers[0].rows[0]: expected a row" },
		{ "nested value",
			"{\"answers\":[{\"question\":\"q\",\"rows\":"
			"[{\"Id\":[]}]}]}",
			"answers[0].rows[0].Id: expected a plain value" },
		{ "odd where",
			"{\"answers\":[{\"question\":{\"kind\":\"find\","
			"\"object\":\"C\",\"where\":[\"Email\"]}}]}",
			"question.where: expected a value after each field" },
		{ "unknown kind",
			"{\"answers\":[{\"question\":{\"kind\":\"x\"}}]}",
			"question.kind: expected \"dns\", \"find\", \"thread\" "
			"or \"seen\"" },
		{ "no name of a host",
			"{\"answers\":[{\"question\":{\"kind\":\"dns\","
			"\"object\":\"a..b\",\"type\":\"A\"}}]}",
			"question.object: expected a name that the DNS" },
		{ "no type",
			"{\"answers\":[{\"question\":{\"kind\":\"dns\","
			"\"object\":\"a.b\",\"type\":\"NS\"}}]}",
			"question.type: expected A, AAAA, MX, PTR or TXT" },
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		AUTO(arena) struct arena *a = arena_new();
		json_t *json = json_loads(rows[i].in, 0, NULL);
		struct facts *f = NULL;
		struct err err = { 0 };
		is_int(facts_from_json(a, json, &f, &err), -1, rows[i].name);
		has_text(err.text, rows[i].says, rows[i].name);
		json_decref(json);
	}
}

TEST(facts_from_json_as_people_write_them)
{
	AUTO(arena) struct arena *a = arena_new();
	json_t *json = json_loads(
		"{\"now\":\"2026-11-24T21:00:00Z\",\"answers\":[{\"question\":"
		"{\"kind\":\"find\",\"object\":\"Contact\",\"where\":"
		"[\"Email\",\"ann@example.org\"],\"fields\":[\"Id\","
		"\"AccountId\"]},\"rows\":[{\"Id\":\"003\",\"N\":5,"
		"\"Vip\":true,\"Gone\":null}]}]}",
		0, NULL);
	const struct facts_answer *answer;
	struct facts *f = NULL;
	struct err err = { 0 };

	is_int(facts_from_json(a, json, &f, &err), 0, err.text);
	json_decref(json);
	answer = facts_find(f, make_find(a)->name);
	is_true(answer != NULL, "the question's name is made");
	if (!answer)
		return;
	is_int(answer->rows[0].n_fields, 3, "null is no value");
	is_str(facts_row_get(&answer->rows[0], STR("N")), "5", "number");
	is_str(facts_row_get(&answer->rows[0], STR("Vip")), "true", "boolean");
}

TEST(pieces_are_bytes_and_ranges)
{
	struct plan_piece pieces[] = {
		{ .literal = STR("X-A: b\r\n") },
		{ .offset = 3, .len = 4 },
		{ .offset = 8, .len = 100 },
		{ .offset = 11, .len = 1 },
		{ .offset = 0, .len = 0 },
		{ .literal = STR("end") },
	};
	struct str message = STR("0123456789a");
	AUTO(buf) struct buf b = BUF_INIT(1000), small = BUF_INIT(12);

	plan_pieces_write(&b, NULL, 0, message);
	is_str(buf_view(&b), "0123456789a", "as it came");
	buf_clear(&b);
	plan_pieces_write(&b, pieces, COUNT(pieces), message);
	is_str(buf_view(&b), "X-A: b\r\n345689aend", "pieces");
	plan_pieces_write(&small, pieces, COUNT(pieces), message);
	is_true(buf_is_over(&small), "the limit holds");
}

TEST(json_of_a_plan)
{
	AUTO(arena) struct arena *a = arena_new();
	AUTO(bytes) char *text = dump(plan_to_json(make_plan(a)));

	has_text(text, "{\"script\":{\"name\":\"email-to-case\"}", "script");
	has_text(text,
		"\"actions\":[{\"action\":\"fileinto\",\"value\":\"Archive\","
		"\"copy\":true,\"create\":true,\"flags\":[\"\\\\Seen\","
		"\"$label\"],\"message\":[{\"text\":\"X: y\\r\\n\"},"
		"{\"offset\":6,\"length\":400}],\"line\":30},",
		"actions");
	has_text(text,
		"\"sender\":\"\",\"recipients\":[\"ann@example.org\"],"
		"\"message\":[{\"text\":\"Away.\\r\\n\"}],\"fcc\":\"Sent\"",
		"mail that goes out");
	has_text(text, "\"seconds\":3600,\"last\":true}]", "marks");
	has_text(text,
		"{\"op\":\"create\",\"name\":\"case\",\"object\":\"Case\","
		"\"fields\":{\"Subject\":{\"value\":\"Grüße\",\"max\":255,"
		"\"line\":8}",
		"record");
	has_text(text, "\"ParentId\":{\"ref\":\"case.Id\"}", "reference");
	has_text(text, "\"Old__c\":{\"value\":null}", "null");
	has_text(text, "\"offset\":100,\"length\":200", "file");
}

/*
 * The DNS
 */

static struct plan *make_dns_plan(struct arena *a, struct plan_question *q)
{
	struct plan *p = ARENA_NEW(a, struct plan);

	p->script = STR("s");
	p->questions = q;
	p->n_questions = 1;
	return p;
}

TEST(questions_to_the_dns)
{
	AUTO(arena) struct arena *a = arena_new();
	struct plan_question q;
	struct plan *back = NULL;
	struct err err = { 0 };
	enum dns_type type;
	struct str name;
	char long_name[250];

	plan_ask_dns(a, DNS_TXT, STR("_dmarc.example.org"), &q);
	is_str(q.name, "dns/TXT/_dmarc.example.org", "name");
	is_int(decode(a, encode(a, make_dns_plan(a, &q)), &back, &err), 0,
		err.text);
	is_int(plan_read_dns(&back->questions[0], &type, &name), 0, "is one");
	is_int(type, DNS_TXT, "its type");
	is_str(name, "_dmarc.example.org", "its host");
	memset(long_name, 'x', sizeof(long_name));
	for (size_t i = 60; i < sizeof(long_name); i += 61)
		long_name[i] = '.';
	plan_ask_dns(a, DNS_TXT, str_n(long_name, sizeof(long_name)), &q);
	is_int(decode(a, encode(a, make_dns_plan(a, &q)), NULL, &err), 0,
		"a long one");
}

TEST(forged_questions_to_the_dns)
{
	static const struct {
		const char *name, *host, *type;
	} rows[] = {
		{ "large letters would be asked twice", "Example.org", "TXT" },
		{ "as would a dot", "example.org.", "TXT" },
		{ "no name", "a..b", "TXT" },
		{ "a type that nobody needs", "example.org", "ANY" },
		{ "another writing of a type", "example.org", "txt" },
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		AUTO(arena) struct arena *a = arena_new();
		struct plan_question q;
		struct err err = { 0 };

		plan_ask_dns(a, DNS_TXT, str_c(rows[i].host), &q);
		q.fields[0] = str_c(rows[i].type);
		plan_name_question(a, &q);
		is_int(decode(a, encode(a, make_dns_plan(a, &q)), NULL, &err),
			-1, rows[i].name);
		has_text(err.text, "cannot be asked", rows[i].name);
	}
}

TEST(answers_of_the_dns_are_facts)
{
	AUTO(arena) struct arena *a = arena_new();
	struct str records[] = { STR("v=spf1 -all"), { "a\\\0\377\"1", 6 },
		STR("") };
	struct dns_answer in = { DNS_FOUND, records, COUNT(records) }, out;
	struct facts_answer f = facts_of_dns(a, STR("q"), &in);

	is_int(f.n_rows, 3, "a row each");
	is_str(f.rows[1].fields[0].value, "a\\\\\\000\\255\"1", "escaped");
	facts_to_dns(a, &f, &out);
	is_int(out.status, DNS_FOUND, "found");
	is_int(out.n_records, 3, "all");
	for (size_t i = 0; i < COUNT(records); i++)
		is_true(str_eq(out.records[i], records[i]), "as it was");
	for (enum dns_status s = DNS_NO_DATA; s <= DNS_FAILED; s++) {
		in = (struct dns_answer){ .status = s };
		f = facts_of_dns(a, STR("q"), &in);
		facts_to_dns(a, &f, &out);
		is_int(out.status, s, dns_status_name(s));
	}
	f.n_rows = 0;
	facts_to_dns(a, &f, &out);
	is_int(out.status, DNS_NO_NAME, "no rows: there is no such name");
}
