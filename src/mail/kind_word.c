/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * kind_word.c - the words of programs that write mail, in their languages.
 *
 * Subjects and sentences that mail systems and mail programs are known to
 * write. They count beside a sign in the header or the structure, never alone.
 */
#include "inside.h"

static const char *const delays[] = { "delivery status notification (delay)",
	"warning: could not send", "warning--could not send",
	"warning: message", "delayed mail", "delayed:", "delivery delayed",
	"mail delivery delayed", "message delayed", "mail delayed",
	"temporarily undeliverable", "delivery has been delayed",
	"still being retried", "not yet been delivered", "delivery is delayed",
	"verz\xc3\xb6gert", "verz\xc3\xb6gerung", "entrega retrasada",
	"retraso en la entrega",
	("remise retard\xc3\xa9"
	 "e"),
	"retard de remise",
	("remise diff\xc3\xa9r\xc3\xa9"
	 "e"),
	"consegna ritardata", "ritardo nel recapito", "ritardo nella consegna",
	"bezorging vertraagd", "vertraging", "entrega adiada",
	"atraso na entrega", "op\xc3\xb3\xc5\xbanion",
	"leverans f\xc3\xb6rsenad", "f\xc3\xb6rsenad", "forsinket",
	"toimitus viiv\xc3\xa4sty",
	"\xd0\xb4\xd0\xbe\xd1\x81\xd1\x82\xd0\xb0\xd0\xb2\xd0\xba\xd0\xb0 "
	"\xd0\xb7\xd0\xb0\xd0\xb4\xd0\xb5\xd1\x80\xd0\xb6",
	"\xd0\xb7\xd0\xb0\xd0\xb4\xd0\xb5\xd1\x80\xd0\xb6\xd0\xba\xd0\xb0 "
	"\xd0\xb4\xd0\xbe\xd1\x81\xd1\x82\xd0\xb0\xd0\xb2\xd0\xba\xd0\xb8",
	"\xe9\x85\x8d\xe4\xbf\xa1\xe9\x81\x85\xe5\xbb\xb6",
	"\xe9\x85\x8d\xe4\xbf\xa1\xe3\x81\x8c\xe9\x81\x85\xe3\x82\x8c",
	"\xe9\x82\xae\xe4\xbb\xb6\xe5\xbb\xb6\xe8\xbf\x9f",
	"\xe5\xbb\xb6\xe8\xbf\x9f\xe6\x8a\x95\xe9\x80\x92",
	"\xe9\x83\xb5\xe4\xbb\xb6\xe5\xbb\xb6\xe9\x81\xb2",
	"\xec\xa0\x84\xec\x86\xa1 \xec\xa7\x80\xec\x97\xb0",
	("doru\xc4\x8d"
	 "en\xc3\xad zpo\xc5\xbe"
	 "d\xc4\x9bno"),
	"teslim gecik" };

