/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * conf.c - mailmill.conf by libconfuse, checked against tables.
 *
 * libconfuse splits the text; every option is a string or a list to it, so
 * that value.c can judge values with better words and bounds, and "010" is
 * ten. Its callbacks have no user pointer, so the one reading that is under way
 * hangs off a thread-local pointer. Cures for what it lets pass:
 *   - a missing } at the end of the file: a last option `end_of_file` is added,
 *     which is unknown inside a section;
 *   - a repeated scalar: each section counts what was set;
 *   - order of sections of several kinds: each one is linked when it ends.
 */
#include <confuse.h>
#include <stdio.h>
#include <string.h>

#include <mailmill/buf.h>
#include <mailmill/conf.h>
#include <mailmill/file.h>

#include "value.h"

#define CONF_LEN_MAX ((size_t)1 << 20)
#define FIELDS_MAX 64
#define SCHEMAS_MAX 64
#define END_OPTION "end_of_file"

struct conf {
	struct arena *arena;
	struct conf_section *first, **last;
};

struct reading {
	struct conf *conf;
	const struct conf_schema *const *schemas;
	const char *file;
	struct str text;
	conf_error_fn fn;
	void *ctx;
	unsigned n_errors;
	char first[ERR_TEXT_MAX];
	/* the section that is being read */
	const struct conf_schema *in;
	void *data;
	bool is_set[FIELDS_MAX];
	/* the options outside of sections, read between them */
	const struct conf_schema *top;
	void *top_data;
	bool is_top_set[FIELDS_MAX];
};

static _Thread_local struct reading *now;

static void tell(int line, const char *text)
{
	char message[ERR_TEXT_MAX];

	snprintf(message, sizeof(message), "%.300s:%d: %.700s", now->file, line,
		text);
	if (now->n_errors++ == 0)
		memcpy(now->first, message, sizeof(now->first));
	if (now->fn)
		now->fn(message, now->ctx);
}

static const struct conf_schema *find_schema(const char *keyword)
{
	for (size_t i = 0; now->schemas[i]; i++)
		if (now->schemas[i]->keyword &&
			strcmp(now->schemas[i]->keyword, keyword) == 0)
			return now->schemas[i];
	return NULL;
}

static const struct conf_field *find_field(
	const struct conf_schema *s, const char *name, size_t *index)
{
	for (size_t i = 0; s->fields[i].name; i++) {
		if (strcmp(s->fields[i].name, name))
			continue;
		*index = i;
		return &s->fields[i];
	}
	return NULL;
}

/* Tells which section the parser is in; NULL: none. */
static const struct conf_schema *schema_of(cfg_t *cfg)
{
	const struct conf_schema *s = cfg->name ? find_schema(cfg->name) : NULL;

	return s ? s : now->top;
}

static size_t list_names(
	const struct conf_schema *in, const char **names, size_t max)
{
	size_t n = 0;

	for (size_t i = 0; in && in->fields[i].name && n < max; i++)
		names[n++] = in->fields[i].name;
	if (in == now->top)
		for (size_t i = 0; now->schemas[i] && n < max; i++)
			if (now->schemas[i]->keyword)
				names[n++] = now->schemas[i]->keyword;
	return n;
}

static void explain_unknown(cfg_t *cfg, struct str option)
{
	const struct conf_schema *in = schema_of(cfg);
	const char *names[FIELDS_MAX + SCHEMAS_MAX];
	size_t n = list_names(in, names, COUNT(names));
	ssize_t near = str_nearest(option, names, n);
	char text[512];

	if (str_eq(option, STR(END_OPTION)))
		snprintf(text, sizeof(text),
			"section %s is not closed: } is missing",
			in && in->keyword ? in->keyword : "");
	else
		snprintf(text, sizeof(text), "unknown %s %.*s%s%s%s%s%s",
			in == now->top ? "section or option" : "option",
			STR_ARG(option),
			in && in->keyword ? " in section " : "",
			in && in->keyword ? in->keyword : "",
			near < 0 ? "" : "; did you mean ",
			near < 0 ? "" : names[near], near < 0 ? "" : "?");
	tell(cfg->line, text);
}

