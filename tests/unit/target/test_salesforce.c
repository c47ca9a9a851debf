/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_salesforce.c - plans to graphs, answers to outcomes, without network. */
#include <string.h>

#include <mailmill/utf8.h>

#include "../../../src/target/salesforce/salesforce.h"
#include "salesforce_schema.h"
#include "test.h"

static struct sf_object *objects[4];

static struct sf_object *read_object(const char *text)
{
	json_t *json = json_loads(text, 0, NULL);
	struct sf_object *o = NULL;
	struct err err;

	must(json);
	must(sf_object_read(json, "Mailmill_Key__c", &o, &err) == 0);
	json_decref(json);
	return o;
}

static void load(void)
{
	objects[0] = read_object(schema_case);
	objects[1] = read_object(schema_message);
	objects[2] = read_object(schema_contact);
	objects[3] = read_object(schema_version);
}

static void unload(void)
{
	for (size_t i = 0; i < COUNT(objects); i++)
		sf_object_free(TAKE(objects[i]));
}

static const struct sf_object *find_object(void *ctx, struct str name)
{
	for (size_t i = 0; i < COUNT(objects); i++)
		if (str_eq_case(objects[i]->name, name))
			return objects[i];
	return NULL;
}

static const struct sf_conf conf = {
	.api_version = "v66.0",
	.key_field = "Mailmill_Key__c",
};

/* ---- values ----------------------------------------------------------- */

TEST(values_get_the_schemas_types)
{
	static const struct {
		const char *name, *object, *field, *value;
		const char *want; /* NULL: refused; "": left out */
	} rows[] = {
		{ "text", "Case", "Subject", "Hi \"you\"\\\n",
			"\"Hi \\\"you\\\"\\\\\\n\"" },
		{ "controls are dropped", "Case", "Subject", "a\x01\x7f\tb",
			"\"a\\u0009b\"" },
		{ "non-characters are dropped", "Case", "Subject",
			"a\xef\xbf\xbe\xef\xbf\xbf"
			"b\xef\xbf\xbd",
			"\"ab\xef\xbf\xbd\"" },
		{ "a reference in a mail is none", "Case", "Subject",
			"x @{case.id} @{",
			"\"x @\xe2\x81\xa0{case.id} "
			"@\xe2\x81\xa0{\"" },
		{ "nor is one with a control inside", "Case", "Subject",
			"x @\x01{case.id} @\xef\xbf\xbf\x7f{",
			"\"x @\xe2\x81\xa0{case.id} "
			"@\xe2\x81\xa0{\"" },
		{ "true", "Case", "IsEscalated", "true", "true" },
		{ "No", "Case", "IsEscalated", "No", "false" },
		{ "perhaps", "Case", "IsEscalated", "perhaps", NULL },
		{ "int", "Case", "Count__c", " 0042 ", "42" },
		{ "zero", "Case", "Count__c", "-0", "-0" },
		{ "fraction for an int", "Case", "Count__c", "4.2", NULL },
		{ "money keeps its digits", "Case", "Amount__c",
			"12345678901234567.10", "12345678901234567.10" },
		{ "no number", "Case", "Amount__c", "12,50", NULL },
		{ "JSON in a number", "Case", "Amount__c", "1,\"x\":2", NULL },
		{ "ends with a point", "Case", "Amount__c", "1.", NULL },
		{ "date", "Case", "Due__c", "2026-11-24", "\"2026-11-24\"" },
		{ "date of a time", "Case", "Due__c",
			"2026-11-24T23:30:00-05:00", "\"2026-11-24\"" },
		{ "no date", "Case", "Due__c", "tomorrow", NULL },
		{ "time", "Case", "Seen__c", "2026-11-24T22:36:46+01:00",
			"\"2026-11-24T21:36:46.000Z\"" },
		{ "time of a date", "Case", "Seen__c", "2026-11-24",
			"\"2026-11-24T00:00:00.000Z\"" },
		{ "id", "Case", "ContactId", "003000000000001AAA",
			"\"003000000000001AAA\"" },
		{ "no id", "Case", "ContactId", "Ann", NULL },
		{ "address", "Case", "SuppliedEmail", "ann@example.org",
			"\"ann@example.org\"" },
		{ "no address", "Case", "SuppliedEmail", "ann at home", "" },
		{ "empty", "Case", "Subject", "  ", "" },
		{ "ids", "EmailMessage", "ToIds",
			"003000000000001AAA; 003000000000002AAA",
			"[\"003000000000001AAA\",\"003000000000002AAA\"]" },
		{ "addresses are cut whole", "EmailMessage", "ToAddress",
			"first@example.org; second@example.org; third@x.org",
			"\"first@example.org; second@example.org\"" },
	};

	load();
	for (size_t i = 0; i < COUNT(rows); i++) {
		AUTO(arena) struct arena *a = arena_new();
		AUTO(buf) struct buf out = BUF_INIT(1 << 20);
		struct sf_notes notes = { .arena = a };
		const struct sf_object *o = find_object(
			NULL, str_c(rows[i].object));
		const struct sf_field *f = sf_object_field(
			o, str_c(rows[i].field));
		struct plan_field in = { .name = str_c(rows[i].field),
			.value = str_c(rows[i].value),
			.line = 7 };
		struct err err = { 0 };
		int rc;

		must(f);
		rc = sf_value_write(
			&out, o, f, &in, PLAN_CREATE, 0, &notes, &err);
		is_int(rc,
			!rows[i].want	? -1
			: *rows[i].want ? 0
					: SF_LEFT_OUT,
			rows[i].name);
		if (rc == 0)
			is_str(buf_view(&out), rows[i].want, rows[i].name);
		if (rc < 0)
			has_text(err.text, "rule line 7", rows[i].name);
	}
	unload();
}

