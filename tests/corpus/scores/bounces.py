# SPDX-License-Identifier: GPL-3.0-or-later
"""Bounces, automatic replies, feedback reports: the kind and its facts."""
import re

from .lib import parse


HARD = ("userunknown", "hostunknown", "hasmoved", "notaccept")
# what others call a reason, and ours that are of that class
CLASSES = {
    "user_unknown": {"userunknown", "suspend", "filtered", "hasmoved"},
    "over_quota": {"mailboxfull", "systemfull"},
    "domain_error": {"hostunknown", "norelaying", "notaccept",
                     "networkerror"},
    "message_too_large": {"mesgtoobig", "exceedlimit"},
    "spam": {"spamdetected", "blocked", "badreputation", "policyviolation",
             "rejected", "contenterror", "notcompliantrfc"},
    "ERR_MAILBOX_FULL": {"mailboxfull"},
    "ERR_NO_USER": {"userunknown"},
    "ERR_TIMEOUT": {"expired"},
    "ERR_MAILBOX_UNAVAILABLE": {"suspend", "userunknown", "filtered"},
    "unknown": {"userunknown", "filtered", "suspend", "hostunknown"},
    "full": {"mailboxfull"},
    "dns_unknown": {"hostunknown", "networkerror", "expired"},
    "delayed": {"expired", "networkerror", "toomanyconn", "systemerror"},
}


def reasons(mail):
    return {b["reason"] for b in mail.get("bounce", [])}


def count_reason(score, name, mail, wanted):
    score.count("reason (class)", name, reasons(mail) <= CLASSES[wanted] and
                bool(reasons(mail)), wanted, reasons(mail))


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
            if want["reply_code"]:
                score.equal("reply code", path.name,
                            have.get("reply_code", ""), want["reply_code"])
            # Sisimai's "hard" is a mailbox or host that is not there
            is_hard = have.get("permanent") and have.get("reason") in HARD
            score.equal("hard", path.name, bool(is_hard),
                        want["hard_bounce"])
            # "onhold" is Sisimai's word for what it cannot decide
            reason = have.get("reason", "").replace("undefined", "onhold")
            score.equal("reason", path.name, reason,
                        want["reason"].replace("undefined", "onhold"))
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
        if not wanted["is_bounce"]:
            continue
        if wanted.get("std_reason"):
            count_reason(score, name, mail, wanted["std_reason"])
        # 500 stands for "no code" there
        if wanted.get("smtp_code", "500") != "500":
            codes = {b.get("reply_code") for b in mail.get("bounce", [])}
            score.equal("reply code", name, codes, {wanted["smtp_code"]})
        if wanted.get("original_message_id"):
            score.equal("message_id", name, mail.get("bounced_message_id"),
                        wanted["original_message_id"].strip("<>"))


def score_mysociety(folder, items, score):
    mails = parse([folder / name for name in items])
    for name, wanted in items.items():
        mail = mails[folder / name]
        if "parse_arf_mail" in wanted and "feedback_type" in wanted[
                "parse_arf_mail"]:
            report = wanted["parse_arf_mail"]
            score.equal("kind", name, mail["kind"], "feedback-report")
            got = mail.get("feedback", {})
            score.equal("feedback type", name, got.get("type"),
                        report["feedback_type"])
            score.equal("feedback by", name, got.get("user_agent"),
                        report["user_agent"])
        for step in ("parse_bounce", "parse_ill_formed_dsn_bounce",
                     "parse_dsn_bounce"):
            count_mysociety(score, name, mail, wanted.get(step, {}))


def count_mysociety(score, name, mail, facts):
    address = facts.get("email_address") or facts.get("recipient")
    bounce = (mail.get("bounce") or [{}])[0]
    status = facts.get("status") or facts.get("dsn_code")
    if address:
        score.equal("recipients", name, recipients(mail), {address})
    if facts.get("problem"):
        count_reason(score, name, mail, facts["problem"])
    if facts.get("smtp_code"):
        score.equal("reply code", name, bounce.get("reply_code"),
                    facts["smtp_code"])
    if status:
        # a general one may have become the one that was said
        got = bounce.get("status", "")
        score.count("status", name, got == status or
                    (status.endswith(".0.0") and got[:1] == status[0]),
                    status, got)


def score_bounce_email(folder, items, score):
    mails = parse([folder / name for name in items])
    for name, wanted in items.items():
        mail = mails[folder / name]
        is_bounce = mail["kind"] in ("bounce", "delay", "success-notice")
        score.count("kind", name, is_bounce == wanted["bounced"],
                    wanted["bounced"], mail["kind"])
        got = (mail.get("bounce") or [{}])[0]
        # a code that does not stand in the mail is the gem's own
        if wanted.get("code", "").encode() in (folder / name).read_bytes():
            score.count("status", name, "code" not in wanted or
                        got.get("status") == wanted["code"] or
                        wanted["code"].endswith(".0.0"), wanted.get("code"),
                        got.get("status"))
        if wanted.get("original_mail_present"):
            score.count("original", name, bool(mail.get("bounced")), True,
                        mail.get("bounced"))
        other = wanted.get("phpmailer_bmh")
        if other:
            score.count("recipients", name, {other["email"].lower()} ==
                        recipients(mail), other["email"], recipients(mail))
            count_reason(score, name, mail, other["rule_cat"])
            if other["bounce_type"] != "soft":  # a class, not a time
                score.equal("permanent", name, bool(got.get("permanent")),
                            other["bounce_type"] == "hard")


def score_flanker(folder, items, score):
    mails = parse([folder / name for name in items])
    for name, wanted in items.items():
        mail = mails[folder / name]
        score.equal("kind", name, mail["kind"] == "bounce",
                    wanted["is_bounce"])
        if wanted.get("status"):
            score.equal("status", name, mail["bounce"][0].get("status"),
                        wanted["status"])
    names = sorted(folder.glob("complaints/*.eml"))
    for path, mail in parse(names).items():
        score.equal("kind", f"complaints/{path.name}", mail["kind"],
                    "feedback-report")


def score_newer(folder, _items, score):
    kinds = {"rfc3834": "auto-reply", "arf": "feedback-report"}
    for path, mail in parse(sorted(folder.glob("maildir/bsd/*.eml"))).items():
        kind = kinds.get(path.name.split("-")[0], "bounce")
        got = "bounce" if mail["kind"] in ("delay", "success-notice") else \
            mail["kind"]
        score.equal("kind", path.name, got, kind)
        if kind == "bounce":
            score.count("has a reason", path.name,
                        reasons(mail) and "undefined" not in reasons(mail),
                        "a reason", reasons(mail))
    for path, mail in parse(sorted(folder.glob("maildir/not/*.eml"))).items():
        score.count("kind", path.name, mail["kind"] not in
                    ("bounce", "auto-reply"), "no bounce", mail["kind"])


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
    names = {"delay warning": "delay", "ordinary mail": "ordinary",
             "human reply": "ordinary"}
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
    "alaveteli": score_class,
    "mysociety-bounces": score_mysociety,
    "bounce-email": score_bounce_email,
    "flanker": score_flanker,
    "sisimai-newer": score_newer,
}
