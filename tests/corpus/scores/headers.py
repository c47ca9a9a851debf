# SPDX-License-Identifier: GPL-3.0-or-later
"""Header fields: who, to whom, when, about what.

Each set's expectations are made the same facts first: {row: value}, with
addresses as [(name, address)] and dates as seconds of UTC.
"""
import datetime
import email
import email.policy
import email.utils
import json
import re
import xml.etree.ElementTree as ET

import yaml

from .lib import parse, squeeze, unpacked

LISTS = ("from", "sender", "reply_to", "to", "cc", "bcc")
UTC = datetime.timezone.utc


def seconds_of(text):
    """Reads what we print: 2020-05-01T10:00:00.000Z."""
    if not text:
        return None
    return int(datetime.datetime.fromisoformat(
        text.replace("Z", "+00:00")).timestamp())


def pair(address):
    return (squeeze(address["name"]), address["address"].strip())


def ours(mail):
    facts = {what: [pair(a) for a in mail.get(what) or []] for what in LISTS}
    facts["subject"] = squeeze(mail.get("subject") or "")
    facts["message_id"] = mail.get("message_id") or ""
    facts["date"] = seconds_of(mail.get("date"))
    facts["in_reply_to"] = mail.get("in_reply_to") or []
    facts["references"] = mail.get("references") or []
    return facts


def pythons(path):
    """The same facts as Python's email reads them; {} where it raises."""
    facts = {}
    message = email.message_from_bytes(
        path.read_bytes(), policy=email.policy.default)
    for what in LISTS + ("subject", "date"):
        try:
            field = message[what.replace("_", "-")]
            if what in LISTS:
                facts[what] = [(squeeze(a.display_name), a.addr_spec)
                               for a in field.addresses] if field else []
            elif what == "subject":
                facts[what] = squeeze(field or "")
            else:
                when = field.datetime if field else None
                if when and not when.tzinfo:
                    when = when.replace(tzinfo=UTC)
                facts[what] = int(when.timestamp()) if when else None
        except Exception:  # pylint: disable=broad-except
            facts[what] = "raised"
    return facts


def fold_names(value):
    """Addresses alone where an expectation has no names."""
    return [address for _, address in value]


def drop_names(have, value):
    """Leaves names out where the expectation has none, if it leaves them out."""
    if not isinstance(have, list) or len(have) != len(value):
        return have
    return [h if v[0] else ("", h[1]) for h, v in zip(have, value)]


def count_facts(score, expected, comments_are_names=True):
    """Compares {path: (name, facts)} with what we and Python read."""
    mails = parse(list(expected))
    for path, (name, wanted) in expected.items():
        got, python = ours(mails[path]), pythons(path)
        for what, value in wanted.items():
            row = what.removesuffix(" addresses")
            have, other = got[row], python.get(row)
            if row != what:
                have = fold_names(have)
                other = fold_names(other) if isinstance(other, list) else other
            if row in LISTS and row == what and not comments_are_names:
                have, other = drop_names(have, value), drop_names(other, value)
            if row == "references":  # we add what In-Reply-To has
                have = have[:len(value)]
            score.equal(row, name, have, value)
            if row in python:
                score.other("python email", row, other == value)


# ---- stalwart-mail-parser ----

def stalwart_date(value):
    zone = 60 * value["tz_hour"] + value["tz_minute"]
    try:
        when = datetime.datetime(
            value["year"], value["month"], value["day"], value["hour"],
            value["minute"], min(value["second"], 59), tzinfo=UTC)
    except ValueError:
        return None
    return int(when.timestamp()) + (
        zone if value["tz_before_gmt"] else -zone) * 60


def stalwart_list(value):
    if "Group" in value:
        value = [a for g in value["Group"] for a in g["addresses"]]
    else:
        value = value["List"]
    return [(squeeze(a["name"] or ""), a["address"] or "") for a in value]


