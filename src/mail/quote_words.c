/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * quote_words.c - what mail programs and people write around the new part of a
 * mail, in their languages; all in lower case, as quote_fold() makes it.
 *
 * Each set is searched at once: the words that begin with a byte are a chain,
 * so that a text costs about a look a byte however many words there are.
 */
#include "quote.h"

/* Verbs, and what stands for them, in the line above a quote. */
static const char *const wrote[] = { "wrote", "writes", "said", "writes on",
	"schrieb", "schreibt", "geschrieben", "a écrit", "écrivait",
	"écrit :", "a ecrit", "escribió", "escribio", "escribe", "escrita",
	"ha scritto", "scrisse", "scrive", "escreveu", "escribiu",
	"va escriure", "ha escrit", "schreef", "geschreven", "skrev", "skreiv",
	"skrifaði", "kirjoitti", "viesti", "kirjutas", "rakstīja", "rašė",
	"napisał", "napisal", "pisze", "napísal", "napsal", "napisao",
	"napisala", "je pisal", "írta", "a scris", "yazdı", "yazmış", "έγραψε",
	"написал", "написав", "написа", "пишет", "пише", "писал", "жазды",
	"напіса", "գրել", "წერდა", "כתב", "כתבה", "מאת", "كتب", "كتابة", "نوشت",
	"लिखा", "লিখেছেন", "எழுதி", "เขียน", "đã viết", "viết", "menulis",
	"sinulat", "geskryf", "aliandika", "ysgrifennodd", "scríobh", "shkroi",
	"idatzi du", "写道", "寫道", "写到", "のメール", "書きました", "さんは",
	"님이", "작성", "wrote in message", "writes in article" };

/* How attributions begin, with a digit to come. */
static const char *const starters[] = { "on ", "am ", "le ", "el ", "il ",
	"il giorno ", "op ", "den ", "em ", "a ", "la ", "o dia ", "no dia ",
	"w dniu ", "dnia ", "dne ", "dňa ", "dana ", "på ", "pada ", "at ",
	"el día ", "in a message ", "in message", "in article ", "quoting ",
	"в ", "на ", "от ", "vào ", "ngay ", "vào ngày ", "le lun", "στις ",
	"ב", "ביום ", "בתאריך ", "في ", "بتاريخ ", "در ", "tarihinde ", "ε",
	"în ", "pe ", "data ", "ar ", "kl. ", "kell ", "ke ", "në ", "sa ",
	"noong ", "ngày ", "wiadomość napisana ", "в письме ", "ในวันที่ ", "เมื่อ ",
	"dated ", "begin ", "στο ", "ons", "tir", "tor ", "lør", "søn", "man ",
	"在 ", "于 ", "於 ", "vom ", "du ", "del ", "al ", "dia " };

/* Days and months, cut where languages begin to differ; and "today". */
static const char *const days[] = { "mon", "tue", "wed", "thu", "fri", "sat",
	"sun", "montag", "dienstag", "mittwoch", "donnerstag", "freitag",
	"samstag", "sonntag", "mo.", "di.", "mi.", "do.", "fr.", "sa.", "so.",
	"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct",
	"nov", "dec", "mär", "mai", "okt", "dez", "janv", "févr", "avr", "juin",
	"juil", "août", "déc", "ene", "abr", "ago", "dic", "gen", "mag", "giu",
	"lug", "set", "ott", "fev", "out", "maj", "lun", "mié", "jue", "vie",
	"sáb", "dom", "mer", "jeu", "ven", "sam", "dim", "gio", "sab", "seg",
	"ter", "qua", "qui", "sex", "maa", "tir", "ons", "tor", "fre", "lør",
	"søn", "lör", "sön", "pon", "wto", "śro", "czw", "pią", "sob", "nie",
	"sty", "lut", "kwi", "cze", "lip", "sie", "wrz", "paź", "lis", "gru",
	"янв", "фев", "мар", "апр", "мая", "июн", "июл", "авг", "сен", "окт",
	"ноя", "дек", "пн", "вт", "ср", "чт", "пт", "сб", "вс", "понед",
	"вторник", "сред", "четверг", "пятниц", "суббот", "воскрес", "січ",
	"лют", "бер", "квіт", "трав", "черв", "лип", "серп", "верес", "жовт",
	"листоп", "груд", "ιαν", "φεβ", "μαρ", "απρ", "μαΐ", "μαϊ", "ιουν",
	"ιουλ", "αυγ", "σεπ", "οκτ", "νοε", "δεκ", "δευ", "τρί", "τετ", "πέμ",
	"παρ", "σάβ", "κυρ", "oca", "şub", "nis", "haz", "tem", "ağu", "eyl",
	"eki", "kas", "ara", "tháng", "年", "月", "년", "월", "요일", "يناير",
	"فبراير", "مارس", "أبريل", "مايو", "يونيو", "يوليو", "أغسطس", "سبتمبر",
	"أكتوبر", "نوفمبر", "ديسمبر", "ינו", "פבר", "מרץ", "אפר", "מאי", "יוני",
	"יולי", "אוג", "ספט", "אוק", "נוב", "דצמ", "ม.ค.", "ก.พ.", "มี.ค.",
	"เม.ย.", "พ.ค.", "มิ.ย.", "ก.ค.", "ส.ค.", "ก.ย.", "ต.ค.", "พ.ย.",
	"ธ.ค." };

