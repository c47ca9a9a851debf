/* SPDX-License-Identifier: GPL-3.0-or-later */
/* dmarc.h - policy records of DMARC, and its limits. */
#ifndef MAILMILL_AUTH_DMARC_H
#define MAILMILL_AUTH_DMARC_H

#include <mailmill/str.h>

#define DMARC_AUTHORS_MAX 10 /* domains of one From field */

/* From mild to strict. */
enum dmarc_policy {
	DMARC_NOT_SAID,
	DMARC_POLICY_NONE,
	DMARC_QUARANTINE,
	DMARC_REJECT,
};

struct dmarc_record {
	enum dmarc_policy p, sp, np; /* domain, below it, below and not there */
	bool is_strict_dkim, is_strict_spf;
	bool is_pct_zero; /* pct=0 */
	bool is_psd;	  /* psd=y: of a public suffix */
};

/* Tells whether a TXT record is one of DMARC. */
bool dmarc_is_record(struct str text);
/* Reads one. Returns: false when it cannot be used. */
bool dmarc_record_read(struct str text, struct dmarc_record *out);

#endif
