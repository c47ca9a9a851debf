/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * deliver.c - mailmill-deliver: a mail from standard input into the daemon.
 *
 * MTAs start it once a mail, so it links nothing but libc and holds a mail
 * only 64 KB at a time. It speaks LMTP with the daemon over its Unix socket:
 * the whole envelope in one write (the daemon pipelines), then the message.
 *
 * The exit status is all that the MTA learns, so it is chosen to lose nothing:
 * 0 is said only after 250 for every recipient; everything that may mend
 * itself, and a daemon that is away, is 75, which MTAs try again. One line on
 * standard error tells a person why; MTAs put it into their log and bounces.
 *
 * When some of several recipients are refused for good, the others get the
 * mail and the status is 67: the line names those that are unknown, and the
 * sender hears of them, instead of five days of trying again.
 */
#include <ctype.h>
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "client.h"

#define ADDRESS_MAX 1000
#define RCPTS_MAX 1000
#define TIMEOUT_S 300

static const char usage[] =
	"usage: mailmill deliver [-f SENDER] [-x EXTENSION] [-s SOCKET] "
	"[-t SECONDS]\n"
	"                        [-r RECIPIENT]... [RECIPIENT]...\n"
	"Hands the mail on standard input to the daemon; exits 0 when it is "
	"stored.\n"
	"  -f SENDER      envelope sender; else $SENDER, else the From_ line\n"
	"  -r RECIPIENT   envelope recipient; else $RECIPIENT or "
	"$ORIGINAL_RECIPIENT\n"
	"  -x EXTENSION   makes user+EXTENSION@domain of each recipient\n"
	"  -s SOCKET      the daemon's socket; else $MAILMILL_SOCKET, else\n"
	"                 " CLIENT_SOCKET "\n"
	"  -t SECONDS     how long to wait for the daemon at each step; 300\n";

struct mail {
	const char *sender, *extension, *socket;
	const char *rcpts[RCPTS_MAX];
	int codes[RCPTS_MAX]; /* replies to RCPT */
	size_t n_rcpts, n_taken;
	unsigned timeout_s;
	char from_line[ADDRESS_MAX + 1]; /* sender of the mbox line, or "" */
	char host[256];
	char *first; /* the first piece of the message */
	size_t first_len;
};

static char piece[65536];
static struct client client;

