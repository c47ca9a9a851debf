# SPDX-License-Identifier: GPL-3.0-or-later
"""Replies: what is new in them."""
from .lib import parse_bytes, squeeze, wrap


def count_reply(score, name, mail, wanted):
    """What was written, with or without the signature."""
    reply = squeeze(mail.get("reply", ""))
    whole = squeeze(reply + " " + mail.get("signature", ""))
    score.count("reply", name, squeeze(wanted) in (reply, whole),
                squeeze(wanted)[-70:], reply[-70:])


def score_trimmer(folder, _items, score):
    for path in sorted(folder.glob("emails/*.txt")):
        wanted = folder / "trimmed" / path.name
        if wanted.is_file():
            count_reply(score, path.name,
                        parse_bytes(wrap(path.read_bytes())),
                        wanted.read_text())


def score_talon(folder, items, score):
    for name, wanted in items.items():
        reply = wanted.get("reply_text_ignoring_whitespace") or wanted.get(
            "reply_text")
        raw = (folder / name).read_bytes()
        if name.endswith(".html"):
            raw = wrap(raw, "html")
        if reply:
            count_reply(score, name, parse_bytes(raw), reply)


def score_fragments(folder, items, score):
    for name, facts in items.items():
        texts = [f["equals_trimmed"] for f in facts
                 if f.get("fragment") == 0 and "equals_trimmed" in f]
        if not texts:
            continue
        got = squeeze(parse_bytes(wrap((folder / name).read_bytes()))
                      .get("reply", ""))
        score.count("reply", name, got.startswith(squeeze(texts[0])),
                    squeeze(texts[0])[-70:], got[-70:])


SETS = {
    "email-reply-trimmer": score_trimmer,
    "talon": score_talon,
    "email-reply-parser-php": score_fragments,
    "email-reply-parser-js": score_fragments,
}