TEST(long_texts_go_by_the_rules_word)
{
	char text[200 * 4 + 1] = "";
	AUTO(arena) struct arena *a = arena_new();
	AUTO(buf) struct buf out = BUF_INIT(1 << 20);
	struct sf_notes notes = { .arena = a };
	const struct sf_object *o;
	const struct sf_field *f;
	struct plan_field in = { .name = STR("Description"), .line = 3 };
	struct err err = { 0 };

	load();
	o = find_object(NULL, STR("Case"));
	f = sf_object_field(o, STR("description"));
	for (int i = 0; i < 60; i++) /* two UTF-16 units each */
		memcpy(text + 4 * i, "\xf0\x9f\x98\x80", 4);
	in.value = str_n(text, 240);
	is_int(sf_value_write(&out, o, f, &in, PLAN_CREATE, 0, &notes, &err),
		-1, "fail is the default");
	has_text(err.text, "takes 100 characters, the value has 120",
		"in UTF-16 units");
	in.overflow = PLAN_CUT;
	is_int(sf_value_write(&out, o, f, &in, PLAN_CREATE, 0, &notes, &err), 0,
		"cut");
	is_int(out.len, 50 * 4 + 2, "fifty pairs are a hundred units");
	buf_clear(&out);
	in.max = 31;
	is_int(sf_value_write(&out, o, f, &in, PLAN_CREATE, 0, &notes, &err), 0,
		"cut by the rule's own limit");
	is_int(out.len, 15 * 4 + 2, "no pair is halved");
	buf_clear(&out);
	in.max = 0;
	in.overflow = PLAN_FILE;
	is_int(sf_value_write(&out, o, f, &in, PLAN_CREATE, 4, &notes, &err), 0,
		"file");
	has_text(out.p,
		"\\n[cut here; the whole text is in the file "
		"Description.txt]\"",
		"a marker says so");
	is_true(utf8_count_utf16(buf_view(&out)) - 3 <= 100, "and it fits");
	is_int(notes.n_files, 1, "one file");
	is_int(notes.files[0].record, 4, "of that record");
	is_true(str_eq(notes.files[0].file.literal, in.value), "whole");
	is_int(notes.files[0].file.sha256.len, 64, "with its hash");
	unload();
}

TEST(addresses_salesforce_takes)
{
	static const struct {
		const char *address;
		bool want;
	} rows[] = {
		{ "ann@example.org", true },
		{ "a.b+c'd@sub.example.co", true },
		{ "ann", false },
		{ "@example.org", false },
		{ "ann@", false },
		{ "ann@localhost", false },
		{ "a..b@example.org", false },
		{ ".a@example.org", false },
		{ "a b@example.org", false },
		{ "\"a b\"@example.org", false },
		{ "a@b@example.org", false },
		{ "a@-b.org", false },
		{ "a@b_c.org", true },
		{ "a@b..org", false },
		{ "a@b.org,c@d.org", false },
	};

	for (size_t i = 0; i < COUNT(rows); i++)
		is_int(sf_is_email(str_c(rows[i].address)), rows[i].want,
			rows[i].address);
}

