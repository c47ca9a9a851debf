/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * eval.c - mailmill eval: shows what a rule would do with a mail.
 *
 * Nothing is done and nobody is asked. What the rule has to ask for is shown
 * with what to write into a file for --facts; for people, the plan that would
 * come if nothing were found is shown, too.
 */
#include <sysexits.h>

#include <mailmill/auth.h>
#include <mailmill/clock.h>
#include <mailmill/file.h>
#include <mailmill/mail.h>
#include <mailmill/sieve.h>
#include <mailmill/utf8.h>

#include "cli.h"
#include "config.h"
#include "rulefile.h"

enum {
	OPT_SCRIPT,
	OPT_CONFIG,
	OPT_FACTS,
	OPT_ZONE,
	OPT_FROM,
	OPT_TO,
	OPT_ROUTE,
	OPT_JSON
};
static const struct cli_option options[] = {
	[OPT_SCRIPT] = { "script", 's', "FILE", "the rule file" },
	[OPT_CONFIG] = { "config", 'c', "FILE",
		"understand it as this configuration says" },
	[OPT_FACTS] = { "facts", 'f', "FILE", "answers, as JSON" },
	[OPT_ZONE] = { "zone", 'z', "FILE", "what the DNS says" },
	[OPT_FROM] = { "from", 0, "ADDRESS",
		"envelope sender (else the mail's)" },
	[OPT_TO] = { "to", 0, "ADDRESS",
		"envelope recipient, may be repeated" },
	[OPT_ROUTE] = { "route", 0, "NAME", "the route's name" },
	[OPT_JSON] = { "json", 0, NULL, "print the plan as JSON" },
	{ 0 },
};

#define MESSAGE_MAX ((size_t)256 << 20)
#define FACTS_MAX ((size_t)16 << 20)
#define ZONE_MAX ((size_t)16 << 20)
#define REPORT_MAX ((size_t)8 << 20)
#define SHOWN_MAX 60	 /* characters of a value */
#define OUTGOING_LINES 8 /* of new mail, below its header */
#define DAY_S 86400
#define LONG_VALUE 255 /* bytes; only longer ones may be too long */
#define ROUNDS_MAX 32

struct eval {
	struct arena *arena;
	const char *script_path, *config_path, *facts_path, *message_path;
	const char *from, *route, *zone_path;
	bool is_json;
	struct dns_zone *zone; /* NULL: none given */
	struct conf *conf;
	struct config_rules rules;
	struct rulefile script;
	struct mail *mail;
	struct envelope env;
	struct facts *facts;
};

/*
 * Arguments
 */

static void add_rcpt(struct eval *e, struct str address)
{
	struct envelope *env = &e->env;

	env->rcpts = arena_grow(e->arena, env->rcpts, env->n_rcpts,
		env->n_rcpts + 1, sizeof(*env->rcpts));
	env->rcpts[env->n_rcpts++].address = address;
}

static void fill_envelope(struct eval *e)
{
	struct str path = str_trim(mail_header(e->mail, STR("return-path")));
	struct str value = STR_NULL;

	e->env.source = STR("file");
	e->env.peer = STR("file");
	e->env.received_at = e->facts->now;
	if (path.len >= 2 && path.p[0] == '<' && path.p[path.len - 1] == '>')
		e->env.sender = str_sub(path, 1, path.len - 2);
	else if (mail_value(e->mail, STR("from"), &value) == 0)
		e->env.sender = value;
	if (e->from)
		e->env.sender = str_c(e->from);
	if (e->env.n_rcpts == 0 &&
		mail_value(e->mail, STR("to"), &value) == 0 && value.len)
		add_rcpt(e, value);
}

