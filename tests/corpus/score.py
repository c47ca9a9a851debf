#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""score.py - how often do we and others read a real mail alike?

    tests/corpus/score.py [-v] [SET...]

Compares `mailmill parse --json` with the expectations that other projects
recorded for their mails, and prints a table: set, what, right, counted. With
-v each difference, too. The corpus is at $MAILMILL_CORPUS or beside the
checkout; MAILMILL_BUILD names the build directory.
"""
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("MAILMILL_BUILD", TOP / "build"))
AT_ONCE = 100

# Expectations that we do not share; the reason is told beside them.
DISPUTED = {
    # Google's "(Delay)" notices, filed under failures
    "bmh-misc/instaclick/google-permanent-failure.eml",
    "bmh-misc/instaclick/google-temporary-failure.eml",
    # a forwarded mail is what the sender wants to be read: it stays
    "email-reply-trimmer/forwarded_gmail.txt",
    # a person forwards a bounce: his mail is no bounce
    "sisimai/lhost-sendmail-14.eml",
}


def find_corpus():
    for place in (os.environ.get("MAILMILL_CORPUS"), TOP / "../shared/corpus",
                  TOP / "../../shared/corpus"):
        if place and (Path(place) / "INDEX.tsv").is_file():
            return Path(place) / "sets"
    sys.exit("no corpus: set MAILMILL_CORPUS to its folder")


def parse(paths):
    """Reads mails; one that cannot be read has no values."""
    out = {}
    for i in range(0, len(paths), AT_ONCE):
        for path in paths[i:i + AT_ONCE]:
            run = subprocess.run(
                [BUILD / "src/mailmill", "parse", "--json", "--lines", path],
                stdout=subprocess.PIPE, check=False)
            lines = run.stdout.splitlines()
            out[path] = json.loads(lines[0]) if lines else {}
    return out


class Score:
    def __init__(self, name, is_verbose):
        self.name, self.is_verbose, self.rows = name, is_verbose, {}

    def count(self, what, mail, is_right, wanted, got):
        if f"{self.name}/{mail}" in DISPUTED:
            return
        right, counted = self.rows.get(what, (0, 0))
        self.rows[what] = (right + bool(is_right), counted + 1)
        if self.is_verbose and not is_right:
            print(f"  {self.name}/{mail}: {what}: wanted {wanted}, got {got}")


def recipients(mail):
    return {b["recipient"].lower() for b in mail.get("bounce", [])}


def score_sisimai(folder, items, score):
    paths = {p: items[p.name] for p in sorted(folder.glob("maildir/*/*.eml"))
             if p.name in items}
    mails = parse(list(paths))
    for path, wanted in paths.items():
        if wanted[0]["reason"] in ("feedback", "vacation"):
            kind = {"feedback": "feedback-report",
                    "vacation": "auto-reply"}[wanted[0]["reason"]]
            score.count("kind", path.name, mails[path].get("kind") == kind,
                        kind, mails[path].get("kind"))
            continue
        got = mails[path].get("bounce", [])
        score.count("recipients", path.name, len(got) == len(wanted),
                    len(wanted), len(got))
        for i, want in enumerate(wanted):
            have = got[i] if i < len(got) else {}
            score.count("reason", path.name,
                        have.get("reason") == want["reason"],
                        want["reason"], have.get("reason"))
            # x.0.N are Sisimai's own codes for what has none
            if want["status"] and not re.match(r"\d\.0\.", want["status"]):
                score.count("status", path.name,
                            have.get("status") == want["status"],
                            want["status"], have.get("status"))


def score_mailman2_bounces(folder, items, score):
    mails = parse([folder / name for name in items])
    for name, detectors in items.items():
        mail = mails[folder / name]
        wanted = {a.lower() for d in detectors
                  for a in d.get("failed_recipients") or []}
        got = recipients(mail)
        if wanted:
            score.count("recipients", name, got == wanted, wanted, got)
        else:
            score.count("no failure", name, mail.get("kind") != "bounce",
                        "no bounce", mail.get("kind"))


def score_bounceparser(folder, items, score):
    mails = parse([folder / name for name in items])
    for name, wanted in items.items():
        mail = mails[folder / name]
        is_bounce = mail.get("kind") == "bounce"
        score.count("kind", name, is_bounce == wanted["is_bounce"],
                    wanted["is_bounce"], mail.get("kind"))
        if wanted.get("addresses") and wanted["is_bounce"]:
            addresses = {a.lower() for a in wanted["addresses"]}
            score.count("recipients", name, recipients(mail) == addresses,
                        addresses, recipients(mail))


def score_chatmail(folder, items, score):
    mails = parse([folder / name for name in items])
    for name, wanted in items.items():
        mail = mails[folder / name]
        score.count("kind", name,
                    (mail.get("kind") == "bounce") == wanted["is_failure"],
                    wanted["is_failure"], mail.get("kind"))
        if not wanted["is_failure"]:
            continue
        if wanted.get("failed_recipient"):
            score.count("recipients", name,
                        wanted["failed_recipient"] in recipients(mail),
                        wanted["failed_recipient"], recipients(mail))
        score.count("message_id", name, mail.get("bounced_message_id") ==
                    wanted["original_message_id"],
                    wanted["original_message_id"],
                    mail.get("bounced_message_id"))


def score_class(folder, items, score):
    names = {"delay warning": "delay", "ordinary mail": "ordinary"}
    mails = parse([folder / name for name in items])
    for name, wanted in items.items():
        kind = wanted.get("class")
        if not kind:
            continue
        kind = names.get(kind, kind)
        got = mails[folder / name].get("kind")
        score.count("kind", name, got == kind, kind, got)


def wrap(body, subtype="plain"):
    return (f"From: a@example.org\nMIME-Version: 1.0\n"
            f"Content-Type: text/{subtype}; charset=utf-8\n"
            "Content-Transfer-Encoding: 8bit\n\n").encode() + body


def squeeze(text):
    return " ".join(text.split())


def parse_bytes(raw):
    with tempfile.NamedTemporaryFile(suffix=".eml") as file:
        file.write(raw)
        file.flush()
        return parse([file.name])[file.name]


def count_reply(score, name, mail, wanted):
    """What was written, with or without the signature."""
    reply = squeeze(mail.get("reply", ""))
    whole = squeeze(reply + " " + mail.get("signature", ""))
    score.count("reply", name, squeeze(wanted) in (reply, whole),
                squeeze(wanted)[-70:], reply[-70:])


def score_trimmer(folder, _items, score):
    for path in sorted(folder.glob("emails/*.txt")):
        wanted = folder / "trimmed" / path.name
        if wanted.is_file():
            count_reply(score, path.name,
                        parse_bytes(wrap(path.read_bytes())),
                        wanted.read_text())


def score_talon(folder, items, score):
    for name, wanted in items.items():
        reply = wanted.get("reply_text_ignoring_whitespace") or wanted.get(
            "reply_text")
        raw = (folder / name).read_bytes()
        if name.endswith(".html"):
            raw = wrap(raw, "html")
        if reply:
            count_reply(score, name, parse_bytes(raw), reply)


def score_fragments(folder, items, score):
    for name, facts in items.items():
        texts = [f["equals_trimmed"] for f in facts
                 if f.get("fragment") == 0 and "equals_trimmed" in f]
        if not texts:
            continue
        got = squeeze(parse_bytes(wrap((folder / name).read_bytes()))
                      .get("reply", ""))
        score.count("reply", name, got.startswith(squeeze(texts[0])),
                    squeeze(texts[0])[-70:], got[-70:])


SETS = {
    "email-reply-trimmer": score_trimmer,
    "talon": score_talon,
    "email-reply-parser-php": score_fragments,
    "email-reply-parser-js": score_fragments,
    "sisimai": score_sisimai,
    "bounceparser": score_bounceparser,
    "mailman2-bounces": score_mailman2_bounces,
    "chatmail": score_chatmail,
    "php-bounce-handler": score_class,
    "bmh-misc": score_class,
    "mail-manager": score_class,
}


def main():
    is_verbose = "-v" in sys.argv[1:]
    chosen = [a for a in sys.argv[1:] if a != "-v"] or list(SETS)
    sets = find_corpus()
    table = []
    for name in chosen:
        facts = sets / name / "expected.json"
        items = (json.loads(facts.read_text())["items"]
                 if facts.is_file() else {})
        score = Score(name, is_verbose)
        SETS[name](sets / name, items, score)
        table += [(name, what, right, counted)
                  for what, (right, counted) in score.rows.items()]
    print("| set | what | right | counted | percent |")
    print("| --- | --- | ---: | ---: | ---: |")
    for name, what, right, counted in table:
        print(f"| {name} | {what} | {right} | {counted} "
              f"| {100 * right / counted:.1f} |")


if __name__ == "__main__":
    main()