/* ---- graphs ----------------------------------------------------------- */

static struct plan_field case_fields[] = {
	{ .name = STR("subject"), .value = STR("Hi"), .line = 2 },
	{ .name = STR("SuppliedEmail"), .value = STR("no address"), .line = 3 },
};
static struct plan_field message_fields[] = {
	{ .name = STR("ParentId"),
		.kind = PLAN_REF,
		.value = STR("case"),
		.ref_field = STR("Id"),
		.line = 5 },
	{ .name = STR("Incoming"), .value = STR("true"), .line = 6 },
};
static struct plan_record two_records[] = {
	{ .op = PLAN_CREATE,
		.name = STR("case"),
		.object = STR("Case"),
		.key = STR("k1"),
		.fields = case_fields,
		.n_fields = 2,
		.line = 1 },
	{ .op = PLAN_CREATE,
		.name = STR("message"),
		.object = STR("EmailMessage"),
		.key = STR("k2"),
		.fields = message_fields,
		.n_fields = 2,
		.line = 4 },
};

struct made {
	struct arena *arena;
	struct buf out;
	struct sf_notes notes;
	struct sf_record records[8];
	struct sf_graph graph;
	struct err err;
	int rc;
};

static void make(struct made *m, const struct plan *plan)
{
	*m = (struct made){ .arena = arena_new(), .out = BUF_INIT(1 << 20) };
	m->notes.arena = m->arena;
	m->graph = (struct sf_graph){ .conf = &conf,
		.object = find_object,
		.plan = plan,
		.records = m->records,
		.to = sf_graph_piece(plan, 0),
		.notes = &m->notes };
	m->rc = sf_graph_write(&m->out, "g1", &m->graph, &m->err);
}

static void unmake(struct made *m)
{
	buf_fini(&m->out);
	arena_free(m->arena);
}

TEST(a_plan_is_one_graph)
{
	struct plan plan = { .records = two_records, .n_records = 2 };
	struct made m;

	load();
	make(&m, &plan);
	is_int(m.rc, 0, m.err.text);
	is_str(buf_view(&m.out),
		"{\"graphId\":\"g1\",\"compositeRequest\":["
		"{\"referenceId\":\"case\",\"method\":\"PATCH\",\"url\":"
		"\"/services/data/v66.0/sobjects/Case/Mailmill_Key__c/k1\","
		"\"httpHeaders\":{\"Sforce-Auto-Assign\":\"FALSE\"},"
		"\"body\":{\"Subject\":\"Hi\"}},"
		"{\"referenceId\":\"message\",\"method\":\"POST\",\"url\":"
		"\"/services/data/v66.0/sobjects/EmailMessage\","
		"\"body\":{\"ParentId\":\"@{case.id}\",\"Incoming\":true,"
		"\"Mailmill_Key__c\":\"k2\"}}]}",
		"an upsert by key where it can be, else the key as a field");
	is_int(m.notes.n_notes, 1, "the bad address is told");
	is_int(m.graph.n_nodes, 2, "two nodes");
	is_str(sf_graph_key(&m.graph, 1), "k2", "keys are known");
	unmake(&m);
	unload();
}