/* Anew for each mail: an answer of one is none of the next. */
static int read_facts(struct eval *e, struct err *err)
{
	AUTO(buf) struct buf text = BUF_INIT(FACTS_MAX);
	json_error_t where;
	json_t *json;
	int rc;

	e->facts = ARENA_NEW(e->arena, struct facts);
	if (!e->facts_path)
		return 0;
	if (file_read(e->facts_path, &text, err) < 0)
		return -1;
	json = json_loadb(
		text.p ? text.p : "", text.len, JSON_REJECT_DUPLICATES, &where);
	if (!json)
		return err_set(err, ERR_CONF, "%s:%d:%d: %s", e->facts_path,
			where.line, where.column, where.text);
	rc = facts_from_json(e->arena, json, &e->facts, err);
	json_decref(json);
	return rc < 0 ? err_add(err, "%s", e->facts_path) : 0;
}

static int read_message(struct eval *e, struct err *err)
{
	AUTO(buf) struct buf raw = BUF_INIT(MESSAGE_MAX);
	bool is_stdin = str_eq(str_c(e->message_path), STR("-"));

	if ((is_stdin ? file_read_fd(0, &raw, err)
		      : file_read(e->message_path, &raw, err)) < 0)
		return -1;
	return mail_parse(arena_str(e->arena, buf_view(&raw)), &e->mail, err);
}

/*
 * For people
 */

static void print_value(struct str value)
{
	size_t shown = 0, total = utf8_count(value);
	bool was_blank = true;

	while (value.len && shown < SHOWN_MAX) {
		uint32_t code;
		size_t len = utf8_next(value, &code);
		bool is_blank = len == 0 || code <= ' ' || code == 0x7f;
		if (!is_blank)
			fwrite(value.p, 1, len, stdout);
		else if (!was_blank)
			putchar(' ');
		was_blank = is_blank;
		value = str_sub(value, MAX(len, 1), SIZE_MAX);
		shown++;
	}
	if (value.len)
		printf("... (%zu characters)", total);
}

static void print_field(const struct plan_field *f)
{
	static const char *const overflows[] = { "", "  [cut if too long]",
		"  [whole as a file if too long]" };

	printf("    %-18.*s ", STR_ARG(f->name));
	if (f->kind == PLAN_REF)
		printf("(%.*s of \"%.*s\")", STR_ARG(f->ref_field),
			STR_ARG(f->value));
	else if (f->kind == PLAN_NULL)
		printf("(cleared)");
	else
		print_value(f->value);
	puts(f->kind == PLAN_TEXT && f->value.len > LONG_VALUE
			? overflows[f->overflow]
			: "");
}

static void print_record(const struct plan_record *r)
{
	static const char *const ops[] = { "create", "update", "upsert",
		"delete" };

	printf("%s %.*s \"%.*s\"", ops[r->op], STR_ARG(r->object),
		STR_ARG(r->name));
	if (r->id.len)
		printf(" %.*s", STR_ARG(r->id));
	if (r->by.len)
		printf(" by %.*s", STR_ARG(r->by));
	putchar('\n');
	for (size_t i = 0; i < r->n_fields; i++)
		print_field(&r->fields[i]);
	for (size_t i = 0; i < r->n_files; i++)
		printf("    file               %.*s (%.*s, %llu bytes%s)\n",
			STR_ARG(r->files[i].name), STR_ARG(r->files[i].type),
			(unsigned long long)r->files[i].size,
			r->files[i].is_inline ? ", shown in the text" : "");
}

/* What the mill makes of an action, see mailmill-sieve(5). */
static const char *meaning(const struct plan_action *a, bool is_alone)
{
	static const char *const meanings[] = {
		[PLAN_KEEP] = "the delivery would be held for a person to look "
			      "at",
		[PLAN_DISCARD] = "nothing else is done with it",
		[PLAN_FILEINTO] = "the delivery would be held in this folder",
		[PLAN_REDIRECT] = "it would be sent there",
		[PLAN_REJECT] = "the sender would be told why",
		[PLAN_EREJECT] = "the sender would be told why",
		[PLAN_VACATION] = "the sender would be answered",
		[PLAN_NOTIFY] = "this would be sent",
	};

	if (a->is_implicit && is_alone)
		return "no rule took it (the delivery would be dead, done or "
		       "held, as the route says: unmatched)";
	if (a->kind == PLAN_KEEP && !is_alone)
		return "does nothing beside records";
	return meanings[a->kind];
}

