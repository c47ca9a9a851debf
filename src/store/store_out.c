/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * store_out.c - outgoing mail and marks: what all databases share.
 *
 * A row of the outbox is added by the finish of its delivery, so it is there
 * exactly when the delivery's end is; and a row with the same `once` is not
 * added twice, so a delivery that is done again (called back by a person, say)
 * sends only what it did not send before. What is sent lies in the row as
 * pieces: literal bytes, and ranges of the stored message, whose bytes are
 * therefore kept while any row of it waits.
 */
#include <mailmill/wire.h>

#include "driver.h"

#define PIECE_LEAST 20 /* bytes of one in wire form */

const char *store_out_state_name(enum store_state state)
{
	return state == STORE_DONE ? "sent" : store_state_name(state);
}

struct str store_token(const struct store *s)
{
	return str_c(s->token);
}

struct str store_out_text(struct arena *a, int64_t id, struct str reason)
{
	return str_c(arena_printf(
		a, "outgoing mail %lld: %.*s", (long long)id, STR_ARG(reason)));
}

struct str store_lines(struct arena *a, const struct str *texts, size_t n)
{
	size_t len = n, at = 0;
	char *out;

	for (size_t i = 0; i < n; i++)
		len += texts[i].len;
	out = arena_alloc(a, len + 1);
	for (size_t i = 0; i < n; i++) {
		if (i)
			out[at++] = '\n';
		for (size_t k = 0; k < texts[i].len; k++) {
			char c = texts[i].p[k];
			out[at++] = c == '\n' || c == '\r' || !c ? ' ' : c;
		}
	}
	return str_n(out, at);
}

void store_pieces_encode(struct buf *b, const struct store_out *out)
{
	wire_u32(b, (uint32_t)out->n_pieces);
	for (size_t i = 0; i < out->n_pieces; i++) {
		const struct store_piece *p = &out->pieces[i];
		wire_str(b, p->literal);
		wire_u64(b, p->offset);
		wire_u64(b, p->len);
	}
}

int store_pieces_decode(struct arena *a, struct str in, uint64_t size,
	struct store_piece **out, size_t *n_out, uint64_t *sum, struct err *err)
{
	struct wire_in w = { .in = in };
	size_t n = wire_get_count(&w, PIECE_LEAST);
	struct store_piece *pieces = arena_array(a, MAX(n, 1), sizeof(*pieces));
	bool is_bad = false;

	*sum = 0;
	for (size_t i = 0; i < n; i++) {
		struct store_piece *p = &pieces[i];
		p->literal = wire_get_str(&w);
		p->offset = wire_get_u64(&w);
		p->len = wire_get_u64(&w);
		is_bad = is_bad || (!p->literal.len &&
					   (p->offset > size ||
						   p->len > size - p->offset));
		*sum += p->literal.len ? p->literal.len : p->len;
	}
	if (!wire_is_done(&w) || is_bad)
		return err_set(err, ERR_PERM,
			"what is to be sent is damaged in the store");
	if (n == 0) { /* the message as it came */
		pieces[0].len = size;
		*sum = size;
		n = 1;
	}
	*out = pieces;
	*n_out = n;
	return 0;
}

int store_seen(struct store *s, struct str route, struct str key, int64_t now,
	int64_t self, int64_t *pending, struct err *err)
{
	return s->driver->seen(s, route, key, now, self, pending, err);
}

int store_out_list(struct store *s, struct arena *a,
	const struct store_out_filter *filter, struct store_out_row **out,
	size_t *n_out, struct err *err)
{
	struct store_out_filter f = *filter;

	if (f.max == 0)
		f.max = STORE_LIST_DEFAULT;
	f.max = MIN(f.max, STORE_LIST_MAX);
	if (!f.states)
		f.states = STORE_BIT(STORE_N_STATES) - 1;
	return s->driver->out_list(s, a, &f, out, n_out, err);
}

int store_out_show(struct store *s, struct arena *a, int64_t id,
	struct store_out_row *row, struct err *err)
{
	return s->driver->out_show(s, a, id, row, err);
}

int store_out_count(struct store *s, struct str route, struct str reply_to,
	int64_t since, uint64_t *n, struct err *err)
{
	return s->driver->out_count(s, route, reply_to, since, n, err);
}

int store_out_stats(struct store *s, uint64_t by_state[STORE_N_STATES],
	int64_t *oldest, struct err *err)
{
	return s->driver->out_stats(s, by_state, oldest, err);
}
