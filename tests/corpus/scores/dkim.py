# SPDX-License-Identifier: GPL-3.0-or-later
"""DKIM: what the signatures of other projects' mails are worth."""
import re
import tempfile
from pathlib import Path

from .signatures import KEYS, check, check_dkimpy, txt


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
        if others and (f"{score.name}/{name}", "dkim") not in score.disputed:
            score.other("dkimpy", "dkim", others[folder / name]["dkim"] ==
                        (wanted == "pass"))


def count_all(score, zone, wanted):
    """Compares {path: is it right?}; a mail whose key is lost is left out."""
    got, others = check(zone, wanted), check_dkimpy(zone, wanted)
    for path, is_pass in wanted.items():
        signatures = got[path]["dkim"]
        if is_pass and all(s["problem"].startswith("there is no key")
                           for s in signatures):
            continue
        score.count("dkim", path.name, agrees(signatures, is_pass),
                    "pass" if is_pass else "no pass",
                    [(s["verdict"], s["problem"]) for s in signatures])
        if others:
            score.other("dkimpy", "dkim", others[path]["dkim"] == is_pass)


def score_spamassassin(folder, items, score):
    count_all(score, KEYS, {folder / name: facts["dkim"] == "pass"
                            for name, facts in items.items()
                            if facts.get("dkim") in ("pass", "fail")})


def score_rspamd(folder, _items, score):
    """By the names of the files, and what the tests say of three."""
    wanted = {p: "good" in p.name for p in folder.glob("dmarc/*_dkim*.eml")}
    for name in ("pass_none", "onsubdomain_fail_alignment"):
        wanted[folder / f"dmarc/{name}.eml"] = True
    for name in ("dkim_revoked_key", "dkim_key_too_wide"):
        wanted[folder / f"{name}.eml"] = False
    count_all(score, KEYS, wanted)


def score_from_gmail(folder, _items, score):
    wanted = {p: True for p in sorted(folder.rglob("*")) if p.is_file()
              and re.search(rb"d=gmail\.com", p.read_bytes())}
    count_all(score, KEYS, wanted)


def score_stalwart(folder, _items, score):
    """Each file begins with the key of the mail in it."""
    for path in sorted(folder.glob("dkim/*.txt")):
        key, _, raw = path.read_bytes().partition(b"\n")
        name, _, text = key.decode().strip().partition(" ")
        with tempfile.TemporaryDirectory() as temp:
            mail = Path(temp) / path.name
            mail.write_bytes(raw.lstrip(b"\r\n"))
            count_all(score, txt(name, text), {mail: True})


SETS = {
    "mail-dkim": score_mail_dkim,
    "mailauth-js": score_from_gmail,
    "mimekit": score_from_gmail,
    "rspamd": score_rspamd,
    "spamassassin-t": score_spamassassin,
    "stalwart-mail-auth": score_stalwart,
}
