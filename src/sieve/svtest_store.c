/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * svtest_store.c - what a result does when a test file executes it: a mill in
 * memory, with folders, sent mails and marks that live as long as the file.
 *
 * An execution is all or nothing: what could fail is looked at first. When it
 * does, errors are recorded and the mail as it came is kept. A second
 * execution of one result does only what was added since the first.
 */
#include "folder.h"
#include "svtest.h"

#define MESSAGE_MAX ((size_t)64 << 20)

struct svtest_folder *svtest_find_folder(struct svtest *t, struct str name)
{
	for (size_t i = 0; i < t->n_folders; i++)
		if (sieve_folder_is_same(t->folders[i].name, name))
			return &t->folders[i];
	return NULL;
}

/* The names are facts, too: mailboxexists asks them. */
static void tell_folders(struct svtest *t)
{
	struct facts *f = &t->facts;

	f->has_folders = true;
	f->n_folders = t->n_folders;
	f->folders = arena_array(t->arena, t->n_folders, sizeof(*f->folders));
	for (size_t i = 0; i < t->n_folders; i++)
		f->folders[i] = t->folders[i].name;
}

struct svtest_folder *svtest_make_folder(struct svtest *t, struct str name)
{
	struct svtest_folder *f = svtest_find_folder(t, name);

	if (f)
		return f;
	t->folders = arena_grow(t->arena, t->folders, t->n_folders,
		t->n_folders + 1, sizeof(*t->folders));
	f = &t->folders[t->n_folders++];
	f->name = arena_str(t->arena, name);
	tell_folders(t);
	return f;
}

void svtest_drop_folder(struct svtest *t, struct str name)
{
	struct svtest_folder *f = svtest_find_folder(t, name);

	if (!f || str_eq(f->name, STR("INBOX")))
		return;
	memmove(f, f + 1,
		(size_t)(t->folders + t->n_folders - f - 1) * sizeof(*f));
	t->n_folders--;
	tell_folders(t);
}

/*
 * Marks
 */

static struct svtest_mark *find_mark(struct svtest *t, struct str key)
{
	for (size_t i = 0; i < t->n_marks; i++)
		if (str_eq(t->marks[i].key, key) &&
			t->marks[i].until > t->facts.now)
			return &t->marks[i];
	return NULL;
}

bool svtest_has_mark(struct svtest *t, struct str key)
{
	return t->remembers && find_mark(t, key) != NULL;
}

static void set_mark(
	struct svtest *t, struct str key, uint64_t seconds, bool is_last)
{
	struct svtest_mark *m = find_mark(t, key);

	if (m && !is_last)
		return;
	if (!m) {
		t->marks = arena_grow(t->arena, t->marks, t->n_marks,
			t->n_marks + 1, sizeof(*t->marks));
		m = &t->marks[t->n_marks++];
		m->key = arena_str(t->arena, key);
	}
	m->until = t->facts.now + (int64_t)seconds * 1000;
}

/*
 * Messages
 */

static struct str current_raw(const struct svtest *t)
{
	return mail_raw(t->mails[t->n_mails - 1]);
}

static struct str write_message(struct svtest *t, const struct plan_action *a)
{
	AUTO(buf) struct buf b = BUF_INIT(MESSAGE_MAX);
	struct str raw = current_raw(t);

	if (!a->n_pieces)
		return raw;
	plan_pieces_write(&b, a->pieces, a->n_pieces, raw);
	return arena_str(t->arena, buf_view(&b));
}

static bool is_new_mail(const struct plan_action *a)
{
	return a->kind == PLAN_REJECT || a->kind == PLAN_EREJECT ||
	       a->kind == PLAN_VACATION || a->kind == PLAN_NOTIFY;
}

/* As Dovecot does, whose suite counts flags. */
static void add_keyword(struct svtest *t, struct svtest_mail *m)
{
	const struct mail_attachment *list;
	size_t n = mail_attachments(t->mails[t->n_mails - 1], &list);

	m->flags = arena_grow(t->arena, m->flags, m->n_flags, m->n_flags + 1,
		sizeof(*m->flags));
	m->flags[m->n_flags++] = n ? STR("$HasAttachment")
				   : STR("$HasNoAttachment");
}