__attribute__((format(printf, 2, 0))) static void on_error(
	cfg_t *cfg, const char *fmt, va_list ap)
{
	static const char unknown[] = "no such option '";
	char text[512];
	struct str s;

	vsnprintf(text, sizeof(text), fmt, ap);
	s = str_c(text);
	if (str_starts(s, STR("no such option '"))) {
		s = str_sub(s, sizeof(unknown) - 1, s.len);
		explain_unknown(cfg, str_sub(s, 0, s.len - 1));
		return;
	}
	tell(cfg->line, text);
}

static void *new_data(const struct conf_schema *s)
{
	void *data = arena_alloc(now->conf->arena, s->size);

	for (const struct conf_field *f = s->fields; f->name; f++) {
		struct err err = { 0 };
		if (f->def && conf_value_set(now->conf->arena, f, NULL, f->def,
				      data, &err)) {
			fprintf(stderr, "%s\n", err.text);
			must(!"a default of ours is wrong");
		}
	}
	return data;
}

/* Called by libconfuse after each value that it read. */
static int on_value(cfg_t *cfg, cfg_opt_t *opt)
{
	const struct conf_schema *s = schema_of(cfg);
	bool *is_set = s == now->top ? now->is_top_set : now->is_set;
	struct err err = { 0 };
	const struct conf_field *f;
	void *data;
	size_t i;

	if (!s)
		return 0;
	if (s != now->top && now->in != s) {
		now->in = s;
		now->data = new_data(s);
		memset(now->is_set, 0, sizeof(now->is_set));
	}
	data = s == now->top ? now->top_data : now->data;
	f = find_field(s, opt->name, &i);
	if (!f)
		return 0;
	if (f->type == CONF_LIST) {
		unsigned n = cfg_opt_size(opt);
		const char **items = arena_array(
			now->conf->arena, n + 1, sizeof(*items));
		for (unsigned k = 0; k < n; k++)
			items[k] = cfg_opt_getnstr(opt, k);
		conf_value_set_list(now->conf->arena, f, items, n, data);
		is_set[i] = true;
		return 0;
	}
	if (is_set[i]) {
		err_set(&err, ERR_CONF, "%s is given twice", f->name);
		tell(cfg->line, err.text);
	}
	is_set[i] = true;
	if (conf_value_set(now->conf->arena, f, now->file, cfg_opt_getstr(opt),
		    data, &err))
		tell(cfg->line, err.text);
	return 0;
}

/* libconfuse forgets where a section began; its first words are sought. */
static int find_line(const char *keyword, const char *title)
{
	struct str rest = now->text, line;

	for (int n = 1; str_cut_line(&rest, &line); n++) {
		struct str s = str_trim(line);
		if (str_starts(s, str_c(keyword)) &&
			(!title || str_find(s, str_c(title)) > 0))
			return n;
	}
	return 0;
}

static void check_required(const struct conf_schema *s, const bool *is_set,
	const char *title, int line)
{
	for (size_t i = 0; s->fields[i].name; i++) {
		char text[256];
		if (!(s->fields[i].flags & CONF_REQUIRED) || is_set[i])
			continue;
		snprintf(text, sizeof(text), "%s%s%s%s%s: option %s is missing",
			s->keyword ? s->keyword : "the file",
			title && *title ? " \"" : "", title ? title : "",
			title && *title ? "\"" : "", "", s->fields[i].name);
		tell(MAX(line, 1), text);
	}
}

static void add_section(
	const struct conf_schema *s, const char *title, int line, void *data)
{
	struct conf_section *section = ARENA_NEW(
		now->conf->arena, struct conf_section);
	unsigned before = now->n_errors;
	struct err err = { 0 };

	section->schema = s;
	section->title = arena_strdup(now->conf->arena, title ? title : "");
	section->file = now->file;
	section->line = line;
	section->data = data;
	*now->conf->last = section;
	now->conf->last = &section->next;
	if (s->check && now->n_errors == before && s->check(section, &err))
		tell(MAX(line, 1), err.text);
}

