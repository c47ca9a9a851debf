/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * quote.c - the new part of a reply, by lines.
 *
 * What is cut is a tail: from an attribution ("On ... wrote:"), a block of
 * header lines, or a separator, to the end. It is cut only when nothing that
 * the sender wrote can be in it: below an attribution all must be quoted, else
 * the answers stand between the quotes and all is kept. One quote at the very
 * top with text below it is cut instead. What follows "-- " is the signature.
 * A forwarded mail is what the sender wants to be read: it stays. When the rest
 * would be empty, all is kept.
 */
#include "inside.h"

#define LINES_MAX 100000
#define ATTRIBUTION_LINES 4
#define ATTRIBUTION_MAX 400 /* bytes */
#define SIGNATURE_LINES_MAX 30

struct lines {
	struct str *items;
	size_t n;
};

static bool is_empty(struct str line)
{
	return str_trim(line).len == 0;
}

static bool is_quoted(struct str line)
{
	line = str_trim(line);
	/* "Ann <\nmailto:ann@x\n> wrote:", as some make of a link */
	if (str_eq(line, STR("> wrote:")))
		return false;
	return line.len && line.p[0] == '>' && !str_starts(line, STR(">From "));
}

/* ---- attributions ---- */

static const char *const wrote[] = { "wrote", "writes", "schrieb",
	"geschrieben",
	"a \xc3\xa9"
	"crit",
	"escribi\xc3\xb3", "ha scritto", "scrisse", "escreveu", "schreef",
	"skrev", "napisa\xc5\x82", "napsal",
	"nap\xc3\xad"
	"sal",
	"kirjoitti",
	"\xd0\xbd\xd0\xb0\xd0\xbf\xd0\xb8\xd1\x81\xd0\xb0"
	"\xd0\xbb",
	"\xd0\xbf\xd0\xb8\xd1\x88\xd0\xb5\xd1\x82",
	"\xd0\xbf\xd0\xb8\xd1\x81\xd0\xb0\xd0\xbb", "\xc3\xadrta", "a scris",
	"yazd\xc4\xb1", "\xce\xad\xce\xb3\xcf\x81\xce\xb1\xcf\x88\xce\xb5",
	"\xe5\x86\x99\xe9\x81\x93", "\xe5\xaf\xab\xe9\x81\x93",
	"\xe3\x81\xae\xe3\x83\xa1\xe3\x83\xbc\xe3\x83\xab",
	"\xeb\x8b\x98\xec\x9d\xb4", "viesti", "va escriure", "je napisal",
	"napisao", "ra\xc5\xa1\xc4\xabja", "kirjutas", "menulis",
	"vi\xe1\xba\xbft", "\xd7\x9b\xd7\xaa\xd7\x91",
	"\xd9\x83\xd8\xaa\xd8\xa8", "said", "napisana" };

/* How attributions begin: "On Monday", "Am 3.", "Le 4 janvier", "W dniu 5". */
static const char *const starters[] = { "on ", "am ", "le ", "el ", "il ",
	"op ", "den ", "em ", "w dniu ", "dne ", "p\xc3\xa5 ", "pada ", "at ",
	"in a message ", "quoting ", "\xd0\xb2 ", "v\xc3\xa0o ", "ngay ",
	"dana ", "mon", "tue", "wed", "thu", "fri", "sat", "sun", "a ",
	"wiadomo\xc5\x9b\xc4\x87 napisana", "----", "\xd0\xbf\xd0\xbd",
	"\xd0\xb2\xd1\x82", "\xd1\x81\xd1\x80", "\xd1\x87\xd1\x82",
	"\xd0\xbf\xd1\x82", "\xd1\x81\xd0\xb1", "\xd0\xb2\xd1\x81" };

static bool has_digit(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.p[i] >= '0' && s.p[i] <= '9')
			return true;
	return false;
}