static const char *const original[] = { "original message", "original mail",
	"original email", "original e-mail", "original appointment",
	"original meeting", "reply message", "replied message",
	"ursprüngliche nachricht", "ursprüngliche mail", "ursprüngliche e-mail",
	"ursprungliche nachricht", "originalnachricht", "original-nachricht",
	"original nachricht", "ursprünglicher termin", "antwort nachricht",
	"antwortnachricht", "message d'origine", "message original",
	"message initial", "mail original", "message d´origine",
	"mensaje original", "correo original", "messaggio originale",
	"messaggio di risposta", "mensagem original", "mensaxe orixinal",
	"missatge original", "oorspronkelijk bericht",
	"oorspronkelijke bericht", "origineel bericht",
	"ursprungligt meddelande", "originalmeddelande",
	"oprindelig meddelelse", "oprindelig besked", "opprinnelig melding",
	"opprinnelig meldingen", "original melding", "alkuperäinen viesti",
	"upprunalegt skeyti", "wiadomość oryginalna", "oryginalna wiadomo",
	"oryginalny e-mail", "oryginalny mail", "původní zpráva",
	"pôvodná správa", "izvirno sporočilo", "izvorna poruka",
	"originalna poruka", "originalna", "eredeti üzenet", "mesaj original",
	"mesajul original", "orijinal mesaj", "özgün ileti", "özgün mesaj",
	"αρχικό μήνυμα", "исходное сообщение", "оригинальное сообщение",
	"исходное письмо", "первоначальное сообщение", "оригинално съобщение",
	"оригінальне повідомлення", "вихідне повідомлення", "оригинална порука",
	"algne kiri", "algne teade", "sākotnējais ziņojums",
	"pradinis pranešimas", "tin nhắn gốc", "thư gốc", "pesan asli",
	"mesej asal", "원본 메일", "원본 메시지", "원본메세지", "원본메일",
	"original 메시지", "元のメッセージ", "オリジナルメッセージ",
	"元のメール", "原始邮件", "邮件原件", "原始郵件", "原邮件", "原始消息",
	"回复的原邮件", "ข้อความต้นฉบับ", "הודעה מקורית", "ההודעה המקורית",
	"الرسالة الأصلية", "پیام اصلی" };

static const char *const forward[] = { "forwarded message", "forwarded mail",
	"forwarded email", "forwarded e-mail", "begin forwarded",
	"start of forwarded", "forwarded by", "forwarded post",
	"weitergeleitete nachricht", "weitergeleitete mail",
	"weitergeleitete e-mail", "weitergeleitet von",
	"anfang der weitergeleiteten", "beginn der weitergeleiteten",
	"message transféré", "message réexpédié", "courriel transféré",
	"début du message transféré", "réexpédié par", "transféré par",
	"mensaje reenviado", "correo reenviado", "reenviado por",
	"messaggio inoltrato", "inoltrato da", "mensagem encaminhada",
	"mensagem reencaminhada", "encaminhado por", "missatge reenviat",
	"mensaxe reenviada", "doorgestuurd bericht", "doorgezonden bericht",
	"begin doorgestuurd", "doorgestuurd door", "vidarebefordrat",
	"vidarebefordrade", "videresendt", "videresendte", "välitetty viesti",
	"edelleen lähetetty", "framsent skeyti", "przekazana wiadomo",
	"przekazany list", "wiadomość przesłana dalej",
	"początek przekazywanej", "přeposlaná zpráva", "preposlaná správa",
	"posredovano sporočilo", "proslijeđena poruka", "prosleđena poruka",
	"továbbított üzenet", "továbbított levél", "mesaj redirecționat",
	"mesajul redirecționat", "iletilen mesaj", "iletilmiş mesaj",
	"yönlendirilen ileti", "προωθημένο μήνυμα", "пересылаемое сообщение",
	"пересланное сообщение", "пересылаемое письмо", "перенаправленное",
	"начало переадресованного", "начало пересылаемого",
	"переслане повідомлення", "пересилане повідомлення",
	"препратено съобщение", "прослеђена порука", "edastatud kiri",
	"edasi saadetud", "pārsūtītais ziņojums", "persiųstas laiškas",
	"tin nhắn được chuyển tiếp", "thư đã chuyển tiếp", "pesan terusan",
	"pesan diteruskan", "mesej dimajukan", "전달된 메시지", "전달된 메일",
	"전달한 메일", "転送メッセージ", "転送されたメール", "転送者",
	"转发邮件", "轉寄郵件", "转发的邮件", "轉寄的郵件", "转发信息",
	"已转发邮件", "转发邮件信息", "ข้อความที่ส่งต่อ", "הודעה שהועברה",
	"الرسالة المعاد توجيهها", "رسالة معاد توجيهها", "پیام هدایت شده" };