static const char *const bounces[] = { "undeliver", "undelivered mail",
	"\xe4\xbc\xa0\xe8\xbe\x93\xe5\xa4\xb1\xe8\xb4\xa5",
	"\xe5\x82\xb3\xe8\xbc\xb8\xe5\xa4\xb1\xe6\x95\x97",
	"delivery status notification", "mail delivery fail", "returned mail",
	"failure notice", "delivery failure", "delivery fail", "nondeliverable",
	"non-deliver", "nondelivery", "non recapitabile", "unzustellbar",
	"nicht zustellbar", "rejected mail", "mail system error",
	"returned to sender", "delivery report", "delivery notification",
	"message not delivered", "mail could not be delivered",
	"could not be delivered", "mail delivery problem", "mail failed",
	"mail status report", "mail rejected", "delivery error", "failed mail",
	"failed delivery", "message delivery failure", "email delivery failure",
	"warning: e-mail virus", "erreur d'acheminement", "non remis",
	"no se puede entregar", "\xe9\x85\x8d\xe4\xbf\xa1",
	"nepodarilo se dorucit", "ne peut etre", "returned to", "mail returned",
	"permanent delivery failure", "unable to deliver", "not delivered",
	"wurde nicht zugestellt", "address unknown", "user unknown",
	"delivery unsuccessful", "failure delivery", "error during delivery",
	"error sending your mail",
	"\xe3\x83\xa1\xe3\x83\xbc\xe3\x83\xab\xe3\x82\xa8\xe3\x83\xa9\xe3\x83"
	"\xbc",
	"could not send", "bounce notification", "automatically rejected mail",
	"email bounce", "mail bounced", "message rejected",
	"message undelivered", "not deliver your message",
	"delivery has failed", "could not deliver", "cannot deliver",
	"can't deliver", "problem delivering", "returning message to sender",
	"return mail", "error in delivery", "message status - undeliverable",
	/* German */
	"zustellung fehlgeschlagen", "zustellung der nachricht",
	"zustellfehler", "fehler beim zustellen", "nicht zugestellt",
	"zustellbenachrichtigung", "nachricht unzustellbar",
	("\xc3\xbc"
	 "bermittlungsstatus"),
	"unzustellbare",
	/* French */
	("\xc3\xa9"
	 "chec de la remise"),
	("\xc3\xa9"
	 "chec de remise"),
	"echec de la remise", "message non d\xc3\xa9livr\xc3\xa9", "non remise",
	"non distribu", "non livr\xc3\xa9", "impossible de remettre",
	("\xc3\xa9"
	 "chec de distribution"),
	"notification d'\xc3\xa9tat de remise", "courrier non remis",
	("retour \xc3\xa0 l'exp\xc3\xa9"
	 "diteur"),
	/* Spanish, Portuguese, Italian */
	"no se pudo entregar", "no entregado", "error de entrega",
	"fallo en la entrega", "no se ha podido entregar", "correo devuelto",
	"mensaje no entregado", "notificaci\xc3\xb3n de estado de entrega",
	"n\xc3\xa3o entregue",
	("n\xc3\xa3o p\xc3\xb4"
	 "de ser entregue"),
	"falha na entrega", "falha ao entregar",
	"notifica\xc3\xa7\xc3\xa3o de status de entrega",
	"n\xc3\xa3o foi poss\xc3\xadvel entregar", "mensagem devolvida",
	"mancato recapito", "mancata consegna", "consegna non riuscita",
	"messaggio non recapitato", "impossibile recapitare", "non consegnat",
	"notifica sullo stato del recapito", "errore di consegna",
	/* Dutch, Scandinavian, Finnish */
	"onbestelbaar", "niet bezorgd", "niet worden bezorgd",
	"bezorging mislukt", "kan niet worden afgeleverd", "niet afgeleverd",
	"kunde inte levereras", "kan inte levereras", "olevererbart",
	"gick inte att leverera", "leveransfel", "kunne ikke leveres",
	"kan ikke leveres", "ikke leveret", "ikke levert", "uleverbar",
	"ei voitu toimittaa", "toimitus ep\xc3\xa4onnistui",
	"perille toimittamaton",
	/* Polish, Czech, Slovak, Hungarian, Romanian, Turkish, Greek */
	"niedostarcz", "nie mo\xc5\xbcna dostarczy\xc4\x87", "nie dostarczono",
	"zwrot wiadomo",
	("b\xc5\x82\xc4\x85"
	 "d dostarczania"),
	"nedoru\xc4\x8diteln",
	("nedoru\xc4\x8d"
	 "en"),
	"nelze doru\xc4\x8dit", "nepoda\xc5\x99ilo se doru\xc4\x8dit",
	"nepodarilo sa doru\xc4\x8di\xc5\xa5",
	"nem k\xc3\xa9zbes\xc3\xadthet\xc5\x91",
	"k\xc3\xa9zbes\xc3\xadthetetlen",
	"sikertelen k\xc3\xa9zbes\xc3\xadt\xc3\xa9s", "nu a putut fi livrat",
	"nelivrat", "teslim edilemedi", "g\xc3\xb6nderilemedi", "iletilemedi",
	"\xce\xb4\xce\xb5\xce\xbd "
	"\xcf\x80\xce\xb1\xcf\x81\xce\xb1\xce\xb4\xcf\x8c\xce\xb8\xce\xb7\xce"
	"\xba\xce\xb5",
	"\xce\xbc\xce\xb7 "
	"\xcf\x80\xce\xb1\xcf\x81\xce\xb1\xce\xb4\xce\xbf\xcf\x84\xce\xad\xce"
	"\xbf",
	/* Russian, Ukrainian */
	"\xd0\xbd\xd0\xb5 "
	"\xd0\xb4\xd0\xbe\xd1\x81\xd1\x82\xd0\xb0\xd0\xb2\xd0\xbb\xd0\xb5\xd0"
	"\xbd",
	"\xd0\xbd\xd0\xb5\xd0\xb4\xd0\xbe\xd1\x81\xd1\x82\xd0\xb0\xd0\xb2\xd0"
	"\xbb\xd0\xb5\xd0\xbd",
	"\xd0\xbd\xd0\xb5\xd0\xb2\xd0\xbe\xd0\xb7\xd0\xbc\xd0\xbe\xd0\xb6\xd0"
	"\xbd\xd0\xbe "
	"\xd0\xb4\xd0\xbe\xd1\x81\xd1\x82\xd0\xb0\xd0\xb2\xd0\xb8\xd1\x82\xd1"
	"\x8c",
	"\xd0\xbd\xd0\xb5 "
	"\xd1\x83\xd0\xb4\xd0\xb0\xd0\xbb\xd0\xbe\xd1\x81\xd1\x8c "
	"\xd0\xb4\xd0\xbe\xd1\x81\xd1\x82\xd0\xb0\xd0\xb2\xd0\xb8\xd1\x82\xd1"
	"\x8c",
	"\xd1\x81\xd0\xb1\xd0\xbe\xd0\xb9 "
	"\xd0\xb4\xd0\xbe\xd1\x81\xd1\x82\xd0\xb0\xd0\xb2\xd0\xba\xd0\xb8",
	"\xd0\xbe\xd1\x88\xd0\xb8\xd0\xb1\xd0\xba\xd0\xb0 "
	"\xd0\xb4\xd0\xbe\xd1\x81\xd1\x82\xd0\xb0\xd0\xb2\xd0\xba\xd0\xb8",
	"\xd0\xbd\xd0\xb5 \xd0\xbc\xd0\xbe\xd0\xb6\xd0\xb5 "
	"\xd0\xb1\xd1\x83\xd1\x82\xd0\xb8 "
	"\xd0\xb4\xd0\xbe\xd1\x81\xd1\x82\xd0\xb0\xd0\xb2\xd0\xbb\xd0\xb5\xd0"
	"\xbd",
	"\xd0\xbd\xd0\xb5 "
	"\xd0\xb2\xd0\xb4\xd0\xb0\xd0\xbb\xd0\xbe\xd1\x81\xd1\x8f "
	"\xd0\xb4\xd0\xbe\xd1\x81\xd1\x82\xd0\xb0\xd0\xb2\xd0\xb8\xd1\x82\xd0"
	"\xb8",
	"\xd0\xb2\xd0\xbe\xd0\xb7\xd0\xb2\xd1\x80\xd0\xb0\xd1\x89\xd0\xb5\xd0"
	"\xbd\xd0\xbe "
	"\xd0\xbe\xd1\x82\xd0\xbf\xd1\x80\xd0\xb0\xd0\xb2\xd0\xb8\xd1\x82\xd0"
	"\xb5\xd0\xbb\xd1\x8e",
	"\xd1\x83\xd0\xb2\xd0\xb5\xd0\xb4\xd0\xbe\xd0\xbc\xd0\xbb\xd0\xb5\xd0"
	"\xbd\xd0\xb8\xd0\xb5 \xd0\xbe "
	"\xd1\x81\xd1\x82\xd0\xb0\xd1\x82\xd1\x83\xd1\x81\xd0\xb5 "
	"\xd0\xb4\xd0\xbe\xd1\x81\xd1\x82\xd0\xb0\xd0\xb2\xd0\xba\xd0\xb8",
	/* Japanese, Chinese, Korean */
	"\xe9\x80\x81\xe4\xbf\xa1\xe3\x82\xa8\xe3\x83\xa9\xe3\x83\xbc",
	"\xe9\x80\x81\xe4\xbf\xa1\xe5\xa4\xb1\xe6\x95\x97",
	"\xe9\x80\x81\xe4\xbf\xa1\xe3\x81\xa7\xe3\x81\x8d\xe3\x81\xbe\xe3\x81"
	"\x9b\xe3\x82\x93",
	"\xe5\xb1\x8a\xe3\x81\x8d\xe3\x81\xbe\xe3\x81\x9b\xe3\x82\x93\xe3\x81"
	"\xa7\xe3\x81\x97\xe3\x81\x9f",
	"\xe4\xb8\x8d\xe9\x81\x94", "\xe8\xbf\x94\xe9\x80\x81",
	"\xe5\xae\x9b\xe5\x85\x88\xe4\xb8\x8d\xe6\x98\x8e",
	"\xe9\x80\x80\xe4\xbf\xa1", "\xe9\x80\x80\xe5\x9b\x9e",
	"\xe7\x84\xa1\xe6\xb3\x95\xe5\x82\xb3\xe9\x81\x9e",
	"\xe6\x97\xa0\xe6\xb3\x95\xe4\xbc\xa0\xe9\x80\x92",
	"\xe6\x9c\xaa\xe9\x80\x81\xe8\xbe\xbe",
	"\xe6\x8a\x95\xe9\x80\x92\xe5\xa4\xb1\xe8\xb4\xa5",
	"\xe4\xbc\xa0\xe9\x80\x92\xe5\xa4\xb1\xe8\xb4\xa5",
	"\xe5\x82\xb3\xe9\x81\x9e\xe5\xa4\xb1\xe6\x95\x97",
	"\xe7\xb3\xbb\xe7\xbb\x9f\xe9\x80\x80\xe4\xbf\xa1",
	"\xe5\x8f\x91\xe9\x80\x81\xe5\xa4\xb1\xe8\xb4\xa5",
	"\xeb\xb0\xb0\xeb\x8b\xac\xeb\x90\x98\xec\xa7\x80",
	"\xeb\xb0\xb0\xeb\x8b\xac\xed\x95\x98\xec\xa7\x80 \xeb\xaa\xbb",
	"\xec\xa0\x84\xec\x86\xa1 \xec\x8b\xa4\xed\x8c\xa8",
	"\xeb\xb0\x98\xec\x86\xa1",
	"\xeb\xb0\x9c\xec\x86\xa1 \xec\x8b\xa4\xed\x8c\xa8" };