TEST(updates_upserts_and_deletes)
{
	struct plan_field by[] = {
		{ .name = STR("Code__c"), .value = STR("a/b c") },
		{ .name = STR("LastName"), .value = STR("B") },
	};
	struct plan_field open[] = { { .name = STR("Status"),
		.value = STR("Open") } };
	struct plan_field clear[] = { { .name = STR("Subject"),
		.kind = PLAN_NULL } };
	struct plan_record records[] = {
		{ .op = PLAN_UPSERT,
			.name = STR("who am i"),
			.object = STR("Contact"),
			.by = STR("code__c"),
			.fields = by,
			.n_fields = 2 },
		{ .op = PLAN_UPDATE,
			.name = STR("case"),
			.object = STR("Case"),
			.id = STR("500000000000001AAA"),
			.fields = open,
			.n_fields = 1 },
		{ .op = PLAN_UPDATE,
			.name = STR("same"),
			.object = STR("Case"),
			.id = STR("500000000000001AAA") },
		{ .op = PLAN_UPDATE,
			.name = STR("clear"),
			.object = STR("Case"),
			.id = STR("500000000000002AAA"),
			.fields = clear,
			.n_fields = 1 },
		{ .op = PLAN_DELETE,
			.name = STR("old"),
			.object = STR("Case"),
			.id = STR("500000000000003AAA") },
	};
	struct plan plan = { .records = records, .n_records = 5 };
	struct made m;

	load();
	make(&m, &plan);
	is_int(m.rc, 0, m.err.text);
	has_text(m.out.p,
		"{\"referenceId\":\"r0\",\"method\":\"PATCH\",\"url\":"
		"\"/services/data/v66.0/sobjects/Contact/Code__c/a%2Fb%20c\","
		"\"httpHeaders\":{\"Sforce-Duplicate-Rule-Header\":"
		"\"allowSave=true\"},\"body\":{\"LastName\":\"B\"}}",
		"upsert by the admin's field, which leaves the body");
	has_text(m.out.p,
		"sobjects/Case/500000000000001AAA\",\"httpHeaders\":{"
		"\"Sforce-Auto-Assign\":\"FALSE\"},\"body\":{\"Status\":"
		"\"Open\"}}",
		"update by id");
	has_text(m.out.p, "\"body\":{\"Subject\":null}", "null clears");
	has_text(m.out.p,
		"\"method\":\"DELETE\",\"url\":\"/services/data/v66.0/sobjects/"
		"Case/500000000000003AAA\"",
		"delete");
	is_int(m.graph.n_nodes, 4, "an update of nothing is no node");
	is_true(m.records[2].is_known, "and is known");
	unmake(&m);
	unload();
}

/* Percent-encoding leaves dots, and servers resolve them. */
TEST(an_upserts_value_is_no_step_in_a_path)
{
	static const struct {
		const char *value;
		int want;
	} rows[] = { { ".", -1 }, { "..", -1 }, { "...", 0 }, { "..a", 0 } };

	load();
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct plan_field field = { .name = STR("Code__c"),
			.value = str_c(rows[i].value) };
		struct plan_record record = { .op = PLAN_UPSERT,
			.name = STR("ann"),
			.object = STR("Contact"),
			.by = STR("Code__c"),
			.fields = &field,
			.n_fields = 1 };
		struct plan plan = { .records = &record, .n_records = 1 };
		struct made m;

		make(&m, &plan);
		is_int(m.rc, rows[i].want, rows[i].value);
		if (rows[i].want)
			is_int(m.err.kind, ERR_PERM, "for good");
		unmake(&m);
	}
	unload();
}

TEST(what_the_schema_lacks_is_named)
{
	static const struct {
		const char *name, *object, *field;
		enum plan_op op;
		enum err_kind kind;
		const char *text;
	} rows[] = {
		{ "no such field", "Case", "Subjekt", PLAN_CREATE, ERR_CONF,
			"no field Subjekt on Case" },
		{ "no such object", "Kase", "Subject", PLAN_CREATE, ERR_CONF,
			"no object Kase" },
		{ "read only", "Case", "CaseNumber", PLAN_CREATE, ERR_CONF,
			"Case.CaseNumber can't be set" },
		{ "only at the start", "EmailMessage", "ParentId", PLAN_UPDATE,
			ERR_CONF, "EmailMessage.ParentId can't be changed" },
		{ "our own", "Case", "mailmill_key__c", PLAN_CREATE, ERR_PERM,
			"mailmill's own" },
		{ "name with a quote", "Case\"}", "Subject", PLAN_CREATE,
			ERR_CONF, "no object" },
	};

	load();
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct plan_field field = { .name = str_c(rows[i].field),
			.value = STR("x"),
			.line = 9 };
		struct plan_record record = { .op = rows[i].op,
			.name = STR("r"),
			.object = str_c(rows[i].object),
			.id = STR("500000000000001AAA"),
			.fields = &field,
			.n_fields = 1,
			.line = 8 };
		struct plan plan = { .records = &record, .n_records = 1 };
		struct made m;

		make(&m, &plan);
		is_int(m.rc, -1, rows[i].name);
		is_int(m.err.kind, rows[i].kind, rows[i].name);
		has_text(m.err.text, rows[i].text, rows[i].name);
		unmake(&m);
	}
	unload();
}

/* ---- answers ---------------------------------------------------------- */

