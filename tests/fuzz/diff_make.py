# SPDX-License-Identifier: GPL-3.0-or-later
"""diff_make.py - makes mails and rules for tests/fuzz/differential.

Both come from one seeded random.Random, so that a number names a pair. Keys
are mostly made of what stands in the mail, changed a little: what never
matches tells nothing. A rule is a list of statements, a mail a list of header
fields and a body, so that a pair that makes trouble can be made smaller.
"""
import base64
import re

WORDS = ("hello", "Order", "invoice", "1234", "URGENT", "re:", "[list]", "spam",
         "x*y", "a?b", "back\\slash", "100%", "Jürgen", "naïve", "Straße",
         "ΑΒΓ", "日本", "_under_", "(paren)", "dot.dot", "10", "9", "007",
         "-3", "~", "{brace}", "$5", "+tag", "semi;colon", "UPPER", "lower")
LOCALS = ("ann", "Bob.Smith", "carl+list", "dora+", "+eve", "frank+a+b",
          "info", '"quo ted"', '"at@sign"', "o'hara", "GRETA", "x-y_z")
DOMAINS = ("example.org", "Example.COM", "mail.example.net", "a.b.c.test",
           "localhost", "[192.0.2.1]")
NAMES = ("Ann", "Bob Smith", '"Last, First"', "=?utf-8?q?J=C3=BCrgen_M?=",
         "=?iso-8859-1?q?Fran=E7ois?=", "", "", "", '"with \\" quote"')
FIELDS = ("Subject", "From", "To", "Cc", "X-One", "X-Two", "List-Id",
          "Received", "Date", "Message-ID", "X-Spam", "Reply-To", "Sender",
          "X-Empty", "Comments", "X-Num")
ADDRESS_FIELDS = ("From", "To", "Cc", "Reply-To", "Sender", "Bcc",
                  "Resent-To")
ZONES = ("+0000", "-0500", "+0200", "+0530", "GMT", "EST", "-0000")
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep",
          "Oct", "Nov", "Dec")


class Mail:
    """A mail: [(name, raw value)], body; CRLF lines when written."""

    def __init__(self, fields, body):
        self.fields, self.body = fields, body

    def raw(self):
        lines = "".join(f"{n}:{v}\n" for n, v in self.fields)
        text = lines + ("" if self.body is None else "\n" + self.body)
        return text.encode("utf-8", "surrogateescape").replace(b"\n", b"\r\n")


def make_address(r):
    address = f"{r.choice(LOCALS)}@{r.choice(DOMAINS)}"
    name = r.choice(NAMES)
    form = r.random()
    if form < 0.2:
        return address
    if form < 0.25:
        return f"{address} (a comment)"
    return f"{name} <{address}>" if name else f"<{address}>"


def make_addresses(r):
    form = r.random()
    some = ", ".join(make_address(r) for _ in range(r.choice((1, 1, 1, 2, 3))))
    if form < 0.05:
        return f"Friends: {some};"
    if form < 0.08:
        return "undisclosed-recipients:;"
    if form < 0.10:
        return ""
    if form < 0.13:
        return r.choice(("nonsense", "a@b@c", "<>", "@", "x y z"))
    if form < 0.18:
        return some.replace(", ", ",\n\t")
    return some


def make_text(r):
    words = [r.choice(WORDS) for _ in range(r.choice((0, 1, 2, 2, 3, 5)))]
    text = " ".join(words)
    form = r.random()
    if form < 0.2 and words:
        return "=?utf-8?b?%s?=" % base64.b64encode(text.encode()).decode()
    if form < 0.35 and words:
        coded = "".join(
            chr(b) if chr(b).isalnum() and b < 128 else
            "_" if b == 32 else f"={b:02X}" for b in text.encode())
        return f"=?UTF-8?Q?{coded}?="
    if form < 0.45:
        return text.replace(" ", "\n ", 1)
    if form < 0.5:
        return text + "  "
    return text


def make_date(r):
    zone = r.choice(ZONES)
    day, month = r.randint(1, 28), r.choice(MONTHS)
    year, hour = r.randint(1995, 2030), r.randint(0, 23)
    clock = f"{hour:02}:{r.randint(0, 59):02}:{r.randint(0, 59):02}"
    if r.random() < 0.05:
        return r.choice(("yesterday", "", f"32 {month} {year} {clock} {zone}"))
    prefix = r.choice(("", r.choice(DAYS) + ", "))
    if r.random() < 0.1:
        clock = clock[:5]
    return f"{prefix}{day} {month} {year} {clock} {zone}"