/* Shows new mail: its header and the beginning of its text. */
static void print_outgoing(const struct plan_action *a)
{
	struct str text = a->pieces[0].literal, line;
	bool is_head = true;
	unsigned n = 0;

	printf("    to %.*s", STR_ARG(a->rcpts[0]));
	for (size_t i = 1; i < a->n_rcpts; i++)
		printf(", %.*s", STR_ARG(a->rcpts[i]));
	printf(", envelope from <%.*s>\n", STR_ARG(a->sender));
	while (n < OUTGOING_LINES && str_cut_line(&text, &line)) {
		is_head &= line.len > 0;
		n += !is_head;
		fputs("    | ", stdout);
		print_value(line);
		putchar('\n');
	}
	if (text.len)
		puts("    | ...");
}

static void print_action(const struct plan_action *a, bool is_alone)
{
	printf("%s", plan_action_name(a->kind));
	if (a->value.len && a->kind != PLAN_REJECT && a->kind != PLAN_EREJECT) {
		putchar(' ');
		print_value(a->value);
	}
	for (size_t i = 0; i < a->n_flags; i++)
		printf("%s%.*s%s", i ? " " : " (flags ", STR_ARG(a->flags[i]),
			i + 1 == a->n_flags ? ")" : "");
	if (a->n_pieces && a->kind < PLAN_REJECT)
		fputs(" (as the rule changed it)", stdout);
	printf(": %s", meaning(a, is_alone));
	if (a->mark.len)
		printf(", once in %llu days",
			(unsigned long long)(a->mark_seconds + DAY_S - 1) /
				DAY_S);
	putchar('\n');
	if (a->kind >= PLAN_REJECT && a->n_pieces && a->n_rcpts)
		print_outgoing(a);
}

static void print_plan(const struct plan *p)
{
	if (p->fail.len) {
		printf("fails: %.*s\n", STR_ARG(p->fail));
		return;
	}
	for (size_t i = 0; i < p->n_records; i++)
		print_record(&p->records[i]);
	for (size_t i = 0; i < p->n_actions; i++)
		print_action(&p->actions[i], p->n_records == 0);
	for (size_t i = 0; i < p->n_notes; i++)
		printf("note: %.*s\n", STR_ARG(p->notes[i]));
}

static void print_head(struct eval *e)
{
	static const char *const names[] = { "from", "to", "subject", "kind" };
	static const char *const titles[] = {
		"From:   ", "To:     ", "Subject:", "Kind:   "
	};
	struct str value;

	for (size_t i = 0; i < COUNT(names); i++) {
		if (mail_value(e->mail, str_c(names[i]), &value) < 0)
			continue;
		printf("%s ", titles[i]);
		print_value(value);
		putchar('\n');
	}
	putchar('\n');
}

static void print_question(const struct plan_question *q)
{
	if (q->kind == PLAN_THREAD) {
		printf("  which %.*s did an earlier mail of this thread "
		       "make?\n",
			STR_ARG(q->object));
		return;
	}
	if (q->kind == PLAN_DNS) {
		printf("  what does the DNS say: %.*s of %.*s?\n",
			STR_ARG(q->fields[0]), STR_ARG(q->object));
		return;
	}
	if (q->kind == PLAN_SEEN) {
		printf("  was %.*s... seen before? (duplicate, vacation)\n",
			STR_ARG(str_sub(q->object, 0, 12)));
		return;
	}
	printf("  %s %.*s with", q->is_first ? "the first" : "the only",
		STR_ARG(q->object));
	for (size_t i = 0; i < q->n_where; i++)
		printf("%s %.*s \"%.*s\"", i ? " and" : "",
			STR_ARG(q->where[i].name), STR_ARG(q->where[i].value));
	puts("?");
}