/* A line of a helpdesk, below which it does not look for the answer. */
static const char *const delimiter[] = { "reply above this line",
	"reply above the line", "your reply above", "reply above this text",
	"write above this line", "write your reply above",
	"add your reply above", "reply between these lines",
	"above this line to reply", "above this line to add",
	"above this line to comment", "to reply, type above",
	"to add a comment, reply above", "please do not type below",
	"do not type below", "not write below this",
	"please do not write below", "do not edit below", "do not reply below",
	"reply before this line", "antwort oberhalb dieser",
	"antwort über dieser", "antworten sie oberhalb", "bitte oberhalb",
	"bitte über dieser linie", "oberhalb dieser zeile",
	"oberhalb dieser linie", "über dieser zeile antworten",
	"réponse au-dessus de cette ligne", "répondre au-dessus",
	"répondez au-dessus", "au-dessus de cette ligne",
	"au dessus de cette ligne", "respuesta por encima de esta",
	"responda por encima", "escriba su respuesta por encima",
	"encima de esta línea", "respuesta sobre esta línea",
	"arriba de esta línea", "risposta sopra questa riga",
	"sopra questa linea", "sopra questa riga", "acima desta linha",
	"resposta acima", "boven deze regel", "boven deze lijn",
	"ovanför denna rad", "över denna linje", "ovenfor denne linje",
	"over denne linje", "over denne linjen", "tämän rivin yläpuolelle",
	"powyżej tej linii", "nad tą linią", "nad touto čárou",
	"nad tento řádek", "nad tímto řádkem", "e sor fölé", "a vonal fölé",
	"deasupra acestei linii", "bu satırın üstüne", "bu satırın üzerine",
	"πάνω από αυτή τη γραμμή", "выше этой строки", "выше этой линии",
	"над этой строкой", "над этой чертой", "вище цього рядка",
	"над тази линия", "この行より上に", "この線より上", "이 줄 위에",
	"이 선 위에", "请在此行上方", "在这行之上", "请在此线上方",
	"請在此行上方", "מעל שורה זו", "فوق هذا السطر" };

/* An answer that says that others stand within what it quotes unmarked. */
static const char *const in_line[] = { "answers inline", "answer inline",
	"replies inline", "reply inline", "comments inline", "comment inline",
	"responses inline", "response inline", "responded inline",
	"replied inline", "answered inline", "see inline", "please see inline",
	"inline below", "inline comments", "inline answers", "inline replies",
	"in-line below", "answers in line", "comments in line",
	"answers in red", "comments in red", "replies in red",
	"responses in red", "answered in red", "in red below", "see red",
	"answers in blue", "comments in blue", "replies in blue",
	"in blue below", "in bold below", "answers in bold", "answers in green",
	"answers in your text", "see my answers below", "my answers below",
	"my comments below", "answers below in", "antworten inline",
	"antwort inline", "antworten im text", "antworten in rot", "in rot",
	"in blau", "antworten unten", "siehe unten in", "kommentare inline",
	"kommentare im text", "direkt im text", "réponses en rouge", "en rouge",
	"réponses ci-dessous", "réponses dans le texte", "dans le corps du",
	"respuestas en rojo", "en rojo", "en azul", "respondo abajo",
	"respuestas abajo", "risposte in rosso", "in rosso", "risposte sotto",
	"respostas em vermelho", "em vermelho", "respostas abaixo",
	"antwoorden in rood", "in het rood", "zie mijn antwoorden",
	"svar nedan", "svar i rött", "i rødt", "svar nedenfor", "punaisella",
	"odpowiedzi poniżej", "na czerwono", "odpovědi níže", "červeně",
	"válaszok pirossal", "kırmızı ile", "ответы ниже", "ответы в тексте",
	"красным", "以下红字", "红色字", "紅字", "赤字で", "赤字にて",
	"インラインで", "빨간색으로" };

