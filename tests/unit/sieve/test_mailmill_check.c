/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_mailmill_check.c - what vnd.mailmill says of rules that are wrong. */
#include "test.h"

#include <mailmill/sieve.h>

#define HEAD "require [\"variables\", \"vnd.mailmill\"];\n"

static const struct row {
	const char *name, *source;
	const char *message; /* NULL: compiles */
	const char *hint;    /* or NULL */
	unsigned line;
} rows[] = {
	{ "the example of the manual's front page",
		HEAD "if mail :kind [\"bounce\", \"loop\"] { discard; stop; }\n"
		     "find :where [\"Email\", \"${mail.from}\"] :fields "
		     "[\"AccountId\"] \"Contact\" \"sender\";\n"
		     "extract :label [\"Order number\"] :pattern "
		     "\"[A-Z]{2}[0-9]{6}\" \"order\";\n"
		     "if thread \"Case\" \"case\" { update \"case\" { field "
		     "\"Status\" \"Open\"; } }\n"
		     "else { create \"Case\" \"case\" {\n"
		     "field \"AccountId\" \"${sender.AccountId}\";\n"
		     "field \"Order__c\" \"${order}\"; } }\n"
		     "create \"EmailMessage\" { field \"ParentId\" "
		     "\"${case.Id}\"; }\n"
		     "attach :skip [\"logo\", \"duplicate\"] \"case\";\n" },
	{ "an unknown value of mail offers the nearest",
		HEAD "note \"${mail.sbject}\";\n", "sbject", "subject", 2 },
	{ "any header can be asked for",
		HEAD "note \"${mail.header.x_order}\";\n" },
	{ "values of mail are known without regard to case",
		HEAD "note \"${MAIL.Subject}\";\n" },
	{ "an unknown value of envelope", HEAD "note \"${envelope.too}\";\n",
		"too", "to", 2 },
	{ "route and source are values",
		HEAD "note \"${route} ${source}\";\n" },
	{ "an unknown record offers the nearest",
		HEAD "find :where [\"Email\", \"x\"] \"Contact\" \"sender\";\n"
		     "note \"${sendr.Id}\";\n",
		"sendr", "sender", 3 },
	{ "a field that find did not bring",
		HEAD "find :where [\"Email\", \"x\"] \"Contact\" \"sender\";\n"
		     "note \"${sender.Phone}\";\n",
		"Phone", ":fields [\"Phone\"]", 3 },
	{ "thread brings only Id",
		HEAD "if thread \"Case\" \"case\" { note \"${case.Status}\"; "
		     "}\n",
		"thread brings only ${case.Id}", "find :where", 2 },
	{ "a created record's Id is no text",
		HEAD "create \"Case\" \"case\" { field \"Subject\" \"x\"; }\n"
		     "note \"the Case is ${case.Id}\";\n",
		"not known before the record is created",
		"whole value of a field", 3 },
	{ "a created record's Id is not a part of a value",
		HEAD "create \"Case\" \"case\" { field \"Subject\" \"x\"; }\n"
		     "create \"Task\" { field \"Subject\" \"to ${case.Id}\"; "
		     "}\n",
		"not known before the record is created", NULL, 3 },
	{ "other values of a created record are not known",
		HEAD "create \"Case\" \"case\" { field \"Subject\" \"x\"; }\n"
		     "create \"Task\" { field \"A\" \"${case.CaseNumber}\"; "
		     "}\n",
		"${case.CaseNumber} is not known", "${case.Id}", 3 },
	{ "a record cannot refer to itself",
		HEAD "create \"Case\" \"case\" { field \"Old__c\" "
		     "\"${case.Id}\"; }\n",
		"case", NULL, 2 },
	{ "a name is of one kind of object",
		HEAD "find :where [\"Email\", \"x\"] \"Contact\" \"a\";\n"
		     "create \"Case\" \"a\" { field \"Subject\" \"x\"; }\n",
		"'a' names a Contact since line 2", NULL, 3 },
	{ "a record must not be called mail",
		HEAD "create \"Case\" \"mail\" { field \"Subject\" \"x\"; }\n",
		"cannot name a record", NULL, 2 },
	{ "a record's name is a word",
		HEAD "create \"Case\" \"my case\" { field \"A\" \"x\"; }\n",
		"cannot name a record", NULL, 2 },
	{ "update needs a known record",
		HEAD "update \"case\" { field \"Subject\" \"x\"; }\n",
		"unknown record 'case'", "find, thread, create", 2 },
	{ "attach needs a known record", HEAD "attach \"case\";\n",
		"unknown record 'case'", NULL, 2 },
	{ "field stands in records only", HEAD "field \"Subject\" \"x\";\n",
		"field can stand only in the block of", NULL, 2 },
	{ "field may stand in an if in a record",
		HEAD "create \"Case\" { if true { field \"A\" \"x\"; } }\n" },
	{ "records do not nest",
		HEAD "create \"Case\" { create \"Task\" { field \"A\" \"x\"; } "
		     "}\n",
		"cannot stand in the block of create", NULL, 2 },
	{ "where takes pairs",
		HEAD "find :where [\"Email\"] \"Contact\" \"sender\";\n",
		"pairs of field and value", "Email", 2 },
	{ "where is needed", HEAD "find \"Contact\" \"sender\";\n", "where",
		NULL, 2 },
	{ "an unknown kind of mail",
		HEAD "if mail :kind \"bounced\" { discard; }\n", "bounced",
		"bounce", 2 },
	{ "an unknown language",
		HEAD "if mail :language \"ger\" { discard; }\n", "ger", NULL,
		2 },
	{ "mail needs a condition", HEAD "if mail { discard; }\n",
		"mail needs a condition", NULL, 2 },
	{ "an unknown way to find a thread",
		HEAD "if thread :by \"tokens\" \"Case\" \"c\" { stop; }\n",
		"tokens", "token", 2 },
	{ "participants of what",
		HEAD "if thread :participants \"Case\" \"c\" { stop; }\n",
		"threads found by their subject", "subject", 2 },
	{ "no days back",
		HEAD "if thread :by \"subject\" :within 0 \"Case\" \"c\" "
		     "{ stop; }\n",
		"at least one day", NULL, 2 },
	{ "an unknown way of overflow",
		HEAD "create \"Case\" { field :overflow \"files\" \"A\" \"x\"; "
		     "}\n",
		"files", "file", 2 },
	{ "an unknown kind of parts",
		HEAD "create \"Case\" \"c\" { field \"A\" \"x\"; }\n"
		     "attach :parts \"attachment\" \"c\";\n",
		"attachment", "attachments", 3 },
	{ "an unknown kind of file to skip",
		HEAD "create \"Case\" \"c\" { field \"A\" \"x\"; }\n"
		     "attach :skip \"logos\" \"c\";\n",
		"logos", "logo", 3 },
	{ "extract needs a way", HEAD "extract \"order\";\n",
		"extract needs :label or :pattern", NULL, 2 },
	{ "a bad pattern is told", HEAD "extract :pattern \"(\" \"order\";\n",
		"", NULL, 2 },
	{ "an unknown place to extract from",
		HEAD "extract :in \"subjekt\" :pattern \"x\" \"order\";\n",
		"subjekt", "subject", 2 },
	{ "an object's name is a word",
		HEAD "create \"My Case\" { field \"A\" \"x\"; }\n",
		"is no object", NULL, 2 },
	{ "without require the words are unknown", "note \"x\";\n", "note",
		NULL, 1 },
	{ "test words are for test files only",
		"require \"vnd.dovecot.testsuite\";\n", "vnd.dovecot.testsuite",
		NULL, 1 },
};

