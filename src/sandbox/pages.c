/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * pages.c - HTML to look at: cases, one case with its mails and files, any
 * record, the log of calls.
 *
 * All that comes from records is escaped; the HTML of a mail is shown as its
 * source, never as HTML. No scripts, nothing loaded from elsewhere, and the
 * server's Content-Security-Policy says so too.
 */
#include <stdio.h>

#include <mailmill/clock.h>
#include <mailmill/enc.h>

#include "sandbox.h"

#define LIST_MAX 200

static const char style[] =
	"body{font:15px/1.5 system-ui,sans-serif;margin:0;color:#222;"
	"background:#f6f7f9}"
	"header{background:#16325c;color:#fff;padding:.7em 1.5em}"
	"header a{color:#fff;margin-right:1.4em;text-decoration:none}"
	"header b{margin-right:2em}"
	"main{max-width:72em;margin:1.2em auto;padding:0 1.2em}"
	"table{border-collapse:collapse;width:100%;background:#fff;"
	"border:1px solid #dde}"
	"th,td{text-align:left;padding:.4em .7em;border-bottom:1px solid #eee;"
	"vertical-align:top}"
	"th{background:#eef1f6;font-weight:600;white-space:nowrap}"
	"td{overflow-wrap:anywhere}time,.id{white-space:nowrap}"
	"a{color:#0b5cab}.dim{color:#777}.bad{color:#b00020;font-weight:600}"
	"section{background:#fff;border:1px solid #dde;margin:1em 0;"
	"padding:.8em 1.2em}"
	"h1{font-size:1.4em}h2{font-size:1.1em;margin:.2em 0 .5em}"
	"dl{display:grid;grid-template-columns:11em 1fr;margin:.5em 0;"
	"gap:.15em .8em}dt{color:#667}dd{margin:0;overflow-wrap:anywhere}"
	"pre{white-space:pre-wrap;overflow-wrap:anywhere;background:#f8f9fb;"
	"border-left:3px solid #cbd5e5;padding:.6em .9em;margin:.5em 0;"
	"max-height:40em;overflow:auto}"
	"summary{cursor:pointer;color:#0b5cab}";

static void begin_page(struct sb_reply *r, const char *title)
{
	r->status = 200;
	r->type = "text/html;charset=UTF-8";
	buf_c(&r->body, "<!DOCTYPE html><html lang=\"en\"><head><meta "
			"charset=\"utf-8\"><meta name=\"viewport\" "
			"content=\"width=device-width\"><title>");
	enc_html(&r->body, str_c(title));
	buf_printf(&r->body,
		" - mailmill sandbox</title><style>%s</style></head><body>"
		"<header><b>mailmill sandbox</b><a href=\"/\">Cases</a>"
		"<a href=\"/objects\">Objects</a><a href=\"/calls\">Calls</a>"
		"</header><main><h1>",
		style);
	enc_html(&r->body, str_c(title));
	buf_c(&r->body, "</h1>");
}

static void end_page(struct sb_reply *r)
{
	buf_c(&r->body, "</main></body></html>\n");
}

static void add_when(struct buf *out, int64_t ms)
{
	struct clock_civil c;

	clock_to_civil(ms / 1000, &c);
	buf_printf(out, "<time>%04d-%02d-%02d %02d:%02d:%02d</time>", c.year,
		c.month, c.day, c.hour, c.minute, c.second);
}

static void add_value(struct buf *out, struct sandbox *sb,
	const struct sb_record *rec, const struct sb_field *f);

/* Adds a link to a record, with its name where it has one. */
static void add_link(struct buf *out, struct sandbox *sb, struct str id)
{
	struct sb_object *o = sb_object_of_id(sb, id);
	struct sb_record *rec = o ? sb_table_get(o, id) : NULL;

	buf_printf(out, "<a href=\"/%s/",
		o && !strcmp(o->name, "Case") ? "case" : "record");
	enc_html(out, id);
	buf_c(out, "\">");
	if (rec && o->f_name > 0 && o->fields[o->f_name].type != SB_REFERENCE)
		add_value(out, sb, rec, &o->fields[o->f_name]);
	else
		enc_html(out, id);
	buf_c(out, "</a>");
}