/* Ways to close a letter; alone on a line or before a name. */
static const char *const signoff[] = { "regards", "best regards",
	"kind regards", "kindest regards", "warm regards", "warmest regards",
	"with regards", "with best regards", "with kind regards",
	"many regards", "good regards", "thanks & regards",
	"thanks and regards", "thanks and best regards",
	"thank you and best regards", "thank you and kind regards",
	"thanks and kind regards", "thanks with regards", "thank you & regards",
	"thanks in advance and regards", "best wishes", "all the best",
	"with best wishes", "yours sincerely", "sincerely", "sincerely yours",
	"yours truly", "yours faithfully", "respectfully", "cordially",
	"kind greetings", "best greetings", "greetings", "warmly", "rgds",
	"brgds", "br", "kr", "mit freundlichen grüßen",
	"mit freundlichen grüssen", "mit freundlichen gruessen",
	"mit freundlichem gruß", "mit freundlichem gruss",
	"mit freundlichem gruessen", "mit besten grüßen", "mit besten grüssen",
	"mit lieben grüßen", "mit herzlichen grüßen", "mit vielen grüßen",
	"mit bestem gruß", "freundliche grüße", "freundliche grüsse",
	"freundlicher gruß", "freundliche gruesse", "beste grüße",
	"beste grüsse", "beste gruesse", "bester gruß", "besten gruß",
	"viele grüße", "viele grüsse", "viele gruesse", "vielen dank und grüße",
	"vielen dank und viele grüße", "liebe grüße", "lieben gruß",
	"liebe grüsse", "schöne grüße", "schönen gruß", "herzliche grüße",
	"herzliche grüsse", "herzlichst", "hochachtungsvoll", "grüße", "grüsse",
	"gruß", "gruss", "mfg", "lg", "vg", "bg", "freundlich grüßt",
	"es grüßt", "cordialement", "bien cordialement", "très cordialement",
	"amicalement", "bien à vous", "sincères salutations",
	"meilleures salutations", "salutations distinguées", "salutations",
	"cdt", "cdlt", "bien cdt", "respectueusement", "avec mes salutations",
	"sentiments distingués", "saludos", "un saludo", "saludos cordiales",
	"un cordial saludo", "cordiales saludos", "atentamente", "atte",
	"muchas gracias y saludos", "gracias y saludos",
	"reciba un cordial saludo", "saluda atentamente", "cordialmente",
	"cordiali saluti", "distinti saluti", "saluti", "un saluto",
	"un cordiale saluto", "i migliori saluti", "tanti saluti",
	"grazie e saluti", "grazie e cordiali saluti", "atenciosamente", "att",
	"cumprimentos", "com os melhores cumprimentos", "melhores cumprimentos",
	"abraços", "abraço", "saudações", "salutacions", "cordialment",
	"saúdos", "met vriendelijke groet", "met vriendelijke groeten",
	"vriendelijke groet", "vriendelijke groeten", "hartelijke groet",
	"hartelijke groeten", "met hartelijke groet", "groeten", "groetjes",
	"groet", "mvg", "hoogachtend", "med vänliga hälsningar",
	"med vänlig hälsning", "vänliga hälsningar", "vänlig hälsning",
	"bästa hälsningar", "hälsningar", "mvh", "vänligen", "med hälsning",
	"med venlig hilsen", "med venlige hilsner", "venlig hilsen",
	"venlige hilsner", "mange hilsner", "bedste hilsner", "hilsen", "vh",
	"med vennlig hilsen", "vennlig hilsen", "beste hilsen",
	"ystävällisin terveisin", "ystävällisesti", "terveisin", "terv",
	"parhain terveisin", "kunnioittavasti", "kveðja", "bestu kveðjur",
	"með kveðju", "pozdrawiam", "pozdrawiam serdecznie",
	"serdecznie pozdrawiam", "z poważaniem", "z powazaniem",
	"z wyrazami szacunku", "pozdrowienia", "s pozdravem",
	"s přátelským pozdravem", "s pozdravom", "zdravím", "s úctou",
	"lep pozdrav", "lijep pozdrav", "srdačan pozdrav", "s poštovanjem",
	"pozdrav", "üdvözlettel", "tisztelettel", "üdv", "köszönettel",
	"cu stimă", "cu stima", "cu respect", "toate cele bune", "saygılarımla",
	"iyi çalışmalar", "sevgiler", "selamlar", "με εκτίμηση", "φιλικά",
	"με φιλικούς χαιρετισμούς", "с уважением", "с наилучшими пожеланиями",
	"всего доброго", "з повагою", "с уважение", "поздрави", "с поштовањем",
	"lugupidamisega", "tervitades", "parimate soovidega", "ar cieņu",
	"pagarbiai", "su pagarba", "geriausi linkėjimai", "trân trọng",
	"thân mến", "kính thư", "hormat kami", "salam", "salam hormat",
	"terima kasih dan salam", "よろしくお願いいたします",
	"よろしくお願い致します", "宜しくお願い致します",
	"宜しくお願いいたします", "よろしくお願いします", "敬具", "以上",
	"감사합니다", "고맙습니다", "此致", "敬礼", "敬禮", "顺颂商祺", "祝好",
	"谢谢", "謝謝", "ขอแสดงความนับถือ", "ด้วยความเคารพ", "בברכה", "בכבוד רב",
	"תודה ובברכה", "مع تحياتي", "تحياتي", "مع أطيب التحيات",
	"وتفضلوا بقبول فائق الاحترام", "با احترام" };

