# SPDX-License-Identifier: GPL-3.0-or-later
"""MIME: the tree of parts, which of them are read, decoded bodies, files."""
import email
import email.policy
import hashlib
import html
import json
import re
import subprocess
import tempfile
import xml.etree.ElementTree as ET
from pathlib import Path

from .lib import BUILD, find_corpus, parse, parse_bytes, squeeze

TOOL = "python email"


def walk(part):
    """Lists the parts depth first, as (depth, part)."""
    stack = [(0, part)]
    while stack:
        depth, part = stack.pop()
        yield depth, part
        stack.extend((depth + 1, p) for p in reversed(part.get("parts", [])))


def type_of(part):
    return part["type"].split(";")[0].strip().lower()


def bytes_of(path, number):
    run = subprocess.run([BUILD / "src/mailmill", "parse", "--part",
                          str(number), path], stdout=subprocess.PIPE,
                         stderr=subprocess.DEVNULL, check=False)
    return run.stdout


def read_python(raw):
    return email.message_from_bytes(raw, policy=email.policy.default)


def children_of(message):
    """The parts below one of Python's, or []."""
    payload = message.get_payload()
    return payload if isinstance(payload, list) else []


def python_tree(message):
    return (message.get_content_type(),
            [python_tree(p) for p in children_of(message)])


def our_tree(part):
    return (type_of(part), [our_tree(p) for p in part.get("parts", [])])


def shape(tree):
    """A tree of kinds: what is in what, without types of leaves."""
    kind, below = tree
    kind = kind.split("/")[0]
    if kind == "message" and below:
        return "message", [shape(t) for t in below]
    if kind == "multipart":
        return "multipart", [shape(t) for t in below]
    return "leaf", []


# ---- mime4j: trees in XML, decoded bodies beside ----

def mime4j_tree(node):
    for tag in ("message", "multipart"):
        inner = node.find(tag)
        if inner is None:
            continue
        if tag == "message":
            return "message", [mime4j_tree(inner)]
        return "multipart", [mime4j_tree(p) for p in inner
                             if p.tag == "body-part"]
    return "leaf", []


def mime4j_bodies(node):
    for inner in node.iter():
        if inner.tag in ("text-body", "binary-body"):
            yield inner.get("name")


def same_body(ours, theirs):
    """Their line ends are CRLF or what the JVM made of them."""
    return ours.replace(b"\r", b"").rstrip(b"\n") == theirs.replace(
        b"\r", b"").rstrip(b"\n")


def score_mime4j(folder, _items, score):
    for path in sorted(folder.glob("*.msg")):
        wanted = path.with_name(path.stem + "_decoded.xml")
        if not wanted.is_file():
            continue
        root = ET.fromstring(wanted.read_text(errors="replace"))
        mail = parse([path])[path]
        tree = mime4j_tree(root)
        score.equal("tree", path.name, shape(our_tree(mail["parts"])), tree)
        score.other(TOOL, "tree",
                    shape(python_tree(read_python(path.read_bytes()))) == tree)
        leaves = [p for _, p in walk(mail["parts"]) if "parts" not in p
                  and not p["type"].startswith("multipart")]
        names = list(mime4j_bodies(root))
        pythons = [p for p in read_python(path.read_bytes()).walk()
                   if not p.is_multipart()]
        for i, name in enumerate(names):
            body = (folder / name).read_bytes()
            got = bytes_of(path, leaves[i]["number"]) if i < len(leaves) else b""
            score.count("bodies", f"{path.name}:{name}", same_body(got, body),
                        body[:60], got[:60])
            score.other(TOOL, "bodies", i < len(pythons) and same_body(
                pythons[i].get_payload(decode=True) or b"", body))


# ---- stalwart: parts, roles, text ----

def stalwart_type(part):
    for header in part["headers"]:
        if header["name"] == "content_type" and isinstance(
                header["value"], dict):
            found = header["value"].get("ContentType")
            if found:
                return f"{found['c_type']}/{found['c_subtype']}".lower()
    return None


def stalwart_tree(message, at=0):
    part = message["parts"][at]
    body = part["body"]
    if isinstance(body, dict) and "Multipart" in body:
        return "multipart", [stalwart_tree(message, i)
                             for i in body["Multipart"]]
    if isinstance(body, dict) and "Message" in body:
        return "message", [stalwart_tree(body["Message"])]
    return "leaf", []


def stalwart_text(message, which, kinds):
    texts = []
    for i in message[which]:
        body = message["parts"][i]["body"]
        texts += [body[k] for k in kinds if isinstance(body, dict)
                  and k in body]
    return "\n".join(texts)