TEST(answers_go_to_their_plans)
{
	static const struct {
		const char *name, *answer;
		bool is_good;
		enum sf_class class;
		const char *reason;
		size_t record;
	} rows[] = {
		{ "both made",
			"{\"isSuccessful\":true,\"graphResponse\":{"
			"\"compositeResponse\":[{\"referenceId\":\"message\","
			"\"httpStatusCode\":201,\"body\":{\"id\":"
			"\"02s000000000001AAA\"}},{\"referenceId\":\"case\","
			"\"httpStatusCode\":200,\"body\":{\"id\":"
			"\"500000000000001AAA\",\"created\":false}}]}}",
			true, SF_DONE, "", 0 },
		{ "one at fault",
			"{\"isSuccessful\":false,\"graphResponse\":{"
			"\"compositeResponse\":[{\"referenceId\":\"case\","
			"\"httpStatusCode\":400,\"body\":[{\"errorCode\":"
			"\"PROCESSING_HALTED\",\"message\":\"rolled back\"}]},{"
			"\"referenceId\":\"message\",\"httpStatusCode\":400,"
			"\"body\":[{\"errorCode\":\"STRING_TOO_LONG\","
			"\"message\":\"x\",\"fields\":[\"Subject\"]}]}]}}",
			false, SF_NEVER, "STRING_TOO_LONG: x", 1 },
		{ "another graph's fault",
			"{\"isSuccessful\":false,\"graphResponse\":{"
			"\"compositeResponse\":[{\"referenceId\":\"case\","
			"\"httpStatusCode\":400,\"body\":[{\"errorCode\":"
			"\"PROCESSING_HALTED\",\"message\":\"h\"}]},{"
			"\"referenceId\":\"message\",\"httpStatusCode\":400,"
			"\"body\":[{\"errorCode\":\"PROCESSING_HALTED\","
			"\"message\":\"h\"}]}]}}",
			false, SF_HALTED, "PROCESSING_HALTED: h", 0 },
		{ "nothing in it", "{\"isSuccessful\":true}", false, SF_AGAIN,
			"the answer leaves a record out", 0 },
		{ "no id",
			"{\"isSuccessful\":true,\"graphResponse\":{"
			"\"compositeResponse\":[{\"referenceId\":\"case\","
			"\"httpStatusCode\":201,\"body\":{\"id\":3}}]}}",
			false, SF_AGAIN, "the answer names no id", 0 },
		{ "hostile shapes",
			"{\"isSuccessful\":false,\"graphResponse\":[{}]}",
			false, SF_AGAIN, "the answer leaves a record out", 0 },
	};
	struct plan plan = { .records = two_records, .n_records = 2 };

	load();
	for (size_t i = 0; i < COUNT(rows); i++) {
		json_t *json = json_loads(rows[i].answer, 0, NULL);
		struct sf_failure fail;
		size_t record = 0;
		struct made m;
		bool good;

		must(json);
		make(&m, &plan);
		good = sf_result_read(m.arena, json, &m.graph, &fail, &record);
		is_int(good, rows[i].is_good, rows[i].name);
		if (good) {
			is_str(m.records[0].id, "500000000000001AAA",
				"ids by reference, not by order");
			is_str(m.records[1].id, "02s000000000001AAA",
				"the other");
		} else {
			is_int(fail.class, rows[i].class, rows[i].name);
			is_str(fail.reason, rows[i].reason, rows[i].name);
			is_int(record, rows[i].record, rows[i].name);
			is_false(m.records[0].is_known, "nothing is known");
		}
		json_decref(json);
		unmake(&m);
	}
	unload();
}

TEST(graphs_are_found_by_id)
{
	json_t *json = json_loads("{\"graphs\":[{\"graphId\":\"a\"},{},3,"
				  "{\"graphId\":\"b\",\"x\":1}]}",
		0, NULL);

	is_true(json_object_get(sf_result_find(json, "b"), "x") != NULL,
		"the one asked for");
	is_true(sf_result_find(json, "c") == NULL, "none");
	is_true(sf_result_find(NULL, "c") == NULL, "no answer");
	json_decref(json);
}

