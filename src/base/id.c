/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * id.c - UUIDv7 (RFC 9562 section 5.7).
 *
 * 48 bits of milliseconds, then 12 + 62 bits: a random start for each
 * millisecond that is counted up within it (method 2 of section 6.2), so that
 * ids of one process ascend strictly. A clock that goes back is not followed.
 */
#include <pthread.h>
#include <stdio.h>
#include <sys/random.h>

#include <mailmill/clock.h>
#include <mailmill/id.h>

void id_random(void *p, size_t len)
{
	char *to = p;

	while (len) {
		ssize_t n = getrandom(to, MIN(len, 256), 0);
		if (n > 0) {
			to += n;
			len -= (size_t)n;
		}
	}
}

struct id id_new(void)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	static uint64_t last_ms, low;
	static uint32_t high;
	uint64_t ms = (uint64_t)clock_wall_ms(), l;
	uint32_t h;
	struct id id;

	pthread_mutex_lock(&lock);
	if (ms > last_ms) {
		last_ms = ms;
		id_random(&low, sizeof(low));
		id_random(&high, sizeof(high));
		low &= (1ULL << 61) - 1; /* room to count */
		high &= 0x7ff;
	} else {
		low += 1 + (last_ms & 0xff);
		if (low >> 62) {
			low = 0;
			high++;
		}
		if (high > 0xfff) {
			high = 0;
			last_ms++;
		}
	}
	ms = last_ms;
	l = low;
	h = high;
	pthread_mutex_unlock(&lock);
	snprintf(id.text, sizeof(id.text), "%08x-%04x-7%03x-%04x-%012llx",
		(unsigned)(ms >> 16 & 0xffffffff), (unsigned)(ms & 0xffff),
		(unsigned)(h & 0xfff), (unsigned)(0x8000 | (l >> 48 & 0x3fff)),
		(unsigned long long)(l & 0xffffffffffffULL));
	return id;
}

int id_parse(struct str s, struct id *out)
{
	if (s.len != ID_LEN)
		return -1;
	for (size_t i = 0; i < ID_LEN; i++) {
		bool is_dash = i == 8 || i == 13 || i == 18 || i == 23;
		char c = s.p[i];
		bool is_hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
		if (is_dash ? c != '-' : !is_hex)
			return -1;
	}
	memcpy(out->text, s.p, ID_LEN);
	out->text[ID_LEN] = 0;
	return 0;
}