/* A time of day, such as 10:04 or 10h04. */
static bool has_time(struct str s)
{
	for (size_t i = 1; i + 2 < s.len; i++)
		if ((s.p[i] == ':' || s.p[i] == 'h' || s.p[i] == '.') &&
			s.p[i - 1] >= '0' && s.p[i - 1] <= '9' &&
			s.p[i + 1] >= '0' && s.p[i + 1] <= '9' &&
			s.p[i + 2] >= '0' && s.p[i + 2] <= '9')
			return true;
	return false;
}

static bool ends_in_colon(struct str s)
{
	s = str_trim(s);
	return str_ends(s, STR(":")) || str_ends(s, STR("\xef\xbc\x9a"));
}

static bool begins_attribution(struct str line)
{
	if (!has_digit(line))
		return false;
	if (line.p[0] >= '1' && line.p[0] <= '3')
		return has_time(line);
	for (size_t i = 0; i < COUNT(starters); i++)
		if (str_starts_case(line, str_c(starters[i])))
			return true;
	return false;
}

/* "---- Ann wrote ----" */
static bool is_ruled_attribution(struct str line)
{
	return str_starts(line, STR("--")) && str_ends(line, STR("--")) &&
	       text_holds_one(line, wrote, COUNT(wrote));
}

/*
 * Do these words attribute what follows? A verb with a digit, time or address;
 * or without a verb that we know all of them, and a colon.
 */
static bool is_attribution(struct str all, struct str last, bool *is_sure)
{
	bool has_address = str_chr(all, '@') >= 0;
	bool ends_in_link = str_ends(last, STR(">")) && str_chr(last, '@') >= 0;

	if (!ends_in_colon(last) && !ends_in_link)
		return false;
	if (text_holds_one(all, wrote, COUNT(wrote))) {
		*is_sure = has_time(all) || has_address;
		return has_digit(all) || *is_sure;
	}
	*is_sure = has_time(all) && has_address && begins_attribution(all);
	return *is_sure;
}

/*
 * Joins up to four lines from `at` and asks whether they attribute a quote.
 * When a later one of them begins an attribution, this one is the sender's.
 * Returns: how many lines it takes, or 0. *is_sure: a time or address is in it.
 */
static size_t match_attribution(const struct lines *l, size_t at, bool *is_sure)
{
	char joined[ATTRIBUTION_MAX + 1];
	size_t len = 0, found = 0;

	if (is_ruled_attribution(str_trim(l->items[at]))) {
		*is_sure = true;
		return 1;
	}
	for (size_t n = 0; n < ATTRIBUTION_LINES && at + n < l->n; n++) {
		struct str line = str_trim(l->items[at + n]);
		if (!line.len || is_quoted(line) ||
			len + line.len + 1 > ATTRIBUTION_MAX ||
			(n && begins_attribution(line)))
			break;
		memcpy(joined + len, line.p, line.len);
		len += line.len;
		joined[len++] = ' ';
		if (!is_attribution(
			    str_trim(str_n(joined, len)), line, is_sure))
			continue;
		found = n + 1;
		/* behind an address the verb may follow */
		if (ends_in_colon(line))
			break;
	}
	return found;
}

/*
 * Lines right above a quote that reaches to the end need no verb: a date and a
 * name will do. Returns: where they begin, or `quote`.
 */
static size_t find_bare_attribution(const struct lines *l, size_t quote)
{
	size_t end = quote, begin;

	while (end && is_empty(l->items[end - 1]))
		end--;
	if (quote - end > 1)
		return quote;
	for (begin = end; begin && end - begin < ATTRIBUTION_LINES &&
			  !is_empty(l->items[begin - 1]) &&
			  !is_quoted(l->items[begin - 1]);
		begin--)
		if (begins_attribution(str_trim(l->items[begin - 1])) &&
			has_time(l->items[begin - 1]) &&
			l->items[begin - 1].len < 120)
			return begin - 1;
	return quote;
}

/* ---- header blocks and separators ---- */

