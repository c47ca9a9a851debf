/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fuzz_plan.c - plans and facts from hostile bytes. */
#include <mailmill/plan.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What was taken must come out as it went in. */
static void check_plan(struct arena *a, struct str in)
{
	AUTO(buf) struct buf b = BUF_INIT((size_t)64 << 20);
	struct plan *p = NULL;
	struct err err = { 0 };

	if (plan_decode(a, in, &p, &err) < 0)
		return;
	plan_encode(&b, p);
	must(str_eq(buf_view(&b), in));
	json_decref(plan_to_json(p));
	plan_set_keys(a, p, STR("identity"), STR("route"));
}

static void check_facts(struct arena *a, struct str in)
{
	AUTO(buf) struct buf b = BUF_INIT((size_t)64 << 20);
	struct facts *f = NULL, *back = NULL;
	struct err err = { 0 };
	json_t *json;

	if (facts_decode(a, in, &f, &err) < 0)
		return;
	facts_encode(&b, f);
	must(str_eq(buf_view(&b), in));
	json = facts_to_json(f);
	if (facts_from_json(a, json, &back, &err) == 0)
		must(back->n_answers == f->n_answers);
	json_decref(json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(arena) struct arena *a = arena_new();
	struct str in = str_n((const char *)data, size);

	check_plan(a, in);
	check_facts(a, in);
	return 0;
}