/* In the text of a notice that is a warning only. */
static const char *const delay_texts[] = { "attempts will continue",
	"this is a warning message only", "do not need to resend",
	"will continue to try", "will keep trying", "still being retried",
	"not yet been delivered", "will be retried for",
	"keep trying to deliver", "es wird weiter versucht",
	"weitere zustellversuche", "nouvelles tentatives",
	"seguir\xc3\xa1 intentando", "continuer\xc3\xa0 a tentare" };

/* In the text of a notice that is no report. */
static const char *const bounce_texts[] = { "qmail-send program",
	"were undeliverable", "permanent error", "fatal error", "unknown user",
	"no such user", "user unknown", "mailbox full", "mailbox is full",
	"quota exceeded", "over quota", "mailbox quota", "able to deliver",
	"\xe9\x82\xae\xe4\xbb\xb6\xe6\x97\xa0\xe6\xb3\x95",
	"\xe4\xbc\xa0\xe8\xbe\x93\xe5\xa4\xb1\xe8\xb4\xa5",
	"could not be delivered", "error delivering", "delivery errors",
	"a valid user", "was not delivered", "not be delivered to",
	"had permanent fatal", "delivery failed", "undeliverable",
	"the following addresses had", "konnte nicht zugestellt",
	"n'a pas pu \xc3\xaatre", "no se pudo entregar",
	"non \xc3\xa8 stato recapitato",
	("n\xc3\xa3o p\xc3\xb4"
	 "de ser entregue"),
	"\xd0\xbd\xd0\xb5 "
	"\xd1\x83\xd0\xb4\xd0\xb0\xd0\xbb\xd0\xbe\xd1\x81\xd1\x8c "
	"\xd0\xb4\xd0\xbe\xd1\x81\xd1\x82\xd0\xb0\xd0\xb2\xd0\xb8\xd1\x82\xd1"
	"\x8c",
	"\xe9\x80\x81\xe4\xbf\xa1\xe3\x81\xa7\xe3\x81\x8d\xe3\x81\xbe\xe3\x81"
	"\x9b\xe3\x82\x93",
	"kon niet worden bezorgd", "nie mo\xc5\xbcna dostarczy\xc4\x87" };

