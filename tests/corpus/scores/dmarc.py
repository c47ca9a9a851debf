# SPDX-License-Identifier: GPL-3.0-or-later
"""DMARC: what a milter wrote on top of mails, and file names that tell."""
import re
import tempfile

from .lib import parse
from .signatures import txt

# What the domains of rspamd's mails have to say for their names to be right.
RSPAMD_POLICIES = {
    "cacophony.za.org": "p=none; sp=reject",
    "reject.cacophony.za.org": "p=reject",
    "quarantine.cacophony.za.org": "p=quarantine",
    "yoni.za.net": "p=none; sp=quarantine",
    "mom.za.org": "p=reject; adkim=s; aspf=s",
    "zero_pct.com": "p=quarantine; sp=quarantine; pct=0",
    "rspamd.tk": "p=none",
}
RSPAMD_WANTED = {
    "fail_quarantine": ("fail", "quarantine"),
    "fail_reject": ("fail", "reject"),
    "subdomain_fail_quarantine": ("fail", "quarantine"),
    "subdomain_fail_reject": ("fail", "reject"),
    "onsubdomain_fail": ("fail", "reject"),
    "onsubdomain_fail_alignment": ("fail", "reject"),
    "pct_none": ("fail", "none"),
    "pct_none1": ("fail", "none"),
    "dmarc_tmpfail": ("temperror", ""),
}


def parse_by(zone, path, *options):
    """Reads a mail with answers of the DNS: its `auth`."""
    with tempfile.NamedTemporaryFile("w", suffix=".zone") as file:
        file.write(zone)
        file.flush()
        return parse([path], "--zone", file.name, *options)[path]["auth"]


def top_field(head, name):
    """Unfolds the first field of a name."""
    found = re.search(rf"^{name}:(.*(?:\n[ \t].*)*)", head, re.I | re.M)
    return " ".join(found[1].split()) if found else ""


def results_of(head):
    """Reads the milter's name and verdicts: {method: [(verdict, tags)]}."""
    found = {}
    text = re.sub(r"\([^()]*\)", "", top_field(head, "Authentication-Results"))
    name, *pieces = text.split(";")
    for piece in pieces:
        pairs = re.findall(r'([\w.-]+)=("[^"]*"|\S+)', piece)
        if pairs:
            (method, verdict), *properties = pairs
            found.setdefault(method, []).append(
                (verdict, {k: v.strip('"') for k, v in properties}))
    return name.strip(), found


def zone_of(results, client):
    """Makes the records with which the milter was right about SPF and DMARC."""
    verdict, said = results["spf"][0]
    domain = (said["smtp.mailfrom"] or said["smtp.helo"]).rpartition("@")[2]
    rest = {"fail": "-", "softfail": "~", "neutral": "?"}.get(verdict, "-")
    zone = ""
    if verdict in ("pass", "fail", "softfail", "neutral"):
        allowed = f"ip4:{client} " if verdict == "pass" else ""
        zone += txt(domain, f"v=spf1 {allowed}{rest}all")
    verdict, said = results["dmarc"][0]
    if verdict != "none":
        policy = said["policy.published-domain-policy"]
        zone += txt(f"_dmarc.{said['header.from']}", f"v=DMARC1; p={policy}")
    return zone


def count_judged(score, path, results, head):
    """Judges anew, where that needs no key that is lost."""
    spf, dmarc = results["spf"][0], results["dmarc"][0]
    received = dict(re.findall(r'([\w-]+)="?([^;"\s]*)',
                               top_field(head, "Received-SPF")))
    has_key = all(verdict != "pass" for verdict, _ in results.get("dkim", []))
    if "client-ip" not in received or (spf[0] != "pass" and not has_key):
        return
    got = parse_by(zone_of(results, received["client-ip"]), path,
                   "--ip", received["client-ip"], "--helo", received["helo"],
                   "--sender", received.get("envelope-from", ""))
    score.equal("spf", path.name, got["spf"]["verdict"], spf[0])
    score.equal("dmarc", path.name, got["dmarc"]["verdict"], dmarc[0])


def count_trusted(score, path, name, results):
    """Compares what we read of the field with what it says."""
    got = parse([path], "--trust", name)[path]["auth"]
    wanted = {m: v[0][0] for m, v in results.items() if m in ("spf", "dmarc")}
    for method, verdict in wanted.items():
        score.equal(f"trusted {method}", path.name,
                    got.get(method, {}).get("verdict"), verdict)
    signatures = [v for v, _ in results.get("dkim", []) if v != "none"]
    score.equal("trusted dkim", path.name,
                [s["verdict"] for s in got.get("dkim", [])
                 if s["verdict"] != "none"], signatures)


def score_authmilter(folder, _items, score):
    for path in sorted(folder.glob("example/*.eml")):
        head = path.read_bytes().decode("latin-1").replace("\r\n", "\n")
        name, results = results_of(head.partition("\n\n")[0])
        if not results:
            continue
        count_trusted(score, path, name, results)
        if "spf" in results and "dmarc" in results:
            count_judged(score, path, results, head)


def score_rspamd(folder, _items, score):
    zone = "".join(txt(f"_dmarc.{name}", f"v=DMARC1; {tags}")
                   for name, tags in RSPAMD_POLICIES.items())
    zone += "_dmarc.dnssec-failed.org FAIL\n"
    for name, wanted in RSPAMD_WANTED.items():
        path = folder / "dmarc" / f"{name}.eml"
        if path.is_file():
            got = parse_by(zone, path, "--ip", "192.0.2.1")["dmarc"]
            score.equal("dmarc", path.name,
                        (got["verdict"], got.get("policy", "")), wanted)


SETS = {"authmilter": score_authmilter, "rspamd": score_rspamd}