def count_words(text):
    """The words, whatever stands between them."""
    return re.findall(r"\w+", text)


def number_parts(message, mail):
    """Pairs their numbers with our parts of the outer message."""
    order = []

    def go(at, part):
        order.append((at, part))
        body = message["parts"][at]["body"]
        if isinstance(body, dict) and "Multipart" in body:
            for i, p in zip(body["Multipart"], part.get("parts", [])):
                go(i, p)
    go(0, mail["parts"])
    return {at: part["number"] for at, part in order}


def score_stalwart(folder, _items, score):
    for path in sorted(folder.glob("*/*.eml")):
        wanted = json.loads(path.with_suffix(".json").read_text())
        name = f"{path.parent.name}/{path.name}"
        mail = parse([path])[path]
        tree = stalwart_tree(wanted)
        score.equal("tree", name, shape(our_tree(mail["parts"])), tree)
        score.other(TOOL, "tree",
                    shape(python_tree(read_python(path.read_bytes()))) == tree)
        numbers = number_parts(wanted, mail)
        files = {a["part"] for a in mail["attachments"]}
        score.equal("attachments", name, sorted(files),
                    sorted(numbers.get(i, -1) for i in wanted["attachments"]))
        text = stalwart_text(wanted, "text_body", ["Text"])
        if text.strip():
            score.count("text", name,
                        count_words(text) == count_words(mail["text"]),
                        squeeze(text)[-80:], squeeze(mail["text"])[-80:])
        markup = stalwart_text(wanted, "html_body", ["Html"])
        if markup.strip():
            score.count("html", name,
                        squeeze(markup) == squeeze(mail["html"]),
                        squeeze(markup)[:80], squeeze(mail["html"])[:80])
        pythons = list(read_python(path.read_bytes()).walk())
        for i, part in enumerate(wanted["parts"]):
            body = part["body"]
            if not isinstance(body, dict) or i not in numbers:
                continue
            for kind in ("Text", "Html", "Binary", "InlineBinary"):
                if kind not in body:
                    continue
                value = body[kind]
                raw = bytes(value) if isinstance(value, list) \
                    else value.encode()
                charset = next((p.get("charset") for _, p
                                in walk(mail["parts"])
                                if p["number"] == numbers[i]), None)
                got = bytes_of(path, numbers[i])
                score.count("bodies", f"{name}:{i}",
                            same_text(got, raw, charset), raw[:50], got[:50])
                score.other(TOOL, "bodies", len(pythons) == len(
                    wanted["parts"]) and same_text(
                        pythons[i].get_payload(decode=True) or b"", raw,
                        charset))


def same_text(got, raw, charset):
    if same_body(got, raw):
        return True
    try:
        return same_body(got.decode(charset or "windows-1252").encode(), raw)
    except (UnicodeError, LookupError):
        return False


def jmap_shape(part):
    """Our tree, with attached messages as leaves."""
    below = [jmap_shape(p) for p in part.get("parts", [])]
    is_multi = type_of(part).startswith("multipart/")
    return ("multipart", below) if is_multi else ("leaf", [])


def jmap_tree(part):
    kind = part["type"].split("/")[0]
    below = [jmap_tree(p) for p in part.get("subParts", [])]
    return ("multipart", below) if kind == "multipart" else ("leaf", [])


def score_jmap(folder, _items, score):
    for path in sorted(folder.glob("*/*.eml")):
        facts = path.with_suffix(".json")
        if not facts.is_file():
            continue
        wanted = json.loads(facts.read_text())
        name = f"{path.parent.name}/{path.name}"
        mail = parse([path])[path]
        if "bodyStructure" in wanted:
            score.equal("tree", name, jmap_shape(mail["parts"]),
                        jmap_tree(wanted["bodyStructure"]))
        if "attachments" in wanted:
            files = wanted["attachments"]
            score.equal("attachments", name,
                        [(a["type"], a["size"]) for a in mail["attachments"]],
                        [(a["type"], a["size"]) for a in files])
            for ours, theirs in zip(mail["attachments"], files):
                if theirs.get("name"):  # else we make one
                    score.equal("attachment names", name, ours["name"],
                                theirs["name"])
        if "textBody" in wanted:
            score.equal("has text", name, bool(mail["text"]),
                        bool(wanted["textBody"]))


# ---- trees by MimeKit ----