def stalwart_facts(headers):
    facts = {}
    for header in headers:
        name, value = header["name"], header["value"]
        if not isinstance(name, str) or value == "Empty":
            continue
        if name in LISTS and "Address" in value:
            # we call a nameless word that is no address an address of its own
            facts.setdefault(name, []).extend(
                (n, a or n) for n, a in stalwart_list(value["Address"])
                if n or a)
        elif name == "subject":
            facts.setdefault(name, squeeze(value["Text"]))
        elif name == "message_id" and "Text" in value:
            facts[name] = value["Text"]
        elif name == "date":
            facts[name] = stalwart_date(value["DateTime"])
    return facts


def score_stalwart(folder, _items, score):
    expected = {}
    for path in sorted(folder.glob("*/*.eml")):
        facts = json.loads(path.with_suffix(".json").read_text())
        expected[path] = (str(path.relative_to(folder)),
                          stalwart_facts(facts["parts"][0]["headers"]))
    count_facts(score, expected)


# ---- stalwart-jmap ----

def jmap_date(text):
    return int(datetime.datetime.fromisoformat(
        text.replace("Z", "+00:00")).timestamp())


def score_jmap(folder, _items, score):
    expected = {}
    for path in sorted(folder.glob("*/*.json")):
        mail, facts = json.loads(path.read_text()), {}
        for ours_name, name in (("from", "from"), ("to", "to"), ("cc", "cc"),
                                ("bcc", "bcc"), ("sender", "sender"),
                                ("reply_to", "replyTo")):
            # JMAP takes the last field of a name, we take all
            all_name = f"header:{name.capitalize()}:asAddresses:all"
            value = mail.get(all_name) or (
                [mail[name]] if mail.get(name) else [])
            if value:
                facts[ours_name] = [
                    (squeeze(a["name"] or ""), a["email"])
                    for some in value for a in some]
        if mail.get("subject") is not None:
            facts["subject"] = squeeze(mail["subject"])
        if mail.get("sentAt"):
            facts["date"] = jmap_date(mail["sentAt"])
        expected[path.with_suffix(".eml")] = (
            str(path.with_suffix(".eml").relative_to(folder)), facts)
    count_facts(score, expected)


# ---- mikel-mail ----

def mikel_expr(expr):
    return expr.removeprefix("[:").replace("].addresses", "").replace(
        "].message_ids", "")


def score_mikel(folder, items, score):
    expected = {}
    for name, facts in items.items():
        wanted = {}
        for fact in facts:
            expr, value = mikel_expr(fact["expr"]), fact.get("equals")
            if expr in LISTS and isinstance(value, list):
                wanted[expr + " addresses"] = value
            elif expr in ("subject", "message_id") and value is not None:
                wanted[expr] = squeeze(value)
            elif expr in ("in_reply_to", "references") and value is not None:
                wanted[expr] = value if isinstance(value, list) else [value]
        if wanted:
            expected[folder / name] = (name, wanted)
    count_facts(score, expected)


# ---- zammad ----

class Loader(yaml.SafeLoader):
    """Reads what Ruby wrote, without its classes."""


def plain(loader, _suffix, node):
    if isinstance(node, yaml.MappingNode):
        return loader.construct_mapping(node)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node)
    return loader.construct_scalar(node)


Loader.add_multi_constructor("!", plain)


