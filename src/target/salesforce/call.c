/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * call.c - one API call: the token before it, the sorting of answers after it.
 *
 * Calls that find no token wait in the session; the first one sets out for it,
 * so that any number of waiting calls cause one login. A 401 makes the token
 * void if it is still the one that the call used, and the call is sent again,
 * once. What fails comes back sorted by class; what nobody answered comes back
 * as unclear.
 */
#include "client.h"

#include <string.h>

#include <mailmill/enc.h>
#include <mailmill/fault.h>
#include <mailmill/log.h>

#define TOKEN_PATH "/services/oauth2/token"
#define LOGIN_AGAIN_MS 2000    /* after trouble on the way */
#define LOGIN_REFUSED_MS 60000 /* after a refusal: a person must act */
#define LOST_RETRY_MS 1000
#define TIMEOUT_RETRY_MS 30000 /* it may still be at work on it */
#define RETRY_AFTER_MAX 86400

static void start_call(struct sf_call *c);

struct sf_call *sf_call_new(struct sf *sf, const char *method, const char *path,
	sf_call_fn done, void *ctx)
{
	struct sf_call *c = NEW(struct sf_call);

	c->arena = arena_new();
	c->sf = sf;
	c->path = arena_strdup(c->arena, path);
	c->done = done;
	c->ctx = ctx;
	c->fault_before = "target.call.before";
	c->fault_after = "target.call.after";
	list_init(&c->link);
	c->http.method = method;
	c->http.timeout_ms = sf->conf.timeout_ms;
	c->http.answer_max = SF_ANSWER_MAX;
	c->http.headers = c->headers;
	c->http.n_headers = 1; /* room for Authorization */
	sf_call_header(c, "Accept: application/json");
	return c;
}

void sf_call_header(struct sf_call *c, const char *line)
{
	must(c->http.n_headers < SF_HEADERS_MAX);
	c->headers[c->http.n_headers++] = arena_strdup(c->arena, line);
}

static void free_call(struct sf_call *c)
{
	list_del(&c->link);
	httpc_call_fini(&c->http);
	json_decref(c->json);
	arena_free(c->arena);
	free(c);
}

static void end_call(struct sf_call *c)
{
	c->done(c);
	free_call(c);
}

static void fail_call(struct sf_call *c, enum sf_class class, bool is_unclear,
	int64_t retry_ms, const char *fmt, const char *why)
{
	c->is_good = false;
	c->fail = (struct sf_failure){ .class = class,
		.is_unclear = is_unclear,
		.retry_ms = retry_ms,
		.code = "",
		.reason = str_c(arena_printf(c->arena, "%s%s", fmt, why)) };
}

/* ---- login ------------------------------------------------------------ */

void sf_session_init(struct sf_session *s)
{
	list_init(&s->waiting);
}

static void forget_token(struct sf_session *s)
{
	if (s->authorization)
		explicit_bzero(s->authorization, strlen(s->authorization));
	free(TAKE(s->authorization));
	free(TAKE(s->base_url));
	s->state = SF_LOGIN_NONE;
}

void sf_session_fini(struct sf_session *s)
{
	struct sf_call *c;

	while ((c = LIST_FIRST(&s->waiting, struct sf_call, link))) {
		list_del(&c->link);
		fail_call(c, SF_AGAIN, false, 0, "", "the target is closing");
		end_call(c);
	}
	forget_token(s);
}

static void fail_waiting(struct sf *sf)
{
	struct sf_session *s = &sf->session;
	bool is_conf = s->err.kind == ERR_CONF;
	struct list calls;
	struct sf_call *c;

	list_init(&calls);
	list_move_all(&calls, &s->waiting);
	while ((c = LIST_FIRST(&calls, struct sf_call, link))) {
		list_del(&c->link);
		fail_call(c, is_conf ? SF_OPERATOR : SF_AGAIN, false,
			MAX(s->not_before - sf->now, 1), "", s->err.text);
		end_call(c);
	}
}

static void send_waiting(struct sf *sf)
{
	struct list calls;
	struct sf_call *c;

	list_init(&calls);
	list_move_all(&calls, &sf->session.waiting);
	while ((c = LIST_FIRST(&calls, struct sf_call, link))) {
		list_del(&c->link);
		start_call(c);
	}
}