static const char *const vacations[] = { "automatic reply", "auto reply",
	"auto-reply", "autoreply", "auto response", "auto-response",
	"autoresponse", "automatic response", "automated response",
	"automated reply", "autoresponder", "automatische antwort",
	"automatische beantwortung",
	("automatische r\xc3\xbc"
	 "ckantwort"),
	"abwesenheitsnotiz", "abwesenheit", "nicht im b\xc3\xbcro",
	"ausser haus",
	("au\xc3\x9f"
	 "er haus"),
	"out of office", "out-of-office", "out of the office", "away from my",
	"away from the office", "on vacation", "vacation", "on leave",
	"on holiday", "maternity leave", "urlaub", "r\xc3\xa9ponse automatique",
	"reponse automatique", "message d'absence", "absence",
	"absent du bureau", "cong\xc3\xa9s", "respuesta autom\xc3\xa1tica",
	"respuesta automatica", "fuera de la oficina", "fuera de oficina",
	"de vacaciones", "ausente", "risposta automatica", "fuori sede",
	"fuori ufficio", "assenza", "in ferie", "automatisch antwoord",
	"automatische antwoord", "afwezig", "autosvar", "automatiskt svar",
	"automatisk svar", "fr\xc3\xa5nvar", "ikke til stede",
	"ikke p\xc3\xa5 kontoret", "frav\xc3\xa6r", "poissa",
	"automaattinen vastaus", "lomalla", "odpowied\xc5\xba automatyczna",
	"automatyczna odpowied\xc5\xba", "nieobecno", "poza biurem",
	"automatick\xc3\xa1 odpov", "mimo kancel\xc3\xa1\xc5\x99",
	"nep\xc5\x99\xc3\xadtomno", "automatikus v\xc3\xa1lasz",
	"h\xc3\xa1zon k\xc3\xadv\xc3\xbcl", "szabads\xc3\xa1gon",
	"resposta autom\xc3\xa1tica", "resposta automatica",
	"aus\xc3\xaancia tempor\xc3\xa1ria", "fora do escrit\xc3\xb3rio",
	"de f\xc3\xa9rias",
	"\xd0\xb0\xd0\xb2\xd1\x82\xd0\xbe\xd0\xbe\xd1\x82\xd0\xb2\xd0\xb5\xd1"
	"\x82",
	"\xd0\xb0\xd0\xb2\xd1\x82\xd0\xbe\xd0\xbc\xd0\xb0\xd1\x82\xd0\xb8\xd1"
	"\x87\xd0\xb5\xd1\x81\xd0\xba\xd0\xb8\xd0\xb9 "
	"\xd0\xbe\xd1\x82\xd0\xb2\xd0\xb5\xd1\x82",
	"\xd0\xb0\xd0\xb2\xd1\x82\xd0\xbe\xd0\xbc\xd0\xb0\xd1\x82\xd0\xb8\xd1"
	"\x87\xd0\xbd\xd0\xb0 "
	"\xd0\xb2\xd1\x96\xd0\xb4\xd0\xbf\xd0\xbe\xd0\xb2\xd1\x96\xd0\xb4\xd1"
	"\x8c",
	"\xd0\xb2 \xd0\xbe\xd1\x82\xd0\xbf\xd1\x83\xd1\x81\xd0\xba\xd0\xb5",
	"\xd0\xb2\xd0\xbd\xd0\xb5 \xd0\xbe\xd1\x84\xd0\xb8\xd1\x81\xd0\xb0",
	"\xe8\x87\xaa\xe5\x8a\xa8\xe5\x9b\x9e\xe5\xa4\x8d",
	"\xe8\x87\xaa\xe5\x8a\xa8\xe7\xad\x94\xe5\xa4\x8d",
	"\xe8\x87\xaa\xe5\x8b\x95\xe5\x9b\x9e\xe8\xa6\x86",
	"\xe8\x87\xaa\xe5\x8b\x95\xe5\xbf\x9c\xe7\xad\x94",
	"\xe8\x87\xaa\xe5\x8b\x95\xe8\xbf\x94\xe4\xbf\xa1",
	"\xe4\xb8\x8d\xe5\x9c\xa8", "\xe5\xa4\x96\xe5\x87\xba",
	"\xe4\xbc\x91\xe6\x9a\x87", "\xe4\xbc\x91\xe5\x81\x87",
	"\xec\x9e\x90\xeb\x8f\x99 \xed\x9a\x8c\xec\x8b\xa0",
	"\xec\x9e\x90\xeb\x8f\x99 \xec\x9d\x91\xeb\x8b\xb5",
	"\xec\x9e\x90\xeb\x8f\x99\xec\x9d\x91\xeb\x8b\xb5",
	"\xeb\xb6\x80\xec\x9e\xac", "otomatik yan\xc4\xb1t", "otomatik cevap",
	"ofis d\xc4\xb1\xc5\x9f\xc4\xb1nda",
	"\xce\xb1\xcf\x85\xcf\x84\xcf\x8c\xce\xbc\xce\xb1\xcf\x84\xce\xb7 "
	"\xce\xb1\xcf\x80\xce\xac\xce\xbd\xcf\x84\xce\xb7\xcf\x83\xce\xb7",
	"\xce\xb5\xce\xba\xcf\x84\xcf\x8c\xcf\x82 "
	"\xce\xb3\xcf\x81\xce\xb1\xcf\x86\xce\xb5\xce\xaf\xce\xbf\xcf\x85",
	"r\xc4\x83spuns automat", "automatski odgovor", "samodejni odgovor",
	"t\xe1\xbb\xb1 \xc4\x91\xe1\xbb\x99ng tr\xe1\xba\xa3 l\xe1\xbb\x9di",
	"balasan otomatis",
	"\xe0\xb8\x95\xe0\xb8\xad\xe0\xb8\x9a\xe0\xb8\x81\xe0\xb8\xa5\xe0\xb8"
	"\xb1\xe0\xb8\x9a\xe0\xb8\xad\xe0\xb8\xb1\xe0\xb8\x95\xe0\xb9\x82\xe0"
	"\xb8\x99\xe0\xb8\xa1\xe0\xb8\xb1\xe0\xb8\x95\xe0\xb8\xb4",
	"\xd8\xb1\xd8\xaf \xd8\xaa\xd9\x84\xd9\x82\xd8\xa7\xd8\xa6\xd9\x8a",
	"\xd7\xaa\xd7\xa9\xd7\x95\xd7\x91\xd7\x94 "
	"\xd7\x90\xd7\x95\xd7\x98\xd7\x95\xd7\x9e\xd7\x98\xd7\x99\xd7\xaa",
	"\xd7\x9e\xd7\xa2\xd7\xa0\xd7\x94 "
	"\xd7\x90\xd7\x95\xd7\x98\xd7\x95\xd7\x9e\xd7\x98\xd7\x99" };