/* Adds a value as text; an id becomes a link to its record. */
static void add_value(struct buf *out, struct sandbox *sb,
	const struct sb_record *rec, const struct sb_field *f)
{
	AUTO(json) json_t *v = sb_table_value(sb, rec, f);

	if (json_is_null(v))
		return;
	if (f->type == SB_DATETIME && json_is_integer(v)) {
		add_when(out, json_integer_value(v));
	} else if (f->type == SB_BASE64) {
		buf_printf(out, "<a href=\"/file/%s\">download</a>", rec->id);
	} else if (f->type == SB_REFERENCE && json_is_string(v)) {
		add_link(out, sb, sb_json_text(v));
	} else if (json_is_string(v)) {
		enc_html(out, sb_json_text(v));
	} else {
		AUTO(buf) struct buf text = BUF_INIT(10000);
		sb_json_value(&text, v);
		enc_html(out, buf_view(&text));
	}
}

static void add_named(struct buf *out, struct sandbox *sb,
	const struct sb_record *rec, const char *field)
{
	const struct sb_field *f = sb_field(rec->object, str_c(field));

	if (f)
		add_value(out, sb, rec, f);
}

static void add_cells(struct buf *out, struct sandbox *sb,
	const struct sb_record *rec, const char *link,
	const char *const *fields, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		bool is_first = i == 0;
		buf_c(out, "<td>");
		if (is_first)
			buf_printf(out, "<a class=\"id\" href=\"/%s/%s\">",
				link, rec->id);
		add_named(out, sb, rec, fields[i]);
		if (is_first)
			buf_c(out, "</a>");
		buf_c(out, "</td>");
	}
}

static void add_terms(struct buf *out, struct sandbox *sb,
	const struct sb_record *rec, const char *const *fields, size_t n)
{
	buf_c(out, "<dl>");
	for (size_t i = 0; i < n; i++) {
		const struct sb_field *f = sb_field(
			rec->object, str_c(fields[i]));
		AUTO(json) json_t *v = f ? sb_table_value(sb, rec, f) : NULL;
		if (!v || json_is_null(v))
			continue;
		buf_c(out, "<dt>");
		enc_html(out, str_c(f->label));
		buf_c(out, "</dt><dd>");
		add_value(out, sb, rec, f);
		buf_c(out, "</dd>");
	}
	buf_c(out, "</dl>");
}

/* Runs a query whose text is ours; id is an id. */
static struct sb_rows find_rows(
	struct sb_ask *a, const char *soql, const char *id)
{
	struct sb_rows rows = { 0 };
	struct soql *q;
	struct sb_fail f;
	struct str text = str_c(arena_printf(a->arena, "%s'%s'", soql, id));

	if (sb_soql_parse(a->sb, a->arena, text, &q, &f) == 0 &&
		sb_soql_run(a->sb, q, false, &rows, &f) == 0)
		return rows;
	return (struct sb_rows){ 0 };
}

static size_t page_of(struct sb_ask *a)
{
	struct str text;
	uint64_t n = 0;

	if (sb_ask_param(a, "from", &text) &&
		str_to_u64(text, UINT32_MAX, &n) < 0)
		n = 0;
	return (size_t)n;
}

/* Writes rows of an object, the newest first, and a link to the older ones. */
static void list_records(struct sb_ask *a, struct sb_reply *r,
	struct sb_object *o, const char *link, const char *const *fields,
	size_t n)
{
	size_t skip = page_of(a), n_seen = 0;
	bool is_more = false;

	buf_printf(&r->body,
		"<p class=\"dim\">%zu records, the newest first"
		"</p><table><tr>",
		o->n_live);
	for (size_t i = 0; i < n; i++) {
		const struct sb_field *f = sb_field(o, str_c(fields[i]));
		buf_c(&r->body, "<th>");
		enc_html(&r->body, str_c(f ? f->label : fields[i]));
		buf_c(&r->body, "</th>");
	}
	buf_c(&r->body, "</tr>");
	for (size_t i = o->n_rows; i-- > 0;) {
		struct sb_record *rec = o->rows[i];
		if (rec->is_deleted || n_seen++ < skip)
			continue;
		if (n_seen > skip + LIST_MAX) {
			is_more = true;
			break;
		}
		buf_c(&r->body, "<tr>");
		add_cells(&r->body, a->sb, rec, link, fields, n);
		buf_c(&r->body, "</tr>");
	}
	buf_c(&r->body, "</table>");
	if (is_more)
		buf_printf(&r->body, "<p><a href=\"?from=%zu\">older</a></p>",
			skip + LIST_MAX);
}

