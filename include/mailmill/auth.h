/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * auth.h - who vouches for a mail: SPF (RFC 7208), DKIM (RFC 6376, 8463), DMARC
 * (RFC 7489, 9091), ARC (RFC 8617), and what a trusted server of ours has
 * already found (Authentication-Results, RFC 8601).
 *
 * All is judged in the box, which cannot ask the DNS: a judge asks a
 * dns_lookup_fn. What is not known yet makes the verdict AUTH_UNKNOWN, after
 * all that could be asked at once has been asked; with the answers the same
 * call is made again. With equal answers the verdict is equal.
 */
#ifndef MAILMILL_AUTH_H
#define MAILMILL_AUTH_H

#include <mailmill/base.h>
#include <mailmill/dns.h>
#include <mailmill/envelope.h>
#include <mailmill/mail.h>

/* RFC 8601 section 2.7, and what is not known yet. */
enum auth_verdict {
	AUTH_NONE,
	AUTH_PASS,
	AUTH_FAIL,
	AUTH_SOFTFAIL,
	AUTH_NEUTRAL,
	AUTH_POLICY,
	AUTH_TEMPERROR,
	AUTH_PERMERROR,
	AUTH_UNKNOWN, /* answers are missing */
};
/* Names it: "pass". Reads it: 0 or -1. */
const char *auth_verdict_name(enum auth_verdict v);
MUST_CHECK int auth_verdict_read(struct str name, enum auth_verdict *out);

struct auth_ask {
	dns_lookup_fn lookup;
	void *ctx;
	int64_t now; /* wall ms, for expiry of signatures */
};

/* ---- SPF -------------------------------------------------------------- */

struct spf_in {
	struct str ip; /* of the client, without port; v4-mapped is v4 */
	struct str helo;
	struct str sender;   /* reverse-path, or "" for the null one */
	struct str receiver; /* our host name, for %{r}; or empty */
};
struct spf_result {
	enum auth_verdict verdict;
	struct str domain;	/* that was checked: of MAIL FROM, or HELO */
	struct str mechanism;	/* that matched: "include:example.org" or "" */
	struct str explanation; /* of exp=, made, or "" */
	struct str problem;	/* of permerror and temperror, for people */
};
/* Runs check_host() (RFC 7208 4). Gives: *out in `a`. */
void auth_spf(struct arena *a, const struct spf_in *in,
	const struct auth_ask *ask, struct spf_result *out);

/* ---- DKIM ------------------------------------------------------------- */

#define AUTH_SIGNATURES_MAX 10 /* looked at; RFC 6376 8.4 */

struct dkim_signature {
	enum auth_verdict verdict;
	struct str domain, selector, algorithm; /* d=, s=, a= */
	struct str identity;			/* i= */
	struct str problem; /* why it is no pass, for people */
	struct str headers; /* h= */
	bool is_test;	    /* t=y of the key */
	bool is_partial;    /* l= leaves bytes of the body unsigned */
};
/* Checks all signatures, topmost first. Gives: *out in `a`. */
size_t auth_dkim(struct arena *a, struct mail *m, const struct auth_ask *ask,
	struct dkim_signature **out);

/* ---- ARC -------------------------------------------------------------- */

struct arc_result {
	enum auth_verdict verdict; /* none, pass, fail, temperror, unknown */
	unsigned sets;		   /* instances */
	struct str sealer;	   /* d= of the newest seal */
	struct str oldest_pass;	   /* RFC 8617 5.2, as a number, or "" */
	struct str problem;
};
void auth_arc(struct arena *a, struct mail *m, const struct auth_ask *ask,
	struct arc_result *out);

/* ---- DMARC ------------------------------------------------------------ */

struct dmarc_result {
	enum auth_verdict verdict; /* pass, fail, none, temperror, permerror,
				      unknown */
	struct str domain;	   /* of From */
	struct str organization;   /* its organizational domain */
	struct str policy;	   /* that would apply: none, quarantine, reject
				    */
	struct str aligned_by;	   /* "dkim", "spf" or "" */
	struct str problem;
};
/* Loads the Public Suffix List and the code of signatures. Call once, before
 * the sandbox. */
void auth_init(void);
/* Lends or gives the organizational domain (RFC 7489 3.2), lower case. */
struct str auth_organization(struct arena *a, struct str domain);
/* Judges; `from` are the addresses of the From field. */
void auth_dmarc(struct arena *a, const struct mail_address *from, size_t n_from,
	const struct spf_result *spf, const struct dkim_signature *dkim,
	size_t n_dkim, const struct auth_ask *ask, struct dmarc_result *out);

/* ---- all of it -------------------------------------------------------- */

struct auth_settings {
	/* authserv-ids whose Authentication-Results are believed */
	const struct str *trusted;
	size_t n_trusted;
	bool is_asking; /* judge ourselves where none of these spoke */
	struct str receiver;
};

/* How a verdict came about. */
enum auth_source {
	AUTH_FROM_NOBODY,  /* no trusted server spoke, and we may not ask */
	AUTH_FROM_RESULTS, /* of a trusted server */
	AUTH_FROM_US,
};

struct auth_result {
	enum auth_source source;
	struct str authserv; /* of AUTH_FROM_RESULTS */
	struct spf_result spf;
	struct dkim_signature *dkim;
	size_t n_dkim;
	struct arc_result arc;
	struct dmarc_result dmarc;
	/*
	 * The author's domain sent it: DMARC passes, or, where the domain has
	 * no DMARC record, DKIM or SPF passes with a domain aligned with From.
	 */
	bool is_from_verified;
	bool is_unknown; /* answers are missing; all else is of no use yet */
};
/*
 * Judges a mail as it came in. `env` may be NULL: no SPF then. Without a
 * trusted result only a mail with an IP address as its peer is checked for SPF.
 * Gives: *out in `a`.
 */
void auth_check(struct arena *a, struct mail *m, const struct envelope *env,
	const struct auth_settings *settings, const struct auth_ask *ask,
	struct auth_result *out);

/* Makes the member `auth` of `mailmill parse --json`. Gives: json_decref(). */
json_t *auth_to_json(const struct auth_result *r);

#endif
