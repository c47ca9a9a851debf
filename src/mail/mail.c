/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * mail.c - the mail itself: one arena, the raw bytes, what is made lazily.
 *
 * How the work is shared out. scan.c walks the bytes once and builds the tree
 * of parts with exact offsets, within limits; it takes the place of GMime's
 * parser since those bounds need a walk at every level anyhow, since targets
 * stream parts by their offsets in the stored bytes, and since a second walk
 * that makes an object of each header would double the price of a mail. GMime
 * reads what it is best at, one bounded value at a time: the grammar of
 * Content-Type and Content-Disposition with RFC 2231 and the many wrong ways to
 * write it (header.c), and the odd names of charsets (charset.c). A test
 * compares our tree with GMime's on every mail of the corpus.
 *
 * All values are slices of the raw bytes or live in the arena. Whatever is
 * found wrong adds a defect and never fails: a mail that we understand by half
 * is better than none.
 */
#include <errno.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <mailmill/hash.h>

#include "inside.h"

void mail_init(void)
{
	hash_init();
	header_init();
	charset_init();
	html_init();
	calendar_init();
}

static struct mail *start(struct arena *a, struct str raw, char *map,
	struct part *container, const struct part *as)
{
	struct mail *m = ARENA_NEW(a, struct mail);
	const char *lf;

	m->arena = a;
	m->map = map;
	m->raw = raw.p ? raw : STR("");
	m->container = container;
	lf = memchr(m->raw.p, '\n', m->raw.len);
	m->eol = !lf && memchr(m->raw.p, '\r', m->raw.len) ? '\r' : '\n';
	if (m->eol == '\r')
		mail_tell_defect(m, "line-ends", 0,
			"lines end in CR alone: read as they are");
	scan_parts(m, as);
	return m;
}

struct mail *mail_parse_in(struct arena *a, struct str raw)
{
	return start(a, raw, NULL, NULL, NULL);
}

struct mail *mail_parse_inside(struct arena *a, struct str raw,
	struct part *container, const struct part *as)
{
	return start(a, raw, NULL, container, as);
}

int mail_parse(struct str raw, struct mail **out, struct err *err)
{
	(void)err; /* nothing is beyond us now; the contract leaves room */
	*out = mail_parse_in(arena_new(), raw);
	return 0;
}

int mail_parse_fd(int fd, struct mail **out, struct err *err)
{
	struct stat st;
	void *map = NULL;

	if (fstat(fd, &st) < 0)
		return err_sys(err, "reading the message");
	if (st.st_size > 0) {
		map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd,
			0);
		if (map == MAP_FAILED)
			return err_sys(err, "mapping the message");
	}
	*out = start(
		arena_new(), str_n(map, (size_t)st.st_size), map, NULL, NULL);
	return 0;
}

void mail_free(struct mail *m)
{
	if (!m)
		return;
	if (m->map)
		munmap(m->map, m->raw.len);
	arena_free(m->arena);
}

struct arena *mail_arena(struct mail *m)
{
	return m->arena;
}

struct str mail_raw(const struct mail *m)
{
	return m->raw;
}

void mail_forget(const struct mail *m, const char *from, const char *to)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	uintptr_t begin = ((uintptr_t)from + page - 1) & ~(page - 1);
	uintptr_t end = (uintptr_t)to & ~(page - 1);

	/* what was decoded lies elsewhere */
	if (m->map && end > begin && from >= m->map &&
		to <= m->map + m->raw.len)
		madvise(m->map + (begin - (uintptr_t)m->map), end - begin,
			MADV_DONTNEED);
}

void **mail_judged(struct mail *m)
{
	return &m->judged;
}

uint64_t mail_count_crlf(const struct mail *m, struct str raw)
{
	char eol = m->eol;
	uint64_t size = raw.len;
	const char *p = raw.p, *end = raw.p + raw.len, *nl, *kept = p;

	while (p < end && (nl = memchr(p, eol, (size_t)(end - p)))) {
		if ((size_t)(p - kept) > MAIL_FORGET) {
			mail_forget(m, kept, p);
			kept = p;
		}
		/* counting bare ends alone; CR without LF counts only when
		 * it is what the mail uses */
		if (eol == '\r' || nl == raw.p || nl[-1] != '\r')
			size++;
		p = nl + 1;
	}
	return size;
}

uint64_t mail_size(struct mail *m)
{
	if (!m->has_size) {
		m->size = m->origin ? edit_size(m) : mail_count_crlf(m, m->raw);
		m->has_size = true;
	}
	return m->size;
}

struct mail_part *mail_root(struct mail *m)
{
	return &m->root->pub;
}

struct mail_part *mail_part_at(struct mail *m, uint64_t offset)
{
	struct mail_part *found = &m->root->pub, *p = found->first;

	/* children lie one behind the other: the last that begins before */
	while (p) {
		if (p->header_offset <= offset &&
			offset < p->offset + p->len + !p->len) {
			found = p;
			p = p->first;
		} else {
			p = p->header_offset > offset ? NULL : p->next;
		}
	}
	return found;
}

struct mail_part *mail_next(const struct mail_part *part)
{
	if (part->first)
		return part->first;
	while (part && !part->next)
		part = part->parent;
	return part ? part->next : NULL;
}

struct mail_part *mail_next_outside(struct mail_part *p)
{
	if (!part_of(p)->is_message || p->depth == 0)
		return mail_next(p);
	while (p && !p->next)
		p = p->parent;
	return p ? p->next : NULL;
}

static void add_defect(struct mail *m, const char *code, uint64_t offset,
	const char *fmt, va_list ap)
{
	struct mail_defect *d;

	while (m->container) {
		offset = m->container->pub.offset;
		m = m->container->owner;
	}
	if (m->n_defects >= MAIL_DEFECTS_MAX)
		return;
	if (!m->defects)
		m->defects = arena_array(
			m->arena, MAIL_DEFECTS_MAX, sizeof(*m->defects));
	d = &m->defects[m->n_defects++];
	d->code = code;
	d->offset = offset;
	d->text = str_c(arena_vprintf(m->arena, fmt, ap));
}

void mail_tell_defect(
	struct mail *m, const char *code, uint64_t offset, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add_defect(m, code, offset, fmt, ap);
	va_end(ap);
}

void mail_add_defect(struct mail *m, uint64_t offset, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add_defect(m, "other", offset, fmt, ap);
	va_end(ap);
}

size_t mail_defects(struct mail *m, const struct mail_defect **out)
{
	*out = m->defects;
	return m->n_defects;
}

static struct str decode_bytes(struct mail *m, struct part *p)
{
	struct str in = part_raw(p);
	enum decode_kind kind = decode_kind(p->pub.encoding);
	struct decode d;
	char *to;
	size_t n;

	if (kind == DECODE_IDENTITY)
		return in;
	to = arena_alloc(m->arena, in.len + (size_t)2 * DECODE_EXTRA);
	decode_init(&d, kind);
	n = decode_feed(&d, in, to);
	n += decode_end(&d, to + n);
	return str_n(to, n);
}

struct str mail_part_bytes(struct mail *m, struct mail_part *part)
{
	struct part *p = part_of(part);

	if (!p->has_bytes) {
		p->bytes = decode_bytes(m, p);
		p->has_bytes = true;
	}
	return p->bytes;
}