static const char *const original_marks[] = { "original message",
	"original appointment", "urspr\xc3\xbcngliche nachricht",
	"originalnachricht", "urspr\xc3\xbcngliche mail", "message d'origine",
	"message original", "mensaje original", "messaggio originale",
	"mensagem original", "oorspronkelijk bericht",
	"ursprungligt meddelande", "oprindelig meddelelse",
	"opprinnelig melding", "alkuper\xc3\xa4inen viesti",
	"wiadomo\xc5\x9b\xc4\x87 oryginalna", "oryginalna wiadomo",
	"p\xc5\xafvodn\xc3\xad zpr\xc3\xa1va", "eredeti \xc3\xbczenet",
	("\xe5\x8e\x9f\xe5\xa7\x8b\xe9\x82\xae\xe4\xbb"
	 "\xb6"),
	"reply message", "antwort nachricht", "reply above this line",
	"your reply above",
	"\xd0\x98\xd1\x81\xd1\x85\xd0\xbe\xd0\xb4\xd0\xbd\xd0\xbe\xd0\xb5" };

static const char *const forward_marks[] = { "forwarded message",
	"begin forwarded", "weitergeleitete nachricht",
	"anfang der weitergeleiteten", "message transf\xc3\xa9r\xc3\xa9",
	"mensaje reenviado", "messaggio inoltrato", "mensagem encaminhada",
	"doorgestuurd bericht", "vidarebefordrat", "videresendt",
	"przekazana wiadomo", "v\xc3\xa4litetty viesti",
	"d\xc3\xa9"
	"but du message r\xc3\xa9"
	"exp\xc3\xa9"
	"di\xc3\xa9",
	"inicio del mensaje reenviado", "inizio messaggio inoltrato",
	"\xd0\xbf\xd0\xb5\xd1\x80\xd0\xb5\xd1\x81\xd1\x8b\xd0\xbb",
	"\xe8\xbd\xac\xe5\x8f\x91", "\xe8\xbd\x89\xe5\xaf\x84",
	"\xe8\xbb\xa2\xe9\x80\x81" };

/* A line of dashes or underscores, perhaps with words between. */
static bool is_ruled(struct str line)
{
	line = str_trim(line);
	return line.len > 4 &&
	       (str_starts(line, STR("--")) || str_starts(line, STR("__")) ||
		       str_starts(line, STR("==")) ||
		       str_starts(line, STR("- ---")));
}

/* Nothing but dashes or underscores; "-- " is a signature's mark. */
static bool is_bare_rule(struct str line)
{
	line = str_trim(line);
	for (size_t i = 0; i < line.len; i++)
		if (line.p[i] != '-' && line.p[i] != '_' && line.p[i] != '=')
			return false;
	return line.len > 4;
}

bool quote_is_forward_mark(struct str line)
{
	return line.len < 200 && (is_ruled(line) || ends_in_colon(line)) &&
	       text_holds_one(line, forward_marks, COUNT(forward_marks));
}

static bool is_original_mark(struct str line)
{
	return line.len < 120 &&
	       (is_ruled(line) || str_starts(str_trim(line), STR("##"))) &&
	       text_holds_one(line, original_marks, COUNT(original_marks));
}

/* Counts the field lines from `at`; the block may be spaced out. */
static size_t count_fields(const struct lines *l, size_t at, bool *has_from)
{
	size_t n = 0, n_looked = 0;
	enum quote_role role;
	struct str value;

	*has_from = false;
	for (size_t i = at; i < l->n && n_looked < 8; i++) {
		if (is_empty(l->items[i]) && n == 1 && i > at + 1)
			break;
		if (is_empty(l->items[i]))
			continue;
		n_looked++;
		role = quote_field(l->items[i], &value);
		*has_from |= role == QUOTE_FROM;
		n += role != QUOTE_NO_FIELD;
	}
	return n;
}

static bool is_rule_above(const struct lines *l, size_t at)
{
	while (at && is_empty(l->items[at - 1]))
		at--;
	return at && is_bare_rule(l->items[at - 1]);
}

/*
 * Outlook's "From: / Sent: / To:", three in a row; two below a rule. When the
 * first is another than From, four, or three below a rule.
 */
