/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_print.c - dry runs: a line a plan, facts as answers. */
#include <mailmill/conf.h>
#include <mailmill/file.h>
#include <mailmill/loop.h>
#include <mailmill/target.h>

#include "../../../src/target/drivers.h"
#include "test.h"

static void on_job(struct target_job *job)
{
	loop_stop(job->ctx);
}

static void on_ask(struct target_ask *ask)
{
	loop_stop(ask->ctx);
}

TEST(each_plan_is_a_line)
{
	char folder[] = "/tmp/mailmill-print-XXXXXX";
	const struct conf_schema *schemas[] = { target_print()->schema, NULL };
	AUTO(bytes) char *path = NULL, *text = NULL;
	AUTO(conf) struct conf *conf = NULL;
	AUTO(loop) struct loop *loop = NULL;
	AUTO(arena) struct arena *a = arena_new();
	AUTO(buf) struct buf lines = BUF_INIT(1 << 16);
	struct plan_record record = { .op = PLAN_CREATE,
		.name = STR("case"),
		.object = STR("Case"),
		.key = STR("k") };
	struct plan plan = { .records = &record, .n_records = 1 };
	struct target_job job = { .plan = &plan, .arena = a, .done = on_job };
	struct plan_question q = { .name = STR("q"), .object = STR("Contact") };
	struct target_ask ask = { .question = &q, .arena = a, .done = on_ask };
	struct target *t = NULL;
	struct err err = { 0 };

	must(mkdtemp(folder));
	path = mem_printf("%s/plans", folder);
	text = mem_printf("print \"dry\" {\nfile = \"%s\"\n}\n", path);
	must(conf_parse("test", str_c(text), schemas, NULL, NULL, &conf,
		     &err) == 0);
	must(loop_new(&loop, &err) == 0);
	is_int(target_open(conf_first(conf), loop, &t, &err), 0, err.text);
	job.ctx = ask.ctx = loop;
	for (int i = 0; i < 2; i++) {
		target_apply(t, &job);
		must(loop_run(loop, &err) == 0);
	}
	is_int(job.outcome, TARGET_DONE, "done");
	is_str(job.records[0].id, "dry:case", "an id that says what it is");
	target_ask(t, &ask);
	must(loop_run(loop, &err) == 0);
	is_int(ask.outcome, TARGET_DONE, "an answer");
	is_int(ask.answer.n_rows, 0, "of nothing");
	target_close(t);
	must(file_read(path, &lines, &err) == 0);
	is_int(str_chr(buf_view(&lines), 10) * 2 + 2, lines.len, "two lines");
	has_text(lines.p, "\"Case\"", "of JSON");
	file_remove_tree(folder, &err);
}
