# SPDX-License-Identifier: GPL-3.0-or-later
"""Bounces, automatic replies, feedback reports: the kind and its facts."""
import re

from .lib import parse


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


SETS = {
    "sisimai": score_sisimai,
    "bounceparser": score_bounceparser,
    "mailman2-bounces": score_mailman2_bounces,
    "chatmail": score_chatmail,
    "php-bounce-handler": score_class,
    "bmh-misc": score_class,
    "mail-manager": score_class,
}