/* What ends a mail only above a name. */
static const char *const thanks[] = { "thanks", "thank you", "many thanks",
	"thanks a lot", "thanks again", "thanks in advance",
	"thank you in advance", "thank you very much", "thx", "ty", "cheers",
	"best", "yours", "love", "take care", "danke", "vielen dank",
	"danke schön", "danke im voraus", "vielen dank im voraus",
	"besten dank", "merci", "merci beaucoup", "merci d'avance", "gracias",
	"muchas gracias", "gracias de antemano", "grazie", "grazie mille",
	"mille grazie", "ciao", "obrigado", "obrigada", "muito obrigado",
	"gràcies", "bedankt", "alvast bedankt", "dank u", "tack",
	"tack på förhand", "tak", "på forhånd tak", "takk", "kiitos",
	"dziękuję", "dziekuje", "z góry dziękuję", "děkuji", "ďakujem", "hvala",
	"köszönöm", "mulțumesc", "teşekkürler", "ευχαριστώ", "спасибо",
	"благодарю", "дякую", "благодаря", "aitäh", "paldies", "ačiū", "cảm ơn",
	"terima kasih", "ありがとうございます", "תודה", "שלום", "شكرا",
	"ขอบคุณ" };

/* A program that signs for its user: begins or ends the line ... */
static const char *const sent[] = { "sent from", "sent via", "sent with",
	"sent by", "sent using", "sent on", "written on my", "typed on my",
	"gesendet von", "gesendet mit", "gesendet über", "von meinem",
	"von meiner", "gesendet aus", "diese nachricht wurde von",
	"diese e-mail wurde von", "mit meinem", "envoyé de", "envoyé depuis",
	"envoyé à partir", "envoyé avec", "envoyé via", "envoyé par",
	"enviado desde", "enviado de", "enviado do", "enviado con",
	"enviado através", "enviado via", "enviada do", "inviato da",
	"inviato dal", "inviato con", "inviato tramite", "scritto dal",
	"enviat des", "verstuurd vanaf", "verzonden vanaf", "verzonden met",
	"verstuurd met", "verzonden via", "skickat från", "skickat med",
	"skickat via", "sendt fra", "sendt via", "sendt med", "sent frá",
	"lähetetty", "saadetud minu", "nosūtīts no", "išsiųsta iš", "wysłane z",
	"wysłano z", "wysłano ze", "wysłane ze", "odesláno z", "odesláno ze",
	"odoslané z", "poslano z", "poslano s", "poslano sa", "poslato sa",
	"trimis de pe", "trimis din", "elküldve", "στάλθηκε από",
	"отправлено с", "отправлено из", "отправлено от", "надіслано з",
	"надіслано із", "відправлено з", "изпратено от", "послато са",
	"được gửi từ", "gửi từ", "dikirim dari", "dihantar dari", "发自我的",
	"发自", "發自我的", "從我的", "从我的", "نشر من", "أرسلت من", "مرسل من",
	"تم الإرسال من", "נשלח מ", "ارسال شده از", "ส่งจาก", "via ", "पर भेजा",
	"iphone-omról küldve", "iphone'umdan gönderildi", "gönderildi",
	"küldve", "gesendet", "から送信", "より送信", "에서 보냄", "에서 보낸",
	"发送", "傳送", "寄出" };

