/* SPDX-License-Identifier: GPL-3.0-or-later */
/* file.c - gives the bytes of a file: .../sobjects/TYPE/ID/BLOBFIELD. */
#include <stdio.h>

#include "sandbox.h"

void sb_file_download(struct sb_ask *a, struct sb_reply *r)
{
	struct sb_object *o = sb_object(a->sb, a->seg[1]);
	struct sb_field *f = o ? sb_field(o, a->seg[3]) : NULL;
	struct sb_record *record;
	struct sb_fail fail = { 0 };
	json_t *at, *len, *name;

	if (!f || f->type != SB_BASE64 ||
		sb_write_target(a->sb, o, a->seg[2], &record, &fail) < 0) {
		sb_reply_error(r, 404, "NOT_FOUND",
			"The requested resource does not exist");
		return;
	}
	at = record->v[f->index];
	len = sb_record_see(record, "ContentSize");
	if (!len)
		len = sb_record_see(record, "BodyLength");
	name = sb_record_see(record, "PathOnClient");
	if (!at || !len) {
		sb_reply_error(r, 404, "NOT_FOUND",
			"The requested resource does not exist");
		return;
	}
	r->status = 200;
	r->type = "application/octetstream";
	r->is_file = true;
	r->file_at = (uint64_t)json_integer_value(at);
	r->file_len = (uint64_t)json_integer_value(len);
	if (name)
		snprintf(r->file_name, sizeof(r->file_name), "%s",
			json_string_value(name));
}
