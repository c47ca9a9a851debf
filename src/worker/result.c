/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * result.c - frames, results and endings.
 *
 * All that a worker says may have been written by a mail that took it over.
 * So nothing is taken before all was checked, and what a plan could do with
 * another mail's name (keys, places in the message) is made or checked here
 * and not believed.
 */
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include <mailmill/hash.h>
#include <mailmill/proc.h>
#include <mailmill/utf8.h>
#include <mailmill/wire.h>

#include "box.h"
#include "frame.h"

size_t frame_begin(struct buf *b, enum frame_type type)
{
	size_t at = b->len;

	wire_u32(b, (uint32_t)type);
	wire_u32(b, 0);
	return at;
}

void frame_end(struct buf *b, size_t at)
{
	size_t len = b->len - at - FRAME_HEADER_LEN;

	if (buf_is_over(b))
		return;
	for (size_t i = 0; i < 4; i++)
		b->p[at + 4 + i] = (char)(len >> (8 * i));
}

void frame_header(
	const char bytes[FRAME_HEADER_LEN], uint32_t *type, uint32_t *len)
{
	struct wire_in w = { .in = str_n(bytes, FRAME_HEADER_LEN) };

	*type = wire_get_u32(&w);
	*len = wire_get_u32(&w);
}

void result_put_reason(
	struct buf *b, enum worker_outcome outcome, const char *reason)
{
	wire_u8(b, (uint8_t)outcome);
	wire_str(b, utf8_cut(str_c(reason), REASON_MAX));
}

void result_put(struct buf *b, const struct worker_job *job)
{
	AUTO(buf) struct buf plan = BUF_INIT(FRAME_RESULT_MAX);

	plan_encode(&plan, job->plan);
	wire_u8(b, WORKER_PLAN);
	wire_str(b, job->identity);
	wire_str(b, job->message_id);
	wire_str(b, job->subject);
	wire_strs(b, job->references, job->n_references);
	wire_strs(b, job->parties, job->n_parties);
	wire_str(b, job->thread_subject);
	wire_str(b, buf_view(&plan));
	b->is_over |= plan.is_over;
}

static bool is_line(struct str s, size_t max)
{
	for (size_t i = 0; i < s.len; i++)
		if ((unsigned char)s.p[i] < ' ' || s.p[i] == 0x7f)
			return false;
	return s.len <= max && utf8_is_valid(s);
}

static int check_files(const struct plan *p, uint64_t size, struct err *err)
{
	for (size_t i = 0; i < p->n_records; i++)
		for (size_t j = 0; j < p->records[i].n_files; j++) {
			const struct plan_file *f = &p->records[i].files[j];
			if (!f->is_literal && f->offset + f->len > size)
				return err_set(err, ERR_PERM,
					"a file past the message's end");
		}
	return 0;
}

static int get_lines(struct worker_job *job, struct wire_in *w, size_t max,
	struct str **out, size_t *n_out, struct err *err)
{
	size_t n = wire_get_count(w, 4);

	if (n > max)
		return err_set(err, ERR_PERM, "%zu references", n);
	*n_out = n;
	*out = arena_array(job->arena, n, sizeof(**out));
	for (size_t i = 0; i < n; i++) {
		(*out)[i] = wire_get_str(w);
		if (!is_line((*out)[i], MESSAGE_ID_MAX))
			return err_set(err, ERR_PERM, "a reference is none");
	}
	return 0;
}

static int get_plan(struct worker_job *job, struct wire_in *w, uint64_t size,
	struct err *err)
{
	struct str plan;

