/* SPDX-License-Identifier: GPL-3.0-or-later */
/* soql.h - a compiled query, shared by parser and interpreter. */
#ifndef MAILMILL_SANDBOX_SOQL_H
#define MAILMILL_SANDBOX_SOQL_H

#include "sandbox.h"

#define SOQL_TEXT_MAX 100000
#define SOQL_HOPS_MAX 5
#define SOQL_DEPTH_MAX 40 /* of parentheses */
#define SOQL_OFFSET_MAX 2000
#define SOQL_ORDER_MAX 32

/* Account.Owner.Name: two hops and a leaf. */
struct soql_path {
	int n_hops;
	struct sb_field *hop[SOQL_HOPS_MAX];
	struct sb_field *leaf; /* NULL: by name, differs by object */
	struct str leaf_name;
	enum sb_type type; /* of the leaf */
};

enum soql_op {
	SOQL_EQ,
	SOQL_NE,
	SOQL_LT,
	SOQL_LE,
	SOQL_GT,
	SOQL_GE,
	SOQL_LIKE,
	SOQL_IN,
	SOQL_NOT_IN,
	SOQL_INCLUDES,
	SOQL_EXCLUDES,
};

/* A datetime is the span from..to of milliseconds, `to` not in it. */
struct soql_value {
	enum {
		SOQL_NULL,
		SOQL_TEXT,
		SOQL_NUMBER,
		SOQL_BOOL,
		SOQL_TIME
	} what;
	struct str text;
	double number;
	bool is_true;
	int64_t from, to;
};

struct soql_expr {
	enum {
		SOQL_AND,
		SOQL_OR,
		SOQL_NOT,
		SOQL_TEST
	} what;
	struct soql_expr *a, *b;
	struct soql_path path;
	enum soql_op op;
	struct soql_value *values;
	int n_values;
	struct soql *sub; /* IN (SELECT ...) */
	bool has_null, is_sorted;
};

enum soql_function {
	SOQL_F_NONE,
	SOQL_F_COUNT,
	SOQL_F_COUNT_DISTINCT,
	SOQL_F_MIN,
	SOQL_F_MAX,
	SOQL_F_SUM,
	SOQL_F_AVG,
};

/* One item of SELECT; relations hold those behind their dot. */
struct soql_item {
	enum {
		SOQL_FIELD,
		SOQL_PARENT,
		SOQL_CHILDREN,
		SOQL_FUNCTION
	} what;
	struct sb_field *field;
	struct str name; /* FIELD of several targets, or the alias */
	struct soql_item *items;
	int n_items;
	struct soql *sub;
	const struct sb_child *child;
	enum soql_function function;
	struct soql_path path;
};

struct soql_order {
	struct soql_path path;
	bool is_down, is_nulls_last;
};

struct soql {
	struct sb_object *object;
	struct str alias;
	struct soql_item *items;
	int n_items;
	bool is_count; /* COUNT() alone */
	bool is_aggregate;
	struct soql_path group[SOQL_ORDER_MAX];
	int n_group;
	struct soql_expr *where;
	struct soql_order order[SOQL_ORDER_MAX];
	int n_order;
	int64_t limit; /* -1: none */
	int64_t offset;
	bool with_all; /* ALL ROWS */
};

enum soql_token_kind {
	SOQL_T_END,
	SOQL_T_WORD,
	SOQL_T_TEXT,
	SOQL_T_NUMBER,
	SOQL_T_TIME,
	SOQL_T_OP
};

struct soql_token {
	enum soql_token_kind kind;
	struct str s; /* as written; SOQL_T_TEXT without quotes */
	size_t at;
};

struct soql_parser {
	struct sandbox *sb;
	struct arena *a;
	struct str text;
	size_t at; /* behind the current token */
	struct soql_token t;
	struct sb_fail *f;
	bool is_failed;
	int depth;
	int level; /* 1: in a subquery */
};

/* Sets the failure with row and column of a place. Returns: -1. */
int sb_soql_fail(
	struct soql_parser *p, size_t at, const char *code, const char *what);
/* Reads the next token into p->t. Returns: 0 or -1. */
int sb_soql_next(struct soql_parser *p);
/* TODAY, LAST_WEEK, NEXT_N_DAYS:3 and their like, in UTC. */
bool sb_soql_date_word(struct str word, struct soql_value *v);
/* Reads a date or datetime. Returns: 0 or -1. */
int sb_soql_time(struct str s, struct soql_value *v);

#endif
