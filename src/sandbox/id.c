/* SPDX-License-Identifier: GPL-3.0-or-later */
/* id.c - record ids: a prefix for the object, a number, three check letters. */
#include "sandbox.h"

static const char letters[] =
	"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

static int digit_of(char c)
{
	const char *p = c ? strchr(letters, c) : NULL;

	return p ? (int)(p - letters) : -1;
}

void sb_id_checksum(const char id15[15], char out[4])
{
	for (int group = 0; group < 3; group++) {
		unsigned bits = 0;
		for (int i = 0; i < 5; i++) {
			char c = id15[group * 5 + i];
			bits |= (unsigned)(c >= 'A' && c <= 'Z') << i;
		}
		out[group] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"[bits];
	}
	out[3] = 0;
}

int sb_id_full(struct str id, char out[SB_ID_LEN + 1])
{
	if (id.len != 15 && id.len != 18)
		return -1;
	for (size_t i = 0; i < id.len; i++)
		if (digit_of(id.p[i]) < 0)
			return -1;
	memcpy(out, id.p, 15);
	sb_id_checksum(out, out + 15);
	if (id.len == 18 &&
		str_cmp_case(str_n(id.p + 15, 3), str_n(out + 15, 3)))
		return -1;
	return 0;
}

void sb_id_make(const char *prefix, uint64_t number, char out[SB_ID_LEN + 1])
{
	memcpy(out, prefix, 3);
	memcpy(out + 3, "Mm0", 3);
	for (int i = 14; i >= 6; i--) {
		out[i] = letters[number % 62];
		number /= 62;
	}
	sb_id_checksum(out, out + 15);
}

uint64_t sb_id_number(const char *id)
{
	uint64_t n = 0;

	for (int i = 6; i < 15; i++)
		n = n * 62 + (uint64_t)digit_of(id[i]);
	return n;
}
