/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * quote_field.c - the header lines that mail programs write above what they
 * quote or forward: "From:", "Von:", "De :", in the languages of the programs.
 */
#include "inside.h"

static const struct name {
	enum quote_role role;
	const char *text;
} names[] = {
	{ QUOTE_FROM, "from" },
	{ QUOTE_FROM, "von" },
	{ QUOTE_FROM, "de" },
	{ QUOTE_FROM, "da" },
	{ QUOTE_FROM, "van" },
	{ QUOTE_FROM, "fra" },
	{ QUOTE_FROM, "fr\xc3\xa5n" },
	{ QUOTE_FROM, "od" },
	{ QUOTE_FROM, "l\xc3\xa4hett\xc3\xa4j\xc3\xa4" },
	{ QUOTE_FROM, "felad\xc3\xb3" },
	{ QUOTE_FROM, "\xd0\x9e\xd1\x82" },
	{ QUOTE_FROM, "\xd0\x9e\xd1\x82 \xd0\xba\xd0\xbe\xd0\xb3\xd0\xbe" },
	{ QUOTE_FROM, "g\xc3\xb6nderen" },
	{ QUOTE_FROM, "kimden" },
	{ QUOTE_FROM, "\xe5\x8f\x91\xe4\xbb\xb6\xe4\xba\xba" },
	{ QUOTE_FROM, "\xe5\xaf\x84\xe4\xbb\xb6\xe8\x80\x85" },
	{ QUOTE_FROM, "\xe5\xb7\xae\xe5\x87\xba\xe4\xba\xba" },
	{ QUOTE_FROM, "\xeb\xb3\xb4\xeb\x82\xb8 \xec\x82\xac\xeb\x9e\x8c" },
	{ QUOTE_FROM, "expediteur" },
	{ QUOTE_FROM, "exp\xc3\xa9"
		      "diteur" },
	{ QUOTE_FROM, "remitente" },
	{ QUOTE_FROM, "mittente" },
	{ QUOTE_DATE, "sent" },
	{ QUOTE_DATE, "date" },
	{ QUOTE_DATE, "gesendet" },
	{ QUOTE_DATE, "datum" },
	{ QUOTE_DATE, "envoy\xc3\xa9" },
	{ QUOTE_DATE, "enviado" },
	{ QUOTE_DATE, "enviado el" },
	{ QUOTE_DATE, "enviada em" },
	{ QUOTE_DATE, "fecha" },
	{ QUOTE_DATE, "data" },
	{ QUOTE_DATE, "inviato" },
	{ QUOTE_DATE, "verzonden" },
	{ QUOTE_DATE, "skickat" },
	{ QUOTE_DATE, "sendt" },
	{ QUOTE_DATE, "dato" },
	{ QUOTE_DATE, "wys\xc5\x82"
		      "ano" },
	{ QUOTE_DATE, "odesl\xc3\xa1no" },
	{ QUOTE_DATE, "l\xc3\xa4hetetty" },
	{ QUOTE_DATE, "p\xc3\xa4iv\xc3\xa4ys" },
	{ QUOTE_DATE, "k\xc3\xbcldve" },
	{ QUOTE_DATE, "d\xc3\xa1tum" },
	{ QUOTE_DATE, "tarih" },
	{ QUOTE_DATE, "\xd0\x94\xd0\xb0\xd1\x82\xd0\xb0" },
	{ QUOTE_DATE,
		"\xd0\x9e\xd1\x82\xd0\xbf\xd1\x80\xd0\xb0\xd0\xb2\xd0\xbb\xd0"
		"\xb5\xd0\xbd\xd0\xbe" },
	{ QUOTE_DATE, "\xe5\x8f\x91\xe9\x80\x81\xe6\x97\xb6\xe9\x97\xb4" },
	{ QUOTE_DATE, "\xe6\x97\xa5\xe6\x9c\x9f" },
	{ QUOTE_DATE, "\xe9\x80\x81\xe4\xbf\xa1\xe6\x97\xa5\xe6\x99\x82" },
	{ QUOTE_DATE, "\xe6\x97\xa5\xe6\x99\x82" },
	{ QUOTE_TO, "to" },
	{ QUOTE_TO, "an" },
	{ QUOTE_TO, "\xc3\x80" },
	{ QUOTE_TO, "\xc3\xa0" },
	{ QUOTE_TO, "para" },
	{ QUOTE_TO, "a" },
	{ QUOTE_TO, "per" },
	{ QUOTE_TO, "aan" },
	{ QUOTE_TO, "till" },
	{ QUOTE_TO, "til" },
	{ QUOTE_TO, "do" },
	{ QUOTE_TO, "komu" },
	{ QUOTE_TO, "vastaanottaja" },
	{ QUOTE_TO, "c\xc3\xadmzett" },
	{ QUOTE_TO, "kime" },
	{ QUOTE_TO, "destinatario" },
	{ QUOTE_TO, "\xd0\x9a\xd0\xbe\xd0\xbc\xd1\x83" },
	{ QUOTE_TO, "\xe6\x94\xb6\xe4\xbb\xb6\xe4\xba\xba" },
	{ QUOTE_TO, "\xe5\xae\x9b\xe5\x85\x88" },
	{ QUOTE_SUBJECT, "subject" },
	{ QUOTE_SUBJECT, "betreff" },
	{ QUOTE_SUBJECT, "objet" },
	{ QUOTE_SUBJECT, "asunto" },
	{ QUOTE_SUBJECT, "oggetto" },
	{ QUOTE_SUBJECT, "assunto" },
	{ QUOTE_SUBJECT, "onderwerp" },
	{ QUOTE_SUBJECT, "\xc3\xa4mne" },
	{ QUOTE_SUBJECT, "emne" },
	{ QUOTE_SUBJECT, "temat" },
	{ QUOTE_SUBJECT, "p\xc5\x99"
			 "edm\xc4\x9bt" },
	{ QUOTE_SUBJECT, "aihe" },
	{ QUOTE_SUBJECT, "t\xc3\xa1rgy" },
	{ QUOTE_SUBJECT, "konu" },
	{ QUOTE_SUBJECT, "\xd0\xa2\xd0\xb5\xd0\xbc\xd0\xb0" },
	{ QUOTE_SUBJECT, "\xe4\xb8\xbb\xe9\xa2\x98" },
	{ QUOTE_SUBJECT, "\xe4\xbb\xb6\xe5\x90\x8d" },
	{ QUOTE_OTHER, "cc" },
	{ QUOTE_OTHER, "bcc" },
	{ QUOTE_OTHER, "reply-to" },
	{ QUOTE_OTHER, "importance" },
	{ QUOTE_OTHER, "message-id" },
};

/* Takes ":" with blanks and emphasis around it off. */
static bool cut_colon(struct str *s)
{
	while (s->len && strchr("* \xc2\xa0", *s->p))
		*s = str_sub(*s, 1, SIZE_MAX);
	if (str_starts(*s, STR(":")))
		*s = str_sub(*s, 1, SIZE_MAX);
	else if (str_starts(*s, STR("\xef\xbc\x9a")))
		*s = str_sub(*s, 3, SIZE_MAX);
	else
		return false;
	while (s->len && *s->p == '*')
		*s = str_sub(*s, 1, SIZE_MAX);
	*s = str_trim(*s);
	return true;
}

enum quote_role quote_field(struct str line, struct str *value)
{
	line = str_trim(line);
	while (line.len && (*line.p == '*' || *line.p == '_'))
		line = str_sub(line, 1, SIZE_MAX);
	for (size_t i = 0; i < COUNT(names); i++) {
		struct str name = str_c(names[i].text), rest;
		if (!str_starts_case(line, name))
			continue;
		rest = str_sub(line, name.len, SIZE_MAX);
		if (!cut_colon(&rest))
			continue;
		*value = rest;
		return names[i].role;
	}
	return QUOTE_NO_FIELD;
}