/* ... and names a device or a program. */
static const char *const device[] = { "iphone", "ipad", "ipod", "android",
	"blackberry", "samsung", "galaxy", "huawei", "xiaomi", "redmi", "nokia",
	"sony", "xperia", "htc", "motorola", "oneplus", "pixel", "lg mobile",
	"windows phone", "windows 10", "windows 11", "mail for windows",
	"mail für windows", "mail de windows", "courrier pour windows",
	"posta per windows", "outlook", "yahoo", "gmail", "aol", "hotmail",
	"apple mail", "apple watch", "mobile", "smartphone", "handy",
	"mobiltelefon", "telefon", "phone", "tablet", "mobil", "móvil",
	"celular", "cellulare", "telemóvel", "portable", "téléphone", "mailbox",
	"sparrow", "airmail", "spark", "front", "boxer", "k-9", "k9-mail",
	"protonmail", "proton mail", "tutanota", "web.de", "gmx", "t-online",
	"mail.ru", "yandex", "яндекс", "mymail", "bluemail", "newton", "canary",
	"superhuman", "polymail", "acompli", "edison", "thunderbird", "телефон",
	"смартфон", "планшет", "手机", "手機", "アイフォン", "アンドロイド",
	"スマートフォン", "아이폰", "핸드폰", "휴대폰", "foxmail", "网易邮箱",
	"qq邮箱" };

static const char *const get[] = { "get outlook", "get the outlook",
	"outlook für", "holen sie sich outlook", "laden sie outlook",
	"télécharger outlook", "téléchargez outlook", "obtenez outlook",
	"obtenir outlook", "obtener outlook", "obtén outlook",
	"descargar outlook", "scarica outlook", "ottieni outlook",
	"download outlook", "outlook voor", "haal outlook", "baixe o outlook",
	"obter o outlook", "obtenha o outlook", "hämta outlook",
	"skaffa outlook", "hent outlook", "få outlook", "hanki outlook",
	"pobierz outlook", "pobierz program outlook", "získejte outlook",
	"získať outlook", "stáhnout outlook", "az outlook beszerzése",
	"outlook beszerzése", "descărcați outlook", "descarcă outlook",
	"obțineți outlook", "outlook'u edinin", "outlook'u indirin",
	"λήψη του outlook", "скачать outlook", "получить outlook",
	"скачайте outlook", "завантажити outlook", "outlook を入手",
	"outlook for", "获取 outlook", "下载 outlook", "取得 outlook",
	"下載 outlook", "outlook 다운로드", "outlook 받기", "קבל את outlook",
	"הורד את outlook", "الحصول على outlook", "tải outlook",
	"dapatkan outlook", "get blackberry", "get bluemail", "get spark",
	"get mailspring" };

static const char *const list[] = { "mailing list", "mailinglist",
	"mailing-list", "mailing liste", "listinfo", "unsubscribe",
	"to unsubscribe", "list archives", "list info", "list run by",
	"send mail to", "sympa", "majordomo", "lists.", "googlegroups",
	"google groups", "yahoo! groups", "yahoogroups", "mailman",
	"liste de diffusion", "lista de correo", "lista di", "austragen",
	"abmelden", "désabonner", "désinscrire", "отписаться", "afmelden",
	"subscription", "subscribe" };

