/* SPDX-License-Identifier: GPL-3.0-or-later */
/* log.c - lines on standard error, each in one write(). */
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>

#include <mailmill/buf.h>
#include <mailmill/clock.h>
#include <mailmill/file.h>
#include <mailmill/log.h>
#include <mailmill/utf8.h>

#define LINE_MAX_LEN ((size_t)4096)

/*
 * The logger is the one mutable global that house rule 6 allows. A reload sets
 * it while other threads write.
 */
static struct {
	_Atomic int show; /* enum log_level */
	_Atomic bool is_journal;
	log_sink_fn sink;
	void *ctx;
} logger = { .show = LOG_INFO };

void log_setup(enum log_level show, bool is_journal)
{
	logger.show = (int)show;
	logger.is_journal = is_journal;
}

bool log_shows(enum log_level level)
{
	return (int)level <= logger.show;
}

void log_sink(log_sink_fn fn, void *ctx)
{
	logger.sink = fn;
	logger.ctx = ctx;
}

/* Tells whether a code point would do something to a terminal. */
static bool is_control(uint32_t code)
{
	return code < 0x20 || (code >= 0x7f && code < 0xa0) ||
	       (code >= 0x202a && code <= 0x202e) ||
	       (code >= 0x2066 && code <= 0x2069);
}

static void add_clean(struct buf *line, const char *text)
{
	struct str rest = str_c(text);

	while (rest.len) {
		uint32_t code = 0;
		size_t len = utf8_next(rest, &code);
		bool is_bad = len == 0 || is_control(code);

		len = MAX(len, 1);
		for (size_t i = 0; is_bad && i < len; i++)
			buf_printf(line, "\\x%02x", (unsigned char)rest.p[i]);
		if (!is_bad)
			buf_str(line, str_sub(rest, 0, len));
		rest = str_sub(rest, len, SIZE_MAX);
	}
}

static struct str replace(
	struct arena *a, struct str s, const char *bad, char with)
{
	struct str copy = arena_str(a, s);
	char *p = (char *)(uintptr_t)copy.p;

	for (size_t i = 0; i < copy.len; i++)
		if (p[i] && strchr(bad, p[i]))
			p[i] = with;
	return copy;
}

struct str log_quoted(struct arena *a, struct str s)
{
	return replace(a, s, "\"", '\'');
}

struct str log_address(struct arena *a, struct str s)
{
	return replace(a, s, " \"<>", '?');
}

void log_event(enum log_level level, const char *event, const char *fmt, ...)
{
	static const char *const names[] = { "error", "warn", "info", "debug" };
	static const int priority[] = { 3, 4, 6, 7 };
	char text[LINE_MAX_LEN], now[CLOCK_TEXT_MAX];
	AUTO(buf) struct buf line = BUF_INIT(LINE_MAX_LEN * 4 + 128);
	va_list ap;

	if (!log_shows(level))
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (logger.sink) {
		buf_printf(&line, "%s ", event);
		add_clean(&line, text);
		logger.sink(level, line.p, logger.ctx);
		return;
	}
	if (logger.is_journal)
		buf_printf(&line, "<%d>", priority[level]);
	else
		buf_printf(&line, "%s %s ", clock_text(clock_wall_ms(), now),
			names[level]);
	buf_printf(&line, "%s ", event);
	add_clean(&line, text);
	buf_byte(&line, '\n');
	/* nobody is left to tell when standard error is gone */
	if (file_write_all(STDERR_FILENO, line.p, line.len) < 0)
		return;
}