/* Tells why, on one line. Returns: status. */
__attribute__((format(printf, 2, 3))) static int fail(
	int status, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	for (char *p = text; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = '?';
	fprintf(stderr, "mailmill deliver: %s\n", text);
	return status;
}

/* --- the envelope --------------------------------------------------------- */

/* Prints an address with the extension and a domain. Returns: 0 or -1. */
static int print_address(const struct mail *m, const char *address,
	const char *extension, char *out, size_t max)
{
	const char *at = strrchr(address, '@');
	int local = at ? (int)(at - address) : (int)strlen(address);
	int n = snprintf(out, max, "%.*s%s%s%s%s", local, address,
		*extension ? "+" : "", extension, at ? "" : "@",
		at ? at : m->host);

	if (n < 0 || n > ADDRESS_MAX)
		return -1;
	for (const char *p = out; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f || *p == '<' ||
			*p == '>')
			return -1;
	return 0;
}

static int has_8bit(const char *s)
{
	while (*s && !(*s & 0x80))
		s++;
	return *s != 0;
}

/* Postfix' pipe(8) and some others call the null sender so. */
static int is_null_sender(const char *s)
{
	return !*s || strcmp(s, "<>") == 0 ||
	       strcasecmp(s, "MAILER-DAEMON") == 0;
}

static const char *find_sender(const struct mail *m)
{
	const char *named = getenv("SENDER");

	if (m->sender)
		return m->sender;
	return named ? named : m->from_line;
}

/* <address> is how some MTAs write $SENDER and $RECIPIENT. */
static const char *strip(char *room, size_t max, const char *address)
{
	size_t len = strlen(address);

	if (len < 2 || len >= max || address[0] != '<' ||
		address[len - 1] != '>')
		return address;
	memcpy(room, address + 1, len - 2);
	room[len - 2] = 0;
	return room;
}

static int say_envelope(struct mail *m)
{
	char address[ADDRESS_MAX + 300], room[ADDRESS_MAX + 3];
	const char *sender = find_sender(m);
	struct stat st;
	int is_utf8;

	address[0] = 0;
	if (!is_null_sender(sender) &&
		print_address(m, strip(room, sizeof(room), sender), "", address,
			sizeof(address)) < 0)
		return fail(EX_DATAERR, "\"%.200s\" is no sender's address",
			sender);
	is_utf8 = has_8bit(address);
	for (size_t i = 0; i < m->n_rcpts; i++)
		is_utf8 = is_utf8 || has_8bit(m->rcpts[i]);
	client_say(&client, "LHLO %s", m->host);
	if (fstat(STDIN_FILENO, &st) == 0 && S_ISREG(st.st_mode))
		client_say(&client, "MAIL FROM:<%s> BODY=8BITMIME SIZE=%lld%s",
			address, (long long)st.st_size,
			is_utf8 ? " SMTPUTF8" : "");
	else
		client_say(&client, "MAIL FROM:<%s> BODY=8BITMIME%s", address,
			is_utf8 ? " SMTPUTF8" : "");
	for (size_t i = 0; i < m->n_rcpts; i++) {
		const char *r = strip(room, sizeof(room), m->rcpts[i]);
		if (!*r || print_address(m, r, m->extension, address,
				   sizeof(address)) < 0)
			return fail(EX_NOUSER,
				"\"%.200s\" is no recipient's address",
				m->rcpts[i]);
		client_say(&client, "RCPT TO:<%s>", address);
	}
	client_say(&client, "DATA");
	return 0;
}

/* --- replies
 * ------------------------------------------------------------------- */

static int lost(const char *when)
{
	return fail(
		EX_TEMPFAIL, "the daemon went away %s; try again later", when);
}

/* A reply that is no yes to something that is not about a recipient. */
static int refused(int code)
{
	if (code == 552)
		return fail(EX_DATAERR, "refused: %d %s", code, client.text);
	if (code / 100 == 5)
		return fail(EX_DATAERR, "the daemon refused the mail: %d %s",
			code, client.text);
	return fail(EX_TEMPFAIL, "the daemon cannot take mail now: %d %s", code,
		client.text);
}

static int hear(int want, const char *when)
{
	int code = client_hear(&client);

	if (code < 0)
		return lost(when);
	return code == want ? 0 : refused(code);
}

/* Names the first refused recipient. Returns: 0 when there is none. */
static int tell_refused(const struct mail *m)
{
	size_t n = 0, first = 0;

	for (size_t i = m->n_rcpts; i-- > 0;)
		if (m->codes[i] / 100 != 2) {
			first = i;
			n++;
		}
	if (n == 0)
		return 0;
	if (n == 1)
		return fail(EX_NOUSER, "unknown recipient %.200s%s",
			m->rcpts[first],
			m->n_taken ? " (the others got the mail)" : "");
	return fail(EX_NOUSER, "unknown recipients: %.200s and %zu more%s",
		m->rcpts[first], n - 1,
		m->n_taken ? " (the others got the mail)" : "");
}

static int hear_rcpts(struct mail *m)
{
	int busy = 0;
	char text[CLIENT_TEXT_MAX] = "";

	for (size_t i = 0; i < m->n_rcpts; i++) {
		int code = client_hear(&client);
		if (code < 0)
			return lost("while it heard the recipients");
		m->codes[i] = code;
		m->n_taken += code / 100 == 2;
		if (code / 100 == 2 || code / 100 == 5)
			continue;
		busy = code;
		memcpy(text, client.text, sizeof(text));
	}
	/* the MTA brings all of them again, so none may get it now */
	if (busy)
		return fail(EX_TEMPFAIL,
			"a recipient cannot be served now: "
			"%d %s",
			busy, text);
	return m->n_taken ? 0 : tell_refused(m);
}

static int hear_envelope(struct mail *m)
{
	int status = hear(220, "before it greeted");

	if (status == 0)
		status = hear(250, "when it was greeted");
	if (status == 0)
		status = hear(250, "when it heard the sender");
	if (status == 0)
		status = hear_rcpts(m);
	if (status == 0)
		status = hear(354, "before the message");
	return status;
}

/* One reply a recipient that was taken; the worst decides. */
static int hear_outcome(const struct mail *m)
{
	int worst = 0, has_temp = 0;
	char text[CLIENT_TEXT_MAX] = "";

	for (size_t i = 0; i < m->n_taken; i++) {
		int code = client_hear(&client);
		if (code < 0)
			return lost("before it had stored the mail");
		if (code / 100 == 2)
			continue;
		if (has_temp)
			continue;
		has_temp = code / 100 != 5;
		worst = code;
		memcpy(text, client.text, sizeof(text));
	}
	memcpy(client.text, text, sizeof(text));
	return worst ? refused(worst) : tell_refused(m);
}

/* --- the message
 * --------------------------------------------------------------- */

static ssize_t read_piece(char *to, size_t max)
{
	ssize_t n;

	do {
		n = read(STDIN_FILENO, to, max);
	} while (n < 0 && errno == EINTR);
	return n;
}

/*
 * Drops the line that mbox files and pipes of some MTAs begin with, and keeps
 * its sender: "From ann@example.org Tue Nov 24 21:00:00 2026".
 */
static void drop_from_line(struct mail *m)
{
	const char *lf = memchr(m->first, '\n', m->first_len);
	size_t len = 0;

	if (!lf || m->first_len < 5 || memcmp(m->first, "From ", 5))
		return;
	while (len < ADDRESS_MAX && m->first + 5 + len < lf &&
		!isspace((unsigned char)m->first[5 + len]))
		len++;
	memcpy(m->from_line, m->first + 5, len);
	m->from_line[len] = 0;
	m->first_len -= (size_t)(lf + 1 - m->first);
	m->first += lf + 1 - m->first;
}

/* Reads on until a whole line is there, or the end. */
static int read_first(struct mail *m)
{
	if (isatty(STDIN_FILENO))
		return fail(EX_USAGE, "standard input is a terminal: the mail "
				      "is expected there");
	m->first = piece;
	while (m->first_len < sizeof(piece) &&
		!memchr(piece, '\n', m->first_len)) {
		ssize_t n = read_piece(
			piece + m->first_len, sizeof(piece) - m->first_len);
		if (n < 0)
			return fail(EX_TEMPFAIL, "cannot read the mail: %s",
				strerror(errno));
		if (n == 0)
			break;
		m->first_len += (size_t)n;
	}
	if (m->first_len == 0)
		return fail(EX_DATAERR, "there is no mail on standard input");
	drop_from_line(m);
	return 0;
}

static int send_message(const struct mail *m)
{
	ssize_t n;

	client_body(&client, m->first, m->first_len);
	while (!client.is_broken &&
		(n = read_piece(piece, sizeof(piece))) != 0) {
		/* without its last dot the daemon forgets what it has */
		if (n < 0)
			return fail(EX_TEMPFAIL, "cannot read the mail: %s",
				strerror(errno));
		client_body(&client, piece, (size_t)n);
	}
	client_body_end(&client);
	return 0;
}

static int connect_failed(const char *path)
{
	switch (errno) {
	case ENAMETOOLONG:
		return fail(EX_CONFIG, "\"%s\" cannot be the path of a socket",
			path);
	case EACCES:
		return fail(EX_TEMPFAIL,
			"user %u may not connect to %s: see mode and group of "
			"the section \"pipe\" in mailmill.conf",
			geteuid(), path);
	case ENOENT:
	case ECONNREFUSED:
		return fail(EX_TEMPFAIL,
			"the daemon is away (nobody listens on %s); try again "
			"later",
			path);
	case EAGAIN:
	case ETIMEDOUT:
		return fail(EX_TEMPFAIL, "the daemon is busy; try again later");
	default:
		return fail(EX_TEMPFAIL, "cannot connect to %s: %s", path,
			strerror(errno));
	}
}

static int deliver(struct mail *m)
{
	const char *path = client_socket(m->socket);
	int status = read_first(m);

	if (status)
		return status;
	if (client_open(&client, path, m->timeout_s) < 0)
		return connect_failed(path);
	status = say_envelope(m);
	if (status == 0)
		status = hear_envelope(m);
	if (status == 0)
		status = send_message(m);
	if (status == 0)
		status = hear_outcome(m);
	client_close(&client);
	return status;
}

/* --- options
 * ------------------------------------------------------------------- */

static int add_rcpt(struct mail *m, const char *address)
{
	if (m->n_rcpts == RCPTS_MAX)
		return fail(EX_USAGE, "more than %d recipients", RCPTS_MAX);
	m->rcpts[m->n_rcpts++] = address;
	return 0;
}

static int parse_seconds(const char *text, unsigned *out)
{
	unsigned n = 0;
	const char *p = text;

	while (isdigit((unsigned char)*p) && n <= 86400)
		n = n * 10 + (unsigned)(*p++ - '0');
	if (*p || n == 0 || n > 86400)
		return fail(
			EX_USAGE, "-t %s: expected 1 to 86400 seconds", text);
	*out = n;
	return 0;
}

static int take_option(struct mail *m, int option)
{
	switch (option) {
	case 'f':
		m->sender = optarg;
		return 0;
	case 'r':
		return add_rcpt(m, optarg);
	case 'x':
		m->extension = optarg;
		return 0;
	case 's':
		m->socket = optarg;
		return 0;
	case 't':
		return parse_seconds(optarg, &m->timeout_s);
	case 'h':
		fputs(usage, stdout);
		exit(EX_OK);
	default:
		fputs(usage, stderr);
		return EX_USAGE;
	}
}

static int take_rcpt_from_environment(struct mail *m)
{
	static const char *const names[] = { "RECIPIENT",
		"ORIGINAL_RECIPIENT" };
	static char joined[ADDRESS_MAX + 1];
	const char *local = getenv("LOCAL_PART"), *domain = getenv("DOMAIN");

	for (size_t i = 0; i < 2; i++) {
		const char *named = getenv(names[i]);
		if (named && *named)
			return add_rcpt(m, named);
	}
	if (local && *local && domain &&
		(size_t)snprintf(joined, sizeof(joined), "%s@%s", local,
			domain) < sizeof(joined))
		return add_rcpt(m, joined);
	return fail(EX_USAGE, "no recipient: give -r ADDRESS (there is no "
			      "$RECIPIENT either)");
}

int main(int argc, char **argv)
{
	static struct mail m = { .extension = "", .timeout_s = TIMEOUT_S };
	int option, status = 0;

	signal(SIGPIPE, SIG_IGN);
	if (gethostname(m.host, sizeof(m.host) - 1) < 0 || !m.host[0])
		memcpy(m.host, "localhost", 10);
	while (status == 0 &&
		(option = getopt(argc, argv, "f:r:x:s:t:h")) != -1)
		status = take_option(&m, option);
	while (status == 0 && optind < argc)
		status = add_rcpt(&m, argv[optind++]);
	if (status == 0 && m.n_rcpts == 0)
		status = take_rcpt_from_environment(&m);
	return status ? status : deliver(&m);
}
