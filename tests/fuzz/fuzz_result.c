/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fuzz_result.c - what a worker that was taken over could answer. */
#include "../../src/worker/frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MESSAGE_SIZE 1000

static void check_result(struct arena *a, struct str in)
{
	static const struct facts facts = { .route = { "support", 7 } };
	struct worker_job job = { .arena = a, .facts = &facts };
	AUTO(buf) struct buf b = BUF_INIT(FRAME_RESULT_MAX);
	struct err err = { 0 };

	if (result_get(&job, in, MESSAGE_SIZE, &err) < 0) {
		must(job.plan == NULL && job.identity.p == NULL);
		return;
	}
	if (job.outcome != WORKER_PLAN)
		return;
	must(job.plan && job.identity.len == 32);
	for (size_t i = 0; i < job.plan->n_records; i++) {
		const struct plan_record *r = &job.plan->records[i];
		must(r->key.len == 52 || r->op == PLAN_UPDATE ||
			r->op == PLAN_DELETE);
	}
	result_put(&b, &job);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(arena) struct arena *a = arena_new();
	struct str in = str_n((const char *)data, size);
	struct ending e;

	check_result(a, in);
	if (size > 4) {
		ending_tell(&e, data[0], data[1] & 1, str_sub(in, 2, SIZE_MAX));
		must(e.text[0] != 0);
	}
	return 0;
}