TEST(error_codes_have_classes)
{
	static const struct {
		const char *code, *message;
		int status;
		enum sf_class class;
		enum target_outcome outcome;
	} rows[] = {
		{ "INVALID_SESSION_ID", "Session expired or invalid", 401,
			SF_AUTH, TARGET_RETRY },
		{ "INVALID_SESSION_ID",
			"This session is not valid for use with the REST API",
			401, SF_OPERATOR, TARGET_HOLD },
		{ "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.",
			403, SF_LATER, TARGET_RETRY },
		{ "UNABLE_TO_LOCK_ROW", "", 400, SF_AGAIN, TARGET_RETRY },
		{ "REQUIRED_FIELD_MISSING", "", 400, SF_NEVER, TARGET_REFUSED },
		{ "INVALID_FIELD", "", 400, SF_OPERATOR, TARGET_HOLD },
		{ "DUPLICATE_VALUE", "", 400, SF_LOOK, TARGET_RETRY },
		{ "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY",
			"Trigger: execution of BeforeInsert caused by: X", 400,
			SF_NEVER, TARGET_REFUSED },
		{ "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY",
			"T: execution of AfterInsert caused by: "
			"UNABLE_TO_LOCK_ROW",
			400, SF_AGAIN, TARGET_RETRY },
		{ "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "no access", 400,
			SF_OPERATOR, TARGET_HOLD },
		{ "PROCESSING_HALTED", "", 400, SF_HALTED, TARGET_RETRY },
		{ "SOMETHING_NEW", "", 400, SF_NEVER, TARGET_REFUSED },
		{ "SOMETHING_NEW", "", 500, SF_AGAIN, TARGET_RETRY },
		{ "", "", 503, SF_LATER, TARGET_RETRY },
		{ "", "", 200, SF_AGAIN, TARGET_RETRY },
		{ "STORAGE_LIMIT_EXCEEDED", "", 400, SF_LATER, TARGET_RETRY },
		{ "UNSUPPORTED_API_VERSION", "", 404, SF_OPERATOR,
			TARGET_HOLD },
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		enum sf_class class = sf_error_class(
			rows[i].code, rows[i].message, rows[i].status);

		is_int(class, rows[i].class, rows[i].code);
		is_int(sf_error_outcome(class), rows[i].outcome, rows[i].code);
	}
}

TEST(error_bodies_of_all_shapes)
{
	static const struct {
		const char *name, *body, *reason;
	} rows[] = {
		{ "an array", "[{\"errorCode\":\"A\",\"message\":\"m\"}]",
			"A: m" },
		{ "an object", "{\"errorCode\":\"A\",\"message\":\"m\"}",
			"A: m" },
		{ "of collections",
			"[{\"statusCode\":\"A\",\"message\":\"m\"}]", "A: m" },
		{ "the cause comes second",
			"[{\"errorCode\":\"PROCESSING_HALTED\"},{\"errorCode\":"
			"\"B\",\"message\":\"n\"}]",
			"B: n" },
		{ "a string", "\"oops\"",
			"status 400 without an error that can be read" },
		{ "empty", "[]",
			"status 400 without an error that can be read" },
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		AUTO(arena) struct arena *a = arena_new();
		json_t *json = json_loads(rows[i].body, JSON_DECODE_ANY, NULL);
		struct sf_failure fail;

		sf_error_read(a, json, 400, &fail);
		is_str(fail.reason, rows[i].reason, rows[i].name);
		json_decref(json);
	}
}

/* ---- questions -------------------------------------------------------- */

TEST(soql_texts_stay_texts)
{
	static const struct {
		const char *name, *in, *want;
	} rows[] = {
		{ "plain", "ann@example.org", "'ann@example.org'" },
		{ "a quote", "o'neil", "'o\\'neil'" },
		{ "a way out", "x' OR Name != '", "'x\\' OR Name != \\''" },
		{ "escaped quote", "x\\' OR 1=1", "'x\\\\\\' OR 1=1'" },
		{ "backslash at the end", "x\\", "'x\\\\'" },
		{ "line ends", "a\r\nb\tc", "'a\\r\\nb\\tc'" },
		{ "other controls", "a\x01", "'a\\u0001'" },
		{ "comments are text", "/* -- */", "'/* -- */'" },
		{ "wildcards are text", "%_", "'%_'" },
		{ "double quotes need nothing", "\"", "'\"'" },
		{ "beyond ASCII", "\xc3\xa4", "'\xc3\xa4'" },
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		AUTO(buf) struct buf out = BUF_INIT(1 << 16);

		sf_soql_text(&out, str_c(rows[i].in));
		is_str(buf_view(&out), rows[i].want, rows[i].name);
	}
}

static struct plan_question ask(
	struct plan_pair *where, size_t n, struct str *fields, size_t n_fields)
{
	return (struct plan_question){ .kind = PLAN_FIND,
		.object = STR("Contact"),
		.where = where,
		.n_where = n,
		.fields = fields,
		.n_fields = n_fields };
}

