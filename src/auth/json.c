/* SPDX-License-Identifier: GPL-3.0-or-later */
/* json.c - the member `auth` of `mailmill parse --json`. */
#include <mailmill/auth.h>
#include <mailmill/utf8.h>

/* Domains and problems may hold what a stranger wrote, in any bytes. */
static json_t *text_of(struct str s)
{
	AUTO(arena) struct arena *a = arena_new();

	s = utf8_mend(a, s);
	return json_stringn(s.p ? s.p : "", s.len);
}

static void set(json_t *j, const char *name, struct str s)
{
	if (s.len)
		json_object_set_new(j, name, text_of(s));
}

static json_t *begin(enum auth_verdict v)
{
	json_t *j = json_object();

	json_object_set_new(j, "verdict", json_string(auth_verdict_name(v)));
	return j;
}

static json_t *spf_of(const struct spf_result *r)
{
	json_t *j = begin(r->verdict);

	set(j, "domain", r->domain);
	set(j, "mechanism", r->mechanism);
	set(j, "explanation", r->explanation);
	set(j, "problem", r->problem);
	return j;
}

static json_t *signature_of(const struct dkim_signature *s)
{
	json_t *j = begin(s->verdict);

	set(j, "domain", s->domain);
	set(j, "selector", s->selector);
	set(j, "algorithm", s->algorithm);
	set(j, "identity", s->identity);
	set(j, "headers", s->headers);
	set(j, "problem", s->problem);
	if (s->is_test)
		json_object_set_new(j, "test", json_true());
	if (s->is_partial)
		json_object_set_new(j, "partial", json_true());
	return j;
}

static json_t *dmarc_of(const struct dmarc_result *r)
{
	json_t *j = begin(r->verdict);

	set(j, "domain", r->domain);
	set(j, "organization", r->organization);
	set(j, "policy", r->policy);
	set(j, "aligned_by", r->aligned_by);
	set(j, "problem", r->problem);
	return j;
}

static json_t *arc_of(const struct arc_result *r)
{
	json_t *j = begin(r->verdict);

	if (r->sets)
		json_object_set_new(j, "sets", json_integer(r->sets));
	set(j, "sealer", r->sealer);
	set(j, "oldest_pass", r->oldest_pass);
	set(j, "problem", r->problem);
	return j;
}

json_t *auth_to_json(const struct auth_result *r)
{
	static const char *const sources[] = { "nobody", "results", "own" };
	json_t *j = json_object(), *list = json_array();

	json_object_set_new(j, "source", json_string(sources[r->source]));
	if (r->source == AUTH_FROM_NOBODY) {
		json_decref(list);
		return j;
	}
	set(j, "authserv", r->authserv);
	json_object_set_new(
		j, "from_verified", json_boolean(r->is_from_verified));
	json_object_set_new(j, "spf", spf_of(&r->spf));
	for (size_t i = 0; i < r->n_dkim; i++)
		json_array_append_new(list, signature_of(&r->dkim[i]));
	json_object_set_new(j, "dkim", list);
	json_object_set_new(j, "dmarc", dmarc_of(&r->dmarc));
	json_object_set_new(j, "arc", arc_of(&r->arc));
	return j;
}
