/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_soql.c - what queries find, and how wrong ones are refused. */
#include <mailmill/enc.h>

#include "engine.h"

static void fill(struct engine *e)
{
	static const char *const leads[] = {
		"{\"LastName\":\"Adams\",\"Company\":\"Acme\",\"Email\":"
		"\"a@x.de\",\"NumberOfEmployees\":5,\"Rating\":\"Hot\"}",
		"{\"LastName\":\"baker\",\"Company\":\"Acme\",\"Email\":"
		"\"B@x.de\",\"NumberOfEmployees\":50,\"Mailmill_Key__c\":"
		"\"k\"}",
		"{\"LastName\":\"O'Neil\",\"Company\":\"100% \\\\ _x\","
		"\"IsUnreadByOwner\":false}",
		"{\"LastName\":\"Dora\",\"Company\":\"Zeta\",\"Email\":"
		"\"d@y.de\",\"AnnualRevenue\":1.5,\"Mailmill_Key__c\":\"K\"}",
	};

	for (size_t i = 0; i < COUNT(leads); i++)
		is_int(engine_call(e, "POST", "/sobjects/Lead", NULL, leads[i]),
			201, "a lead is made");
	is_int(engine_call(e, "POST", "/sobjects/Account", NULL,
		       "{\"Name\":\"Acme\"}"),
		201, "an account is made");
	is_int(engine_call(e, "POST", "/composite", NULL,
		       "{\"compositeRequest\":[{\"method\":\"POST\",\"url\":"
		       "\"/services/data/v66.0/sobjects/Contact\","
		       "\"referenceId\":\"c\",\"body\":{\"LastName\":\"Con\","
		       "\"AccountId\":\"001Mm0000000001\",\"Email\":\"c@x.de\"}"
		       "},{\"method\":\"POST\",\"url\":"
		       "\"/services/data/v66.0/sobjects/Case\",\"referenceId\":"
		       "\"k\",\"body\":{\"Subject\":\"One\",\"ContactId\":"
		       "\"@{c.id}\"}},{\"method\":\"POST\",\"url\":"
		       "\"/services/data/v66.0/sobjects/Case\",\"referenceId\":"
		       "\"l\",\"body\":{\"Subject\":\"Two\"}}]}"),
		200, "a contact with a case");
}

