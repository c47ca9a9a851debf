/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_conf.c - what an admin may write, and what he is told. */
#include <sys/stat.h>

#include <mailmill/buf.h>
#include <mailmill/conf.h>
#include <mailmill/file.h>

#include "test.h"

struct top {
	const char *state;
	uint64_t size;
};
struct box {
	const char *listen, *path;
	int64_t count, wait;
	bool is_on;
	mode_t mode;
	struct conf_list names;
	int word;
};

static const char *const words[] = { "message", "batch", NULL };
static const struct conf_field top_fields[] = {
	{ "state", CONF_PATH, offsetof(struct top, state),
		"/var/lib/mailmill" },
	{ "size", CONF_SIZE, offsetof(struct top, size), "50M", 1, 1 << 30 },
	{ 0 },
};
static const struct conf_field box_fields[] = {
	{ "listen", CONF_ADDR, offsetof(struct box, listen), NULL,
		.flags = CONF_REQUIRED },
	{ "path", CONF_PATH, offsetof(struct box, path) },
	{ "count", CONF_INT, offsetof(struct box, count), "3", 1, 10 },
	{ "wait", CONF_SPAN, offsetof(struct box, wait), "30s" },
	{ "on", CONF_BOOL, offsetof(struct box, is_on), "yes" },
	{ "mode", CONF_MODE, offsetof(struct box, mode), "0660" },
	{ "names", CONF_LIST, offsetof(struct box, names) },
	{ "isolation", CONF_WORD, offsetof(struct box, word), "batch",
		.words = words },
	{ 0 },
};
static const struct conf_schema top_schema = {
	.flags = CONF_TOP, .size = sizeof(struct top), .fields = top_fields
};
static const struct conf_schema box_schema = { .keyword = "box",
	.group = "source",
	.flags = CONF_TITLED,
	.size = sizeof(struct box),
	.fields = box_fields };
static const struct conf_field one_fields[] = { { 0 } };
static const struct conf_schema one_schema = {
	.keyword = "one", .flags = CONF_SINGLE, .size = 1, .fields = one_fields
};
static const struct conf_schema *const schemas[] = { &top_schema, &box_schema,
	&one_schema, NULL };

static void collect(const char *message, void *ctx)
{
	buf_printf(ctx, "%s\n", message);
}

TEST(reads_values_of_all_types)
{
	AUTO(conf) struct conf *c = NULL;
	struct err err = { 0 };
	const struct conf_section *s;
	const struct box *b;
	int rc = conf_parse("/etc/m/mailmill.conf",
		STR("state = \"spool\" # comment\n"
		    "box \"a\" { listen = \"unix:/run/x\" path = \"k.pem\"\n"
		    "  count = 010 wait = 2h on = no mode = 0600\n"
		    "  names = { \"x@y\", \"z\" } isolation = message }\n"
		    "box \"b\" { listen = \"127.0.0.1:25\" }\n"
		    "size = 64k\n"),
		schemas, NULL, NULL, &c, &err);

	is_c(err.text, "", "no error");
	if (rc)
		return;
	is_c(((const struct top *)conf_data(c, &top_schema))->state,
		"/etc/m/spool", "a relative path is beside the file");
	is_int(((const struct top *)conf_data(c, &top_schema))->size, 65536,
		"an option behind a section");
	s = conf_find_in(c, "source", "a");
	is_true(s && s->line == 2, "a section knows its line");
	b = s->data;
	is_int(b->count, 10, "010 is ten");
	is_int(b->wait, 7200000, "hours");
	is_false(b->is_on, "no");
	is_int(b->mode, 0600, "octal mode");
	is_int(b->names.n, 2, "a list");
	is_c(b->names.items[1], "z", "its second item");
	is_int(b->word, 0, "a word is its index");
	b = conf_find(c, "box", "b")->data;
	is_int(b->count, 3, "a default");
	is_int(b->mode, 0660, "sections do not mix");
	is_true(conf_find(c, "one", NULL), "a single section is always there");
}