TEST(many_questions_are_one_query)
{
	struct str fields[] = { STR("AccountId"), STR("Account.Name") };
	struct plan_pair a[] = { { STR("Email"), STR("ann@example.org") } };
	struct plan_pair b[] = { { STR("Email"), STR("o'b@example.org") } };
	struct plan_question qa = ask(a, 1, fields, 2);
	struct plan_question qb = ask(b, 1, fields, 2);
	const struct plan_question *all[] = { &qa, &qb, &qa };
	AUTO(buf) struct buf out = BUF_INIT(1 << 16);
	AUTO(buf) struct buf ga = BUF_INIT(1 << 16), gb = BUF_INIT(1 << 16);
	const struct sf_object *o;
	struct err err = { 0 };

	load();
	o = find_object(NULL, STR("contact"));
	is_int(sf_query_group(&ga, o, &qa, &err), 0, err.text);
	is_int(sf_query_group(&gb, o, &qb, &err), 0, err.text);
	is_true(str_eq(buf_view(&ga), buf_view(&gb)), "they share a group");
	is_true(sf_query_is_shareable(o, &qa), "and a query");
	sf_query_write(&out, o, all, 3, 2000);
	is_str(buf_view(&out),
		"SELECT Id, AccountId, Account.Name, Email FROM Contact WHERE "
		"Email IN ('ann@example.org', 'o\\'b@example.org') LIMIT 2000",
		"each value once");
	buf_fini(&ga);
	buf_fini(&gb);
	unload();
}

TEST(several_fields_are_joined)
{
	struct plan_pair a[] = { { STR("Email"), STR("a@x.org") },
		{ STR("LastName"), STR("A") },
		{ STR("Active__c"), STR("yes") } };
	struct plan_pair b[] = { { STR("Email"), STR("b@x.org") },
		{ STR("LastName"), STR("B") },
		{ STR("Active__c"), STR("true") } };
	struct plan_pair c[] = { { STR("Born__c"), STR("2001-02-03") } };
	struct plan_question qa = ask(a, 3, NULL, 0), qb = ask(b, 3, NULL, 0);
	struct plan_question qc = ask(c, 1, NULL, 0);
	const struct plan_question *two[] = { &qa, &qb }, *one[] = { &qc };
	AUTO(buf) struct buf out = BUF_INIT(1 << 16);
	const struct sf_object *o;

	load();
	o = find_object(NULL, STR("Contact"));
	qc.order = STR("LastName DESC");
	sf_query_write(&out, o, two, 2, 50);
	is_str(buf_view(&out),
		"SELECT Id, Email, LastName FROM Contact WHERE ((Email = "
		"'a@x.org' AND LastName = 'A') OR (Email = 'b@x.org' AND "
		"LastName = 'B')) AND Active__c = true LIMIT 50",
		"what is no text is the same for all and said once");
	buf_clear(&out);
	sf_query_write(&out, o, one, 1, 50);
	is_str(buf_view(&out),
		"SELECT Id FROM Contact WHERE Born__c = 2001-02-03 ORDER BY "
		"LastName DESC LIMIT 50",
		"dates are bare");
	is_false(sf_query_is_shareable(o, &qc), "and can't share");
	unload();
}

TEST(hostile_questions_make_no_query)
{
	static const struct {
		const char *name, *field, *value, *bring, *order;
		int rc;
	} rows[] = {
		{ "fine", "Email", "a@x.org", "LastName", "LastName", 0 },
		{ "field is SOQL", "Email = 'x' OR Id", "a", "Id", "", -1 },
		{ "field is none", "Emial", "a", "Id", "", -1 },
		{ "brought field is SOQL", "Email", "a", "Id FROM Contact --",
			"", -1 },
		{ "brought field is a subquery", "Email", "a",
			"(SELECT Id FROM Cases)", "", -1 },
		{ "order is SOQL", "Email", "a", "Id", "Id LIMIT 1 FOR UPDATE",
			-1 },
		{ "boolean is SOQL", "Active__c", "true OR Id != null", "Id",
			"", -1 },
		{ "date is SOQL", "Born__c", "TODAY", "Id", "", -1 },
		{ "dots go on", "Email", "a", "Account.Owner.Name", "", 0 },
		{ "dots only", "Email", "a", "..", "", -1 },
	};

	load();
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct plan_pair where = { str_c(rows[i].field),
			str_c(rows[i].value) };
		struct str bring = str_c(rows[i].bring);
		struct plan_question q = ask(&where, 1, &bring, 1);
		AUTO(buf) struct buf out = BUF_INIT(1 << 16);
		struct err err = { 0 };

		q.order = str_c(rows[i].order);
		is_int(sf_query_group(&out, find_object(NULL, STR("Contact")),
			       &q, &err),
			rows[i].rc, rows[i].name);
	}
	unload();
}

