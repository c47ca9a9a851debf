/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_records.c - ids, checks of writes, transactions, the state file. */
#include <unistd.h>

#include <mailmill/enc.h>
#include <mailmill/file.h>

#include "engine.h"

TEST(ids)
{
	static const struct {
		const char *id15, *check;
	} rows[] = {
		{ "0018c00002FInbo", "AAD" }, /* printed in the Bulk guide */
		{ "012000000000000", "AAA" },
		{ "500ABCDEFGHIJKL", "Y55" },
	};
	char check[4], full[SB_ID_LEN + 1];

	for (size_t i = 0; i < COUNT(rows); i++) {
		sb_id_checksum(rows[i].id15, check);
		is_c(check, rows[i].check, rows[i].id15);
	}
	is_int(sb_id_full(STR("0018c00002FInbo"), full), 0, "15 letters do");
	is_c(full, "0018c00002FInboAAD", "and become 18");
	is_int(sb_id_full(STR("0018c00002FInboAAE"), full), -1,
		"a wrong check is refused");
	is_int(sb_id_full(STR("0018c00002FInb"), full), -1, "14 do not");
	is_int(sb_id_full(STR("0018c00002FInb-"), full), -1, "nor others");
	sb_id_make("500", 12345, full);
	is_int(sb_id_number(full), 12345, "the number comes back");
}

TEST(writes_are_checked)
{
	static const struct {
		const char *fact, *object, *body;
		int status;
		const char *text;
	} rows[] = {
		{ "broken JSON", "Case", "{\"Subject\":", 400,
			"JSON_PARSER_ERROR" },
		{ "no object", "Nope", "{}", 404, "NOT_FOUND" },
		{ "no field", "Case", "{\"Nope\":1}", 400,
			"No such column 'Nope' on sobject of type Case" },
		{ "read only", "Case",
			"{\"CaseNumber\":\"1\",\"IsClosed\":true}", 400,
			"Unable to create/update fields: CaseNumber, "
			"IsClosed." },
		{ "id given", "Case", "{\"Id\":\"500Mm0000000001\"}", 400,
			"The Id field should not be specified" },
		{ "a number for text", "Case", "{\"Subject\":5}", 400,
			"Cannot deserialize instance of string from "
			"VALUE_NUMBER_INT value 5" },
		{ "text for a datetime", "EmailMessage",
			"{\"MessageDate\":\"soon\"}", 400,
			"Cannot deserialize instance of datetime from "
			"VALUE_STRING value soon" },
		{ "id of the wrong object", "Case",
			"{\"ContactId\":\"001Mm0000000001\"}", 400,
			"\"errorCode\":\"MALFORMED_ID\",\"fields\":"
			"[\"ContactId\"]" },
		{ "id of nothing", "Case",
			"{\"ContactId\":\"003Mm0000000009\"}", 400,
			"INVALID_CROSS_REFERENCE_KEY" },
		{ "all that is missing", "Lead", "{\"FirstName\":\"x\"}", 400,
			"Required fields are missing: [LastName, Company]" },
		{ "too long", "Contact",
			"{\"LastName\":\"x\",\"Phone\":\"1234567890123456789"
			"01234567890123456789012\"}",
			400, "(max length=40)" },
		{ "restricted picklist", "EmailMessage", "{\"Status\":\"9\"}",
			400,
			"Status: bad value for restricted picklist field: 9" },
		{ "open picklist", "Case", "{\"Status\":\"Mine\"}", 201, "id" },
		{ "e-mail", "Contact", "{\"LastName\":\"x\",\"Email\":\"a@b\"}",
			400, "Email: invalid email address: a@b" },
		{ "mail without parent", "EmailMessage", "{\"Status\":\"0\"}",
			400, "FIELD_INTEGRITY_EXCEPTION" },
		{ "unknown foreign key", "Case",
			"{\"Contact\":{\"Email\":\"no@x.de\"}}", 400,
			"Foreign key external ID: no@x.de not found for field "
			"Email in entity Contact" },
		{ "lead and what", "Task", "{\"WhoId\":\"00QMm0000000009\"}",
			400, "INVALID_CROSS_REFERENCE_KEY" },
		{ "file without bytes", "ContentVersion",
			"{\"PathOnClient\":\"x\"}", 400, "[VersionData]" },
	};
	struct engine e;

	engine_open(&e, &(struct sandbox_options){ 0 });
	for (size_t i = 0; i < COUNT(rows); i++) {
		AUTO(bytes)
		char *path = mem_printf("/sobjects/%s", rows[i].object);
		is_int(engine_call(&e, "POST", path, NULL, rows[i].body),
			rows[i].status, rows[i].fact);
		has_text(engine_body(&e), rows[i].text, rows[i].fact);
	}
	engine_close(&e);
}