	job->identity = wire_get_str(w);
	job->message_id = wire_get_str(w);
	job->subject = wire_get_str(w);
	if (get_lines(job, w, REFERENCES_MAX, &job->references,
		    &job->n_references, err) < 0 ||
		get_lines(job, w, PARTIES_MAX, &job->parties, &job->n_parties,
			err) < 0)
		return -1;
	job->thread_subject = wire_get_str(w);
	plan = wire_get_str(w);
	if (!wire_is_done(w))
		return err_set(err, ERR_PERM, "bytes missing or left over");
	if (job->identity.len != HASH_LEN)
		return err_set(err, ERR_PERM, "an identity that is none");
	if (!is_line(job->message_id, MESSAGE_ID_MAX))
		return err_set(err, ERR_PERM, "a Message-ID that is none");
	if (!is_line(job->thread_subject, SUBJECT_MAX) ||
		!is_line(job->subject, SUBJECT_MAX))
		return err_set(err, ERR_PERM, "a subject that is none");
	if (plan_decode(job->arena, plan, &job->plan, err) < 0 ||
		check_files(job->plan, size, err) < 0)
		return -1;
	plan_set_keys(job->arena, job->plan, job->identity, job->facts->route);
	return 0;
}

static int get_reason(
	struct worker_job *job, struct wire_in *w, struct err *err)
{
	job->reason = wire_get_str(w);
	if (!wire_is_done(w))
		return err_set(err, ERR_PERM, "bytes missing or left over");
	job->reason = utf8_mend(job->arena, utf8_cut(job->reason, REASON_MAX));
	return 0;
}

int result_get(
	struct worker_job *job, struct str in, uint64_t size, struct err *err)
{
	struct worker_job got = *job;
	struct wire_in w = { .in = arena_str(job->arena, in) };
	uint8_t outcome = wire_get_u8(&w);

	got.outcome = outcome;
	if (outcome == WORKER_PLAN) {
		if (get_plan(&got, &w, size, err) < 0)
			return -1;
	} else if (outcome == WORKER_REFUSED || outcome == WORKER_BROKEN) {
		if (get_reason(&got, &w, err) < 0)
			return -1;
	} else {
		return err_set(err, ERR_PERM, "outcome %u", outcome);
	}
	*job = got;
	return 0;
}

/* Takes the words off the end of what a process said. */
static bool get_words(struct str said, struct last_words *out)
{
	if (said.len < sizeof(*out))
		return false;
	memcpy(out, said.p + said.len - sizeof(*out), sizeof(*out));
	out->text[sizeof(out->text) - 1] = 0;
	return out->magic == WORDS_MAGIC;
}

static bool tells_no_memory(const char *text)
{
	static const char *const signs[] = { "out of memory",
		"failed to allocate", "Cannot allocate memory",
		"memory allocation failed" };

	for (size_t i = 0; i < COUNT(signs); i++)
		if (strstr(text, signs[i]))
			return true;
	return false;
}

static void tell_signal(struct ending *e, int signo)
{
	snprintf(e->text, sizeof(e->text), "crashed the parser (signal %d, %s)",
		signo, proc_signal_name(signo));
}

static void tell_call(struct ending *e, int call)
{
	AUTO(bytes) char *name = box_call_name(call);

	snprintf(e->text, sizeof(e->text), "broke out of the box: called %s",
		name);
}

void ending_tell(struct ending *e, int status, bool is_late, struct str said)
{
	struct last_words words = { .call = -1 };
	bool has_words = get_words(said, &words);
	int signo = WIFSIGNALED(status) ? WTERMSIG(status) : 0;

	*e = (struct ending){ 0 };
	if (WIFEXITED(status) && WEXITSTATUS(status) == CHILD_NOT_BOXED)
		e->is_blameless = true;
	else
		e->is_blameless = signo == SIGKILL && !is_late;
	if (is_late || signo == SIGPROF || signo == SIGXCPU)
		snprintf(e->text, sizeof(e->text), "ran out of time");
	else if (has_words && tells_no_memory(words.text))
		snprintf(e->text, sizeof(e->text), "ran out of memory");
	else if (has_words && words.signal == SIGSYS)
		tell_call(e, words.call);
	else if (has_words && words.signal > 0)
		tell_signal(e, words.signal);
	else if (signo == SIGSYS)
		snprintf(e->text, sizeof(e->text), "broke out of the box");
	else if (signo)
		tell_signal(e, signo);
	else
		snprintf(e->text, sizeof(e->text),
			"made the parser exit with status %d",
			WEXITSTATUS(status));
}
