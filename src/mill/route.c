/* SPDX-License-Identifier: GPL-3.0-or-later */
/* route.c - which recipients belong to which route. */
#include <mailmill/buf.h>
#include <mailmill/map.h>
#include <mailmill/mem.h>
#include <mailmill/route.h>

#define ADDRESS_MAX ((size_t)1000)

static const char *const unmatched_words[] = { "dead", "discard", "hold",
	NULL };

static const struct conf_field fields[] = {
	{ "recipients", CONF_LIST, offsetof(struct route_conf, recipients),
		.flags = CONF_REQUIRED | CONF_RELOAD,
		.help = "addresses, @domains, or * for all others" },
	{ "script", CONF_PATH, offsetof(struct route_conf, script),
		.flags = CONF_RELOAD,
		.help = "the rule file that reads their mail" },
	{ "managed", CONF_BOOL, offsetof(struct route_conf, is_managed), "no",
		.flags = CONF_RELOAD,
		.help = "a script made active by ManageSieve goes before it" },
	{ "target", CONF_STR, offsetof(struct route_conf, target),
		.flags = CONF_REQUIRED | CONF_RELOAD,
		.help = "title of the target section for its records" },
	{ "relay", CONF_STR, offsetof(struct route_conf, relay),
		.flags = CONF_RELOAD,
		.help = "title of the relay section for mail that it sends; "
			"the first one" },
	{ "unmatched", CONF_WORD, offsetof(struct route_conf, unmatched),
		"dead", .words = unmatched_words, .flags = CONF_RELOAD,
		.help = "what becomes of mail that no rule took; with hold, a "
			"rule's implicit keep is a keep" },
	{ 0 },
};

static int check_route(const struct conf_section *s, struct err *err)
{
	const struct route_conf *r = s->data;

	if (!r->script && !r->is_managed)
		return err_set(err, ERR_CONF,
			"route \"%s\": option script is missing: it names "
			"the rule file; or say managed = yes",
			s->title);
	if (r->recipients.n == 0)
		return err_set(err, ERR_CONF,
			"route \"%s\": recipients is empty", s->title);
	for (size_t i = 0; i < r->recipients.n; i++) {
		struct str one = str_c(r->recipients.items[i]);
		if (str_eq(one, STR("*")))
			continue;
		if (str_chr(one, '@') < 0 || one.p[one.len - 1] == '@' ||
			one.len > ADDRESS_MAX)
			return err_set(err, ERR_CONF,
				"route \"%s\": recipient \"%s\": expected "
				"local@domain, @domain or *",
				s->title, one.p);
	}
	return 0;
}

const struct conf_schema route_schema = {
	.keyword = "route",
	.group = "route",
	.flags = CONF_TITLED,
	.size = sizeof(struct route_conf),
	.fields = fields,
	.check = check_route,
	.help = "binds recipients to a rule file and a target",
};

struct route_table {
	struct map *by_recipient; /* lower case -> const struct conf_section */
	char delimiter;
};

static void add_lower(struct buf *b, struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		buf_byte(b, (unsigned char)(s.p[i] >= 'A' && s.p[i] <= 'Z'
						    ? s.p[i] | 32
						    : s.p[i]));
}

static int add_route(struct route_table *t, const struct conf_section *s,
	const struct conf *conf, struct err *err)
{
	const struct route_conf *r = s->data;

	if (!conf_find_in(conf, "target", r->target))
		return err_set(err, ERR_CONF,
			"%s:%d: route \"%s\": there is no target \"%s\"",
			s->file, s->line, s->title, r->target);
	if (r->relay && !conf_find_in(conf, "relay", r->relay))
		return err_set(err, ERR_CONF,
			"%s:%d: route \"%s\": there is no relay \"%s\"",
			s->file, s->line, s->title, r->relay);
	for (size_t i = 0; i < r->recipients.n; i++) {
		AUTO(buf) struct buf lower = BUF_INIT(ADDRESS_MAX);
		const struct conf_section *other;
		add_lower(&lower, str_c(r->recipients.items[i]));
		other = map_get(t->by_recipient, buf_view(&lower));
		if (other)
			return err_set(err, ERR_CONF,
				"%s:%d: %s is a recipient of route \"%s\" and "
				"of route \"%s\"",
				s->file, s->line, lower.p, other->title,
				s->title);
		map_set(t->by_recipient, buf_view(&lower),
			(void *)(uintptr_t)s);
	}
	return 0;
}

int route_table_new(const struct conf *conf, char delimiter,
	struct route_table **out, struct err *err)
{
	AUTO(route_table) struct route_table *t = NEW(struct route_table);

	t->by_recipient = map_new();
	t->delimiter = delimiter;
	for (const struct conf_section *s = conf_first(conf); s; s = s->next)
		if (s->schema == &route_schema && add_route(t, s, conf, err))
			return -1;
	if (map_count(t->by_recipient) == 0)
		return err_set(err, ERR_CONF,
			"there is no route: add a section route \"NAME\" { "
			"recipients = ... script = ... target = ... }");
	*out = TAKE(t);
	return 0;
}

void route_table_free(struct route_table *t)
{
	if (!t)
		return;
	map_free(t->by_recipient);
	free(t);
}

const struct conf_section *route_find(
	const struct route_table *t, struct str address)
{
	AUTO(buf) struct buf lower = BUF_INIT(ADDRESS_MAX);
	const struct conf_section *found;
	ssize_t at, extension;
	struct str all;

	add_lower(&lower, address);
	if (buf_is_over(&lower))
		return NULL;
	all = buf_view(&lower);
	found = map_get(t->by_recipient, all);
	at = str_rchr(all, '@');
	if (!found && at > 0) {
		extension = str_chr(str_n(all.p, (size_t)at), t->delimiter);
		if (extension > 0) {
			AUTO(buf) struct buf plain = BUF_INIT(ADDRESS_MAX);
			buf_str(&plain, str_n(all.p, (size_t)extension));
			buf_str(&plain, str_sub(all, (size_t)at, all.len));
			found = map_get(t->by_recipient, buf_view(&plain));
		}
	}
	if (!found && at >= 0)
		found = map_get(
			t->by_recipient, str_sub(all, (size_t)at, all.len));
	return found ? found : map_get(t->by_recipient, STR("*"));
}