/* Called by libconfuse at the end of each section. */
static int on_section(cfg_t *cfg, cfg_opt_t *opt)
{
	cfg_t *sec = cfg_opt_getnsec(opt, cfg_opt_size(opt) - 1);
	const struct conf_schema *s = find_schema(opt->name);
	const char *title = s && s->flags & CONF_TITLED ? cfg_title(sec) : NULL;
	int line;

	(void)cfg;
	if (!s)
		return 0;
	line = find_line(opt->name, title);
	if (now->in != s) { /* an empty section */
		now->data = new_data(s);
		memset(now->is_set, 0, sizeof(now->is_set));
	}
	check_required(s, now->is_set, title, line);
	add_section(s, title, line, now->data);
	now->in = NULL;
	return 0;
}

static cfg_opt_t *make_fields(
	struct arena *a, const struct conf_schema *s, size_t extra)
{
	size_t n = 0;
	cfg_opt_t *opts;

	while (s && s->fields[n].name)
		n++;
	must(n < FIELDS_MAX);
	opts = arena_array(a, n + extra + 1, sizeof(*opts));
	for (size_t i = 0; i < n; i++)
		opts[i] = s->fields[i].type == CONF_LIST
				  ? (cfg_opt_t)CFG_STR_LIST(s->fields[i].name,
					    NULL, CFGF_NODEFAULT)
				  : (cfg_opt_t)CFG_STR(s->fields[i].name, NULL,
					    CFGF_NODEFAULT);
	opts[n + extra] = (cfg_opt_t)CFG_END();
	return opts;
}

/* Declares all options and sections to libconfuse. */
static cfg_t *declare(struct arena *a)
{
	size_t n = 0, at = 0;
	cfg_opt_t *opts;
	cfg_t *cfg;

	while (now->schemas[n])
		n++;
	must(n < SCHEMAS_MAX);
	opts = make_fields(a, now->top, n + 1);
	while (now->top && now->top->fields[at].name)
		at++;
	for (size_t i = 0; i < n; i++) {
		const struct conf_schema *s = now->schemas[i];
		if (!s->keyword)
			continue;
		opts[at++] = (cfg_opt_t)CFG_SEC(s->keyword,
			make_fields(a, s, 0),
			s->flags & CONF_TITLED
				? CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES
				: CFGF_NONE);
	}
	opts[at++] = (cfg_opt_t)CFG_BOOL(END_OPTION, cfg_false, CFGF_NONE);
	opts[at] = (cfg_opt_t)CFG_END();
	cfg = cfg_init(opts, CFGF_NONE);
	must(cfg);
	cfg_set_error_function(cfg, on_error);
	for (size_t i = 0; now->top && now->top->fields[i].name; i++)
		cfg_set_validate_func(cfg, now->top->fields[i].name, on_value);
	for (size_t i = 0; i < n; i++) {
		const struct conf_schema *s = now->schemas[i];
		if (!s->keyword)
			continue;
		cfg_set_validate_func(cfg, s->keyword, on_section);
		for (size_t k = 0; s->fields[k].name; k++) {
			char path[128];
			snprintf(path, sizeof(path), "%s|%s", s->keyword,
				s->fields[k].name);
			cfg_set_validate_func(cfg, path, on_value);
		}
	}
	return cfg;
}

static void add_defaults(void)
{
	if (now->top) {
		check_required(now->top, now->is_top_set, NULL, 1);
		add_section(now->top, NULL, 0, now->top_data);
	}
	for (size_t i = 0; now->schemas[i]; i++) {
		const struct conf_schema *s = now->schemas[i];
		static const bool none[FIELDS_MAX];
		if (!(s->flags & CONF_SINGLE) ||
			conf_find(now->conf, s->keyword, NULL))
			continue;
		check_required(s, none, NULL, 1);
		add_section(s, NULL, 0, new_data(s));
	}
}

static void read_text(struct arena *scratch)
{
	AUTO(buf) struct buf all = BUF_INIT(CONF_LEN_MAX + 64);
	cfg_t *cfg = declare(scratch);
	FILE *f;

	buf_str(&all, now->text);
	buf_c(&all, "\n" END_OPTION " = true\n");
	cfg->filename = strdup(now->file);
	f = fmemopen(all.p, all.len, "r");
	must(f);
	if (cfg_parse_fp(cfg, f) != CFG_SUCCESS && now->n_errors == 0)
		tell(1, "cannot be parsed");
	fclose(f);
	cfg_free(cfg);
	if (now->n_errors == 0)
		add_defaults();
}