TEST(length_is_counted_in_utf16)
{
	AUTO(buf) struct buf b = BUF_INIT(10000);
	struct engine e;

	engine_open(&e, &(struct sandbox_options){ 0 });
	buf_c(&b, "{\"Subject\":\"");
	for (int i = 0; i < 255; i++)
		buf_c(&b, "\xc3\xa4");
	buf_c(&b, "\"}");
	is_int(engine_call(&e, "POST", "/sobjects/Case", NULL, b.p), 201,
		"255 umlauts fit into 255");
	buf_clear(&b);
	buf_c(&b, "{\"Subject\":\"");
	for (int i = 0; i < 128; i++)
		buf_c(&b, "\xf0\x9f\x98\x80");
	buf_c(&b, "\"}");
	is_int(engine_call(&e, "POST", "/sobjects/Case", NULL, b.p), 400,
		"128 smileys are 256 units");
	engine_close(&e);
}

TEST(upserts)
{
	struct engine e;
	const char *key = "/sobjects/Case/Mailmill_Key__c/a%2Fb";

	engine_open(&e, &(struct sandbox_options){ 0 });
	is_int(engine_call(&e, "PATCH", key, NULL, "{\"Subject\":\"1\"}"), 201,
		"new");
	has_text(engine_body(&e), "\"created\":true", "is told");
	is_int(engine_call(&e, "PATCH", key, NULL, "{\"Subject\":\"2\"}"), 200,
		"again");
	is_int(engine_call(&e, "GET", key, "fields=Subject", NULL), 200,
		"read");
	has_text(engine_body(&e), "\"Subject\":\"2\"", "by its key");
	is_int(engine_call(&e, "PATCH", "/sobjects/Case/Mailmill_Key__c/none",
		       "updateOnly=true", "{}"),
		404, "updateOnly makes nothing");
	is_int(engine_call(&e, "PATCH", "/sobjects/Case/Subject/x", NULL, "{}"),
		404, "not a key");
	is_int(engine_call(&e, "POST", "/sobjects/Case", NULL,
		       "{\"Mailmill_Key__c\":\"a/b\"}"),
		400, "a second one of that key");
	has_text(engine_body(&e),
		"duplicate value found: Mailmill_Key__c duplicates value on "
		"record with id: 500Mm0000000001",
		"is refused");
	for (int i = 0; i < 2; i++)
		engine_call(&e, "POST", "/sobjects/Contact", NULL,
			"{\"LastName\":\"x\",\"Email\":\"x@y.de\"}");
	is_int(engine_call(&e, "PATCH", "/sobjects/Contact/Email/x@y.de", NULL,
		       "{}"),
		300, "two of one value");
	has_text(engine_body(&e),
		"[\"/services/data/v66.0/sobjects/Contact/003", "are listed");
	engine_close(&e);
}

TEST(graphs_roll_back)
{
	static const char body[] =
		"{\"graphs\":[{\"graphId\":\"g\",\"compositeRequest\":["
		"{\"method\":\"PATCH\",\"url\":\"/services/data/v66.0/sobjects/"
		"Case/Mailmill_Key__c/old\",\"referenceId\":\"a\",\"body\":{"
		"\"Subject\":\"changed\"}},"
		"{\"method\":\"PATCH\",\"url\":\"/services/data/v66.0/sobjects/"
		"Case/Mailmill_Key__c/new\",\"referenceId\":\"b\",\"body\":{}},"
		"{\"method\":\"DELETE\",\"url\":\"/services/data/v66.0/sobjects"
		"/Case/500Mm0000000002\",\"referenceId\":\"d\"},"
		"{\"method\":\"POST\",\"url\":\"/services/data/v66.0/sobjects/"
		"EmailMessage\",\"referenceId\":\"c\",\"body\":{\"ParentId\":"
		"\"@{b.id}\",\"FromAddress\":\"bad\"}}]}]}";
	struct engine e;

	engine_open(&e, &(struct sandbox_options){ 0 });
	engine_call(&e, "PATCH", "/sobjects/Case/Mailmill_Key__c/old", NULL,
		"{\"Subject\":\"as it was\"}");
	engine_call(&e, "POST", "/sobjects/Case", NULL,
		"{\"Subject\":\"stays\",\"Mailmill_Key__c\":\"two\"}");
	engine_call(&e, "POST", "/sobjects/EmailMessage", NULL,
		"{\"ParentId\":\"500Mm0000000002\",\"Subject\":\"m\"}");
	is_int(engine_call(&e, "POST", "/composite/graph", NULL, body), 200,
		"the call is well");
	has_text(engine_body(&e), "\"isSuccessful\":false", "the graph not");
	has_text(engine_body(&e), "INVALID_EMAIL_ADDRESS", "the cause is told");
	has_text(engine_body(&e), "PROCESSING_HALTED", "the others halted");
	is_c(engine_query(&e, "SELECT Subject FROM Case", "Subject"),
		"as it was stays", "all is as before");
	is_c(engine_query(&e,
		     "SELECT Subject FROM Case WHERE Mailmill_Key__c = 'two'",
		     "Subject"),
		"stays", "indexes too");
	is_c(engine_query(&e, "SELECT Subject FROM EmailMessage", "Subject"),
		"m", "what went with the case is back");
	is_c(engine_query(&e,
		     "SELECT Subject FROM Case WHERE Mailmill_Key__c = 'new'",
		     "Subject"),
		"", "the new one is gone");
	engine_close(&e);
}

