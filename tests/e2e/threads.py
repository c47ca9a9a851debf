# SPDX-License-Identifier: GPL-3.0-or-later
"""threads.py - mails find their Case by Message-ID, token and subject."""
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from mm import EXE, check, mail, main, same

RULE = """require ["variables", "vnd.mailmill"];
if thread%s "Case" "case" {
    update "case" { field "Status" "Working"; }
} else {
    create "Case" "case" { field "Subject" "${mail.subject}"; }
}
create "EmailMessage" "message" {
    field "ParentId" "${case.Id}";
    field "Subject" "${mail.subject}";
    field "MessageIdentifier" "<${mail.message_id}>";
}
"""


def token(d, *args, ok=0):
    got = subprocess.run([EXE, "token", *args, "--config", d.conf],
                         capture_output=True, text=True, timeout=60,
                         env={**os.environ, "SANDBOX_SECRET": "x"})
    same(got.returncode, ok, f"token {args}: {got.stderr}{got.stdout}")
    return got.stdout


def add_key(path):
    """As the manual says: a new line in a file that others can't read."""
    got = subprocess.run([EXE, "token", "key", path], capture_output=True,
                         text=True, timeout=60, check=True)
    with open(path, "a") as f:
        os.fchmod(f.fileno(), 0o600)
        f.write(got.stdout)


def start(lab, tags=""):
    s = lab.sandbox()
    keys = lab.path("keys")
    add_key(keys)
    rule = lab.path("rule.sieve")
    with open(rule, "w") as f:
        f.write(RULE % tags)
    d = lab.daemon(s, rule=rule, mill=f'thread_keys = "file:{keys}"')
    return s, d, keys


def case_of(s, n):
    rows = s.query("SELECT ParentId FROM EmailMessage WHERE MessageIdentifier "
                   f"= '<plain-{n}@example.com>'")
    same(len(rows), 1, f"mails {n}")
    return rows[0]["ParentId"]


def send(d, n, sender="Ann Example <ann@example.com>", **more):
    to = more.pop("to", ("support@example.org",))
    raw = mail(n, **more).replace(
        b"From: Ann Example <ann@example.com>", b"From: " + sender.encode())
    d.lmtp(raw, to=to)
    d.drained()


def make(d, record):
    text = token(d, "make", "org", "Case", record)
    return re.search(r"\[mm:([a-z2-7]+)\]", text).group(1)


def test_a_token_leads_to_its_case(lab):
    s, d, _ = start(lab)
    send(d, 1)
    case = case_of(s, 1)
    t = make(d, case)
    places = [
        dict(to=(f"support+mm-{t}@example.org",)),
        dict(subject=f"What now? [mm:{t.upper()}]"),
        dict(body=f"See my reference mm:{t}."),
        dict(headers=f"In-Reply-To: <x.1@mm-{t}.example.org>\n"),
    ]
    for n, place in enumerate(places, 10):
        place.setdefault("subject", f"Another one {n}")
        send(d, n, sender="Eve <eve@example.net>", **place)
        same(case_of(s, n), case, f"by {place}")
    same(s.count("SELECT COUNT() FROM Case"), 1, "cases")


def test_a_stranger_who_quotes_a_token_gets_his_own_case(lab):
    s, d, _ = start(lab)
    send(d, 1)
    case = case_of(s, 1)
    t = make(d, case)
    quote = ("Look what they wrote.\n\n"
             "On Mon, May 4, 2026 at 10:12 AM Support <support@example.org> "
             f"wrote:\n> Your reference is [mm:{t}]\n")
    send(d, 2, sender="Eve <eve@example.net>", subject="Hello", body=quote)
    check(case_of(s, 2) != case, "a stranger")
    send(d, 3, subject="Once more", body=quote)
    same(case_of(s, 3), case, "one who took part")


def test_a_token_of_another_is_none(lab):
    s, d, keys = start(lab)
    send(d, 1)
    case = case_of(s, 1)
    t = make(d, case)
    changed = t[:-3] + ("a" if t[-3] != "a" else "b") + t[-2:]
    send(d, 2, subject=f"Hi [mm:{changed}]")
    check(case_of(s, 2) != case, "changed")
    same(token(d, "check", "org", "Case", f"[mm:{t}]"),
         f"Case {case}, key {t[0]}\n", "checked by hand")
    token(d, "check", "org", "Case", changed, ok=1)
    token(d, "check", "org", "Contact", t, ok=1)


def test_keys_rotate(lab):
    s, d, keys = start(lab)
    send(d, 1)
    case = case_of(s, 1)
    old = make(d, case)
    add_key(keys)
    new = make(d, case)
    same((old[0], new[0]), ("a", "b"), "the last key signs")
    d.stop()
    d.start()
    send(d, 2, subject=f"One [mm:{old}]")
    send(d, 3, subject=f"Two [mm:{new}]")
    same([case_of(s, 2), case_of(s, 3)], [case, case], "both count")


def test_by_subject_only_with_those_who_took_part(lab):
    s, d, _ = start(lab, ' :by ["references", "subject"] :within 7 '
                         ":participants")
    send(d, 1, subject="The printer")
    case = case_of(s, 1)
    send(d, 2, subject="AW: the  Printer")
    same(case_of(s, 2), case, "the same subject")
    send(d, 3, subject="Re: The printer", sender="Eve <eve@example.net>")
    check(case_of(s, 3) != case, "not a stranger")
    send(d, 4, subject="The scanner")
    check(case_of(s, 4) != case, "nor another subject")


def test_the_journal_says_how_a_thread_was_found(lab):
    s, d, _ = start(lab)
    send(d, 1)
    t = make(d, case_of(s, 1))
    send(d, 2, subject=f"Again [mm:{t}]")
    row = max(d.rows(), key=lambda r: r["id"])
    shown = d.queue("show", str(row["id"]))
    check("token in subject, key a" in str(shown), f"evidence: {shown}")


def test_wrong_keys_are_told_before_a_start(lab):
    s, d, keys = start(lab)
    with open(keys, "a") as f:
        f.write("c AAAA\n")
    d.stop()
    got = subprocess.run([EXE, "check", "--config", d.conf],
                         capture_output=True, text=True, timeout=60,
                         env={**os.environ, "SANDBOX_SECRET": "x"})
    check(got.returncode != 0 and ":2: a key is 16 to 64 bytes" in
          got.stdout + got.stderr, f"told: {got.stdout}{got.stderr}")


main()