/* What programs write as the whole subject or before ":" in it. */
static const char *const vacation_marks[] = { "automatic reply", "auto reply",
	"auto-reply", "autoreply", "auto response", "auto-response",
	"automatic response", "out of office autoreply", "out of office reply",
	"out of office", "out of office:", "out-of-office",
	"automatische antwort", "abwesenheitsnotiz", "abwesenheitsnachricht",
	"r\xc3\xa9ponse automatique", "message d'absence",
	"respuesta autom\xc3\xa1tica", "risposta automatica",
	"automatisch antwoord", "automatische antwoord", "autosvar",
	"automatiskt svar", "automatisk svar", "automaattinen vastaus",
	"odpowied\xc5\xba automatyczna",
	"automatick\xc3\xa1 odpov\xc4\x9b\xc4\x8f", "automatikus v\xc3\xa1lasz",
	"resposta autom\xc3\xa1tica",
	"\xd0\xb0\xd0\xb2\xd1\x82\xd0\xbe\xd0\xbe\xd1\x82\xd0\xb2\xd0\xb5\xd1"
	"\x82",
	"\xd0\xb0\xd0\xb2\xd1\x82\xd0\xbe\xd0\xbc\xd0\xb0\xd1\x82\xd0\xb8\xd1"
	"\x87\xd0\xb5\xd1\x81\xd0\xba\xd0\xb8\xd0\xb9 "
	"\xd0\xbe\xd1\x82\xd0\xb2\xd0\xb5\xd1\x82",
	"\xe8\x87\xaa\xe5\x8a\xa8\xe5\x9b\x9e\xe5\xa4\x8d",
	"\xe8\x87\xaa\xe5\x8b\x95\xe5\xbf\x9c\xe7\xad\x94",
	"\xe8\x87\xaa\xe5\x8b\x95\xe8\xbf\x94\xe4\xbf\xa1",
	"\xe8\x87\xaa\xe5\x8b\x95\xe5\x9b\x9e\xe8\xa6\x86",
	"\xec\x9e\x90\xeb\x8f\x99 \xed\x9a\x8c\xec\x8b\xa0",
	"otomatik yan\xc4\xb1t",
	"\xce\xb1\xcf\x85\xcf\x84\xcf\x8c\xce\xbc\xce\xb1\xcf\x84\xce\xb7 "
	"\xce\xb1\xcf\x80\xce\xac\xce\xbd\xcf\x84\xce\xb7\xcf\x83\xce\xb7",
	"r\xc4\x83spuns automat" };

