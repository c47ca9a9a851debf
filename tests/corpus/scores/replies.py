# SPDX-License-Identifier: GPL-3.0-or-later
"""Replies: what is new in them, what is quoted, what is the signature."""
import json
import re
from collections import Counter

from .lib import parse, parse_bytes, squeeze, wrap

WROTE = re.compile(r"^[ >]*(On|Am|Le|Op|El|Il|Den)\b.*\d.*(:|>)$")


def parts_of(mail):
    return [mail.get(part) or "" for part in ("reply", "quoted", "signature")]


def read(raw, subtype="plain", subject=""):
    """Reads a bare text as a mail."""
    return parse_bytes((f"Subject: {subject}\n" if subject else "").encode()
                       + wrap(raw, subtype))


def folded(text):
    """All white space away: HTML sanitisers and wrapping differ in it."""
    return re.sub(r"\s+|^-- ?$", "", text, flags=re.M)


def count_reply(score, name, mail, wanted, what="reply"):
    """What was written, with or without the signature."""
    reply, _, signature = parts_of(mail)
    whole = reply + "\n" + signature
    score.count(what, name, folded(wanted) in (folded(reply), folded(whole)),
                squeeze(wanted)[-70:], squeeze(reply)[-70:])


def lines_of(text):
    lines = (squeeze(line) for line in text.split("\n"))
    return [line for line in lines if line.strip("\ufeff\u200b ")]


def count_kept(score, name, mail):
    """Every line is in one of the three, in order."""
    parts = [lines_of(text) for text in parts_of(mail)]
    for line in lines_of(mail["text"]):
        for part in parts:
            if part and part[0] == line:
                part.pop(0)
                break
        else:
            if line not in ("--", "—", "–"):
                score.count("no line lost", name, False, line, "lost")
                return
    score.count("no line lost", name, not any(parts), "", parts)


def score_trimmer(folder, _items, score):
    for path in sorted(folder.glob("emails/*.txt")):
        name = path.name
        mail = read(path.read_bytes())
        count_kept(score, name, mail)
        wanted = folder / "trimmed" / name
        if wanted.is_file():
            # it takes the attribution off where it keeps the quote
            text = wanted.read_text()
            if WROTE.search("\n".join(lines_of(mail["reply"])[:2])) or any(
                    line.startswith(">") for line in text.splitlines()):
                mail["reply"] = "\n".join(
                    line for line in mail["reply"].splitlines()
                    if not (line.rstrip().endswith("wrote:")
                            and re.search(r"\d", line)))
            count_reply(score, name, mail, text)
        elided = folder / "elided" / name
        if elided.is_file() and elided.read_text().strip():
            # what it cuts, we did not take for new
            reply = lines_of(mail["reply"])
            new = [line for line in lines_of(elided.read_text())
                   if line in reply and line not in
                   lines_of(wanted.read_text()) and not WROTE.search(line)
                   and not line.endswith("wrote:")]
            score.count("elided", name, not new, "not in the reply", new)
        embedded = folder / "embedded" / name
        if embedded.is_file():
            quoted = folded(mail["quoted"])
            score.count("embedded", name,
                        folded(embedded.read_text())[:200] in quoted or
                        folded(mail["quoted"])[-200:] in
                        folded(embedded.read_text()),
                        squeeze(embedded.read_text())[:70], quoted[:70])


def score_talon(folder, items, score):
    for name, wanted in items.items():
        reply = wanted.get("reply_text_ignoring_whitespace") or wanted.get(
            "reply_text")
        raw = (folder / name).read_bytes()
        mail = read(raw, "html") if name.endswith(".html") else (
            parse_bytes(raw))
        count_kept(score, name, mail)
        if reply:
            count_reply(score, name, mail, reply)
    cases = json.loads((folder / "cases.json").read_text())["cases"]
    for number, case in enumerate(cases):
        html = case["kind"] == "html"
        wanted = case["expected_reply"]
        if html:  # the text of the HTML that is expected, by our own reader
            wanted = read(wanted.encode(), "html")["text"]
        mail = read(case["input"].encode(), case["kind"])
        name = f"{case['name']}[{number}]"
        count_kept(score, name, mail)
        count_reply(score, name, mail, wanted.replace("--------", "")
                    if html else wanted, f"case {case['kind']}")
    for path in sorted(folder.glob("signature/emails/stripped/*_body")):
        signature = path.with_name(path.name.replace("_body", "_signature"))
        if not signature.is_file():
            continue
        mail = read(path.read_bytes())
        score.count("signature", path.name,
                    folded(signature.read_text()).lstrip("-") ==
                    folded(mail["signature"]).lstrip("-"),
                    squeeze(signature.read_text()),
                    squeeze(mail["signature"]))