static void show_cases(struct sb_ask *a, struct sb_reply *r)
{
	static const char *const fields[] = { "CaseNumber", "Subject", "Status",
		"SuppliedEmail", "ContactId", "CreatedDate" };

	begin_page(r, "Cases");
	list_records(a, r, sb_object(a->sb, STR("Case")), "case", fields,
		COUNT(fields));
	end_page(r);
}

static void show_files(
	struct sb_ask *a, struct sb_reply *r, const struct sb_record *of)
{
	struct sb_rows links = find_rows(a,
		"SELECT Id FROM ContentDocumentLink WHERE LinkedEntityId = ",
		of->id);

	if (links.n)
		buf_c(&r->body, "<table><tr><th>File</th><th>Size</th>"
				"<th>MD5</th></tr>");
	for (size_t i = 0; i < links.n; i++) {
		json_t *id = sb_record_see(links.r[i], "ContentDocumentId");
		struct sb_record *doc = sb_table_get(
			sb_object(a->sb, STR("ContentDocument")),
			sb_json_text(id));
		json_t *latest = doc ? sb_record_see(
					       doc, "LatestPublishedVersionId")
				     : NULL;
		struct sb_record *version =
			latest ? sb_table_get(sb_object(a->sb,
						      STR("ContentVersion")),
					 sb_json_text(latest))
			       : NULL;
		if (!version)
			continue;
		buf_printf(
			&r->body, "<tr><td><a href=\"/file/%s\">", version->id);
		add_named(&r->body, a->sb, version, "PathOnClient");
		buf_c(&r->body, "</a></td><td>");
		add_named(&r->body, a->sb, version, "ContentSize");
		buf_c(&r->body, "</td><td>");
		add_named(&r->body, a->sb, version, "Checksum");
		buf_c(&r->body, "</td></tr>");
	}
	if (links.n)
		buf_c(&r->body, "</table>");
	free(links.r);
}

static void add_fold(struct sb_reply *r, struct sb_ask *a,
	const struct sb_record *rec, const char *field, const char *title,
	bool is_open)
{
	if (!sb_record_see(rec, field))
		return;
	buf_printf(&r->body, "<details%s><summary>%s</summary><pre>",
		is_open ? " open" : "", title);
	add_named(&r->body, a->sb, rec, field);
	buf_c(&r->body, "</pre></details>");
}

static void show_mail(
	struct sb_ask *a, struct sb_reply *r, const struct sb_record *mail)
{
	static const char *const fields[] = { "FromName", "FromAddress",
		"ToAddress", "CcAddress", "MessageDate", "Incoming",
		"MessageIdentifier", "Mailmill_Key__c" };

	buf_printf(&r->body, "<section id=\"%s\"><h2>", mail->id);
	add_named(&r->body, a->sb, mail, "Name");
	buf_c(&r->body, "</h2>");
	add_terms(&r->body, a->sb, mail, fields, COUNT(fields));
	buf_printf(&r->body, "<p><a href=\"/record/%s\">all fields</a></p>",
		mail->id);
	add_fold(r, a, mail, "TextBody", "Text", true);
	add_fold(r, a, mail, "HtmlBody", "HTML, its source", false);
	add_fold(r, a, mail, "Headers", "Headers", false);
	show_files(a, r, mail);
	buf_c(&r->body, "</section>");
}

static void show_contact(
	struct sb_ask *a, struct sb_reply *r, const struct sb_record *rec)
{
	static const char *const fields[] = { "Name", "Email", "Phone", "Title",
		"AccountId" };
	json_t *id = sb_record_see(rec, "ContactId");
	struct sb_record *contact = id ? sb_table_get(sb_object(a->sb,
							      STR("Contact")),
						 sb_json_text(id))
				       : NULL;

	if (!contact)
		return;
	buf_c(&r->body, "<section><h2>Contact</h2>");
	add_terms(&r->body, a->sb, contact, fields, COUNT(fields));
	buf_c(&r->body, "</section>");
}

