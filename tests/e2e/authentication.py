# SPDX-License-Identifier: GPL-3.0-or-later
"""authentication.py - rules know who sent a mail; the DNS is ours."""
import os
import socket
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from dns import Dns
from mm import check, free_port, mail, main, same

RULE = """\
require ["vnd.mailmill"];
set "who" "forged";
if mail :from_verified { set "who" "verified"; }
create "Case" "case" {
    field "Subject" "${mail.subject}";
    field "Description"
        "${who} ${mail.auth.spf} ${mail.auth.dkim} ${mail.auth.dmarc}";
}
"""

# RFC 8463, appendix A.
SIGNED = b"""\
DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;
 d=football.example.com; i=@football.example.com;
 q=dns/txt; s=brisbane; t=1528637909; h=from : to :
 subject : date : message-id : from : subject : date;
 bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;
 b=/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11Bus
 Fa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==
From: Joe SixPack <joe@football.example.com>
To: Suzie Q <suzie@shopping.example.net>
Subject: Is dinner ready?
Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)
Message-ID: <20030712040037.46341.5F8J@football.example.com>

Hi.

We lost the game.  Are you hungry yet?

Joe.
""".replace(b"\n", b"\r\n")

ZONE = {
    ("brisbane._domainkey.football.example.com", "TXT"): [
        "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="],
    ("_dmarc.football.example.com", "TXT"): ["v=DMARC1; p=quarantine"],
    ("_dmarc.example.org", "TXT"): ["v=DMARC1; p=reject"],
    ("example.org", "TXT"): ["v=spf1 include:hosts.example.org -all"],
    ("hosts.example.org", "TXT"): ["v=spf1 a:out.example.org -all"],
    ("out.example.org", "A"): ["192.0.2.7"],
}


class Bench:
    """A daemon whose rule says what it knows, and its name server."""

    def __init__(self, lab, more="", **options):
        self.dns = Dns(ZONE, **options)
        self.port = free_port()
        rule = lab.path("who.sieve")
        with open(rule, "w") as f:
            f.write(RULE)
        self.sandbox = lab.sandbox()
        self.daemon = lab.daemon(self.sandbox, rule=rule, more=f"""
authentication {{ resolver = {{ "{self.dns.address}" }} {more} }}
lmtp "proxied" {{
    listen = "127.0.0.1:{self.port}"
    trusted = {{ "127.0.0.1" }}
}}
""")

    def send(self, raw, sender, client):
        """Sends a mail as a proxy of a client does."""
        with socket.create_connection(("127.0.0.1", self.port), 60) as s, \
                s.makefile("rb") as f:
            def say(text, want):
                s.sendall(text)
                line = f.readline()
                while line[3:4] == b"-":
                    line = f.readline()
                same(line[:3], want, f"{text[:60]}: {line}")
            say(b"", b"220")
            say(f"XCLIENT ADDR={client} HELO=out.example.org\r\n".encode(),
                b"220")
            say(b"LHLO proxy.example.net\r\n", b"250")
            say(f"MAIL FROM:<{sender}>\r\n".encode(), b"250")
            say(b"RCPT TO:<support@example.org>\r\n", b"250")
            say(b"DATA\r\n", b"354")
            say(raw + b".\r\n", b"250")

    def told(self, subject):
        self.daemon.drained()
        rows = self.sandbox.query(
            f"SELECT Description FROM Case WHERE Subject = '{subject}'")
        same(len(rows), 1, f"Cases of {subject}")
        return rows[0]["Description"]


def from_org(subject, headers=""):
    text = mail(0, subject, message_id=f"<{subject}@example.org>",
                headers=headers)
    return text.replace(b"ann@example.com", b"ann@example.org")


def test_a_signature_is_checked(lab):
    b = Bench(lab)
    b.daemon.lmtp(SIGNED, sender="joe@football.example.com")
    same(b.told("Is dinner ready?"), "verified none pass pass",
         "it is signed; the client is not told")
    changed = SIGNED.replace(b"lost", b"won") \
        .replace(b"dinner", b"lunch").replace(b"5F8J", b"5F8K")
    b.daemon.lmtp(changed, sender="joe@football.example.com")
    same(b.told("Is lunch ready?"), "forged none fail fail", "it was changed")


def test_the_client_is_checked(lab):
    b = Bench(lab)
    b.send(from_org("right"), "ann@example.org", "192.0.2.7")
    same(b.told("right"), "verified pass none pass", "who may")
    n = len(b.dns.asked)
    check(("out.example.org", "A") in b.dns.asked, "it asked step by step")
    b.send(from_org("wrong"), "ann@example.org", "198.51.100.9")
    same(b.told("wrong"), "forged fail none fail", "who may not")
    same(len(b.dns.asked), n, "what it knows it does not ask again")


def test_a_trusted_server_is_believed_and_nobody_asked(lab):
    b = Bench(lab, 'trusted = { "mx.example.com" }')
    headers = ("Authentication-Results: mx.example.com; spf=fail "
               "smtp.mailfrom=x@example.net; dmarc=pass "
               "header.from=example.org\n")
    raw = from_org("believed").replace(
        b"From: Ann", headers.replace("\n", "\r\n").encode() + b"From: Ann", 1)
    b.send(raw, "x@example.net", "198.51.100.9")
    same(b.told("believed"), "verified fail none pass", "as it says")
    same(b.dns.asked, [], "questions")


def test_nobody_is_asked_when_that_is_not_wanted(lab):
    b = Bench(lab, "check = false")
    b.send(from_org("unasked"), "ann@example.org", "192.0.2.7")
    same(b.told("unasked").rstrip(), "forged", "nothing is known")
    same(b.dns.asked, [], "questions")


def test_a_name_server_that_is_away_is_no_reason_to_wait(lab):
    b = Bench(lab)
    b.dns.close()
    b.send(from_org("away"), "ann@example.org", "192.0.2.7")
    same(b.told("away"), "forged temperror none temperror",
         "the rule decides what becomes of it")


def test_names_without_an_answer_are_given_up(lab):
    b = Bench(lab, silent=["hosts.example.org"])
    b.send(from_org("slow"), "ann@example.org", "192.0.2.7")
    same(b.told("slow"), "forged temperror none temperror", "in time")


if __name__ == "__main__":
    main()