static const char *const legal[] = { "disclaimer", "haftungsausschluss",
	"avis de confidentialité", "aviso legal", "confidentiality notice",
	"privacy notice", "legal notice", "this email and any",
	"this e-mail and any", "this email is confidential",
	"this e-mail is confidential", "this message and any",
	"this message is confidential", "this email contains",
	"this e-mail contains", "this message contains",
	"this message may contain", "this email may contain",
	"this e-mail may contain", "this communication is",
	"this message is intended", "this email is intended",
	"this e-mail is intended", "this e-mail message", "this email message",
	"this message, including", "this email, including",
	"this e-mail, including", "this electronic message",
	"this transmission", "this communication", "this message, together",
	"information contained in this", "the information in this e",
	"the information transmitted", "the information contained",
	"the contents of this e", "the content of this e", "any unauthorised",
	"any unauthorized", "if you have received this",
	"if you are not the intended", "if you received this",
	"intended recipient", "confidential and", "has been scanned",
	"scanned for viruses", "virus-free", "virenfrei", "free from virus",
	"checked for viruses", "checked by avg",
	"please consider the environment", "think before you print",
	"save paper", "consider the environment",
	"bitte denken sie an die umwelt", "bitte prüfen sie, ob diese",
	"diese e-mail enthält", "diese e-mail kann", "diese email enthält",
	"diese nachricht enthält", "diese nachricht ist", "diese mail enthält",
	"der inhalt dieser e", "die in dieser e", "vertrauliche",
	"wenn sie nicht der richtige", "falls sie nicht der",
	"sollten sie nicht der", "ce message et", "ce message est",
	"ce courriel", "cet e-mail", "cet email", "ce mail est",
	"les informations contenues", "pensez à l'environnement",
	"avant d'imprimer", "este mensaje", "este correo", "este email",
	"esta mensagem", "este e-mail", "la información contenida",
	"antes de imprimir", "le informazioni contenute", "questo messaggio",
	"questa e-mail", "questa email", "il presente messaggio",
	"prima di stampare", "dit bericht", "deze e-mail", "deze email",
	"de informatie in", "de informatie verzonden", "detta meddelande",
	"det här meddelandet", "detta e-post", "denne e-mail", "denne mail",
	"denne e-post", "denne meldingen", "tämä viesti", "tämä sähköposti",
	"ta wiadomość", "niniejsza wiadomość", "treść tej wiadomości",
	"informacje zawarte w", "tato zpráva", "tento e-mail", "táto správa",
	"ezen üzenet", "ez az üzenet", "acest mesaj", "acest e-mail",
	"bu e-posta", "bu mesaj", "bu ileti", "το παρόν μήνυμα",
	"αυτό το μήνυμα", "данное сообщение", "это сообщение",
	"настоящее сообщение", "это электронное", "информация, содержащаяся",
	"цей лист", "това съобщение", "このメールは", "本メールは",
	"この電子メール", "本邮件", "此邮件", "本郵件", "此電子郵件",
	"이 메일은", "본 메일은", "본 메일에", "הודעה זו", "هذه الرسالة",
	"تحتوي هذه" };

/* The same, where one is enough. */
static const char *const legal_sure[] = { "disclaimer:", "haftungsausschluss:",
	"avis de confidentialité", "aviso legal", "confidentiality notice",
	"privacy notice", "legal notice", "has been scanned for virus",
	"scanned for viruses", "virus-free", "virenfrei", "checked by avg",
	"please consider the environment", "consider the environment",
	"think before you print", "please don't print this",
	"bitte denken sie an die umwelt", "bitte prüfen sie, ob diese",
	"pensez à l'environnement", "antes de imprimir este",
	"prima di stampare", "avant d'imprimer", "the information transmitted",
	"the information contained in this", "information contained in this",
	"if you are not the intended",
	"if you have received this email in error",
	"if you have received this message in error",
	"if you have received this e-mail in error",
	"this email and any attach", "this e-mail and any attach",
	"this message and any attach", "this email and any files",
	"this e-mail and any files", "diese e-mail enthält vertrauliche",
	"diese nachricht enthält vertrauliche",
	"ce message et toutes les pièces", "este mensaje y sus archivos",
	"este mensaje contiene información confidencial" };

static const char *const banner[] = { "[external]", "[external email]",
	"[external sender]", "[ext]", "[extern]", "[externe]", "[externo]",
	"[esterno]", "external email", "external e-mail", "external sender",
	"external message", "external mail", "*external*", "caution: external",
	"caution: this", "caution - external", "caution! external",
	"caution! this", "caution:external", "warning: external",
	"warning: this email", "warning: this message", "warning: this e-mail",
	"attention: this", "attention: external", "attention! this",
	"notice: this", "alert: this", "be careful: this",
	"this email originated", "this e-mail originated",
	"this message originated", "this email came from outside",
	"this email was sent from outside",
	"this message was sent from outside",
	"this message is from an external", "this email is from an external",
	"this is an external", "the sender of this message is external",
	"you don't often get email", "some people who received this message",
	"externe e-mail", "externe mail", "achtung: diese", "achtung: externe",
	"achtung! externe", "achtung, externe", "vorsicht: externe",
	"vorsicht: diese", "warnung: diese", "diese e-mail stammt von",
	"diese e-mail kommt von", "diese nachricht stammt von",
	"sie erhalten nicht oft", "sie erhalten nicht häufig", "attention: ce",
	"attention : ce", "ce courriel provient", "ce message provient",
	"cet e-mail provient", "courriel externe", "expéditeur externe",
	"message externe", "vous n'obtenez pas souvent",
	"vous ne recevez pas souvent", "correo externo", "mensaje externo",
	"precaución: este", "atención: este", "este correo procede",
	"este mensaje procede", "no suele recibir correos", "e-mail externo",
	"mensagem externa", "cuidado: este", "atenção: este",
	"attenzione: questa", "attenzione: questo", "email esterna",
	"questa email proviene", "questo messaggio proviene", "let op: deze",
	"let op: dit", "externe afzender", "deze e-mail komt van",
	"externt e-post", "extern e-post", "varning: detta", "ekstern e-mail",
	"ekstern e-post", "advarsel: denne", "ulkoinen", "uwaga: ta",
	"wiadomość zewnętrzna", "pozor: tento", "upozornění: tento",
	"внимание: это", "внимание! это", "внешний отправитель", "【外部",
	"[外部", "【社外", "[社外", "注意: 外部", "外部邮件", "外部郵件",
	"[외부", "주의: 외부", "external message warning" };