/* What such an answer says. */
static const char *const vacation_texts[] = { "out of the office",
	"out of office", "on vacation", "on holiday", "on leave",
	"annual leave", "away from", "currently away", "am away",
	"automatic reply", "automated re", "automatic response", "auto-reply",
	"limited access to", "maternity leave", "not be checking", "urlaub",
	"nicht im b\xc3\xbcro", "nicht im hause", "abwesen", "nicht erreichbar",
	("au\xc3\x9f"
	 "er haus"),
	"absent", "cong\xc3\xa9", "vacances", "r\xc3\xa9ponse automatique",
	"fuera de la oficina", "vacaciones", "ausente", "ferie",
	"fuori ufficio", "assente", "afwezig", "vakantie", "niet aanwezig",
	"semester", "inte p\xc3\xa5 kontoret", "ferie", "kontoret", "lomalla",
	"poissa", "urlop", "nieobecn", "dovolen", "szabads", "f\xc3\xa9rias",
	"escrit\xc3\xb3rio", "\xd0\xbe\xd1\x82\xd0\xbf\xd1\x83\xd1\x81\xd0\xba",
	"\xd0\xbe\xd1\x82\xd1\x81\xd1\x83\xd1\x82\xd1\x81\xd1\x82\xd0\xb2",
	"\xe4\xb8\x8d\xe5\x9c\xa8", "\xe4\xbc\x91\xe6\x9a\x87",
	"\xe5\xa4\x96\xe5\x87\xba", "\xe4\xbc\x91\xe5\x81\x87",
	"\xed\x9c\xb4\xea\xb0\x80", "\xeb\xb6\x80\xec\x9e\xac", "izin",
	"ofis" };

