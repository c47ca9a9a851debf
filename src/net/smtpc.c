/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * smtpc.c - sending mail by libcurl's SMTP.
 *
 * libcurl tells one code for all recipients. Which reply was whose is seen by
 * listening to the dialogue: each command that goes out sets the stage, each
 * last line of a reply that comes in belongs to it. With
 * MAIL_RCPT_ALLLOWFAILS it goes on as long as one recipient is taken.
 *
 * Whether a mail can have been taken is decided by whether its end was read:
 * only then can the final dot have left us. Before, a connection that was kept
 * and has died since is simply made anew; libcurl never repeats an upload by
 * SMTP by itself.
 */
#include <mailmill/smtpc.h>

#include <curl/curl.h>
#include <pthread.h>
#include <stdio.h>

#include <mailmill/buf.h>
#include <mailmill/mem.h>

#define CONNECT_MS_MAX 30000
#define ALL_MS_MAX (3600L * 1000) /* for one mail, however slow the line */

enum stage {
	AT_GREETING,
	AT_SENDER,
	AT_RCPTS,
	AT_DATA, /* asked to be allowed */
	AT_BODY, /* what comes now is the answer to it */
};

struct smtpc {
	struct smtpc_conf conf;
	CURL *easy;
	char *url;
	char error[CURL_ERROR_SIZE];
	/* of the mail under way */
	struct smtpc_mail *mail;
	enum stage stage;
	size_t at; /* the recipient whose reply comes next, plus 1 */
	bool is_ended, is_aborted;
	bool is_over; /* what is said now is of no mail */
	int code;     /* of the last reply that is no recipient's */
	char reply[SMTPC_REPLY_MAX];
};

static void init_once(void)
{
	must(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK);
}

struct smtpc *smtpc_new(const struct smtpc_conf *conf)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct smtpc *c = NEW(struct smtpc);
	struct str url = str_c(conf->url);

	pthread_once(&once, init_once);
	c->conf = *conf;
	if (str_ends(url, STR("/")))
		url.len--;
	/* the path is what libcurl says in EHLO */
	c->url = mem_printf(
		"%.*s/%s", STR_ARG(url), conf->helo ? conf->helo : "");
	return c;
}

void smtpc_hang_up(struct smtpc *c)
{
	if (c->easy)
		curl_easy_cleanup(c->easy);
	c->easy = NULL;
}

void smtpc_free(struct smtpc *c)
{
	if (!c)
		return;
	smtpc_hang_up(c);
	free(c->url);
	free(c);
}

bool smtpc_is_address(struct str address)
{
	bool is_quoted = false, is_escaped = false;

	if (address.len == 0)
		return false;
	for (size_t i = 0; i < address.len; i++) {
		unsigned char b = (unsigned char)address.p[i];
		if (b < 0x20 || b == 0x7f)
			return false;
		if (is_escaped)
			is_escaped = false;
		else if (is_quoted && b == '\\')
			is_escaped = true;
		else if (b == '"')
			is_quoted = !is_quoted;
		else if (!is_quoted && (b == ' ' || b == '<' || b == '>'))
			return false;
	}
	return !is_quoted && !is_escaped;
}

/* --- the dialogue --------------------------------------------------------- */

static void hear_command(struct smtpc *c, struct str line)
{
	if (str_starts(line, STR("MAIL FROM:")))
		c->stage = AT_SENDER;
	else if (str_starts(line, STR("RCPT TO:"))) {
		c->stage = AT_RCPTS;
		c->at++;
	} else if (str_starts(line, STR("DATA\r\n")))
		c->stage = AT_DATA;
	else if (str_starts(line, STR("QUIT\r\n")))
		c->is_over = true;
}

/* Takes the last line of a reply: "250 2.0.0 ok". */
static void hear_reply(struct smtpc *c, struct str line)
{
	struct smtpc_mail *m = c->mail;
	uint64_t code = 0;

	line = str_trim(line);
	if (c->is_over || str_to_u64(str_sub(line, 0, 3), 999, &code) < 0 ||
		(line.len > 3 && line.p[3] != ' '))
		return;
	if (c->stage == AT_RCPTS && c->at > 0 && c->at <= m->n_rcpts) {
		m->rcpts[c->at - 1].code = (int)code;
		snprintf(m->rcpts[c->at - 1].reply, SMTPC_REPLY_MAX, "%.*s",
			STR_ARG(line));
		return;
	}
	c->code = (int)code;
	snprintf(c->reply, sizeof(c->reply), "%.*s", STR_ARG(line));
	if (c->stage == AT_DATA && code == 354) {
		c->stage = AT_BODY;
		c->code = 0;
	}
}