static void check_row(const struct row *r, const struct sieve_diags *d)
{
	const struct sieve_diag *first = NULL;
	struct buf text = BUF_INIT(1 << 16);

	for (size_t i = 0; i < d->n && !first; i++)
		if (d->items[i].severity == SIEVE_ERROR)
			first = &d->items[i];
	if (!first || !r->message) {
		is_true(!first && !r->message, r->name);
		for (size_t i = 0; i < d->n; i++)
			sieve_diag_print(&text, r->name, &d->items[i]);
		if (first)
			printf("# %.*s\n", STR_ARG(buf_view(&text)));
		buf_fini(&text);
		return;
	}
	buf_str(&text, first->message);
	has_text(text.p, r->message, r->name);
	buf_clear(&text);
	buf_c(&text, "");
	buf_str(&text, first->hint);
	if (r->hint)
		has_text(text.p ? text.p : "", r->hint, r->name);
	is_int(first->line, r->line, r->name);
	buf_fini(&text);
}

TEST(wrong_rules_are_told)
{
	for (size_t i = 0; i < COUNT(rows); i++) {
		AUTO(arena) struct arena *a = arena_new();
		AUTO(sieve) struct sieve_script *s = NULL;
		struct sieve_diags d = { .arena = a };
		int rc = sieve_compile("rule.sieve", str_c(rows[i].source),
			sieve_settings_default(), &d, &s);
		is_int(rc, rows[i].message ? -1 : 0, rows[i].name);
		check_row(&rows[i], &d);
	}
}
