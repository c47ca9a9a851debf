/* SPDX-License-Identifier: GPL-3.0-or-later */
/* value.c - one option's text to its C value. */
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include <mailmill/clock.h>
#include <mailmill/file.h>

#include "value.h"

static void *place(const struct conf_field *f, void *data)
{
	return (char *)data + f->offset;
}

static int parse_size(struct str s, int64_t *out)
{
	static const struct {
		char letter;
		uint64_t factor;
	} units[] = { { 'k', 1u << 10 }, { 'm', 1u << 20 }, { 'g', 1u << 30 } };
	uint64_t factor = 1, v;

	for (size_t i = 0; s.len && i < COUNT(units); i++)
		if ((s.p[s.len - 1] | 32) == units[i].letter)
			factor = units[i].factor;
	if (factor > 1)
		s.len--;
	if (str_to_u64(s, (uint64_t)INT64_MAX / factor, &v))
		return -1;
	*out = (int64_t)(v * factor);
	return 0;
}

static int parse_mode(struct str s, mode_t *out)
{
	mode_t mode = 0;

	if (s.len < 3 || s.len > 4)
		return -1;
	for (size_t i = 0; i < s.len; i++) {
		if (s.p[i] < '0' || s.p[i] > '7')
			return -1;
		mode = mode << 3 | (mode_t)(s.p[i] - '0');
	}
	*out = mode;
	return 0;
}

static int parse_bool(struct str s, bool *out)
{
	static const struct {
		const char *word;
		bool value;
	} words[] = { { "yes", true }, { "true", true }, { "on", true },
		{ "no", false }, { "false", false }, { "off", false } };

	for (size_t i = 0; i < COUNT(words); i++) {
		if (!str_eq_case(s, str_c(words[i].word)))
			continue;
		*out = words[i].value;
		return 0;
	}
	return -1;
}

static int parse_address(struct str s)
{
	ssize_t colon = str_rchr(s, ':');
	uint64_t port;

	if (str_starts(s, STR("unix:")))
		return s.len > 5 ? 0 : -1;
	if (str_starts(s, STR("fd:")))
		return s.len > 3 ? 0 : -1;
	return colon > 0 && str_to_u64(str_sub(s, (size_t)colon + 1, s.len),
				    65535, &port) == 0
		       ? 0
		       : -1;
}

static int expected(const struct conf_field *f, const char *text,
	const char *what, struct err *err)
{
	return err_set(
		err, ERR_CONF, "%s = \"%s\": expected %s", f->name, text, what);
}

static int check_bounds(const struct conf_field *f, const char *text, int64_t v,
	struct err *err)
{
	if ((f->min == 0 && f->max == 0) || (v >= f->min && v <= f->max))
		return 0;
	return err_set(err, ERR_CONF,
		"%s = \"%s\" is out of bounds: from %lld to %lld%s", f->name,
		text, (long long)f->min, (long long)f->max,
		f->type == CONF_SPAN   ? " ms"
		: f->type == CONF_SIZE ? " bytes"
				       : "");
}

static int set_word(
	const struct conf_field *f, const char *text, int *to, struct err *err)
{
	char list[256] = "one of";

	for (int i = 0; f->words[i]; i++) {
		size_t len = strlen(list);
		if (strcmp(f->words[i], text) == 0) {
			*to = i;
			return 0;
		}
		snprintf(list + len, sizeof(list) - len, "%s %s", i ? "," : "",
			f->words[i]);
	}
	return expected(f, text, list, err);
}

static const char *resolve(struct arena *a, const char *file, const char *text)
{
	AUTO(bytes) char *path = file_beside(file, text);

	return arena_strdup(a, path);
}

static int set_number(
	const struct conf_field *f, const char *text, void *to, struct err *err)
{
	struct str s = str_c(text);
	int64_t v = 0;
	const char *what;
	int rc;

	if (f->type == CONF_INT) {
		rc = str_to_i64(s, &v);
		what = "a whole number";
	} else if (f->type == CONF_SIZE) {
		rc = parse_size(s, &v);
		what = "a size such as 512, 64k, 25M or 2G";
	} else {
		rc = clock_parse_span(s, &v);
		what = "a time such as 500ms, 30s, 5m, 2h or 7d";
	}
	if (rc)
		return expected(f, text, what, err);
	if (check_bounds(f, text, v, err))
		return -1;
	memcpy(to, &v, sizeof(v));
	return 0;
}

int conf_value_set(struct arena *a, const struct conf_field *f,
	const char *file, const char *text, void *data, struct err *err)
{
	void *to = place(f, data);

	switch (f->type) {
	case CONF_STR:
		*(const char **)to = arena_strdup(a, text);
		return 0;
	case CONF_PATH:
		*(const char **)to = resolve(a, file, text);
		return 0;
	case CONF_ADDR:
		if (parse_address(str_c(text)))
			return expected(f, text,
				"HOST:PORT, unix:PATH or fd:NAME", err);
		*(const char **)to = arena_strdup(a, text);
		return 0;
	case CONF_INT:
	case CONF_SIZE:
	case CONF_SPAN:
		return set_number(f, text, to, err);
	case CONF_BOOL:
		return parse_bool(str_c(text), to)
			       ? expected(f, text, "yes or no", err)
			       : 0;
	case CONF_MODE:
		return parse_mode(str_c(text), to)
			       ? expected(f, text, "an octal mode such as 0660",
					 err)
			       : 0;
	case CONF_WORD:
		return set_word(f, text, to, err);
	case CONF_LIST:
		break;
	}
	conf_value_set_list(a, f, &text, 1, data);
	return 0;
}

void conf_value_set_list(struct arena *a, const struct conf_field *f,
	const char *const *items, size_t n, void *data)
{
	struct conf_list *list = place(f, data);
	const char **copy = arena_array(a, n, sizeof(*copy));

	for (size_t i = 0; i < n; i++)
		copy[i] = arena_strdup(a, items[i]);
	list->items = copy;
	list->n = n;
}