static void login_failed(struct sf *sf, int64_t retry_ms)
{
	struct sf_session *s = &sf->session;

	s->state = SF_LOGIN_NONE;
	if (retry_ms == 0)
		retry_ms = s->err.kind == ERR_CONF ? LOGIN_REFUSED_MS
						   : LOGIN_AGAIN_MS;
	s->not_before = sf->now + retry_ms;
	if (!s->has_failed && !sf->is_closing)
		log_event(s->err.kind == ERR_CONF ? LOG_ERROR : LOG_WARN,
			"target.login", "target=%s failed=\"%s\"",
			sf->base.name, s->err.text);
	s->has_failed = true;
	fail_waiting(sf);
}

static int check_instance(const struct sf *sf, struct str url, struct err *err)
{
	if (url.len == 0 || str_starts(url, STR("https://")))
		return 0;
	if (str_starts(url, STR("http://")) &&
		str_starts(str_c(sf->conf.login_url), STR("http://")))
		return 0;
	return err_set(err, ERR_CONF,
		"login: instance_url is not https: \"%.*s\"",
		STR_ARG(str_sub(url, 0, 100)));
}

static void take_token(struct sf *sf, const struct oauth_token *token)
{
	struct sf_session *s = &sf->session;
	struct str url = token->instance_url;

	forget_token(s);
	s->authorization = mem_printf(
		"Authorization: Bearer %.*s", STR_ARG(token->token));
	s->base_url = url.len > 0 ? str_dup(url)
				  : mem_strdup(sf->conf.login_url);
	s->state = SF_LOGIN_READY;
	s->login++;
	if (s->has_failed || s->login == 1)
		log_event(LOG_INFO, "target.login", "target=%s instance=%s",
			sf->base.name, s->base_url);
	s->has_failed = false;
	send_waiting(sf);
}

static void on_login(struct httpc_call *http)
{
	struct sf_call *c = http->ctx;
	struct sf *sf = c->sf;
	struct oauth_token token = { .retry_ms = 0 };
	struct err *err = &sf->session.err;
	int rc = -1;

	sf->now = clock_mono_ms();
	explicit_bzero((char *)(uintptr_t)http->body.p, http->body.len);
	*err = (struct err){ 0 };
	if (http->outcome != HTTPC_ANSWERED)
		err_set(err, http->err.kind, "login: %s", http->err.text);
	else if (!oauth_read_answer(c->arena, http->status,
			 buf_view(&http->body_in), &token, err))
		rc = check_instance(sf, token.instance_url, err);
	if (http->body_in.p)
		explicit_bzero(http->body_in.p, http->body_in.len);
	if (rc == 0)
		take_token(sf, &token);
	else
		login_failed(sf, token.retry_ms);
	free_call(c);
}

static void log_in(struct sf *sf)
{
	struct sf_session *s = &sf->session;
	AUTO(buf) struct buf form = BUF_INIT((size_t)64 << 10);
	struct sf_call *c;

	s->err = (struct err){ 0 };
	if (oauth_write_request(&sf->oauth, clock_wall_ms(), &form, &s->err)) {
		login_failed(sf, 0);
		return;
	}
	s->state = SF_LOGIN_ASKING;
	c = sf_call_new(sf, "POST", "", NULL, NULL);
	c->headers[0] = "Content-Type: application/x-www-form-urlencoded";
	c->http.url = arena_printf(
		c->arena, "%s" TOKEN_PATH, sf->conf.login_url);
	c->http.body = arena_str(c->arena, buf_view(&form));
	c->http.answer_max = OAUTH_ANSWER_MAX;
	c->http.done = on_login;
	c->http.ctx = c;
	explicit_bzero(form.p, form.len);
	httpc_start(sf->http, &c->http);
}

/* ---- answers ---------------------------------------------------------- */

static int64_t retry_after_ms(const struct httpc_call *http)
{
	uint64_t seconds;

	if (str_to_u64(httpc_header(http, "Retry-After"), RETRY_AFTER_MAX,
		    &seconds))
		return 0;
	return (int64_t)seconds * 1000;
}