def make_field(r, name):
    if name in ADDRESS_FIELDS:
        value = make_addresses(r)
    elif name == "Date":
        value = make_date(r)
    elif name == "Received":
        value = (f"from {r.choice(DOMAINS)} by mx.example.org with LMTP; "
                 + make_date(r))
    elif name == "Message-ID":
        value = f"<{r.randint(1, 999)}@example.org>"
    elif name == "X-Spam":
        value = r.choice(("Yes, score=7.5", "No, score=-1", "***", ""))
    elif name == "X-Num":
        value = r.choice(("0", "7", "007", "10", "9", "12345678901234567890",
                          "99999999999", "0010 apples"))
    elif name == "X-Empty":
        value = ""
    else:
        value = make_text(r)
    return (name, r.choice((" ", " ", " ", " ", "", "  ")) + value)


def make_leaf(r):
    """A part that is no multipart: header lines, body."""
    form = r.random()
    text = "\n".join(make_words(r) for _ in range(r.randint(0, 4)))
    if form < 0.3:
        return "Content-Type: text/plain; charset=utf-8", text + "\n"
    if form < 0.45:
        coded = base64.b64encode(text.encode()).decode()
        return ("Content-Type: text/plain; charset=utf-8\n"
                "Content-Transfer-Encoding: base64", coded + "\n")
    if form < 0.55:
        return ("Content-Type: text/plain; charset=iso-8859-1\n"
                "Content-Transfer-Encoding: quoted-printable",
                "caf=E9 =\nau lait=20\n")
    if form < 0.7:
        return ("Content-Type: text/html; charset=utf-8",
                f"<p>{make_words(r)}</p>\n")
    if form < 0.8:
        return ('Content-Type: application/octet-stream; name="a.bin"\n'
                "Content-Transfer-Encoding: base64", "AAECAwQ=\n")
    if form < 0.9:
        inner = f"Subject: inner {make_words(r)}\n\ninner body {text}\n"
        return "Content-Type: message/rfc822", inner
    return r.choice(("", "Content-Type: text/plain/stupid",
                     "Content-Type: text", "X-Nothing: 1")), text + "\n"


def make_words(r):
    return " ".join(r.choice(WORDS) for _ in range(r.randint(1, 4)))


def make_multipart(r, depth=0):
    boundary = f"bound{depth}"
    out = [] if r.random() < 0.7 else ["preamble " + make_words(r)]
    for _ in range(r.randint(1, 3)):
        if depth < 2 and r.random() < 0.2:
            head, body = make_multipart(r, depth + 1)
        else:
            head, body = make_leaf(r)
        out.append(f"--{boundary}\n{head}\n\n{body}" if head
                   else f"--{boundary}\n\n{body}")
    out.append(f"--{boundary}--\n"
               + ("" if r.random() < 0.7 else "epilogue " + make_words(r)
                  + "\n"))
    kind = r.choice(("mixed", "alternative", "related"))
    return (f'Content-Type: multipart/{kind}; boundary="{boundary}"',
            "\n".join(out))


def make_mail(r):
    fields = [make_field(r, name) for name in ("From", "To", "Subject")
              if r.random() < 0.95]
    fields += [make_field(r, r.choice(FIELDS)) for _ in range(r.randint(0, 8))]
    r.shuffle(fields)
    form = r.random()
    if form < 0.05:
        return Mail(fields, None)
    if form < 0.5:
        return Mail(fields, "".join(
            make_words(r) + "\n" for _ in range(r.randint(0, 4))))
    head, body = make_multipart(r) if form < 0.85 else make_leaf(r)
    fields.append(("MIME-Version", " 1.0"))
    for line in head.split("\n"):
        if ":" in line:
            name, _, value = line.partition(":")
            fields.append((name, value))
    return Mail(fields, body)


def quote(text):
    return '"%s"' % text.replace("\\", "\\\\").replace('"', '\\"')


def quotes(texts):
    if len(texts) == 1:
        return quote(texts[0])
    return "[" + ", ".join(quote(t) for t in texts) + "]"