int conf_parse(const char *name, struct str text,
	const struct conf_schema *const *schemas, conf_error_fn fn, void *ctx,
	struct conf **out, struct err *err)
{
	AUTO(arena) struct arena *scratch = arena_new();
	AUTO(conf) struct conf *c = NEW(struct conf);
	struct reading r = { .conf = c,
		.schemas = schemas,
		.text = text,
		.fn = fn,
		.ctx = ctx };

	must(!now);
	c->arena = arena_new();
	c->last = &c->first;
	r.file = arena_strdup(c->arena, name);
	if (text.len > CONF_LEN_MAX || str_chr(text, 0) >= 0)
		return err_set(
			err, ERR_CONF, "%s: is no configuration text", name);
	now = &r;
	for (size_t i = 0; schemas[i]; i++)
		if (schemas[i]->flags & CONF_TOP)
			r.top = schemas[i];
	if (r.top)
		r.top_data = new_data(r.top);
	read_text(scratch);
	now = NULL;
	if (r.n_errors == 1)
		return err_set(err, ERR_CONF, "%s", r.first);
	if (r.n_errors)
		return err_set(err, ERR_CONF, "%s (and %u more)", r.first,
			r.n_errors - 1);
	*out = TAKE(c);
	return 0;
}

int conf_load(const char *path, const struct conf_schema *const *schemas,
	conf_error_fn fn, void *ctx, struct conf **out, struct err *err)
{
	AUTO(buf) struct buf text = BUF_INIT(CONF_LEN_MAX);

	if (file_read(path, &text, err)) {
		err->kind = ERR_CONF;
		if (fn)
			fn(err->text, ctx);
		return -1;
	}
	return conf_parse(path, buf_view(&text), schemas, fn, ctx, out, err);
}

void conf_free(struct conf *c)
{
	if (!c)
		return;
	arena_free(c->arena);
	free(c);
}

const struct conf_section *conf_first(const struct conf *c)
{
	return c->first;
}

const struct conf_section *conf_find(
	const struct conf *c, const char *keyword, const char *title)
{
	for (const struct conf_section *s = c->first; s; s = s->next)
		if (s->schema->keyword && keyword &&
			strcmp(s->schema->keyword, keyword) == 0 &&
			(!title || strcmp(s->title, title) == 0))
			return s;
	return NULL;
}

const struct conf_section *conf_find_in(
	const struct conf *c, const char *group, const char *title)
{
	for (const struct conf_section *s = c->first; s; s = s->next)
		if (s->schema->group && strcmp(s->schema->group, group) == 0 &&
			strcmp(s->title, title) == 0)
			return s;
	return NULL;
}

const void *conf_data(const struct conf *c, const struct conf_schema *schema)
{
	for (const struct conf_section *s = c->first; s; s = s->next)
		if (s->schema == schema)
			return s->data;
	must(!"asked for a section that may be missing");
	return NULL;
}

static bool is_same_text(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static bool is_same_list(const struct conf_list *a, const struct conf_list *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (!is_same_text(a->items[i], b->items[i]))
			return false;
	return true;
}

static bool is_same_value(
	const struct conf_field *f, const void *a, const void *b)
{
	const char *x = (const char *)a + f->offset;
	const char *y = (const char *)b + f->offset;

	switch (f->type) {
	case CONF_STR:
	case CONF_PATH:
	case CONF_ADDR:
		return is_same_text(*(const char *const *)(const void *)x,
			*(const char *const *)(const void *)y);
	case CONF_INT:
	case CONF_SIZE:
	case CONF_SPAN:
		return memcmp(x, y, sizeof(int64_t)) == 0;
	case CONF_BOOL:
		return memcmp(x, y, sizeof(bool)) == 0;
	case CONF_MODE:
		return memcmp(x, y, sizeof(mode_t)) == 0;
	case CONF_WORD:
		return memcmp(x, y, sizeof(int)) == 0;
	case CONF_LIST:
		break;
	}
	return is_same_list((const void *)x, (const void *)y);
}

bool conf_section_is_same(
	const struct conf_section *a, const struct conf_section *b)
{
	if (a->schema != b->schema || strcmp(a->title, b->title))
		return false;
	for (const struct conf_field *f = a->schema->fields; f->name; f++)
		if (!is_same_value(f, a->data, b->data))
			return false;
	return true;
}