static const char *const banner_more[] = { "click", "link", "attachment",
	"sender", "organi", "originated", "outside", "external", "caution",
	"recognize", "recognise", "verify", "suspicious", "phishing",
	"learn why", "safe", "trust", "unless you", "report", "aka.ms",
	"externe", "anhänge", "anhang", "absender", "öffnen", "klicken",
	"expéditeur", "pièces jointes", "cliquez", "liens", "remitente",
	"enlaces", "adjuntos", "haga clic", "mittente", "allegati", "cliccare",
	"remetente", "anexos", "clique", "afzender", "bijlagen", "klik",
	"avsändare", "bilagor", "klicka", "afsender", "vedhæftede",
	"отправител", "вложен", "ссыл", "リンク", "添付", "链接", "附件",
	"링크", "важно", "why this is important" };

#define SET(array)                                                             \
	{                                                                      \
		array, COUNT(array)                                            \
	}

static const struct set {
	const char *const *items;
	size_t n;
} sets[N_WORD_SETS] = {
	[WORDS_WROTE] = SET(wrote),
	[WORDS_STARTERS] = SET(starters),
	[WORDS_DAYS] = SET(days),
	[WORDS_ORIGINAL] = SET(original),
	[WORDS_FORWARD] = SET(forward),
	[WORDS_DELIMITER] = SET(delimiter),
	[WORDS_INLINE] = SET(in_line),
	[WORDS_SIGNOFF] = SET(signoff),
	[WORDS_THANKS] = SET(thanks),
	[WORDS_SENT] = SET(sent),
	[WORDS_DEVICE] = SET(device),
	[WORDS_GET] = SET(get),
	[WORDS_LIST] = SET(list),
	[WORDS_LEGAL] = SET(legal),
	[WORDS_LEGAL_SURE] = SET(legal_sure),
	[WORDS_BANNER] = SET(banner),
	[WORDS_BANNER_MORE] = SET(banner_more),
};

void quote_words_init(struct words *out)
{
	for (size_t k = 0; k < N_WORD_SETS; k++) {
		struct words *w = &out[k];
		*w = (struct words){ .items = sets[k].items };
		for (size_t i = sets[k].n; i-- > 0;) {
			unsigned char c = (unsigned char)*w->items[i];
			w->next[i] = w->first[c];
			w->first[c] = (unsigned short)(i + 1);
		}
	}
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

size_t quote_words_start(const struct words *w, struct str s)
{
	size_t best = 0;
	unsigned i;

	if (!s.len)
		return 0;
	i = w->first[(unsigned char)*s.p];
	for (; i; i = w->next[i - 1]) {
		size_t len = strlen(w->items[i - 1]);
		if (len > best && len <= s.len &&
			!memcmp(s.p, w->items[i - 1], len))
			best = len;
	}
	return best;
}

ssize_t quote_words_find(const struct words *w, struct str s, size_t *len)
{
	for (size_t i = 0; i < s.len; i++) {
		if (!w->first[(unsigned char)s.p[i]])
			continue;
		if (i && is_letter(s.p[i - 1]) && is_letter(s.p[i]))
			continue;
		*len = quote_words_start(w, str_sub(s, i, s.len));
		if (*len)
			return (ssize_t)i;
	}
	return -1;
}

bool quote_words_in(const struct words *w, struct str s)
{
	size_t len;

	return quote_words_find(w, s, &len) >= 0;
}

unsigned quote_words_count(const struct words *w, struct str s)
{
	unsigned n = 0;
	size_t len;
	ssize_t at;

	for (; (at = quote_words_find(w, s, &len)) >= 0; n++)
		s = str_sub(s, (size_t)at + len, s.len);
	return n;
}