TEST(queries_find)
{
	static const struct {
		const char *fact, *soql, *column, *want;
	} rows[] = {
		{ "equals ignores case",
			"SELECT LastName FROM Lead WHERE LastName = 'ADAMS'",
			"LastName", "Adams" },
		{ "case-sensitive key does not",
			"SELECT LastName FROM Lead WHERE Mailmill_Key__c='K'",
			"LastName", "Dora" },
		{ "an indexed e-mail in any case",
			"SELECT LastName FROM Lead WHERE Email = 'b@X.de'",
			"LastName", "baker" },
		{ "IN with several",
			"SELECT LastName FROM Lead WHERE Email IN ('d@y.de', "
			"'nobody', 'a@x.de')",
			"LastName", "Adams Dora" },
		{ "NOT IN",
			"SELECT LastName FROM Lead WHERE LastName NOT IN "
			"('Adams','Dora')",
			"LastName", "baker O'Neil" },
		{ "null", "SELECT LastName FROM Lead WHERE Email = null",
			"LastName", "O'Neil" },
		{ "not null",
			"SELECT LastName FROM Lead WHERE Email != null AND "
			"Company = 'Zeta'",
			"LastName", "Dora" },
		{ "an escaped quote",
			"SELECT Company FROM Lead WHERE LastName = 'O\\'Neil'",
			"Company", "100% \\ _x" },
		{ "LIKE with both wildcards",
			"SELECT LastName FROM Lead WHERE LastName LIKE "
			"'_a%r'",
			"LastName", "baker" },
		{ "LIKE with escaped wildcards",
			"SELECT LastName FROM Lead WHERE Company LIKE "
			"'100\\% \\\\ \\_x'",
			"LastName", "O'Neil" },
		{ "a percent sign that is none",
			"SELECT LastName FROM Lead WHERE Company LIKE "
			"'Ac\\%'",
			"LastName", "" },
		{ "numbers",
			"SELECT LastName FROM Lead WHERE "
			"NumberOfEmployees >= 5 AND NumberOfEmployees < 50",
			"LastName", "Adams" },
		{ "a boolean",
			"SELECT LastName FROM Lead WHERE IsUnreadByOwner = "
			"false",
			"LastName", "O'Neil" },
		{ "parentheses",
			"SELECT LastName FROM Lead WHERE (LastName = "
			"'Adams' OR LastName = 'Dora') AND Company = "
			"'Acme'",
			"LastName", "Adams" },
		{ "NOT", "SELECT LastName FROM Lead WHERE NOT Company = 'Acme'",
			"LastName", "O'Neil Dora" },
		{ "OR of two indexes",
			"SELECT LastName FROM Lead WHERE Email "
			"= 'a@x.de' OR Mailmill_Key__c = 'k'",
			"LastName", "Adams baker" },
		{ "a date word",
			"SELECT LastName FROM Lead WHERE CreatedDate = TODAY "
			"AND CreatedDate = LAST_N_DAYS:1 LIMIT 1",
			"LastName", "Adams" },
		{ "a datetime",
			"SELECT LastName FROM Lead WHERE CreatedDate > "
			"2020-01-01T00:00:00Z AND CreatedDate < "
			"2999-01-01T00:00:00+01:00 LIMIT 1",
			"LastName", "Adams" },
		{ "order, downwards, nulls last",
			"SELECT LastName FROM Lead ORDER BY NumberOfEmployees "
			"DESC NULLS LAST, LastName",
			"LastName", "baker Adams Dora O'Neil" },
		{ "order puts nulls first",
			"SELECT LastName FROM Lead ORDER BY Email, LastName",
			"LastName", "O'Neil Adams baker Dora" },
		{ "limit and offset",
			"SELECT LastName FROM Lead ORDER BY LastName LIMIT 2 "
			"OFFSET 1",
			"LastName", "baker Dora" },
		{ "an alias",
			"SELECT l.LastName FROM Lead l WHERE l.Company = "
			"'Zeta'",
			"LastName", "Dora" },
		{ "words in any case",
			"select lastname from lead where COMPANY = 'zeta'",
			"LastName", "Dora" },
		{ "a field of a parent in the filter",
			"SELECT Subject FROM Case WHERE Contact.Account.Name = "
			"'acme'",
			"Subject", "One" },
		{ "a field filled from the contact",
			"SELECT ContactEmail FROM Case WHERE AccountId = "
			"'001Mm0000000001'",
			"ContactEmail", "c@x.de" },
		{ "a semi join",
			"SELECT LastName FROM Contact WHERE Id IN (SELECT "
			"ContactId FROM Case WHERE Subject = 'One')",
			"LastName", "Con" },
		{ "an aggregate",
			"SELECT COUNT(Id) n, MAX(NumberOfEmployees) FROM Lead",
			"n", "4" },
		{ "groups",
			"SELECT Company, COUNT(Id) n FROM Lead GROUP BY "
			"Company",
			"n", "2 1 1" },
		{ "all fields",
			"SELECT FIELDS(ALL) FROM Lead WHERE LastName='Dora' "
			"LIMIT 200",
			"AnnualRevenue", "1.5" },
	};
	struct engine e;

	engine_open(&e, &(struct sandbox_options){ 0 });
	fill(&e);
	for (size_t i = 0; i < COUNT(rows); i++)
		is_c(engine_query(&e, rows[i].soql, rows[i].column),
			rows[i].want, rows[i].fact);
	engine_query(&e, "SELECT COUNT() FROM Lead", "x");
	has_text(engine_body(&e), "\"totalSize\":4", "COUNT() alone");
	engine_query(&e,
		"SELECT Name, (SELECT LastName FROM Contacts) FROM Account",
		"x");
	has_text(
		engine_body(&e), "\"Contacts\":{\"totalSize\":1", "a subquery");
	engine_query(
		&e, "SELECT Contact.Name FROM Case WHERE Subject='Two'", "x");
	has_text(engine_body(&e), "\"Contact\":null", "a parent that is none");
	engine_close(&e);
}