def score_zammad(folder, _items, score):
    paths = [p for p in sorted(folder.glob("*.box"))
             if p.with_suffix(".yml").is_file()]
    mails = parse(paths)
    for path in paths:
        wanted = yaml.load(path.with_suffix(".yml").read_text(), Loader)
        mail, python = ours(mails[path]), pythons(path)
        sender = (mail["from"] or mail["reply_to"] or [("", "")])[0]
        theirs = python["from"]
        theirs = theirs[0] if isinstance(theirs, list) and theirs else ("", "")
        address = str(wanted.get("from_email") or "")
        if "@" in address:
            address = address.strip('"').rstrip(".")
            score.equal("from", path.name, sender[1].lower(), address.lower())
            score.other("python email", "from",
                        theirs[1].lower() == address.lower())
            name = squeeze(str(wanted.get("from_display_name") or ""))
            score.equal("from name", path.name, sender[0], name)
            score.other("python email", "from name", theirs[0] == name)
        subject = squeeze(str(wanted.get("subject") or ""))
        score.equal("subject", path.name, mail["subject"], subject)
        score.other("python email", "subject", python["subject"] == subject)
        to = set(re.findall(r"[\w.+-]+@[\w.-]+", str(wanted.get("to") or "")))
        got = {a for _, a in mail["to"] if "@" in a}
        if to:
            score.count("to", path.name, got <= to and got, to, got)


# ---- mailcore-jwz ----

def mailcore_address(value):
    return (squeeze(value.get("displayName", "")), value.get("mailbox", ""))


def items_of(value):
    return value["items"] if isinstance(value, dict) else value


def mailcore_date(seconds):
    """It reads the year 94 as 2094, against RFC 5322 4.3."""
    century = 36525 * 86400
    return seconds - century if seconds > 2524608000 else seconds


def mailcore_facts(header):
    facts = {}
    if "from" in header:
        facts["from"] = [mailcore_address(header["from"])]
    for ours_name, name in (("to", "to"), ("cc", "cc"), ("bcc", "bcc"),
                            ("reply_to", "replyTo")):
        if name in header:
            facts[ours_name] = [mailcore_address(a)
                                for a in items_of(header[name])]
    for ours_name, name in (("in_reply_to", "inReplyTo"),
                            ("references", "references")):
        if name in header:
            facts[ours_name] = items_of(header[name])
    if "subject" in header:
        facts["subject"] = squeeze(header["subject"])
    # these stand for none
    if header.get("date", "978307200") != "978307200":
        facts["date"] = mailcore_date(int(header["date"]))
    if header.get("messageID") != "MyMessageID123@mail.gmail.com":
        facts["message_id"] = header.get("messageID", "")
    return facts


def score_mailcore_jwz(folder, _items, score):
    folder = unpacked(folder)
    expected = {}
    for path in sorted((folder / "output").rglob("*")):
        mail = folder / "input" / path.relative_to(folder / "output")
        if not mail.is_file():
            continue
        data = json.loads(path.read_text())
        header = data["header"] if "header" in data else {}
        if not header.get("extraHeaders") and "from" not in header:
            continue
        expected[mail] = (str(mail.relative_to(folder / "input")),
                          mailcore_facts(header))
    count_facts(score, expected, comments_are_names=False)


# ---- mime4j ----

def score_mime4j(folder, _items, score):
    """Names of fields in order, and their values unfolded if plain ASCII."""
    paths = [p for p in sorted(folder.glob("*.msg"))
             if p.with_suffix(".xml").is_file()]
    mails = parse(paths)
    for path in paths:
        try:
            root = ET.fromstring(path.with_suffix(".xml").read_bytes())
        except ET.ParseError:
            continue
        header = root.find("header") if root.tag == "message" else None
        if header is None:
            continue
        wanted = [field.text.strip().partition(":")
                  for field in header.iter("field")]
        got = mails[path].get("headers", [])
        names = [name.strip() for name, _, _ in wanted]
        score.equal("fields", path.name, [n for n, _ in got], names)
        for (name, value), (_, _, raw) in zip(got, wanted):
            if "=?" not in raw and raw.isascii():
                score.equal("value", f"{path.name} {name}", squeeze(value),
                            squeeze(raw))


SETS = {
    "stalwart-mail-parser": score_stalwart,
    "stalwart-jmap": score_jmap,
    "mikel-mail": score_mikel,
    "zammad": score_zammad,
    "mailcore-jwz": score_mailcore_jwz,
    "mime4j": score_mime4j,
}