static bool is_header_block(const struct lines *l, size_t at)
{
	struct str value;
	enum quote_role role = quote_field(l->items[at], &value);
	size_t least = role == QUOTE_FROM ? 3 : 4;
	bool has_from;

	if (role == QUOTE_NO_FIELD)
		return false;
	if (is_rule_above(l, at))
		least--;
	return count_fields(l, at, &has_from) >= least && has_from;
}

/* ---- deciding ---- */

/* A link that was too long for the quoted line, on a line of its own. */
static bool is_torn(const struct lines *l, size_t i)
{
	return i && i + 1 < l->n && is_quoted(l->items[i - 1]) &&
	       is_quoted(l->items[i + 1]) &&
	       (str_find(l->items[i], STR("://")) >= 0 ||
		       (str_find(l->items[i - 1], STR("://")) >= 0 &&
			       str_ends(l->items[i], STR(")"))));
}

/* Tells whether from `at` on nothing is left but quotes and empty lines. */
static bool is_all_quoted(const struct lines *l, size_t at, size_t *n_quoted)
{
	*n_quoted = 0;
	for (size_t i = at; i < l->n; i++) {
		if (is_quoted(l->items[i]))
			++*n_quoted;
		else if (!is_empty(l->items[i]) && !is_torn(l, i))
			return false;
	}
	return true;
}

/* The same of "| ", with which some programs quote. */
static bool is_all_barred(const struct lines *l, size_t at)
{
	size_t n = 0;

	for (size_t i = at; i < l->n; i++) {
		struct str line = str_trim(l->items[i]);
		n += line.len && line.p[0] == '|';
		if (line.len && line.p[0] != '|')
			return false;
	}
	return n > 0;
}

/* The signature below the quotes is no answer between them. */
static size_t end_without_signature(const struct lines *l)
{
	for (size_t i = l->n; i-- > 0 && l->n - i <= SIGNATURE_LINES_MAX;) {
		struct str line = l->items[i];
		while (line.len && line.p[line.len - 1] == '\r')
			line.len--;
		if (str_eq(line, STR("-- ")) || str_eq(line, STR("--")))
			return i;
		if (is_quoted(line))
			break;
	}
	return l->n;
}

/* A rule above a header block belongs to it. */
static size_t skip_rules_above(const struct lines *l, size_t i)
{
	while (i &&
		(is_empty(l->items[i - 1]) || is_bare_rule(l->items[i - 1])))
		i--;
	return i;
}

/* Returns: the first line of the tail that is quoted, or l->n. */
static size_t find_tail(const struct lines *l)
{
	struct lines body = { l->items, end_without_signature(l) };

	for (size_t i = 0; i < l->n; i++) {
		struct str line = l->items[i];
		bool is_sure = false;
		size_t n, n_quoted;
		if (is_empty(line))
			continue;
		if (quote_is_forward_mark(line))
			return l->n;
		if (is_original_mark(line) || is_header_block(l, i))
			return skip_rules_above(l, i);
		if (is_quoted(line)) {
			if (is_all_quoted(&body, i, &n_quoted))
				return find_bare_attribution(l, i);
			continue;
		}
		n = match_attribution(l, i, &is_sure);
		if (n == 0 && begins_attribution(str_trim(line)) &&
			is_all_barred(&body, i + 1))
			return i;
		if (n == 0)
			continue;
		if (is_all_quoted(&body, i + n, &n_quoted)) {
			if (n_quoted || is_sure)
				return i;
		} else if (is_sure) {
			/* not marked by ">" at all: it is a tail all the
			 * same when no quote mark follows anywhere */
			bool has_mark = false;
			for (size_t k = i + n; k < l->n && !has_mark; k++)
				has_mark = is_quoted(l->items[k]);
			if (!has_mark)
				return i;
		}
	}
	return l->n;
}

