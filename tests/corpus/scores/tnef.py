# SPDX-License-Identifier: GPL-3.0-or-later
"""TNEF, uuencode: files packed in a part, by name and content."""
import base64
import hashlib
import re

from .lib import parse, parse_bytes, squeeze

# what the tools call the text
BODY = re.compile(r"(.*-)?(body|message)(\.(html|rtf|txt))?$")


def wrap_tnef(raw):
    return (b"From: a@example.org\nMIME-Version: 1.0\n"
            b"Content-Type: application/ms-tnef; name=winmail.dat\n"
            b"Content-Transfer-Encoding: base64\n\n"
            + base64.encodebytes(raw))


def score_lists(folder, _items, score):
    """Names by `tnef`; bodies are text to us, no files."""
    for path in sorted(folder.glob("**/*.list")):
        source = path.with_suffix(".tnef")
        wanted = [line.strip() for line in path.read_text().splitlines()
                  if line.strip()]
        mail = parse_bytes(wrap_tnef(source.read_bytes()))
        names = [f["name"] for f in mail["attachments"]]
        files = [w for w in wanted if not BODY.match(w)]
        # a file without the name that `tnef` looks for is one all the same
        score.count("names", source.name, set(files) <= set(names)
                    and bool(files) <= bool(names), files, names)
        bodies = [w for w in wanted if BODY.match(w)]
        if bodies:
            score.count("has text", source.name,
                        bool(mail["text"] or mail["html"]), bodies,
                        mail["text"][:60])
        for inner in sorted((folder / path.stem).glob("*")):
            if BODY.match(inner.name):
                continue
            digest = hashlib.sha256(inner.read_bytes()).hexdigest()
            score.count("files", f"{source.name}:{inner.name}",
                        digest in {f["sha256"] for f in mail["attachments"]},
                        digest, names)
        html = folder / "baselines" / f"{path.stem}-body.html.baseline"
        if html.is_file():
            score.equal("html", source.name, squeeze(mail["html"]),
                        squeeze(html.read_text()))
        for inner in sorted((folder / "baselines").glob("*.baseline")):
            if inner.name[:-9] in names:
                digest = hashlib.sha256(inner.read_bytes()).hexdigest()
                score.count("files", f"{source.name}:{inner.name}",
                            digest in {f["sha256"]
                                       for f in mail["attachments"]},
                            digest, names)


def score_mails(names):
    """A mail with winmail.dat shows what is in it, and not the .dat."""
    def score_them(folder, _items, score):
        for name in names:
            path = folder / name
            mail = parse([path])[path]
            files = [f["name"] for f in mail["attachments"]]
            score.count("winmail.dat", name,
                        bool(mail["text"] or files)
                        and "winmail.dat" not in files, "opened", files)
    return score_them


SETS = {
    "tnef": score_lists,
    "tnef-mimekit": score_lists,
    "roundcube": score_mails(["tnef1.eml", "tnef2.eml", "tnef3.eml"]),
    "alaveteli": score_mails(["incoming-request-tnef-attachments.eml"]),
}