COMPARATORS = ("i;octet", "i;ascii-casemap", "i;ascii-numeric")
RELATIONS = ("gt", "ge", "lt", "le", "eq", "ne")
REGEXES = ("^(.*)$", "[0-9]+", "([a-z]+)@([a-z.]+)", "o(r|l)d?", "^re:",
           "(a)|(b)", "^$", "l{2}", "[[:digit:]]+", "(h)(e)(l)", "x?y*",
           "\\.", "(example)\\.(org|com|net)$", "[^a-z]")
PARTS = ("year", "month", "day", "date", "julian", "hour", "minute", "second",
         "time", "iso8601", "std11", "zone", "weekday")
FLAGS = ("\\Seen", "\\Flagged", "\\Deleted", "$label", "Work", "\\Answered")


class Maker:
    """Makes the statements of one rule; `needs` are what it requires."""

    def __init__(self, r, mail, has):
        self.r, self.mail, self.has = r, mail, has
        self.needs, self.n, self.depth = set(), 0, 0
        self.variables = []
        self.values = [re.sub(r"\n[ \t]", " ", v).strip()
                       for _, v in mail.fields]
        self.values += [w for w in WORDS]
        for v in list(self.values):
            self.values += re.findall(r"[^<>\s,;]+@[^<>\s,;]+", v)

    def may(self, *names):
        return all(n in self.has for n in names)

    def need(self, *names):
        self.needs.update(names)

    # strings

    def piece(self):
        """Something that may stand in the mail."""
        r = self.r
        text = r.choice(self.values)
        form = r.random()
        if form < 0.4 and len(text) > 2:
            a = r.randrange(len(text))
            text = text[a:r.randint(a, len(text))]
        if r.random() < 0.2:
            text = r.choice((text.upper(), text.lower()))
        if r.random() < 0.03:
            text = ""
        return text

    def variable_text(self, text):
        """Perhaps with references."""
        if not self.may("variables") or self.r.random() < 0.8:
            return text
        self.need("variables")
        names = self.variables + ["1", "2", "0", "nothing"]
        at = self.r.randint(0, len(text))
        return text[:at] + "${%s}" % self.r.choice(names) + text[at:]

    def glob(self):
        r, text = self.r, self.piece()
        form = r.random()
        if form < 0.15:
            return text
        if form < 0.3:
            return f"*{text}*"
        if form < 0.4:
            return text + "*"
        if form < 0.5:
            return "*" + text
        if form < 0.6:
            return "*"
        out = ""
        for c in text:
            x = r.random()
            out += "*" if x < 0.1 else "?" if x < 0.2 else \
                "" if x < 0.25 else "\\" + c if x < 0.3 else c
        return out

    def keys(self, kind):
        r = self.r
        n = r.choice((1, 1, 1, 2, 3, 12))
        if kind == ":matches":
            return quotes([self.variable_text(self.glob()) for _ in range(n)])
        if kind == ":regex":
            return quotes([r.choice(REGEXES) for _ in range(min(n, 3))])
        if kind.startswith((":count", ":value")):
            pick = [str(r.choice((0, 1, 2, 3, 9, 10, 1234)))
                    for _ in range(min(n, 2))]
            if kind.startswith(":value") and r.random() < 0.5:
                pick[0] = self.piece()
            return quotes(pick)
        return quotes([self.variable_text(self.piece()) for _ in range(n)])

    def match(self):
        """Match type and comparator. Gives: (kind, tags)."""
        r = self.r
        kinds = [":is", ":contains", ":matches", ":is", ":contains",
                 ":matches", ""]
        if self.may("relational"):
            kinds += [":count", ":value"]
        if self.may("regex"):
            kinds += [":regex"]
        kind = r.choice(kinds)
        tags = [kind] if kind else []
        if kind in (":count", ":value"):
            self.need("relational")
            kind = f'{kind} "{r.choice(RELATIONS)}"'
            tags = [kind]
        if kind == ":regex":
            self.need("regex")
        if r.random() < 0.4:
            names = list(COMPARATORS)
            if kind in (":contains", ":matches", ":regex"):
                names.remove("i;ascii-numeric")
            if kind.startswith(":count"):
                names = ["i;ascii-numeric"]
            name = r.choice(names)
            if name == "i;ascii-numeric":
                self.need("comparator-i;ascii-numeric")
            tags.append(f':comparator "{name}"')
        r.shuffle(tags)
        return kind or ":is", tags

    def part(self):
        names = [":all", ":localpart", ":domain", ""]
        if self.may("subaddress"):
            names += [":user", ":detail"]
        name = self.r.choice(names)
        if name in (":user", ":detail"):
            self.need("subaddress")
        return [name] if name else []

    def index(self):
        if not self.may("index") or self.r.random() < 0.8:
            return []
        self.need("index")
        return [f":index {self.r.randint(1, 3)}"
                + self.r.choice(("", " :last"))]

    def some(self, names, most=3):
        n = self.r.choice((1, 1, 1, 2, most))
        picked = [self.r.choice(names) for _ in range(n)]
        return [self.r.choice((p, p, p.lower(), p.upper())) for p in picked]

    # tests

    def test(self):
        makers = [self.test_header] * 5 + [self.test_address] * 4 + [
            self.test_exists, self.test_size, self.test_not, self.test_list,
            self.test_constant]
        for name in ("envelope", "variables", "body", "date", "ihave",
                     "imap4flags", "mime", "environment"):
            if self.may(name):
                makers += [getattr(self, "test_" + name)] * 2
        if self.may("comparator-i;ascii-numeric"):
            makers.append(self.test_number)
        if self.depth >= 4:
            makers = [self.test_header, self.test_address]
        self.depth += 1
        try:
            return self.r.choice(makers)()
        finally:
            self.depth -= 1

    def join(self, *parts):
        return " ".join(p for part in parts for p in
                        ([part] if isinstance(part, str) else part))

    def tags(self, *lists):
        tags = [t for some in lists for t in some]
        self.r.shuffle(tags)
        return tags

    def test_header(self):
        kind, tags = self.match()
        return self.join("header", self.tags(tags, self.index()),
                         quotes(self.some(FIELDS)), self.keys(kind))

    def test_address(self):
        kind, tags = self.match()
        return self.join(
            "address", self.tags(tags, self.part(), self.index()),
            quotes(self.some(ADDRESS_FIELDS)), self.keys(kind))

    def test_number(self):
        """Numbers as numbers: nothing here is explained."""
        self.need("comparator-i;ascii-numeric")
        kind = ":is"
        if self.may("relational"):
            self.need("relational")
            kind = ':value "%s"' % self.r.choice(RELATIONS)
        keys = [self.r.choice(("0", "7", "10", "9", "010", "99999999999",
                               "12345678901234567891"))
                for _ in range(self.r.randint(1, 3))]
        return self.join("header", kind, ':comparator "i;ascii-numeric"',
                         '"X-Num"', quotes(keys))

    def test_envelope(self):
        self.need("envelope")
        kind, tags = self.match()
        return self.join("envelope", self.tags(tags, self.part()),
                         quotes(self.some(("from", "to"), 2)),
                         self.keys(kind))

    def test_exists(self):
        return "exists " + quotes(self.some(FIELDS))

    def test_size(self):
        size = len(self.mail.raw())
        return "size %s %s" % (self.r.choice((":over", ":under")), self.r.choice(
            (size, size + 1, size - 1, 100, "1K", "1M")))

    def test_not(self):
        return "not " + self.test()

    def test_list(self):
        tests = [self.test() for _ in range(self.r.randint(1, 3))]
        return "%s (%s)" % (self.r.choice(("anyof", "allof")),
                            ",\n\t".join(tests))

    def test_constant(self):
        return self.r.choice(("true", "false"))

    def test_variables(self):
        self.need("variables")
        kind, tags = self.match()
        sources = ["${%s}" % self.r.choice(self.variables + ["1", "2", "none"]),
                   self.variable_text(self.piece())]
        return self.join("string", tags,
                         quotes(sources[:self.r.randint(1, 2)]),
                         self.keys(kind))

    def test_body(self):
        self.need("body")
        kind, tags = self.match()
        how = self.r.choice(([":raw"], [":text"], [], [":content " + quote(
            self.r.choice(("", "text", "text/plain", "text/html", "message",
                           "multipart", "message/rfc822", "application",
                           "/", "text/", "text/plain/")))]))
        return self.join("body", self.tags(tags, how), self.keys(kind))

    def test_date(self):
        self.need("date")
        r = self.r
        kind, tags = self.match()
        zone = r.choice(([':zone "%s"' % r.choice(ZONES[:4])],
                         [":originalzone"]))
        part = r.choice(PARTS)
        keys = self.keys(kind)
        if r.random() < 0.7 and not kind.startswith((":count", ":regex")):
            keys = quotes([self.date_key(part) for _ in range(r.randint(1, 8))])
        return self.join("date", self.tags(tags, zone, self.index()),
                         quote(r.choice(("Date", "Received", "X-One"))),
                         quote(part), keys)

    def date_key(self, part):
        r = self.r
        two = f"{r.randint(0, 59):02}"
        return {"year": str(r.randint(1995, 2030)),
                "month": f"{r.randint(1, 12):02}",
                "day": f"{r.randint(1, 28):02}", "hour": f"{r.randint(0, 23):02}",
                "weekday": str(r.randint(0, 6)), "zone": r.choice(ZONES[:4]),
                "date": f"20{two}-{r.randint(1, 12):02}-{two}",
                "julian": str(r.randint(50000, 62000)),
                "time": f"{two}:*", "iso8601": "20*T*",
                "std11": "*20*"}.get(part, two)

    def test_ihave(self):
        self.need("ihave")
        # What a rule requires anyway is answered differently: now and then.
        if self.r.random() < 0.005:
            return 'ihave "variables"'
        return "ihave " + quotes([self.r.choice(
            ("fileinto", "envelope", "x-nothing", "body", "copy"))])

    def test_imap4flags(self):
        self.need("imap4flags")
        kind, tags = self.match()
        keys = self.keys(kind)
        if kind in (":is", ":contains", ":matches"):
            keys = quotes([self.r.choice(FLAGS) for _ in range(2)])
        return self.join("hasflag", tags, keys)

    def test_mime(self):
        self.need("mime")
        r = self.r
        kind, tags = self.match()
        mime = [":mime"] + r.choice(([], [":anychild"]))
        option = r.choice(([], [":type"], [":subtype"], [":contenttype"],
                           [":param " + quotes(self.some(
                               ("charset", "name", "boundary"), 2))]))
        keys = self.keys(kind)
        if r.random() < 0.7 and kind in (":is", ":contains", ":matches"):
            keys = quotes([r.choice((
                "text", "plain", "html", "multipart", "mixed", "text/plain",
                "utf-8", "a.bin", "bound0", "message/rfc822", "base64"))
                for _ in range(3)])
        return self.join("header", " ".join(mime), self.tags(tags, option),
                         quotes(self.some(("Content-Type", "Subject",
                                           "Content-Transfer-Encoding"), 2)),
                         keys)

    def test_environment(self):
        self.need("environment")
        kind, tags = self.match()
        # Where and when each runs is not the same: only what none knows.
        return self.join("environment", tags, quote("x-none"), self.keys(kind))

    # commands

    def mark(self):
        """A folder's name that tells which place of the rule was reached."""
        self.n += 1
        name = f"t{self.n}"
        if self.may("variables") and self.r.random() < 0.5:
            self.need("variables")
            refs = self.variables[-2:] + ["1", "2", "0"]
            name += "".join(" <${%s}>" % self.r.choice(refs)
                            for _ in range(self.r.randint(1, 3)))
        return name

    def action(self):
        r = self.r
        x = r.random()
        if x < 0.55:
            self.need("fileinto", "copy")
            flags = ""
            if self.may("imap4flags") and r.random() < 0.1:
                self.need("imap4flags")
                flags = ":flags %s " % quotes(
                    [r.choice(FLAGS) for _ in range(r.randint(1, 2))])
            tag = r.choice((":copy ", ":copy ", ""))
            return f"fileinto {tag}{flags}{quote(self.mark())};"
        if x < 0.65 and self.may("imap4flags"):
            self.need("imap4flags")
            return "%s %s;" % (r.choice(("setflag", "addflag", "removeflag")),
                               quotes([r.choice(FLAGS)
                                       for _ in range(r.randint(1, 3))]))
        if x < 0.7 and self.may("editheader"):
            return self.edit()
        if x < 0.8 and self.may("variables"):
            return self.set_variable()
        if x < 0.84:
            return "keep;"
        if x < 0.88:
            return "discard;"
        if x < 0.92 and self.n < 4:
            self.n += 1
            self.need("copy")
            return "redirect %s%s;" % (r.choice((":copy ", "")), quote(r.choice(
                ("r@example.org", "Ann <s@example.org>", f"t{self.n}@x.test"))))
        if x < 0.95:
            return "stop;"
        if x < 0.97 and self.may("reject"):
            self.need("reject")
            return 'reject "no %s";' % self.n
        return self.conditional()

    def edit(self):
        r = self.r
        self.need("editheader")
        name = r.choice(("X-One", "X-Two", "X-New", "Comments"))
        if r.random() < 0.5:
            return "addheader %s%s %s;" % (r.choice(("", ":last ")), quote(name),
                                           quote(make_words(r)))
        if r.random() < 0.4:
            return f"deleteheader {quote(name)};"
        kind = r.choice((":is", ":contains", ":matches"))
        return f"deleteheader {kind} {quote(name)} {self.keys(kind)};"

    def set_variable(self):
        r = self.r
        self.need("variables")
        groups = ([":lower", ":upper"], [":lowerfirst", ":upperfirst"],
                  [":quotewildcard"], [":length"])
        tags = [r.choice(g) for g in groups if r.random() < 0.2]
        r.shuffle(tags)
        name = r.choice(("a", "Bee", "c_3", "long_name"))
        text = self.variable_text(self.piece())
        if r.random() < 0.3:
            text = "${%s}" % r.choice(self.variables + ["1", "2", "3"])
        if r.random() < 0.1 and self.may("encoded-character"):
            self.need("encoded-character")
            text += r.choice(("${hex:41 42}", "${unicode:20AC}", "${hex:4}",
                              "${hex:zz}", "${UNICODE: e4 }", "${hex:24}{x}"))
        if name not in self.variables:
            self.variables.append(name)
        return self.join("set", tags, quote(name), quote(text)) + ";"

    def block(self):
        n = self.r.choice((1, 1, 2, 2, 3))
        return "{\n\t%s\n}" % "\n\t".join(
            self.action().replace("\n", "\n\t") for _ in range(n))

    def conditional(self):
        if self.depth > 3:
            return "keep;"
        self.depth += 1
        out = f"if {self.test()} {self.block()}"
        while self.r.random() < 0.3:
            out += f"\nelsif {self.test()} {self.block()}"
        if self.r.random() < 0.5:
            out += f"\nelse {self.block()}"
        self.depth -= 1
        return out

    def loop(self):
        """Goes through the parts; what is in them goes into names."""
        self.need("foreverypart", "mime", "variables")
        test = self.test_mime()
        more = ""
        if self.may("extracttext") and self.r.random() < 0.5:
            self.need("extracttext")
            # It has line ends, which no folder's name may have.
            more = ('\n\textracttext %s"x";\n\tif string %s "${x}" %s '
                    "{ fileinto :copy %s; }" % (
                        self.r.choice(("", ":first 20 ")),
                        self.r.choice((":contains", ":is")),
                        self.keys(":is"), quote(self.mark())))
            self.need("fileinto", "copy")
        return "foreverypart {\n\tif %s {\n\t%s\n\t}%s\n}" % (
            test, self.action(), more)

    def statement(self):
        x = self.r.random()
        if x < 0.15:
            return self.action()
        if x < 0.2 and self.may("foreverypart", "mime", "variables"):
            return self.loop()
        return self.conditional()


class Rule:
    def __init__(self, needs, statements):
        self.needs, self.statements = sorted(needs), statements

    def text(self):
        head = f"require {quotes(self.needs)};\n" if self.needs else ""
        return head + "\n".join(self.statements) + "\n"


def make_rule(r, mail, has):
    m = Maker(r, mail, has)
    statements = [m.statement() for _ in range(r.randint(2, 6))]
    return Rule(m.needs, statements)


def make_envelope(r):
    """Sender and recipient. sieve-test can't be told of the null path."""
    senders = ("ann@example.org", "Bob.Smith+x@Example.COM",
               "bounce+1@a.b.c.test")
    rcpts = ("me@example.com", "me+box@example.com", "ME+a+b@example.com")
    return r.choice(senders), r.choice(rcpts)