/* One quote at the top, then only the sender's words. Returns: its end. */
static size_t find_head(const struct lines *l)
{
	size_t i = 0, n;
	bool is_sure;

	while (i < l->n && is_empty(l->items[i]))
		i++;
	if (i == l->n)
		return 0;
	n = is_quoted(l->items[i]) ? 0 : match_attribution(l, i, &is_sure);
	i += n;
	while (i < l->n && is_empty(l->items[i]))
		i++;
	if (i == l->n || !is_quoted(l->items[i]))
		return 0;
	while (i < l->n && (is_quoted(l->items[i]) || is_empty(l->items[i])))
		i++;
	for (size_t k = i; k < l->n; k++)
		if (is_quoted(l->items[k]))
			return 0;
	return i == l->n ? 0 : i;
}

static const char *const mobile_marks[] = { "sent from my ", "get outlook for ",
	"sent from mail for windows", "sent from outlook",
	"von meinem iphone gesendet", "von meinem ipad gesendet",
	"gesendet von mein", "envoy\xc3\xa9 de mon", "enviado desde mi ",
	"inviato da iphone", "inviato dal mio", "verstuurd vanaf mijn",
	"verzonden vanaf mijn", "enviado do meu", "skickat fr\xc3\xa5n min",
	"sendt fra min", "l\xc3\xa4hetetty ",
	("wys\xc5\x82"
	 "ane z iphone"),
	"sent from yahoo mail", "diese nachricht wurde von meinem android" };

#define MOBILE_MAX 60 /* bytes; a longer line is a sentence */

static bool is_mobile_mark(struct str line)
{
	if (line.len > MOBILE_MAX && str_chr(line, '<') < 0)
		return false;
	if (!line.len || str_chr(line, ',') >= 0)
		return false;
	for (size_t i = 0; i < COUNT(mobile_marks); i++)
		if (str_starts_case(line, str_c(mobile_marks[i])))
			return true;
	return false;
}

/* Returns: the line where the signature begins within [from, end), or end. */
static size_t find_signature(const struct lines *l, size_t from, size_t end)
{
	size_t n_filled = 0;

	for (size_t i = end; i-- > from && end - i <= SIGNATURE_LINES_MAX;) {
		struct str line = l->items[i], trimmed = str_trim(line);
		if (str_eq(line, STR("-- ")) ||
			(str_eq(trimmed, STR("--")) && i > from))
			return i;
		n_filled += trimmed.len > 0;
		if (n_filled == 1 && is_mobile_mark(trimmed))
			return i;
	}
	return end;
}

static struct str between(const struct lines *l, size_t from, size_t end)
{
	const char *last;

	while (from < end && is_empty(l->items[from]))
		from++;
	while (end > from && is_empty(l->items[end - 1]))
		end--;
	if (from == end)
		return STR("");
	last = l->items[end - 1].p + l->items[end - 1].len;
	return str_n(l->items[from].p, (size_t)(last - l->items[from].p));
}

void quote_split(struct arena *a, struct str text, struct str *reply,
	struct str *signature)
{
	struct lines l = { 0 };
	struct str rest = text, line;
	size_t n = 1, tail, head = 0, sign;

	*reply = text;
	*signature = STR("");
	for (size_t i = 0; i < text.len; i++)
		n += text.p[i] == '\n';
	if (n > LINES_MAX || text.len == 0)
		return;
	l.items = arena_array(a, n, sizeof(*l.items));
	while (l.n < n && str_cut_line(&rest, &line))
		l.items[l.n++] = line;
	tail = find_tail(&l);
	if (tail == l.n)
		head = find_head(&l);
	sign = find_signature(&l, head, tail);
	if (between(&l, head, sign).len == 0) {
		/* nothing of the sender's own: all of it is what he sends */
		if (between(&l, head, tail).len == 0)
			return;
		sign = tail;
	}
	*reply = between(&l, head, sign);
	*signature = between(&l, sign < tail ? sign + 1 : sign, tail);
	if (sign < tail && signature->len == 0)
		*signature = between(&l, sign, tail);
}

struct str mail_reply(struct mail *m)
{
	if (!m->has_reply) {
		quote_split(m->arena, mail_text(m), &m->reply, &m->signature);
		m->has_reply = true;
	}
	return m->reply;
}
