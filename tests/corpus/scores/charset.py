# SPDX-License-Identifier: GPL-3.0-or-later
"""Charsets: the letters of a text, whatever it was labelled."""
import email
import email.policy
import re
from collections import Counter

from .lib import parse, parse_bytes, squeeze, unpacked

LOST = "\ufffd"


def letters(text):
    """Counts the letters beyond ASCII: what a wrong charset changes."""
    return Counter(c for c in text if ord(c) > 127 and c.isalpha())


def python_text(raw):
    try:
        message = email.message_from_bytes(raw, policy=email.policy.default)
        part = message.get_body(("plain", "html"))
        return part.get_content() if part else ""
    except Exception:  # pylint: disable=broad-except
        return ""


def is_near(got, wanted):
    """Nearly all letters are there, and few others: HTML is read apart."""
    lost, more = wanted - got, got - wanted
    n = max(sum(wanted.values()), 1)
    return sum(lost.values()) <= n * 0.02 and sum(more.values()) <= n * 0.1


def score_summary(folder, _items, score):
    paths = [p for p in sorted(folder.glob("input/*.eml"))]
    mails = parse(paths)
    for path in paths:
        output = folder / "output" / f"{path.stem}.txt"
        if not output.is_file():
            continue
        head, _, text = output.read_text().partition("\n\n")
        subject = re.search(r"^Subject: (.*)$", head, re.M)
        # it leaves "Re:" out
        if subject and subject[1] != "No Subject":
            got = {squeeze(mails[path].get(name, ""))
                   for name in ("subject", "subject_base")}
            score.count("subject", path.name, squeeze(subject[1]) in got,
                        squeeze(subject[1]), got)
        text = re.sub(r"^- .*, [\d.]+ [KMG]?B$", "", text, flags=re.M)
        wanted = letters(text)
        got = letters(mails[path].get("text", ""))
        score.count("letters", path.name, is_near(got, wanted),
                    dict((wanted - got).most_common(5)),
                    dict((got - wanted).most_common(5)))
        score.other("python email", "letters",
                    is_near(letters(python_text(path.read_bytes())), wanted))


def mail_of(body, label):
    """A mail with that body, as its sender would make it, or unlabelled."""
    head = b"From: a@example.org\nMIME-Version: 1.0\n"
    if label is not None:
        head += f"Content-Type: text/plain; charset={label}\n".encode()
    return head + b"Content-Transfer-Encoding: 8bit\n\n" + body


def score_gmime(folder, _items, score):
    """The same text in several charsets: labelled, not, and wrongly so."""
    texts = {"cyrillic": "cyrillic.utf-8.txt", "chinese": "chinese.utf-8.txt",
             "japanese": "japanese.utf-8.txt"}
    for path in sorted(folder.glob("filters/*.*.txt")):
        stem, _, charset = path.name.removesuffix(".txt").partition(".")
        if stem in texts:
            wanted = (folder / "filters" / texts[stem]).read_text()
        elif stem == "french-fable":
            wanted = path.read_bytes().decode("cp1252")
        else:
            continue
        # what the charset has not was left out when the text was made
        wanted = wanted.encode(charset, "ignore").decode(charset)
        for what, label in (("labelled", charset), ("no label", None),
                            ("us-ascii", "us-ascii"),
                            ("unknown", "x-unknown")):
            raw = mail_of(path.read_bytes(), label)
            got = squeeze(parse_bytes(raw).get("text", ""))
            score.count(what, path.name, got == squeeze(wanted),
                        squeeze(wanted)[:60], got[:60])
            score.other("python email", what,
                        squeeze(python_text(raw)) == squeeze(wanted))


def score_lost(folder, _items, score):
    """Mails in which no letter is lost: none that has U+FFFD."""
    paths = [p for p in sorted(unpacked(folder).rglob("*"))
             if p.is_file() and p.suffix in (".eml", ".box", ".msg", ".txt")]
    mails = parse(paths)
    for path in paths:
        mail = mails[path]
        fields = " ".join(value for _, value in mail.get("headers", []))
        text = mail.get("text", "") + fields
        if not letters(text) and LOST not in text:
            continue
        if LOST.encode() in path.read_bytes():
            continue  # lost before
        score.count("no letter lost", path.name, LOST not in text,
                    "", text[max(text.find(LOST) - 20, 0):][:40])


SETS = {
    "mailcore-summary": score_summary,
    "gmime": score_gmime,
    "alaveteli": score_lost,
    "otobo": score_lost,
    "rt": score_lost,
    "proton-bridge": score_lost,
    "sup": score_lost,
}
