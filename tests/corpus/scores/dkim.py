# SPDX-License-Identifier: GPL-3.0-or-later
"""DKIM: what the signatures of other projects' mails are worth."""
import re

from .signatures import check, check_dkimpy, txt


def zone_of_fake_dns(text):
    """Makes a zone of Mail::DKIM's FAKE_DNS.dat."""
    zone = ""
    for line in text.splitlines():
        name, _, value = line.partition(" ")
        value = value.strip()
        if not value or name.startswith("#") or value == "NXDOMAIN":
            continue
        if value.startswith("~~"):
            zone += f"{name} FAIL TXT\n"
        else:
            zone += txt(name, "" if value == '""' else value)
    return zone


def agrees(signatures, is_pass):
    """Of the time before RFC 8301 is good what is right by the arithmetic."""
    if not is_pass:
        return all(s["verdict"] != "pass" for s in signatures)
    return any(s["verdict"] == "pass" or (s["verdict"] == "policy" and
                                          s["problem"].startswith("right"))
               for s in signatures)


def has_signature(path):
    """DomainKeys (RFC 4870) are not looked at."""
    head = re.split(rb"\r?\n\r?\n", path.read_bytes(), maxsplit=1)[0]
    return re.search(rb"^dkim-signature\s*:", head, re.I | re.M)


def score_mail_dkim(folder, items, score):
    zone = zone_of_fake_dns((folder / "FAKE_DNS.dat").read_text())
    items = {name: facts for name, facts in items.items()
             if has_signature(folder / name)
             and not facts["dkim_or_domainkeys"].startswith("i=")}
    paths = [folder / name for name in items]
    got, others = check(zone, paths), check_dkimpy(zone, paths)
    for name, facts in items.items():
        wanted = facts["dkim_or_domainkeys"]
        signatures = got[folder / name]["dkim"]
        score.count("dkim", name, agrees(signatures, wanted == "pass"),
                    wanted, [(s["verdict"], s["problem"])
                             for s in signatures])
        if others:
            score.other("dkimpy", "dkim", others[folder / name]["dkim"] ==
                        (wanted == "pass"))


SETS = {"mail-dkim": score_mail_dkim}