static int listen_in(
	CURL *easy UNUSED, curl_infotype type, char *p, size_t len, void *ctx)
{
	struct str rest = str_n(p, len), line;

	if (type == CURLINFO_HEADER_OUT)
		hear_command(ctx, rest);
	if (type == CURLINFO_HEADER_IN)
		while (str_cut_line(&rest, &line))
			hear_reply(ctx, line);
	return 0;
}

static size_t give_bytes(char *p, size_t size, size_t n, void *ctx)
{
	struct smtpc *c = ctx;
	ssize_t got = c->mail->read(c->mail->ctx, p, size * n);

	if (got < 0) {
		c->is_aborted = true;
		return CURL_READFUNC_ABORT;
	}
	c->is_ended = c->is_ended || got == 0;
	return (size_t)got;
}

static size_t take_nothing(
	char *p UNUSED, size_t size, size_t n, void *ctx UNUSED)
{
	return size * n;
}

static int look_whether_to_stop(void *ctx, curl_off_t a UNUSED,
	curl_off_t b UNUSED, curl_off_t d UNUSED, curl_off_t e UNUSED)
{
	struct smtpc *c = ctx;

	return c->conf.is_aborted && atomic_load(c->conf.is_aborted);
}

/* --- sending -------------------------------------------------------------- */

static void set_tls(struct smtpc *c, CURL *easy)
{
	bool is_smtps = strncmp(c->conf.url, "smtps:", 6) == 0;
	long is_checked = is_smtps || c->conf.tls == SMTPC_TLS_MUST;
	static const long uses[] = {
		[SMTPC_TLS_NEVER] = CURLUSESSL_NONE,
		[SMTPC_TLS_MAY] = CURLUSESSL_TRY,
		[SMTPC_TLS_MUST] = CURLUSESSL_ALL,
	};

	curl_easy_setopt(easy, CURLOPT_USE_SSL, uses[c->conf.tls]);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, is_checked);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2 * is_checked);
	curl_easy_setopt(
		easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	if (c->conf.ca_file)
		curl_easy_setopt(easy, CURLOPT_CAINFO, c->conf.ca_file);
}

static void set_up(struct smtpc *c)
{
	CURL *easy = curl_easy_init();
	const struct smtpc_conf *conf = &c->conf;

	must(easy);
	c->easy = easy;
	curl_easy_setopt(easy, CURLOPT_URL, c->url);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
	curl_easy_setopt(easy, CURLOPT_PROXY, "");
	curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
	curl_easy_setopt(easy, CURLOPT_MAIL_RCPT_ALLLOWFAILS, 1L);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
		(long)MIN(conf->timeout_ms, CONNECT_MS_MAX));
	curl_easy_setopt(easy, CURLOPT_SERVER_RESPONSE_TIMEOUT,
		(long)MAX(conf->timeout_ms / 1000, 1));
	curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
	curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME,
		(long)MAX(conf->timeout_ms / 1000, 1));
	curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, ALL_MS_MAX);
	if (conf->user)
		curl_easy_setopt(easy, CURLOPT_USERNAME, conf->user);
	if (conf->password)
		curl_easy_setopt(easy, CURLOPT_PASSWORD, conf->password);
	set_tls(c, easy);
	curl_easy_setopt(easy, CURLOPT_READFUNCTION, give_bytes);
	curl_easy_setopt(easy, CURLOPT_READDATA, c);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_nothing);
	curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, take_nothing);
	curl_easy_setopt(easy, CURLOPT_DEBUGFUNCTION, listen_in);
	curl_easy_setopt(easy, CURLOPT_DEBUGDATA, c);
	curl_easy_setopt(easy, CURLOPT_VERBOSE, 1L);
	curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, look_whether_to_stop);
	curl_easy_setopt(easy, CURLOPT_XFERINFODATA, c);
	curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, c->error);
}

static struct curl_slist *list_rcpts(const struct smtpc_mail *m)
{
	struct curl_slist *list = NULL;

	for (size_t i = 0; i < m->n_rcpts; i++) {
		AUTO(bytes) char *one = str_dup(m->rcpts[i].address);
		list = curl_slist_append(list, one);
		must(list);
	}
	return list;
}