TEST(says_what_is_wrong_and_where)
{
	static const struct {
		const char *name, *in, *want;
	} rows[] = {
		{ "unknown option",
			"box \"a\" {\n listen = \"h:1\"\n hots = 1\n}",
			"f:3: unknown option hots in section box" },
		{ "nearest option", "box \"a\" {\n lisen = \"h:1\"\n}",
			"f:2: unknown option lisen in section box; did you "
			"mean "
			"listen?" },
		{ "nearest section", "bx \"a\" { }",
			"f:1: unknown section or option bx; did you mean "
			"box?" },
		{ "out of bounds",
			"box \"a\" {\n listen = \"h:1\"\n count = 11\n}",
			"f:3: count = \"11\" is out of bounds: from 1 to 10" },
		{ "no number", "box \"a\" {\n listen = \"h:1\" count = x\n}",
			"f:2: count = \"x\": expected a whole number" },
		{ "no span", "box \"a\" { listen = \"h:1\" wait = 5 }",
			"f:1: wait = \"5\": expected a time such as" },
		{ "no address", "box \"a\" { listen = \"nonsense\" }",
			"f:1: listen = \"nonsense\": expected HOST:PORT" },
		{ "given twice", "size = 1k\nsize = 2k\n",
			"f:2: size is given twice" },
		{ "missing option", "\nbox \"a\" { }",
			"f:2: box \"a\": option listen is missing" },
		{ "unclosed", "box \"a\" {\n listen = \"h:1\"\n",
			"section box is not closed" },
		{ "wrong word",
			"box \"a\" { listen = \"h:1\" isolation = none }",
			"expected one of message, batch" },
		{ "title twice", "box \"a\" { listen=\"h:1\" }\nbox \"a\" { }",
			"f:2: found duplicate title" },
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		AUTO(buf) struct buf told = BUF_INIT(4096);
		AUTO(conf) struct conf *c = NULL;
		struct err err = { 0 };
		is_int(conf_parse("f", str_c(rows[i].in), schemas, collect,
			       &told, &c, &err),
			-1, rows[i].name);
		has_text(told.p, rows[i].want, rows[i].name);
		is_int(err.kind, ERR_CONF, "is the operator's matter");
	}
}

TEST(tells_several_errors_in_one_run)
{
	AUTO(buf) struct buf told = BUF_INIT(4096);
	AUTO(conf) struct conf *c = NULL;
	struct err err = { 0 };

	is_int(conf_parse("f",
		       STR("size = x\nbox \"a\" { count = 0\n on = maybe }\n"),
		       schemas, collect, &told, &c, &err),
		-1, "fails");
	has_text(told.p, "f:1: size", "the first");
	has_text(told.p, "f:2: count", "the second");
	has_text(told.p, "f:3: on", "the third");
	has_text(told.p, "listen is missing", "the fourth");
	has_text(err.text, "and 3 more", "the count");
}

TEST(secrets_come_from_files_and_environment)
{
	char dir[] = "/tmp/mailmill-test-XXXXXX";
	AUTO(bytes) char *path = NULL, *where = NULL, *secret = NULL;
	struct err err = { 0 };

	is_true(mkdtemp(dir) != NULL, "a folder");
	path = mem_printf("%s/key", dir);
	where = mem_printf("file:%s", path);
	is_int(file_write(path, STR("s3cret\n"), 0600, &err), 0, "written");
	is_int(conf_secret(where, &secret, &err), 0, "read");
	is_c(secret, "s3cret", "without its line end");
	chmod(path, 0644);
	is_int(conf_secret(where, &secret, &err), -1, "open to all is refused");
	has_text(err.text, "can be read by everybody", "and told");
	is_int(conf_secret("s3cret", &secret, &err), -1, "never itself");
	is_true(!strstr(err.text, "s3cret"), "nor repeated");
	file_remove_tree(dir, &err);
}