TEST(queries_are_refused)
{
	static const struct {
		const char *soql, *code, *text;
	} rows[] = {
		{ "", "MALFORMED_QUERY", "unexpected token: '<EOF>'" },
		{ "SELECT", "MALFORMED_QUERY", "<EOF>" },
		{ "SELECT Id", "MALFORMED_QUERY", "<EOF>" },
		{ "SELECT Id FROM", "MALFORMED_QUERY", "<EOF>" },
		{ "SELECT Id FROM Nope", "INVALID_TYPE",
			"sObject type 'Nope' is not supported" },
		{ "SELECT Nope FROM Case", "INVALID_FIELD",
			"Row:1:Column:8\\nNo such column 'Nope' on entity "
			"'Case'" },
		{ "SELECT Id,\nFoo.Name FROM Case", "INVALID_FIELD",
			"Row:2:Column:1\\nDidn't understand relationship "
			"'Foo'" },
		{ "SELECT Id FROM Case WHERE", "MALFORMED_QUERY", "<EOF>" },
		{ "SELECT Id FROM Case WHERE Subject", "MALFORMED_QUERY",
			"<EOF>" },
		{ "SELECT Id FROM Case WHERE Subject = 'x", "MALFORMED_QUERY",
			"unterminated" },
		{ "SELECT Id FROM Case WHERE Subject = '\\q'",
			"MALFORMED_QUERY", "escape" },
		{ "SELECT Id FROM Case WHERE Subject = 5", "INVALID_FIELD",
			"must be of type string and should be enclosed" },
		{ "SELECT Id FROM Case WHERE IsClosed = 'x'", "INVALID_FIELD",
			"must be of type boolean and should not be" },
		{ "SELECT Id FROM Case WHERE Id = 'x'",
			"INVALID_QUERY_FILTER_OPERATOR",
			"invalid ID field: x" },
		{ "SELECT Id FROM Case WHERE Description = 'x'",
			"INVALID_FIELD", "can not be filtered" },
		{ "SELECT Id FROM Case WHERE Subject='a' AND Subject='b' OR "
		  "Subject='c'",
			"MALFORMED_QUERY", "unexpected token: 'OR'" },
		{ "SELECT Id FROM Case LIMIT x", "MALFORMED_QUERY", "'x'" },
		{ "SELECT Id FROM Case OFFSET 2001",
			"NUMBER_OUTSIDE_VALID_RANGE", "2000" },
		{ "SELECT Id FROM Case; DROP", "MALFORMED_QUERY", "';'" },
		{ "SELECT Id FROM ContentDocumentLink", "MALFORMED_QUERY",
			"requires a filter by a single Id" },
		{ "SELECT (SELECT Id FROM Nopes) FROM Case", "INVALID_TYPE",
			"relationship 'Nopes'" },
		{ "SELECT Id FROM Case WHERE "
		  "((((((((((((((((((((((((((((((((((("
		  "((((((((((((Subject='x'",
			"QUERY_TOO_COMPLICATED", "deeply" },
	};
	struct engine e;

	engine_open(&e, &(struct sandbox_options){ 0 });
	for (size_t i = 0; i < COUNT(rows); i++) {
		engine_query(&e, rows[i].soql, "x");
		is_int(e.reply.status, 400, rows[i].soql);
		has_text(engine_body(&e), rows[i].code, rows[i].soql);
		has_text(engine_body(&e), rows[i].text, rows[i].soql);
	}
	engine_close(&e);
}

TEST(many_values_are_quick)
{
	AUTO(buf) struct buf q = BUF_INIT(99000);
	struct engine e;

	engine_open(&e, &(struct sandbox_options){ 0 });
	for (int i = 0; i < 2000; i++) {
		char body[100];
		snprintf(body, sizeof(body),
			"{\"LastName\":\"L%d\",\"Email\":\"l%d@x.de\"}", i, i);
		engine_call(&e, "POST", "/sobjects/Contact", NULL, body);
	}
	buf_c(&q, "SELECT Id FROM Contact WHERE Email IN ('x'");
	for (int i = 0; i < 300; i++)
		buf_printf(&q, ",'L%d@x.de'", i * 3);
	buf_c(&q, ")");
	buf_byte(&q, 0);
	engine_query(&e, q.p, "Id");
	has_text(engine_body(&e), "\"totalSize\":300", "each is found once");
	engine_close(&e);
}