static void read_failure(struct sf_call *c)
{
	const struct httpc_call *http = &c->http;
	json_t *json = json_loadb(http->body_in.p ? http->body_in.p : "",
		http->body_in.len, 0, NULL);
	int64_t after = retry_after_ms(http);

	sf_error_read(c->arena, json, http->status, &c->fail);
	c->fail.is_unclear = http->status >= 500;
	if (after > 0)
		c->fail.retry_ms = after;
	if (c->fail.class == SF_LATER) {
		sf_limits_pause(&c->sf->limits, c->sf->now, after);
		c->fail.retry_ms = MAX(c->fail.retry_ms,
			c->sf->limits.pause_until - c->sf->now);
	}
	json_decref(json);
}

static void read_success(struct sf_call *c)
{
	const struct buf *body = &c->http.body_in;
	json_error_t error;

	sf_limits_passed(&c->sf->limits);
	if (c->http.status == 204 || body->len == 0) {
		c->is_good = c->http.status != 200;
		if (!c->is_good)
			fail_call(c, SF_AGAIN, true, LOST_RETRY_MS, "",
				"an empty answer");
		return;
	}
	c->json = json_loadb(body->p, body->len, 0, &error);
	c->is_good = c->json != NULL;
	if (!c->is_good)
		fail_call(c, SF_AGAIN, true, LOST_RETRY_MS,
			"the answer is no JSON: ", error.text);
}

static void read_loss(struct sf_call *c)
{
	const struct httpc_call *http = &c->http;

	if (http->outcome == HTTPC_NOT_SENT)
		fail_call(c,
			http->err.kind == ERR_CONF ? SF_OPERATOR : SF_AGAIN,
			false, 0, "not sent: ", http->err.text);
	else
		fail_call(c, SF_AGAIN, true,
			http->is_timeout ? TIMEOUT_RETRY_MS : LOST_RETRY_MS,
			"sent, but no answer came: ", http->err.text);
}

/* Returns: true when the call was sent again with a new token. */
static bool log_in_anew(struct sf_call *c)
{
	struct sf_session *s = &c->sf->session;

	if (c->fail.class != SF_AUTH || c->was_repeated)
		return false;
	if (c->login == s->login)
		forget_token(s);
	c->was_repeated = true;
	sf_call_send(c);
	return true;
}

static void on_answer(struct httpc_call *http)
{
	struct sf_call *c = http->ctx;

	c->sf->now = clock_mono_ms();
	if (fault_point(c->fault_after)) {
		http->outcome = HTTPC_LOST;
		err_set(&http->err, ERR_TEMP, "a fault was ordered");
	}
	if (http->outcome == HTTPC_ANSWERED)
		sf_limits_read(&c->sf->limits,
			httpc_header(http, "Sforce-Limit-Info"));
	if (http->outcome != HTTPC_ANSWERED)
		read_loss(c);
	else if (http->status >= 200 && http->status < 300)
		read_success(c);
	else
		read_failure(c);
	if (!c->is_good && log_in_anew(c))
		return;
	end_call(c);
}

static void start_call(struct sf_call *c)
{
	struct sf *sf = c->sf;

	if (fault_point(c->fault_before)) {
		fail_call(c, SF_AGAIN, false, 0, "", "a fault was ordered");
		end_call(c);
		return;
	}
	sf_count(sf, c->was_repeated);
	sf_limits_called(&sf->limits, sf->now);
	c->login = sf->session.login;
	/* copied, as a login may replace it while this call is under way */
	c->headers[0] = arena_strdup(c->arena, sf->session.authorization);
	c->http.url = arena_printf(
		c->arena, "%s%s", sf->session.base_url, c->path);
	c->http.done = on_answer;
	c->http.ctx = c;
	if (c->rewind)
		c->rewind(c);
	httpc_start(sf->http, &c->http);
}

void sf_call_send(struct sf_call *c)
{
	struct sf *sf = c->sf;
	struct sf_session *s = &sf->session;

	if (sf->is_closing) {
		fail_call(c, SF_AGAIN, false, 0, "", "the target is closing");
		end_call(c);
		return;
	}
	if (s->state == SF_LOGIN_READY) {
		start_call(c);
		return;
	}
	list_add(&s->waiting, &c->link);
	if (s->state == SF_LOGIN_ASKING)
		return;
	if (sf->now < s->not_before)
		fail_waiting(sf);
	else
		log_in(sf);
}