def flags_of(facts):
    """Gathers what is said of each fragment."""
    flags = {}
    for fact in facts:
        if "fragment_flags" in fact:
            for i, value in enumerate(fact["values"]):
                flags.setdefault(i, {})[fact["fragment_flags"]] = value
        elif "flag" in fact:
            flags.setdefault(fact["fragment"], {})[fact["flag"]] = fact["value"]
    return flags


def place_of(flags, number, reply, quoted, signature):
    """Where a fragment with these flags should be."""
    if number == 0 and not flags.get("hidden") and not flags.get("quoted"):
        return "reply", reply + "\n" + signature
    if flags.get("signature"):
        return "signature", signature
    if flags.get("quoted") and flags.get("hidden"):
        return "quoted", quoted
    if flags and not flags.get("hidden"):
        return "reply", reply
    return "anywhere", "\n".join((reply, quoted, signature))


def count_fragment(score, name, fact, flags, mail):
    number = fact["fragment"]
    reply, quoted, signature = parts_of(mail)
    what, text = place_of(flags.get(number, {}), number, reply, quoted,
                          signature)
    wanted = (fact.get("equals_trimmed") or fact.get("equals") or
              fact.get("contains"))
    if "matches_regex" in fact:
        mark = fact["matches_regex"].lstrip("^")
        # "-- " stands in no part, and a rule may stand in the other one
        if mark.startswith("--") or mark == "_":
            mark = mark.replace("--\\n", "")
        right = bool(re.search("(?m)^" + mark if fact["matches_regex"][0] ==
                               "^" else mark, text))
    elif "contains" in fact:
        right = squeeze(wanted) in squeeze(text)
    elif number == 0:
        right = folded(text).startswith(folded(wanted))
    else:
        right = folded(wanted) in folded(text)
    score.count(what if what == "reply" else "fragment " + what, name, right,
                fact.get("matches_regex") or squeeze(wanted or "")[-70:],
                squeeze(text)[-70:])


def count_flags(score, name, flags, mail):
    reply, quoted, signature = parts_of(mail)
    if any("signature" in f for f in flags.values()):
        score.count("has signature", name, bool(signature) ==
                    any(f.get("signature") for f in flags.values()),
                    flags, signature)
    hidden = [f for f in flags.values() if f.get("quoted")]
    if hidden:
        has = quoted if any(f.get("hidden") for f in hidden) else (
            reply + quoted)
        score.count("has quote", name, bool(has), True, False)


def score_fragments(folder, items, score):
    for name, facts in items.items():
        raw = (folder / name).read_bytes()
        mail = parse_bytes(raw) if raw.startswith(b"MIME-Version:") else (
            read(raw))
        reply, _, signature = parts_of(mail)
        flags = flags_of(facts)
        count_kept(score, name, mail)
        count_flags(score, name, flags, mail)
        for fact in facts:
            if fact.get("fragments") == 1:
                score.count("nothing cut", name, not mail["quoted"], "",
                            mail["quoted"][-70:])
            if "fragment" in fact and "flag" not in fact:
                count_fragment(score, name, fact, flags, mail)
            for key, value in fact.items():
                if key.startswith("visible_text_equals"):
                    count_reply(score, name, mail, value)
                elif key == "visible_text_contains":
                    score.count("reply", name, squeeze(value) in
                                squeeze(reply), value, reply[-70:])
                elif key == "visible_text_not_contains":
                    score.count("not in the reply", name, squeeze(value)
                                not in squeeze(reply), value, reply[-70:])


def score_mail_parser_reply(folder, items, score):
    for path in sorted(folder.glob("*.txt")):
        name = path.name
        mail = read(path.read_bytes())
        reply, quoted, signature = parts_of(mail)
        count_kept(score, name, mail)
        for fact in items.get(name, []):
            if fact.get("reply_index", 0) > 0:
                # an older one: all of it is history, its parts are not told
                wanted = fact.get("contains") or (
                    fact.get("equals") if fact["part"] == "content" else None)
                if wanted:
                    score.count("older in quoted", name, squeeze(wanted) in
                                squeeze(quoted), wanted, quoted[:70])
                continue
            if "fragments" in fact:
                score.count("has history", name, bool(quoted) ==
                            (fact["fragments"] > 1), fact["fragments"],
                            quoted[:70])
                continue
            text = {"body": reply, "signatures": signature,
                    "content": reply + "\n" + signature,
                    "headers": ""}[fact["part"]]
            for key, wanted in fact.items():
                if key == "equals":
                    right = folded(wanted).rstrip("-") == folded(text)
                elif key == "contains":
                    right = squeeze(wanted) in squeeze(text)
                elif key == "not_contains":
                    right = squeeze(wanted) not in squeeze(text)
                else:
                    continue
                score.count(fact["part"], name, right, f"{key} {wanted}",
                            text[-70:])