static void show_comments(
	struct sb_ask *a, struct sb_reply *r, const struct sb_record *rec)
{
	struct sb_rows rows = find_rows(
		a, "SELECT Id FROM CaseComment WHERE ParentId = ", rec->id);

	for (size_t i = 0; i < rows.n; i++) {
		buf_c(&r->body, "<section><h2>Comment</h2><pre>");
		add_named(&r->body, a->sb, rows.r[i], "CommentBody");
		buf_c(&r->body, "</pre></section>");
	}
	free(rows.r);
}

static struct sb_record *record_of(struct sb_ask *a, struct str id)
{
	struct sb_object *o = sb_object_of_id(a->sb, id);
	struct sb_record *rec = o ? sb_table_get(o, id) : NULL;

	return rec && !rec->is_deleted ? rec : NULL;
}

static void show_missing(struct sb_reply *r)
{
	begin_page(r, "Not found");
	r->status = 404;
	buf_c(&r->body, "<p>There is nothing here. The records that this "
			"sandbox holds are under <a href=\"/objects\">Objects"
			"</a>.</p>");
	end_page(r);
}

static void show_case(struct sb_ask *a, struct sb_reply *r)
{
	static const char *const fields[] = { "Status", "Priority", "Origin",
		"Type", "SuppliedName", "SuppliedEmail", "OwnerId", "AccountId",
		"CreatedDate", "LastModifiedDate", "ClosedDate",
		"Mailmill_Key__c" };
	struct sb_record *rec = record_of(a, a->seg[1]);
	json_t *number, *subject;

	if (!rec || strcmp(rec->object->name, "Case")) {
		show_missing(r);
		return;
	}
	number = sb_record_see(rec, "CaseNumber");
	subject = sb_record_see(rec, "Subject");
	begin_page(r,
		arena_printf(a->arena, "Case %s: %s", json_string_value(number),
			subject ? json_string_value(subject) : "no subject"));
	buf_c(&r->body, "<section>");
	add_terms(&r->body, a->sb, rec, fields, COUNT(fields));
	add_fold(r, a, rec, "Description", "Description", true);
	show_files(a, r, rec);
	buf_printf(&r->body,
		"<p><a href=\"/record/%s\">all fields</a></p></section>",
		rec->id);
	show_contact(a, r, rec);
	struct sb_rows mails = find_rows(
		a, "SELECT Id FROM EmailMessage WHERE ParentId = ", rec->id);
	for (size_t i = 0; i < mails.n; i++)
		show_mail(a, r, mails.r[i]);
	free(mails.r);
	show_comments(a, r, rec);
	end_page(r);
}

static void show_record(struct sb_ask *a, struct sb_reply *r)
{
	struct sb_record *rec = record_of(a, a->seg[1]);

	if (!rec) {
		show_missing(r);
		return;
	}
	begin_page(r,
		arena_printf(a->arena, "%s %s", rec->object->label, rec->id));
	if (!strcmp(rec->object->name, "Case"))
		buf_printf(&r->body,
			"<p><a href=\"/case/%s\">as a case</a></p>", rec->id);
	buf_c(&r->body, "<table>");
	for (int i = 0; i < rec->object->n_fields; i++) {
		const struct sb_field *f = &rec->object->fields[i];
		buf_c(&r->body, "<tr><th>");
		enc_html(&r->body, str_c(f->name));
		buf_c(&r->body, "</th><td style=\"white-space:pre-wrap\">");
		add_value(&r->body, a->sb, rec, f);
		buf_c(&r->body, "</td></tr>");
	}
	buf_c(&r->body, "</table>");
	show_files(a, r, rec);
	end_page(r);
}

static void show_objects(struct sb_ask *a, struct sb_reply *r)
{
	begin_page(r, "Objects");
	buf_c(&r->body, "<table><tr><th>Object</th><th>Prefix</th>"
			"<th>Records</th></tr>");
	for (int i = 0; i < a->sb->n_objects; i++) {
		const struct sb_object *o = a->sb->objects[i];
		buf_c(&r->body, "<tr><td><a href=\"/object/");
		enc_html(&r->body, str_c(o->name));
		buf_c(&r->body, "\">");
		enc_html(&r->body, str_c(o->name));
		buf_c(&r->body, "</a></td><td>");
		enc_html(&r->body, str_c(o->prefix));
		buf_printf(&r->body, "</td><td>%zu</td></tr>", o->n_live);
	}
	buf_c(&r->body, "</table>");
	end_page(r);
}