TEST(a_case_takes_its_mails_with_it)
{
	struct engine e;

	engine_open(&e, &(struct sandbox_options){ 0 });
	engine_call(&e, "POST", "/sobjects/Case", NULL, "{}");
	engine_call(&e, "POST", "/sobjects/EmailMessage", NULL,
		"{\"ParentId\":\"500Mm0000000001\"}");
	engine_call(&e, "POST", "/sobjects/ContentVersion", NULL,
		"{\"PathOnClient\":\"a.txt\",\"VersionData\":\"aGk=\","
		"\"FirstPublishLocationId\":\"02sMm0000000001\"}");
	is_c(engine_query(&e, "SELECT HasAttachment FROM EmailMessage",
		     "HasAttachment"),
		"true", "the mail has a file");
	is_int(engine_call(&e, "DELETE", "/sobjects/Case/500Mm0000000001", NULL,
		       NULL),
		204, "deleted");
	is_c(engine_query(&e, "SELECT Id FROM EmailMessage", "Id"), "",
		"the mail is gone");
	is_int(engine_call(
		       &e, "GET", "/sobjects/Case/500Mm0000000001", NULL, NULL),
		404, "the case too");
	has_text(engine_body(&e), "ENTITY_IS_DELETED", "and it says so");
	engine_close(&e);
}

TEST(a_mail_is_hard_to_change)
{
	struct engine e;
	const char *path = "/sobjects/EmailMessage/02sMm0000000001";

	engine_open(&e, &(struct sandbox_options){ 0 });
	engine_call(&e, "POST", "/sobjects/Case", NULL, "{}");
	engine_call(&e, "POST", "/sobjects/EmailMessage", NULL,
		"{\"ParentId\":\"500Mm0000000001\",\"Status\":\"0\","
		"\"Subject\":\"s\",\"Incoming\":true}");
	is_int(engine_call(&e, "PATCH", path, NULL, "{\"Subject\":\"t\"}"), 400,
		"its subject stays");
	is_int(engine_call(&e, "PATCH", path, NULL, "{\"Status\":\"1\"}"), 204,
		"it may be read");
	is_int(engine_call(
		       &e, "PATCH", path, NULL, "{\"Mailmill_Key__c\":\"k\"}"),
		204, "custom fields may change");
	is_int(engine_call(&e, "PATCH",
		       "/sobjects/EmailMessage/"
		       "Mailmill_Key__c/k",
		       NULL,
		       "{\"ParentId\":\"500Mm0000000001\",\"Subject\":\"s\","
		       "\"Incoming\":true}"),
		200, "the same again is no change");
	is_int(engine_call(&e, "PATCH", path, NULL, "{\"Incoming\":false}"),
		400, "create-only fields stay");
	has_text(engine_body(&e), "INVALID_FIELD_FOR_INSERT_UPDATE",
		"and the reason is told");
	engine_close(&e);
}

TEST(keys_can_be_plain_fields)
{
	struct engine e;

	engine_open(
		&e, &(struct sandbox_options){ .plain_key = "EmailMessage" });
	is_int(engine_call(&e, "PATCH",
		       "/sobjects/EmailMessage/Mailmill_Key__c/k", NULL, "{}"),
		404, "no upsert");
	for (int i = 0; i < 2; i++)
		is_int(engine_call(&e, "POST", "/sobjects/EmailMessage", NULL,
			       "{\"Mailmill_Key__c\":\"k\"}"),
			201, "twice the same");
	engine_close(&e);
}

TEST(state_survives)
{
	char folder[] = "/tmp/mailmill-test-XXXXXX";
	struct engine e;
	struct err err;

	is_true(mkdtemp(folder) != NULL, "a folder");
	AUTO(bytes) char *path = mem_printf("%s/state", folder);
	struct sandbox_options o = { .state = path };
	engine_open(&e, &o);
	engine_call(&e, "POST", "/sobjects/Case", NULL, "{\"Subject\":\"a\"}");
	engine_call(&e, "POST", "/sobjects/Case", NULL, "{\"Subject\":\"b\"}");
	engine_call(&e, "PATCH", "/sobjects/Case/500Mm0000000001", NULL,
		"{\"Subject\":\"c\"}");
	engine_call(&e, "DELETE", "/sobjects/Case/500Mm0000000002", NULL, NULL);
	engine_close(&e);
	/* Killed while it wrote: half a line at the end. */
	FILE *f = fopen(path, "a");
	fputs("{\"t\":\"Case\",\"v\":{\"Id\":", f);
	fclose(f);
	for (int i = 0; i < 2; i++) {
		engine_open(&e, &o);
		is_c(engine_query(&e, "SELECT Subject FROM Case", "Subject"),
			"c", "what was saved is there");
		engine_close(&e);
	}
	engine_open(&e, &o);
	engine_call(&e, "POST", "/sobjects/Case", NULL, "{\"Subject\":\"d\"}");
	is_c(engine_query(&e, "SELECT CaseNumber FROM Case", "CaseNumber"),
		"00001001 00001003", "numbers go on");
	engine_close(&e);
	file_remove_tree(folder, &err);
}