static const char *const challenges[] = { "please confirm your message",
	"confirm your message", "please verify your e-mail",
	"please verify your email", "verification of your e",
	"your email requires verification", "re: your email requires",
	"requires verification verify#", "sender verification", "boxbe",
	"please confirm your e-mail", "[spam-arrest]", "spamarrest",
	"your message has been quarantined", "your message awaits",
	"waiting list", "anti-spam confirmation", "confirm that you are human",
	"anti-spam uol", "confirma\xc3\xa7\xc3\xa3o de e-mail", "antispam uol",
	"automatic earthlink", "confirm delivery", "delivery confirmation",
	"challenge-response", "please authenticate", "confirmation required",
	"authorization required", "confirmation de votre message",
	"bitte best\xc3\xa4tigen sie ihre e-mail",
	"best\xc3\xa4tigung ihrer nachricht", "permission to send",
	"approve your message", "mailinblack", "message en attente",
	"votre message est en attente" };

static const struct {
	const char *const *items;
	size_t n;
} lists[KIND_N_WORDS] = {
	[KIND_WORD_DELAY] = { delays, COUNT(delays) },
	[KIND_WORD_DELAY_TEXT] = { delay_texts, COUNT(delay_texts) },
	[KIND_WORD_BOUNCE] = { bounces, COUNT(bounces) },
	[KIND_WORD_BOUNCE_TEXT] = { bounce_texts, COUNT(bounce_texts) },
	[KIND_WORD_VACATION] = { vacations, COUNT(vacations) },
	[KIND_WORD_VACATION_MARK] = { vacation_marks, COUNT(vacation_marks) },
	[KIND_WORD_VACATION_TEXT] = { vacation_texts, COUNT(vacation_texts) },
	[KIND_WORD_CHALLENGE] = { challenges, COUNT(challenges) },
};