static void show_object(struct sb_ask *a, struct sb_reply *r)
{
	struct sb_object *o = sb_object(a->sb, a->seg[1]);
	const char *fields[3] = { "Id" };
	size_t n = 1;

	if (!o) {
		show_missing(r);
		return;
	}
	if (o->f_name > 0)
		fields[n++] = o->fields[o->f_name].name;
	fields[n++] = "CreatedDate";
	begin_page(r, o->plural);
	list_records(a, r, o, strcmp(o->name, "Case") ? "record" : "case",
		fields, n);
	end_page(r);
}

static void show_calls(struct sb_ask *a, struct sb_reply *r)
{
	struct sandbox *sb = a->sb;
	uint64_t n = MIN(sb->n_calls, (uint64_t)SB_CALLS_MAX);

	begin_page(r, "Calls");
	buf_printf(&r->body,
		"<p class=\"dim\">%llu calls, %llu of them count; the last "
		"%llu, the newest first</p><table><tr><th>Time</th><th>Method"
		"</th><th>Path</th><th>Kind</th><th>Status</th><th>ms</th>"
		"<th>In</th><th>Out</th><th>Fault</th></tr>",
		(unsigned long long)sb->n_calls, (unsigned long long)sb->n_api,
		(unsigned long long)n);
	for (uint64_t i = 0; i < n; i++) {
		const struct sb_call *c =
			&sb->calls[(sb->n_calls - 1 - i) % SB_CALLS_MAX];
		buf_c(&r->body, "<tr><td>");
		add_when(&r->body, c->at_ms);
		buf_c(&r->body, "</td><td>");
		enc_html(&r->body, str_c(c->method));
		buf_c(&r->body, "</td><td>");
		enc_html(&r->body, str_c(c->path));
		buf_printf(&r->body,
			"</td><td>%s</td><td%s>%d</td><td>%u</td><td>%llu</td>"
			"<td>%llu</td><td class=\"bad\">%s</td></tr>",
			sb_kind_name(c->kind),
			c->status >= 400 ? " class=\"bad\"" : "", c->status,
			c->ms, (unsigned long long)c->n_in,
			(unsigned long long)c->n_out, c->fault);
	}
	buf_c(&r->body, "</table>");
	end_page(r);
}

/* A file from a stranger is never shown by the browser, only saved. */
static void give_file(struct sb_ask *a, struct sb_reply *r)
{
	struct sb_record *rec = record_of(a, a->seg[1]);
	const struct sb_field *blob = NULL;

	for (int i = 0; rec && i < rec->object->n_fields; i++)
		if (rec->object->fields[i].type == SB_BASE64)
			blob = &rec->object->fields[i];
	if (!blob) {
		show_missing(r);
		return;
	}
	a->seg[3] = str_c(blob->name);
	a->seg[2] = a->seg[1];
	a->seg[1] = str_c(rec->object->name);
	sb_file_download(a, r);
	r->is_attachment = true;
}

void sb_pages_route(struct sb_ask *a, struct sb_reply *r)
{
	static const struct {
		const char *name;
		int n_seg;
		sb_handler_fn run;
	} pages[] = {
		{ "case", 2, show_case },
		{ "record", 2, show_record },
		{ "object", 2, show_object },
		{ "file", 2, give_file },
		{ "objects", 1, show_objects },
		{ "calls", 1, show_calls },
	};
	struct str rest = str_sub(a->path, 1, a->path.len), piece;

	a->n_seg = 0;
	while (rest.len && a->n_seg < 3 && str_cut(&rest, '/', &piece))
		a->seg[a->n_seg++] = piece;
	if (a->n_seg == 0) {
		show_cases(a, r);
		return;
	}
	for (size_t i = 0; i < COUNT(pages); i++) {
		if (a->n_seg != pages[i].n_seg ||
			!str_eq(a->seg[0], str_c(pages[i].name)))
			continue;
		pages[i].run(a, r);
		return;
	}
	show_missing(r);
}