/* Prints a file for --facts with a place for each answer. */
static void print_template(const struct plan *p)
{
	json_t *plan = plan_to_json(p), *facts = json_object();
	json_t *answers = json_array(), *question;
	AUTO(bytes) char *text = NULL;
	size_t i;

	json_array_foreach(json_object_get(plan, "questions"), i, question)
	{
		json_t *answer = json_object();
		json_object_set(
			answer, "question", json_object_get(question, "name"));
		json_object_set_new(
			answer, "rows", json_pack("[{s:s}]", "Id", "..."));
		json_array_append_new(answers, answer);
	}
	json_object_set_new(facts, "answers", answers);
	text = json_dumps(facts, JSON_INDENT(2));
	puts(text ? text : "");
	json_decref(facts);
	json_decref(plan);
}

static bool asks_for_records(const struct plan *p)
{
	for (size_t i = 0; i < p->n_questions; i++)
		if (p->questions[i].kind != PLAN_SEEN)
			return true;
	return false;
}

static void print_questions(const struct plan *p)
{
	/* what was not seen needs no answer to be tried */
	if (!asks_for_records(p))
		return;
	puts("The rule asks:");
	for (size_t i = 0; i < p->n_questions; i++)
		print_question(&p->questions[i]);
	puts("Answers come from the target, the store and the DNS. To try "
	     "some, give "
	     "--facts a file "
	     "like this\n(\"rows\": [] says that there is nothing):");
	print_template(p);
	puts("\nIf nothing were found:");
}

/*
 * Evaluating
 */

static void add_answer(struct eval *e, struct facts_answer answer)
{
	struct facts *f = e->facts;

	f->answers = arena_grow(e->arena, f->answers, f->n_answers,
		f->n_answers + 1, sizeof(*f->answers));
	f->answers[f->n_answers++] = answer;
}

/* Answers by the zone. Returns: whether that was all that the plan asks. */
static bool answer_zone(struct eval *e, const struct plan *p)
{
	size_t n = 0;

	for (size_t i = 0; e->zone && i < p->n_questions; i++) {
		const struct plan_question *q = &p->questions[i];
		struct dns_answer dns;
		enum dns_type type;
		struct str name;
		if (plan_read_dns(q, &type, &name) < 0 ||
			dns_zone_lookup(e->zone, type, name, &dns) < 0)
			continue;
		add_answer(e, facts_of_dns(e->arena, q->name, &dns));
		n++;
	}
	return n && n == p->n_questions;
}

static int evaluate(struct eval *e, struct plan **out, struct err *err)
{
	unsigned char identity[HASH_LEN];

	for (int i = 0; i < ROUNDS_MAX; i++) {
		if (sieve_eval(e->script.script, e->mail, &e->env, e->facts,
			    e->arena, out, err) < 0)
			return -1;
		if (!answer_zone(e, *out))
			break;
	}
	mail_identity(e->mail, identity);
	plan_set_keys(e->arena, *out, str_n((char *)identity, HASH_LEN),
		e->facts->route);
	return 0;
}

/* Answers all questions of a plan by "nothing". */
static void answer_nothing(struct eval *e, const struct plan *p)
{
	for (size_t i = 0; i < p->n_questions; i++)
		if (!e->zone || p->questions[i].kind != PLAN_DNS)
			add_answer(e, (struct facts_answer){
					      .name = p->questions[i].name });
}

static int show_json(struct eval *e, struct err *err)
{
	AUTO(bytes) char *text = NULL;
	struct plan *plan;
	json_t *json;

	if (evaluate(e, &plan, err) < 0)
		return -1;
	json = plan_to_json(plan);
	text = json_dumps(json, JSON_INDENT(2));
	json_decref(json);
	puts(text ? text : "");
	return 0;
}

static int show(struct eval *e, struct err *err)
{
	struct plan *plan;

	if (e->is_json)
		return show_json(e, err);
	print_head(e);
	for (int i = 0; i < ROUNDS_MAX; i++) {
		if (evaluate(e, &plan, err) < 0)
			return -1;
		if (plan->n_questions == 0)
			break;
		print_questions(plan);
		answer_nothing(e, plan);
	}
	print_plan(plan);
	return 0;
}