static CURLcode perform(struct smtpc *c, struct curl_slist *rcpts)
{
	struct smtpc_mail *m = c->mail;
	AUTO(bytes) char *sender = str_dup(m->sender);

	c->stage = AT_GREETING;
	c->at = 0;
	c->is_ended = c->is_aborted = c->is_over = false;
	c->code = 0;
	c->reply[0] = c->error[0] = 0;
	for (size_t i = 0; i < m->n_rcpts; i++) {
		m->rcpts[i].code = 0;
		m->rcpts[i].reply[0] = 0;
	}
	m->rewind(m->ctx);
	if (!c->easy)
		set_up(c);
	curl_easy_setopt(c->easy, CURLOPT_MAIL_FROM, sender ? sender : "");
	curl_easy_setopt(c->easy, CURLOPT_MAIL_RCPT, rcpts);
	curl_easy_setopt(c->easy, CURLOPT_INFILESIZE_LARGE,
		(curl_off_t)(m->size ? (int64_t)m->size : -1));
	return curl_easy_perform(c->easy);
}

/* Gives the reply that decided for all to those that had been taken. */
static void answer_rest(struct smtpc *c)
{
	for (size_t i = 0; i < c->mail->n_rcpts; i++) {
		struct smtpc_rcpt *r = &c->mail->rcpts[i];
		if (r->code && r->code / 100 != 2)
			continue;
		r->code = c->code;
		snprintf(r->reply, sizeof(r->reply), "%s", c->reply);
	}
}

static bool has_all_replies(const struct smtpc_mail *m)
{
	for (size_t i = 0; i < m->n_rcpts; i++)
		if (!m->rcpts[i].code || m->rcpts[i].code / 100 == 2)
			return false;
	return true;
}

/* What only the operator can mend. */
static enum err_kind kind_of(CURLcode code)
{
	static const CURLcode bad[] = { CURLE_LOGIN_DENIED,
		CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CACERT_BADFILE,
		CURLE_USE_SSL_FAILED, CURLE_UNSUPPORTED_PROTOCOL,
		CURLE_URL_MALFORMAT };

	for (size_t i = 0; i < COUNT(bad); i++)
		if (bad[i] == code)
			return ERR_CONF;
	return ERR_TEMP;
}

static void judge(struct smtpc *c, CURLcode code)
{
	struct smtpc_mail *m = c->mail;
	const char *why = c->error[0] ? c->error : curl_easy_strerror(code);
	bool is_refused = c->code >= 400 && c->code < 600;

	m->outcome = SMTPC_ANSWERED;
	if (c->stage == AT_BODY && c->code) /* the last word on all */
		answer_rest(c);
	else if ((c->stage == AT_SENDER || c->stage == AT_DATA) && is_refused)
		answer_rest(c);
	else if (c->stage == AT_RCPTS && has_all_replies(m))
		return;
	else if (c->is_ended) {
		m->outcome = SMTPC_LOST;
		err_set(&m->err, ERR_TEMP,
			"all of it was sent, and no answer came: %s", why);
	} else {
		m->outcome = SMTPC_NOT_SENT;
		err_set(&m->err, c->is_aborted ? ERR_TEMP : kind_of(code),
			"%s%s%s", c->is_aborted ? "cannot read it" : why,
			is_refused ? ": " : "", is_refused ? c->reply : "");
	}
}

static bool was_kept(struct smtpc *c)
{
	long n_new = 1;

	curl_easy_getinfo(c->easy, CURLINFO_NUM_CONNECTS, &n_new);
	return n_new == 0;
}

static bool has_bad_address(const struct smtpc_mail *m)
{
	if (m->sender.len && !smtpc_is_address(m->sender))
		return true;
	for (size_t i = 0; i < m->n_rcpts; i++)
		if (!smtpc_is_address(m->rcpts[i].address))
			return true;
	return false;
}

void smtpc_send(struct smtpc *c, struct smtpc_mail *m)
{
	struct curl_slist *rcpts;
	CURLcode code;

	must(m->n_rcpts > 0 && m->n_rcpts <= SMTPC_RCPTS_MAX);
	m->err = (struct err){ 0 };
	m->outcome = SMTPC_NOT_SENT;
	if (has_bad_address(m)) {
		err_set(&m->err, ERR_PERM,
			"an address can't stand in an SMTP command");
		return;
	}
	c->mail = m;
	rcpts = list_rcpts(m);
	code = perform(c, rcpts);
	judge(c, code);
	/* a kept connection that died, or whose server had enough of us */
	if (m->outcome == SMTPC_NOT_SENT && was_kept(c) && !c->is_aborted) {
		smtpc_hang_up(c);
		m->err = (struct err){ 0 };
		code = perform(c, rcpts);
		judge(c, code);
	}
	curl_easy_setopt(c->easy, CURLOPT_MAIL_RCPT, NULL);
	curl_slist_free_all(rcpts);
	if (m->outcome != SMTPC_ANSWERED)
		smtpc_hang_up(c);
	c->mail = NULL;
}