def score_jetbrains(folder, items, score):
    mails = parse([folder / name for name in items])
    for name, facts in items.items():
        mail = mails[folder / name]
        count_kept(score, name, mail)
        headers = facts["quote_headers_outer_to_inner"]
        quoted = lines_of(mail["quoted"])
        if not headers:
            score.count("no quote", name, not quoted, "", quoted[:2])
            continue
        first = [line for line in map(squeeze, headers[0]["text"]) if line]
        if not first:  # answers within the quote: it gives no place
            score.count("quote", name, bool(quoted) or
                        ">" in mail["reply"], "a quote", quoted[:2])
            continue
        # the line range may begin within what we take for the header
        begin = " ".join(quoted[:7])
        score.count("begin of quote", name, first[0] in begin or
                    squeeze(" ".join(first))[:40] in begin,
                    first[0], quoted[:2])


def score_discourse_replies(folder, items, score):
    wanted = {name: facts["reply_markdown_any_of"]
              for name, facts in items.items()
              if "reply_markdown_any_of" in facts}
    mails = parse([folder / name for name in wanted])
    for name, texts in wanted.items():
        mail = mails[folder / name]
        html = read((mail["html"] or "").encode(), "html")
        variants = {folded(re.sub(r"[*_]|<details.*", "", t, flags=re.S))
                    for t in texts}
        got = {folded(re.sub(r"[*_]", "", one["reply"] + signature))
               for one in (mail, html)
               for signature in ("", "\n" + one["signature"])}
        count_kept(score, name, mail)
        score.count("reply", name, bool(variants & got), variants, got)


def score_alaveteli(folder, _items, score):
    """Folded quotes: what stands outside of the folds is what we keep."""
    for path in sorted(folder.glob("*.txt")):
        wanted = path.with_name(path.name + ".expected")
        if not wanted.is_file():
            continue
        mail = read(path.read_bytes())
        kept = lines_of(wanted.read_text().replace(
            "FOLDED_QUOTED_SECTION", "\n"))
        reply = "\n".join(lines_of(mail["reply"] + "\n" + mail["signature"]))
        lost = [line for line in kept if line not in reply]
        count_kept(score, path.name, mail)
        score.count("unfolded", path.name, not lost, "kept", lost[:3])


def score_signatures(folder, _items, score):
    """Lines common to all mails of a client: found in the single mail?"""
    clients = {}
    for path in sorted(folder.glob("client_*")):
        clients.setdefault(path.name[:8], []).append(path)
    for paths in clients.values():
        mails = [read(p.read_bytes(), "html" if p.suffix == ".html" else
                      "plain") for p in paths]
        for path, mail in zip(paths, mails):
            count_kept(score, path.name, mail)
            common = set(lines_of(mails[0]["text"]))
            for other in mails[1:]:
                common &= set(lines_of(other["text"]))
            common = {line for line in common if len(line) > 12}
            out = [line for line in common
                   if line in lines_of(mail["reply"])]
            score.count("common lines in signature", path.name,
                        len(out) <= len(common) // 5, sorted(common)[:3],
                        out[:3])


def score_planer(folder, _items, score):
    for path in sorted(folder.glob("html/*.html")):
        mail = read(path.read_bytes(), "html")
        count_kept(score, path.name, mail)
        score.count("has quote", path.name, bool(mail["quoted"]), True,
                    mail["reply"][-70:])


def score_redmine(folder, items, score):
    for name, facts in items.items():
        for fact in facts:
            if fact.get("field") not in ("issue.description",
                                         "journal.notes"):
                continue
            mail = parse([folder / name])[folder / name]
            wanted = fact.get("equals") or fact.get("contains")
            if not wanted:
                continue
            texts = [mail["text"]]
            if mail["html"]:
                texts.append(read(mail["html"].encode(), "html")["text"])
            texts = [folded(re.sub(r"[*_]|^h1\. ", "", t, flags=re.M))
                     for t in texts]
            wanted = folded(re.sub(r"[*_]|^h1\. ", "", wanted, flags=re.M))
            right = any(wanted.strip("?") in t for t in texts)
            score.count("text", name, right, wanted[:70], texts[0][:70])