TEST(rows_go_to_their_questions)
{
	static const struct {
		const char *name, *field, *value;
		bool want;
	} rows[] = {
		{ "equal", "Email", "Ann@Example.org", true },
		{ "other case", "Email", "ann@example.org", true },
		{ "blanks around", "Email", " ann@example.org ", true },
		{ "another", "Email", "bob@example.org", false },
		{ "case minds", "Code__c", "abc", false },
		{ "exact", "Code__c", "aBc", true },
		{ "short id", "AccountId", "001000000000001", true },
		{ "other id", "AccountId", "001000000000002AAA", false },
	};
	json_t *row = json_loads(
		"{\"Id\":\"003000000000001AAA\",\"Email\":\"Ann@Example.org\","
		"\"Code__c\":\"aBc\",\"AccountId\":\"001000000000001AAA\","
		"\"Account\":{\"Name\":\"Acme\",\"Size__c\":7}}",
		0, NULL);
	struct str fields[] = { STR("account.name"), STR("Account.Size__c"),
		STR("Account.None.Name") };
	AUTO(arena) struct arena *a = arena_new();
	struct plan_question q = ask(NULL, 0, fields, 3);
	struct facts_row got = { 0 };

	load();
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct plan_pair where = { str_c(rows[i].field),
			str_c(rows[i].value) };
		struct plan_question one = ask(&where, 1, NULL, 0);

		is_int(sf_query_matches(
			       find_object(NULL, STR("Contact")), &one, row),
			rows[i].want, rows[i].name);
	}
	sf_query_read_row(a, &q, row, &got);
	is_int(got.n_fields, 4, "Id and three");
	is_str(got.fields[0].value, "003000000000001AAA", "Id first");
	is_str(got.fields[1].name, "account.name", "by the asked name");
	is_str(got.fields[1].value, "Acme", "across a relationship");
	is_str(got.fields[2].value, "7", "numbers as texts");
	is_str(got.fields[3].value, NULL, "what is not there");
	json_decref(row);
	unload();
}

/* ---- budget ----------------------------------------------------------- */

TEST(the_budget_is_kept)
{
	static const struct {
		const char *name, *header;
		enum sf_budget want;
	} rows[] = {
		{ "nothing known", "", SF_BUDGET_FREE },
		{ "little", "api-usage=18/5000", SF_BUDGET_FREE },
		{ "with more behind",
			"api-usage=4100/5000; per-app-api-usage=17/250(appName="
			"x)",
			SF_BUDGET_SLOW },
		{ "with more before",
			"per-app-api-usage=17/250(appName=x); "
			"api-usage=4800/5000",
			SF_BUDGET_SLOW }, /* the probe */
		{ "garbage", "api-usage=x/y", SF_BUDGET_FREE },
		{ "division by zero", "api-usage=1/0", SF_BUDGET_FREE },
	};
	struct sf_limits l = { .slow = 80, .stop = 95 };
	int64_t wait;

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct sf_limits one = { .slow = 80, .stop = 95 };

		sf_limits_read(&one, str_c(rows[i].header));
		is_int(sf_limits_check(&one, 1000, &wait), rows[i].want,
			rows[i].name);
	}
	sf_limits_read(&l, STR("api-usage=4800/5000"));
	is_int(sf_limits_check(&l, 1000, &wait), SF_BUDGET_SLOW,
		"one call may see whether the window moved");
	sf_limits_called(&l, 1000);
	is_int(sf_limits_check(&l, 1001, &wait), SF_BUDGET_STOP,
		"the next waits");
	is_int(wait, 299999, "five minutes");
	sf_limits_read(&l, STR("api-usage=100/5000"));
	is_int(sf_limits_check(&l, 1002, &wait), SF_BUDGET_FREE,
		"until an answer says so");
	sf_limits_pause(&l, 2000, 0);
	is_int(sf_limits_check(&l, 3000, &wait), SF_BUDGET_STOP, "a pause");
	is_int(wait, 4000, "of five seconds");
	sf_limits_pause(&l, 8000, 0);
	sf_limits_check(&l, 8000, &wait);
	is_int(wait, 10000, "then longer");
}
