/* SPDX-License-Identifier: GPL-3.0-or-later */
/* rules.c - rule files and settings on their way into a worker. */
#include <string.h>

#include <mailmill/wire.h>

#include "frame.h"

static void put_includes(struct buf *b, const struct worker_script *s)
{
	wire_u32(b, (uint32_t)s->n_includes);
	for (size_t i = 0; i < s->n_includes; i++) {
		wire_u8(b, s->includes[i].is_global);
		wire_str(b, s->includes[i].name);
		wire_str(b, s->includes[i].path);
		wire_str(b, s->includes[i].source);
	}
}

#define STR_COST 4 /* of a string's length, on the wire */

size_t worker_rules_size(const struct worker_rules *rules)
{
	size_t n = rules->settings.len + STR_COST;

	for (size_t i = 0; i < rules->n_scripts; i++) {
		const struct worker_script *s = &rules->scripts[i];

		n += strlen(s->name) + s->source.len + 3 * STR_COST;
		for (size_t k = 0; k < s->n_includes; k++)
			n += s->includes[k].name.len + s->includes[k].path.len +
			     s->includes[k].source.len + 4 * STR_COST;
	}
	return n;
}

void rules_put(struct buf *b, const struct worker_rules *rules)
{
	wire_str(b, rules->settings);
	wire_u32(b, (uint32_t)rules->n_scripts);
	for (size_t i = 0; i < rules->n_scripts; i++) {
		wire_str(b, str_c(rules->scripts[i].name));
		wire_str(b, rules->scripts[i].source);
		put_includes(b, &rules->scripts[i]);
	}
}