/* Lower case in Latin, Greek and Cyrillic, where it is as long as upper. */
static uint32_t lower_of(uint32_t c)
{
	if (c < 0x80)
		return c >= 'A' && c <= 'Z' ? c + 32 : c;
	if ((c >= 0xc0 && c <= 0xde && c != 0xd7) ||
		(c >= 0x391 && c <= 0x3a9) || (c >= 0x410 && c <= 0x42f))
		return c + 32;
	if (c >= 0x400 && c <= 0x40f)
		return c + 80;
	if ((c >= 0x139 && c <= 0x148) || (c >= 0x179 && c <= 0x17e))
		return c + (c & 1);
	if (c >= 0x100 && c <= 0x177 && c != 0x130 && c != 0x131)
		return c | 1;
	return c;
}

static void fold(struct str s, struct buf *b)
{
	uint32_t c;

	while (s.len) {
		size_t n = utf8_next(s, &c);
		if (n && c < 0x500)
			utf8_add(b, lower_of(c));
		else
			buf_add(b, s.p, n ? n : 1);
		s = str_sub(s, n ? n : 1, SIZE_MAX);
	}
}

struct str kind_fold(struct str s, char *space, size_t size)
{
	struct buf b = { .p = space, .cap = size, .max = size - 1 };

	fold(utf8_cut(s, size - 8), &b);
	return buf_view(&b);
}

struct str kind_lower(struct arena *a, struct str s)
{
	struct buf b = { .p = arena_alloc(a, s.len + 8),
		.cap = s.len + 8,
		.max = s.len + 7 };

	fold(s, &b);
	return buf_view(&b);
}

const char *kind_find_word(enum kind_word list, struct str s)
{
	char space[KIND_FOLD_MAX];
	struct str folded = kind_fold(s, space, sizeof(space));

	for (size_t i = 0; i < lists[list].n; i++)
		if (str_find(folded, str_c(lists[list].items[i])) >= 0)
			return lists[list].items[i];
	return NULL;
}

const char *kind_begins_word(enum kind_word list, struct str s)
{
	char space[KIND_FOLD_MAX];
	struct str folded = kind_fold(s, space, sizeof(space));

	for (size_t i = 0; i < lists[list].n; i++)
		if (str_starts(folded, str_c(lists[list].items[i])))
			return lists[list].items[i];
	return NULL;
}
