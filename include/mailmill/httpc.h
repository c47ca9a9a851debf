/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * httpc.h - HTTP calls to other systems, many at once, driven by one thread.
 *
 * What a caller that must not do a thing twice needs to know of a call is how
 * far it went: whether nothing of it left us, whether the answer came, or
 * neither (the outcome is open and only asking the other side will tell).
 */
#ifndef MAILMILL_HTTPC_H
#define MAILMILL_HTTPC_H

#include <mailmill/base.h>
#include <mailmill/buf.h>
#include <mailmill/err.h>

#define HTTPC_HEADERS_MAX ((size_t)64 << 10) /* of an answer, in bytes */

struct httpc;

struct httpc_conf {
	const char *ca_file; /* NULL: the system's authorities */
	const char *proxy;   /* NULL or "": none, whatever the environment says
			      */
	int64_t connect_ms;  /* for resolving, connecting and TLS */
	int64_t stall_ms;    /* ends a call in which no byte moves this long */
	unsigned max_connections; /* to one host; 0: no limit */
};

enum httpc_outcome {
	HTTPC_NOT_SENT, /* nothing of the request left us: repeat at will */
	HTTPC_LOST,	/* sent at least in part, no whole answer */
	HTTPC_ANSWERED, /* `status`, headers and `body` are whole */
};

/*
 * Gives up to `len` bytes. Returns: count, 0 at the end, or -1 to abort the
 * call.
 */
typedef ssize_t (*httpc_read_fn)(void *ctx, char *p, size_t len);

/* A part of a multipart/form-data body: `data`, or `size` bytes by `read`. */
struct httpc_part {
	const char *name, *type;
	const char *filename; /* NULL: none */
	struct str data;
	httpc_read_fn read; /* each byte once, never from the start again */
	void *ctx;
	uint64_t size;
};

struct httpc_call;
typedef void (*httpc_fn)(struct httpc_call *call);

struct httpc_call {
	/* the question; all is lent until done() */
	const char *method;
	const char *url; /* https, or http where the caller allows it */
	const char *const *headers; /* "Name: value" */
	size_t n_headers;
	struct str body;
	bool is_gzip;			/* compress `body` where that pays */
	const struct httpc_part *parts; /* instead of body */
	size_t n_parts;
	bool is_once;	    /* never sent a second time behind our back */
	int64_t timeout_ms; /* for all of it; 0: only stall_ms counts */
	size_t answer_max;  /* bytes of a body that are taken; more is LOST */
	httpc_fn done;
	void *ctx;

	/* the answer; lives until httpc_call_fini() */
	enum httpc_outcome outcome;
	int status; /* also of a LOST one whose head came; else 0 */
	bool is_timeout;
	struct buf head, body_in;
	struct err err; /* of NOT_SENT and LOST: why */

	struct httpc_transfer *transfer; /* httpc's own */
};

/* Makes a client. Gives: *out, by httpc_free(). Returns: 0, or -1 with *err. */
MUST_CHECK int httpc_new(
	const struct httpc_conf *conf, struct httpc **out, struct err *err);
/* Ends it; calls under way are done() as LOST or NOT_SENT. Accepts NULL. */
void httpc_free(struct httpc *h);
/* Begins a call; it is done() in httpc_run(), never within this. */
void httpc_start(struct httpc *h, struct httpc_call *call);
/*
 * Drives all calls and ends those that are done.
 * Waits: for the network, httpc_wake(), or at most `ms`.
 */
void httpc_run(struct httpc *h, int64_t ms);
/* Ends the wait of httpc_run(), now or the next one. From any thread. */
void httpc_wake(struct httpc *h);
/* Tells how many calls are under way. */
size_t httpc_count(const struct httpc *h);
/* Finds a header of an answer, without case. Lends: its value, or STR_NULL. */
struct str httpc_header(const struct httpc_call *call, const char *name);
/* Frees what the answer holds. Accepts a zeroed one. */
void httpc_call_fini(struct httpc_call *call);

AUTO_DEFINE(httpc, struct httpc *, httpc_free)

#endif