static int load_script(struct eval *e, struct err *err)
{
	AUTO(buf) struct buf report = BUF_INIT(REPORT_MAX);
	int rc;

	if (e->config_path && config_load(e->config_path, config_print_error,
				      NULL, &e->conf, err) < 0)
		return -1;
	if (config_rules(e->conf, e->arena, &e->rules, err) < 0)
		return -1;
	rc = rulefile_load(
		&e->script, e->script_path, &e->rules, false, &report, err);

	if (report.len)
		fwrite(report.p, 1, report.len, stderr);
	return rc;
}

static int load_zone(struct eval *e, struct err *err)
{
	AUTO(buf) struct buf text = BUF_INIT(ZONE_MAX);

	if (!e->zone_path)
		return 0;
	e->zone = dns_zone_new();
	if (file_read(e->zone_path, &text, err) < 0)
		return -1;
	return dns_zone_read(e->zone, e->zone_path, buf_view(&text), err);
}

static int eval_mail(struct eval *e, const char *path, struct err *err)
{
	size_t n_rcpts = e->env.n_rcpts;
	int rc;

	e->message_path = path;
	if (read_facts(e, err) < 0 || read_message(e, err) < 0)
		return -1;
	if (e->route)
		e->facts->route = str_c(e->route);
	if (!e->facts->now)
		e->facts->now = clock_wall_ms();
	fill_envelope(e);
	rc = show(e, err);
	e->env.n_rcpts = n_rcpts;
	mail_free(TAKE(e->mail));
	return rc;
}

/* Evaluates all mails, also behind one that cannot be read. */
static int eval_all(struct eval *e, const struct cli_args *args)
{
	struct err err = { 0 };
	int status = EX_OK;

	if (load_script(e, &err) < 0 || load_zone(e, &err) < 0)
		return cli_fail(args->command, &err);
	for (int i = args->at; i < args->argc; i++) {
		if (!e->is_json && args->argc - args->at > 1)
			printf("%s== %s\n", i > args->at ? "\n" : "",
				args->argv[i]);
		if (eval_mail(e, args->argv[i], &err) == 0)
			continue;
		err_add(&err, "%s", args->argv[i]);
		status = cli_fail(args->command, &err);
		err = (struct err){ 0 };
	}
	return status;
}

static int take_options(struct eval *e, struct cli_args *args)
{
	for (int o; (o = cli_next(args)) != CLI_END;) {
		if (o == CLI_BAD)
			return -1;
		if (o == OPT_SCRIPT)
			e->script_path = args->value;
		else if (o == OPT_CONFIG)
			e->config_path = args->value;
		else if (o == OPT_FACTS)
			e->facts_path = args->value;
		else if (o == OPT_ZONE)
			e->zone_path = args->value;
		else if (o == OPT_FROM)
			e->from = args->value;
		else if (o == OPT_TO)
			add_rcpt(e, str_c(args->value));
		else if (o == OPT_ROUTE)
			e->route = args->value;
		e->is_json |= o == OPT_JSON;
	}
	/* as other Sieve tools take it: the script, then mails */
	if (!e->script_path && args->at < args->argc)
		e->script_path = args->argv[args->at++];
	if (e->script_path && args->at < args->argc)
		return 0;
	cli_say(args->command, "expected a rule file and mails (- is standard "
			       "input)");
	return -1;
}

static int run(int argc, char **argv)
{
	AUTO(arena) struct arena *arena = arena_new();
	struct cli_args args = cli_args(&cli_eval, argc, argv);
	struct eval e = { .arena = arena };
	int status;

	if (take_options(&e, &args) < 0)
		return EX_USAGE;
	mail_init();
	auth_init();
	status = eval_all(&e, &args);
	rulefile_fini(&e.script);
	dns_zone_free(e.zone);
	conf_free(e.conf);
	return status;
}

const struct cli_command cli_eval = {
	.name = "eval",
	.usage = "[--config FILE] [--facts FILE] [--zone FILE] [--from A] "
		 "[--to A] [--json] "
		 "RULE.sieve MAIL...",
	.help = "Shows what a rule would do with mails",
	.options = options,
	.run = run,
};
