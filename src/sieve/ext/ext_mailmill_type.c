/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ext_mailmill_type.c - :as, :locale, :country and :currency: values of a type.
 *
 * How a mail writes numbers and dates is learnt from its whole text, once, when
 * the first typed value is read: "1.234" beside "1.049,90" can only be whole.
 */
#include "ext_mailmill.h"

struct learnt {
	bool is_done;
	struct typed_style style;
};

static int check_locales(struct sieve_check *c, const struct sieve_arg *arg,
	struct typed_options *o)
{
	struct str *list;

	if (!arg)
		return 0;
	if (arg->n > TYPED_LOCALES_MAX)
		return sieve_error(c, arg->pos, ":locale takes at most %d",
			TYPED_LOCALES_MAX);
	list = arena_array(sieve_check_arena(c), arg->n, sizeof(*list));
	for (size_t i = 0; i < arg->n; i++) {
		list[i] = arg->texts[i].value;
		if (!typed_knows_locale(list[i]))
			return sieve_error(c, arg->texts[i].pos,
				"unknown locale '%.*s': write a language and "
				"perhaps a country, as in \"de\" or "
				"\"en-US\"",
				STR_ARG(str_sub(list[i], 0, 60)));
	}
	o->locales = list;
	o->n_locales = arg->n;
	return 0;
}

int mailmill_check_type(
	struct sieve_check *c, struct sieve_node *n, struct mailmill_type *out)
{
	const struct sieve_arg *as = sieve_node_param(n, "as");
	const struct sieve_arg *country = sieve_node_param(n, "country");
	const struct sieve_arg *currency = sieve_node_param(n, "currency");
	const char *names[TYPED_N_TYPES];
	int type;

	*out = (struct mailmill_type){ .is_given = as != NULL };
	if (!as) {
		static const char *const tags[] = { "locale", "country",
			"currency" };
		for (size_t i = 0; i < COUNT(tags); i++)
			if (sieve_node_tag(n, tags[i]))
				return sieve_error(c, n->pos,
					"the :%s tag cannot be specified "
					"without the :as tag",
					tags[i]);
		return 0;
	}
	for (int i = 0; i < TYPED_N_TYPES; i++)
		names[i] = typed_name((enum typed_type)i);
	type = mailmill_choice(c, &as->texts[0], "type", names, TYPED_N_TYPES);
	if (type < 0)
		return -1;
	out->type = (enum typed_type)type;
	if (country)
		out->options.country = country->texts[0].value;
	if (currency) {
		out->has_currency = true;
		out->currency = currency->slot;
	}
	return check_locales(c, sieve_node_param(n, "locale"), &out->options);
}

static const struct typed_style *learn(struct sieve_run *r)
{
	struct learnt *l = sieve_run_state(
		r, &sieve_ext_mailmill_type, sizeof(struct learnt));

	if (!l->is_done) {
		l->is_done = true;
		typed_learn(&l->style, mail_text(r->mail));
	}
	return &l->style;
}

const char *mailmill_read_type(struct sieve_run *r,
	const struct mailmill_type *type, struct str text, struct str *out)
{
	struct typed_options o = type->options;
	struct typed_value v;

	o.style = *learn(r);
	o.now = r->facts->now;
	if (!typed_read(r->arena, type->type, text, &o, &v))
		return v.why ? v.why : "is empty";
	if (type->has_currency)
		sieve_set(r, type->currency, v.currency);
	*out = v.value;
	return NULL;
}

const struct sieve_ext sieve_ext_mailmill_type = {
	.capability = "vnd.mailmill",
};