static void deliver(struct svtest *t, struct str folder, struct str raw,
	const struct plan_action *a)
{
	struct svtest_folder *f = svtest_make_folder(t, folder);

	f->mails = arena_grow(t->arena, f->mails, f->n_mails, f->n_mails + 1,
		sizeof(*f->mails));
	f->mails[f->n_mails++] = (struct svtest_mail){
		.raw = raw,
		.flags = a->flags,
		.n_flags = a->n_flags,
	};
	add_keyword(t, &f->mails[f->n_mails - 1]);
}

static void post(struct svtest *t, const struct plan_action *a)
{
	struct str raw;

	if (a->mark.len && svtest_has_mark(t, a->mark))
		return;
	if (!a->n_rcpts || (is_new_mail(a) && !a->n_pieces))
		return;
	raw = write_message(t, a);
	if (is_new_mail(a)) /* what the mill sets when it sends */
		raw = str_c(arena_printf(t->arena,
			"Date: Tue, 24 Nov 2026 12:00:00 +0000\r\n"
			"Message-ID: <test-%zu@example.com>\r\n%.*s",
			t->n_sent + 1, STR_ARG(raw)));
	for (size_t i = 0; i < a->n_rcpts; i++) {
		t->sent = arena_grow(t->arena, t->sent, t->n_sent,
			t->n_sent + 1, sizeof(*t->sent));
		t->sent[t->n_sent++] = (struct svtest_mail){
			.raw = raw,
			.sender = a->sender,
			.rcpt = a->rcpts[i],
		};
	}
	if (a->fcc.len)
		deliver(t, a->fcc, raw, a);
	if (a->mark.len)
		set_mark(t, a->mark, a->mark_seconds, true);
}

/*
 * The execution
 */

static struct str folder_of(const struct svtest *t, const struct plan_action *a)
{
	return a->kind == PLAN_FILEINTO ? a->value
					: t->settings->default_folder;
}

/* "a//b" can be made by no store that has folders within folders. */
static bool has_empty_level(struct str name)
{
	struct str level;

	while (str_cut(&name, '/', &level))
		if (!level.len)
			return true;
	return false;
}

static int check_folder(
	struct svtest *t, struct str name, const struct plan_action *a)
{
	if (has_empty_level(name)) {
		svtest_add_error(
			t, str_c(arena_printf(t->arena,
				   "failed to store into mailbox '%.*s': "
				   "invalid name",
				   STR_ARG(name))));
		return -1;
	}
	if (a->is_create || svtest_find_folder(t, name))
		return 0;
	svtest_add_error(t, str_c(arena_printf(t->arena,
				    "failed to store into mailbox '%.*s': "
				    "mailbox doesn't exist: %.*s",
				    STR_ARG(name), STR_ARG(name))));
	return -1;
}

static int check_action(struct svtest *t, const struct plan_action *a)
{
	if (a->kind == PLAN_FILEINTO)
		return check_folder(t, a->value, a);
	return 0;
}

static void do_action(struct svtest *t, const struct plan_action *a)
{
	if (a->kind == PLAN_KEEP || a->kind == PLAN_FILEINTO)
		deliver(t, folder_of(t, a), write_message(t, a), a);
	else if (a->kind != PLAN_DISCARD)
		post(t, a);
}

static void do_marks(struct svtest *t, const struct plan *p)
{
	for (; t->n_marked < p->n_marks; t->n_marked++) {
		const struct plan_mark *m = &p->marks[t->n_marked];
		set_mark(t, m->key, m->seconds, m->is_last);
	}
}

static int check_all(struct svtest *t, const struct plan *p)
{
	int rc = 0;

	for (size_t i = t->n_done; i < p->n_actions; i++)
		if (check_action(t, &p->actions[i]) < 0)
			rc = -1;
	return rc;
}

int svtest_execute(struct svtest *t)
{
	static const struct plan_action keep = { .kind = PLAN_KEEP };
	struct sieve_run *r = t->run;
	const struct plan *p = r->plan;

	t->n_errors = 0;
	if (r->is_kept && sieve_add(r, NULL,
				  &(struct plan_action){ .kind = PLAN_KEEP,
					  .is_implicit = true }) < 0) {
		svtest_add_error(t, p->fail);
		return -1;
	}
	if (check_all(t, p) < 0) {
		r->first_own = t->n_done = p->n_actions;
		deliver(t, t->settings->default_folder, current_raw(t), &keep);
		return -1;
	}
	for (; t->n_done < p->n_actions; t->n_done++)
		do_action(t, &p->actions[t->n_done]);
	r->first_own = t->n_done;
	do_marks(t, p);
	return 0;
}
