/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * match_regex.c - patterns by PCRE2, with limits on everything.
 *
 * A hit limit is a result of its own, never "no match": a rule must not decide
 * by how busy the matcher was. JIT code is an improvement only: where the
 * system forbids to make it, the interpreter does the work.
 */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <mailmill/mem.h>

#include "regex.h"

#define DEPTH_MAX 10000
#define HEAP_KIB_MAX 20480
#define NESTING_MAX 100

struct sieve_regex {
	pcre2_code *code;
	pcre2_match_data *data;
	pcre2_match_context *context;
	uint32_t n_groups;
};

static uint32_t get_options(unsigned flags)
{
	uint32_t options = PCRE2_NEVER_BACKSLASH_C;

	if (!(flags & SIEVE_REGEX_BYTES))
		options |= PCRE2_UTF | PCRE2_UCP | PCRE2_MATCH_INVALID_UTF;
	if (flags & SIEVE_REGEX_CASELESS)
		options |= PCRE2_CASELESS;
	if (flags & SIEVE_REGEX_MULTILINE)
		options |= PCRE2_MULTILINE;
	if (flags & SIEVE_REGEX_WHOLE)
		options |= PCRE2_DOTALL | PCRE2_DOLLAR_ENDONLY;
	return options;
}

static pcre2_code *compile(
	struct str pattern, unsigned flags, int *error, size_t *offset)
{
	pcre2_compile_context *c = pcre2_compile_context_create(NULL);
	pcre2_code *code;

	must(c);
	pcre2_set_max_pattern_length(c, SIEVE_REGEX_PATTERN_MAX);
	pcre2_set_parens_nest_limit(c, NESTING_MAX);
	/* Lines of mail end in CRLF or LF. */
	pcre2_set_newline(c, PCRE2_NEWLINE_ANYCRLF);
	code = pcre2_compile((PCRE2_SPTR)(pattern.p ? pattern.p : ""),
		pattern.len, get_options(flags), error, offset, c);
	pcre2_compile_context_free(c);
	return code;
}

int sieve_regex_compile(struct str pattern, unsigned flags,
	struct sieve_regex **out, char text[SIEVE_REGEX_ERROR_MAX],
	size_t *offset)
{
	struct sieve_regex *re;
	pcre2_code *code;
	int error;

	code = compile(pattern, flags, &error, offset);
	if (!code) {
		pcre2_get_error_message(
			error, (PCRE2_UCHAR *)text, SIEVE_REGEX_ERROR_MAX);
		return -1;
	}
	re = NEW(struct sieve_regex);
	re->code = code;
	(void)pcre2_jit_compile(code, PCRE2_JIT_COMPLETE);
	re->data = pcre2_match_data_create_from_pattern(code, NULL);
	re->context = pcre2_match_context_create(NULL);
	must(re->data && re->context);
	pcre2_set_depth_limit(re->context, DEPTH_MAX);
	pcre2_set_heap_limit(re->context, HEAP_KIB_MAX);
	pcre2_pattern_info(code, PCRE2_INFO_CAPTURECOUNT, &re->n_groups);
	*out = re;
	return 0;
}

void sieve_regex_free(struct sieve_regex *re)
{
	if (!re)
		return;
	pcre2_match_context_free(re->context);
	pcre2_match_data_free(re->data);
	pcre2_code_free(re->code);
	free(re);
}

unsigned sieve_regex_groups(const struct sieve_regex *re)
{
	return re->n_groups;
}

static size_t copy_groups(const struct sieve_regex *re, struct str subject,
	size_t n_set, struct str *groups, size_t max)
{
	const PCRE2_SIZE *at = pcre2_get_ovector_pointer(re->data);
	size_t n = MIN((size_t)re->n_groups + 1, max);

	for (size_t i = 0; i < n; i++) {
		size_t from = at[2 * i], to = at[2 * i + 1];

		/* \K in a lookahead can turn them round. */
		groups[i] = i >= n_set || from == PCRE2_UNSET || to < from
				    ? STR_NULL
				    : str_sub(subject, from, to - from);
	}
	return n;
}

int sieve_regex_exec(const struct sieve_regex *re, struct str subject,
	size_t from, uint32_t limit, struct str *groups, size_t max)
{
	int rc;

	must(max > 0 && from <= subject.len);
	pcre2_set_match_limit(re->context, limit);
	rc = pcre2_match(re->code, (PCRE2_SPTR)(subject.p ? subject.p : ""),
		subject.len, from, 0, re->data, re->context);
	if (rc == PCRE2_ERROR_NOMATCH)
		return 0;
	if (rc < 0)
		return SIEVE_REGEX_LIMIT;
	return (int)copy_groups(re, subject, (size_t)rc, groups, max);
}