def forward_facts(expected, mail):
    forwarded = (mail.get("forwarded") or [{}])[0]
    for key in ("from", "date", "subject", "to", "text"):
        wanted = expected.get(key)
        if not wanted:
            continue
        if key == "from":
            got = f"{forwarded.get('from_name', '')} " \
                  f"<{forwarded.get('from', '')}>"
            yield key, squeeze(wanted).replace('"', ""), squeeze(got)
        else:
            yield key, squeeze(wanted), squeeze(forwarded.get(key, ""))


def score_quotequail(folder, _items, score):
    cases = json.loads((folder / "cases.json").read_text())["cases"]
    for case in cases:
        name, expected = case["name"], case["expected"]
        raw, subtype = case.get("text"), "plain"
        if raw is None:
            raw, subtype = case.get("html"), "html"
        if "file" in case:
            raw, subtype = (folder / case["file"]).read_text(), "html"
        is_forward = isinstance(expected, dict) and (
            expected["type"] == "forward")
        mail = read(raw.encode(), subtype, "Fwd: x" if is_forward else "x")
        count_kept(score, name, mail)
        if isinstance(expected, list):
            split = case.get("expected_quote_intro_line", expected)
            new = "\n".join(t for is_reply, t in split if is_reply)
            if subtype == "html":
                new = read(new.encode(), "html")["text"]
            if new.strip():
                count_reply(score, name, mail, new, "new part")
            continue
        for key, wanted, got in forward_facts(expected, mail):
            if is_forward:
                score.count("forwarded " + key, name, wanted == got, wanted,
                            got)
        if not is_forward:
            score.count("reply is no forward", name,
                        not mail.get("forwarded"), [],
                        mail.get("forwarded"))
        top = expected.get("text_top")
        if "html_top" in expected:
            top = read(expected["html_top"].encode(), "html")["text"]
        if top:
            bottom = expected.get("text_bottom", "")
            if "html_bottom" in expected:
                bottom = read(expected["html_bottom"].encode(),
                              "html")["text"]
            count_reply(score, name, mail, top + "\n" + bottom, "top")
    for path in sorted(folder.glob("*.html")):
        mail = read(path.read_bytes(), "html", "Fwd: x" if "forward" in
                    path.name else "Re: x")
        count_kept(score, path.name, mail)
        if "_unwrapped" in path.name:
            continue
        if "_forward" in path.name:
            got = (mail.get("forwarded") or [{}])[0]
            score.count("forwarded by HTML", path.name, got.get("from") or
                        got.get("from_name"), "from", got)
        else:
            score.count("quote in HTML", path.name, bool(mail["quoted"]),
                        True, mail["reply"][-70:])


def score_forwarded_mails(folder, _items, score):
    """Mails whose name says that they are forwarded."""
    for path in sorted(list(folder.glob("*forward*.eml"))
                       + list(folder.glob("*forward*.box"))):
        mail = parse([path])[path]
        count_kept(score, path.name, mail)
        got = mail.get("forwarded") or []
        score.count("forwarded", path.name, any(f.get("from") or
                    f.get("from_name") for f in got), "from", got[:1])


def score_html_pairs(folder, _items, score):
    """text/NAME.html beside text/NAME.txt."""
    for path in sorted(folder.glob("text/*.html")):
        wanted = path.with_suffix(".txt")
        if not wanted.is_file():
            continue
        mail = read(path.read_bytes(), "html")
        # links and the order of cells differ by taste
        link = re.compile(r"<?https?://\S+|&\w+;")
        words, got = (Counter(re.findall(r"\w+", link.sub(" ", text)))
                      for text in (wanted.read_text(errors="replace"),
                                   mail["text"]))
        same = sum((words & got).values())
        score.count("words of HTML", path.name, same >= 0.95 *
                    sum(words.values()), sum(words.values()), same)


SETS = {
    "email-reply-trimmer": score_trimmer,
    "talon": score_talon,
    "email-reply-parser": score_fragments,
    "email-reply-parser-py": score_fragments,
    "email-reply-parser-php": score_fragments,
    "email-reply-parser-js": score_fragments,
    "mail-parser-reply": score_mail_parser_reply,
    "jetbrains-email-parser": score_jetbrains,
    "discourse": score_discourse_replies,
    "alaveteli": score_alaveteli,
    "zammad-signatures": score_signatures,
    "planer": score_planer,
    "redmine": score_redmine,
    "quotequail": score_quotequail,
    "zammad": score_forwarded_mails,
    "mimekit": score_html_pairs,
}