def indented_trees(lines):
    """Reads `Content-Type:` lines with three blanks a level."""
    return [(len(m[1]) // 3, m[2].strip().lower()) for m in
            (re.match(r"( *)Content-Type: ([^;\s]+)", line)
             for line in lines) if m]


def our_lines(part):
    """Without what MimeKit's summary does not open: signed and encoded."""
    lines, hidden = [], None
    for depth, p in walk(part):
        if hidden is not None and depth > hidden:
            continue
        hidden = None
        if any("inside" in child for child in p.get("parts", [])):
            hidden = depth
        lines.append((depth, type_of(p)))
    return lines


def without_external(lines):
    """MimeKit and Python put the header of what is elsewhere into the tree
    of message/external-body; RFC 3501 (and we) have a leaf there."""
    kept, hidden = [], None
    for depth, kind in lines:
        if hidden is not None and depth > hidden:
            continue
        hidden = depth if kind == "message/external-body" else None
        kept.append((depth, kind))
    return kept


def python_lines(message, depth=0):
    lines = [(depth, message.get_content_type())]
    for p in children_of(message):
        lines += python_lines(p, depth + 1)
    return lines


def count_tree(score, name, raw, lines):
    mail = parse_bytes(raw)
    ours, lines = our_lines(mail["parts"]), without_external(lines)
    score.equal("tree", name, ours, lines)
    score.other(TOOL, "tree",
                without_external(python_lines(read_python(raw))) == lines)


def score_jwz(folder, _items, score):
    with tempfile.TemporaryDirectory() as scratch:
        archive = find_corpus() / "archives" / f"{folder.name}.tar.zst"
        subprocess.run(["tar", "--zstd", "-C", scratch, "-xf", archive],
                       check=True)
        top = Path(scratch) / folder.name
        for path in sorted(top.glob("mimekit-summary/mbox/jwz/*")):
            source = top / "input/mbox/jwz" / path.stem
            if not source.is_file():
                source = top / "input/mbox/jwz" / path.name
            if source.is_file():
                count_tree(score, path.stem, source.read_bytes(),
                           indented_trees(path.read_text(
                               errors="replace").splitlines()))


def split_mbox(raw):
    """Cuts where a line "From " follows an empty one."""
    starts = [m.start() for m in re.finditer(
        rb"(?:(?<=\n\n)|(?<=\r\n\r\n)|\A)From [^\n]*\d", raw)]
    return [raw[a:b] for a, b in zip(starts, starts[1:] + [len(raw)])]


def score_mimekit(folder, _items, score):
    for path in sorted(folder.glob("mbox/*-summary.txt")):
        box = path.with_name(path.name.replace("-summary.txt", ".mbox.txt"))
        wanted = [w for w in re.split(r"(?m)^From .*\n", path.read_text())
                  if w.strip()]
        mails = split_mbox(box.read_bytes())
        if len(mails) != len(wanted):
            continue
        for i, (mail, tree) in enumerate(zip(mails, wanted)):
            count_tree(score, f"{box.name}:{i}", mail,
                       indented_trees(tree.splitlines()))


# ---- KMail's parser: what is signed, encrypted, attached ----

def kube_facts(lines):
    """What a reader without keys can see: (signed, encrypted, files)."""
    signed = encrypted = False
    files = 0
    hidden = None
    for line in lines:
        depth = len(line) - len(line.lstrip())
        kind = line.strip(" *").rsplit("::", 1)[-1]
        if hidden is not None and depth > hidden:
            continue
        hidden = None
        if kind == "EncryptedMessagePart":
            encrypted, hidden = True, depth
        elif kind == "EncapsulatedRfc822MessagePart":
            files += 1
            hidden = depth
        elif kind == "SignedMessagePart":
            signed = True
        elif kind == "AttachmentMessagePart":
            files += 1
    return signed, encrypted, files


def score_kube(folder, _items, score):
    for path in sorted(folder.glob("*.mbox.tree")):
        source = path.with_suffix("")
        signed, encrypted, _ = kube_facts(path.read_text().splitlines())
        mail = parse([source])[source]
        security = mail.get("security", [])
        inner = [f for f in mail["attachments"]
                 if f["type"] == "message/rfc822"]
        score.count("encrypted", source.name,
                    any(s["encrypted"] for s in security) == encrypted,
                    encrypted, security)
        if not encrypted and not inner:
            score.count("signed", source.name,
                        any(s["signed"] for s in security) == signed,
                        signed, security)


# ---- attachments: names, sizes, digests ----

def score_originals(folder, _items, score):
    """Attachments that have the name of a file must be that file."""
    originals = {p.name: p.read_bytes() for p in (folder / "files").iterdir()}
    digests = {name: {hashlib.sha256(data.replace(b"\r\n", b"\n")).hexdigest(),
                      hashlib.sha256(data).hexdigest()}
               for name, data in originals.items()}
    for path in sorted(folder.glob("m*.txt")):
        mail = parse([path])[path]
        for file in mail["attachments"]:
            wanted = originals.get(file["name"])
            if wanted is None or file["name"] == "winmail.dat":
                continue
            got = bytes_of(path, file["part"])
            is_text = file["name"].endswith(".txt")
            score.count("files", f"{path.name}:{file['name']}",
                        file["sha256"] in digests[file["name"]]
                        or is_text and same_original(got, wanted),
                        wanted[:40], got[:40])


def same_original(got, wanted):
    """The same text in any charset."""
    texts = [[b.decode(c, "replace").split() for c in
              ("utf-8", "iso-8859-1", "mac-roman", "cp1252")]
             for b in (got, wanted)]
    return any(t in texts[1] for t in texts[0])


def score_facts(folder, items, score):
    """Facts on attachments of mikel-mail and redmine."""
    for name, facts in items.items():
        path = folder / name
        mail = parse([path])[path]
        files = mail["attachments"]
        values = {
            "attachments.length": len(files),
            "issue.attachments.size": len([f for f in files if f["size"]]),
        }
        if files:
            first = files[0]
            values |= {
                "attachments.first.filename": first["name"],
                "attachment.filename": first["name"],
                "attachment.filesize": first["size"],
                "attachment.digest": first["sha256"],
                "issue.attachments.first.filename": first["name"],
                "issue.attachments.first.content_type": first["type"],
                "issue.attachments.first.filesize": first["size"],
            }
        below = mail["parts"].get("parts", [])
        values["attachment?"] = mail["parts"]["attachment"]
        for i, part in enumerate(below):
            values[f"parts[{i}].attachment?"] = part["attachment"]
        for fact in facts:
            key = fact.get("expr") or fact.get("field")
            if key in values and "equals" in fact:
                score.equal("attachments", f"{name}:{key}", values[key],
                            fact["equals"])


def read_ruby(path):
    import yaml

    class Loader(yaml.SafeLoader):
        pass

    def plain(loader, _tag, node):
        if isinstance(node, yaml.MappingNode):
            return loader.construct_mapping(node, deep=True)
        if isinstance(node, yaml.SequenceNode):
            return loader.construct_sequence(node, deep=True)
        return loader.construct_scalar(node)
    Loader.add_multi_constructor("!", plain)
    Loader.add_multi_constructor("tag:yaml.org,2002:", plain)
    return yaml.load(path.read_text(errors="replace"), Loader)


def score_zammad(folder, _items, score):
    """Names of the files; what Zammad makes of an HTML body is none."""
    try:
        import yaml  # noqa: F401, pylint: disable=unused-import
    except ImportError:
        return
    for path in sorted(folder.glob("*.box")):
        facts = path.with_suffix(".yml")
        if not facts.is_file():
            continue
        wanted = read_ruby(facts).get("attachments") or []
        names = [a["filename"] for a in wanted if is_zammad_file(a)]
        mail = parse([path])[path]
        ours = [a["name"] for a in mail["attachments"]]
        score.count("attachments", path.name, len(names) == len(ours) and
                    all(MADE_UP.match(n) or fold(n) == fold(o)
                        for n, o in zip(names, ours)), names, ours)


# what Zammad calls a file that has no name
MADE_UP = re.compile(r"(file|image|video|document|part|audio)\d*(\.\w+)?$|"
                     r"[\d.]+$")


def is_zammad_file(attachment):
    """Not the HTML body, nor the part of a report that programs read."""
    facts = attachment.get("preferences") or {}
    return not facts.get("content-alternative") and facts.get(
        "Mime-Type") not in ("message/delivery-status",
                             "message/disposition-notification")


def fold(name):
    return re.sub(r"\W+", "", html.unescape(name)).lower()


SETS = {
    "mime4j": score_mime4j,
    "stalwart-mail-parser": score_stalwart,
    "stalwart-jmap": score_jmap,
    "mailcore-jwz": score_jwz,
    "mimekit": score_mimekit,
    "kube": score_kube,
    "mail-mime-parser": score_originals,
    "mikel-mail": score_facts,
    "redmine": score_facts,
    "zammad": score_zammad,
}
