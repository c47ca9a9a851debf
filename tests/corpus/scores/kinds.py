# SPDX-License-Identifier: GPL-3.0-or-later
"""What kind of mail it is where no bounce is meant: people, lists, reports."""
import json
import re
import subprocess
import tempfile
from pathlib import Path

from .lib import parse, squeeze

ROBOTS = ("bounce", "delay", "success-notice", "auto-reply")
# sets of ordinary mails: what is a notice or an answer there is told by name
ORDINARY = ("mail-box-perl", "notmuch", "mu", "patchwork", "b4", "sup",
            "redmine", "rt", "zammad", "kube", "ietf-mailarchive",
            "ponymail-foal", "proton-bridge", "mailcore-summary", "tika",
            "email-mime-perl", "eml-parser", "roundcube", "imaptest")
# files of these sets that are notices or answers of programs
MEANT = re.compile(r"bounce|dsn|delivery|report|vacation|out.?of.?office|oof|"
                   r"undeliver|auto|mdn|ndn|mail052|Disposition")


def score_no_robot(folder, _items, score):
    """Nobody's mail is taken for a robot's."""
    paths = [p for p in sorted(folder.rglob("*"))
             if p.is_file() and p.suffix in (".eml", ".msg", ".box", ".mbox",
                                             ".txt", "")
             and not MEANT.search(str(p.relative_to(folder)))
             and p.name != "README" and is_mail(p)]
    for path, mail in parse(paths).items():
        score.count("no false robot", path.relative_to(folder),
                    mail["kind"] not in ROBOTS, "no robot", mail["kind"])


def score_spamassassin(folder, _items, score):
    """Its ham and spam: a packed archive beside the sets."""
    archive = folder.parents[1] / "archives" / f"{folder.name}.tar.zst"
    with tempfile.TemporaryDirectory() as top:
        if subprocess.run(["tar", "--zstd", "-xf", archive, "-C", top],
                          check=False).returncode:
            return
        paths = sorted(Path(top).glob("*/*/*"))
        for path, mail in parse([p for p in paths if is_mail(p)]).items():
            score.count("no false robot", path.relative_to(top),
                        mail["kind"] not in ROBOTS, "no robot", mail["kind"])


def is_mail(path):
    """A mail, and none whose own header calls it a delivery report."""
    head = path.read_bytes()[:8000].replace(b"\r", b"").split(b"\n\n")[0]
    return (re.search(rb"(?mi)^(from|subject|received):", head) and
            b"report-type=delivery-status" not in head)


def score_discourse(folder, items, score):
    mails = parse([folder / name for name in items])
    for name, wanted in items.items():
        kind = mails[folder / name]["kind"]
        verdict = wanted.get("verdict")
        if verdict == "bounce":
            score.equal("kind", name, kind, "bounce")
        elif verdict == "auto_generated":
            score.count("kind", name, kind in ("auto-generated", "auto-reply"),
                        verdict, kind)
        elif verdict is None:
            score.count("no false robot", name, kind not in ROBOTS,
                        "no robot", kind)


def score_lists(folder, items, score):
    mails = parse([folder / name for name in items])
    for name, wanted in items.items():
        mail = mails[folder / name]
        score.equal("kind", name, mail["kind"] == "list", wanted["is_list"])
        score.equal("name", name, mail["list"].get("name", "").lower(),
                    wanted["listname"].lower().split("@")[0])
        score.equal("post", name, mail["list"].get("post", "").lower(),
                    wanted["posting_address"].lower())


SINGLE = ("user_agent", "original_mail_from", "original_rcpt_to",
          "original_envelope_id", "source_ip")
MANY = ("reported_domain", "reported_uri", "authentication_results")


def score_reports(folder, _items, score):
    for path, mail in parse(sorted(folder.glob("*/*.eml"))).items():
        name = path.relative_to(folder)
        score.equal("kind", name, mail["kind"], "feedback-report")
        facts = path.with_suffix(".json")
        got = mail.get("feedback", {})
        if not facts.is_file() or path.parent.name != "arf":
            continue
        wanted = json.loads(facts.read_text())
        score.equal("type", name, got.get("type", "").replace("-", ""),
                    wanted["feedback_type"].lower().replace("-", ""))
        score.equal("incidents", name, got.get("incidents", 1),
                    wanted["incidents"])
        for key in SINGLE:
            have = got.get(key)
            if isinstance(have, list):
                have = have[0]
            if wanted[key]:
                score.equal("fields", name, have, wanted[key].strip("<>"))
        for key in MANY:
            if wanted[key]:
                score.equal("fields", name,
                            [squeeze(v) for v in got.get(key, [])],
                            [squeeze(v) for v in wanted[key]])


def score_mox(folder, _items, score):
    for path, mail in parse(sorted(folder.glob("dmarc-reports/*"))).items():
        score.equal("kind", path.name, mail["kind"], "feedback-report")


SETS = {
    "discourse": score_discourse,
    "list-detector": score_lists,
    "stalwart-mail-auth": score_reports,
    "mox": score_mox,
    "spamassassin-corpus": score_spamassassin,
    **{name: score_no_robot for name in ORDINARY},
}
