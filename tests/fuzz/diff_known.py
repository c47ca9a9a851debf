# SPDX-License-Identifier: GPL-3.0-or-later
"""diff_known.py - differences to Pigeonhole that are explained.

Each is a function that takes a pair and gives the same pair without what is
decided differently, or None when that is not in it. A difference is explained
by it when the changed pair makes none. DIFFERENCES.md has the reason of each
under the same name.
"""
import re

from diff_make import ADDRESS_FIELDS, Mail, Rule

PART = ":(localpart|domain|user|detail)"


def change(pair, pattern, by):
    """Changes the statements of the rule. Gives: or None: nothing to change."""
    texts = [re.sub(pattern, by, t) for t in pair.rule.statements]
    if texts == pair.rule.statements:
        return None
    return pair.with_(rule=Rule(pair.rule.needs, texts))


def has(pair, pattern):
    return any(re.search(pattern, t) for t in pair.rule.statements)


def ihave_of_required(pair):
    return change(pair, r'ihave "(variables|encoded-character)"', "false")


def numeric_infinity(pair):
    return change(pair, ':comparator "i;ascii-numeric"(?! "X-Num")', "")


def empty_body(pair):
    if pair.mail.body != "" or not has(pair, r"\bbody\b"):
        return None
    return pair.with_(mail=Mail(pair.mail.fields, "x\n"))


def part_of_empty_field(pair):
    """Also answered differently by :count."""
    fields = [(n, " x@y.test") if n in ADDRESS_FIELDS and not v.strip()
              else (n, v) for n, v in pair.mail.fields]
    if fields == pair.mail.fields or not has(pair, PART + "|:count"):
        return None
    return pair.with_(mail=Mail(fields, pair.mail.body))


def broken_address(pair):
    """A field with something that is no address in it."""
    fields = [(n, " x@y.test") if n in ADDRESS_FIELDS and
              v.strip() in ("a@b@c", "<>", "@", "x y z", "nonsense") else (n, v)
              for n, v in pair.mail.fields]
    if fields == pair.mail.fields:
        return None
    return pair.with_(mail=Mail(fields, pair.mail.body))


def empty_group(pair):
    """Also answered differently by :count."""
    fields = [(n, v.replace("undisclosed-recipients:;", "x@y.test"))
              for n, v in pair.mail.fields]
    if fields == pair.mail.fields:
        return None
    return pair.with_(mail=Mail(fields, pair.mail.body))


def constant_in_allof(pair):
    if not has(pair, r"\b(all|any)of\b"):
        return None
    changed = change(pair, r'ihave "x-nothing"|\bfalse\b', 'exists "x-no"')
    return change(changed or pair, r'ihave "\w+"|\btrue\b',
                  'not exists "x-no"') or changed


def glob_question_star(pair):
    return change(pair, r'"[^"]*\?[^"]*\*[^"]*"',
                  lambda m: m.group(0).replace("?", "~"))


def casemap_order(pair):
    if not has(pair, ":value"):
        return None
    changed = change(pair, ':comparator "i;ascii-casemap" ', "")
    return change(changed or pair, r'(:value "\w\w")(?! :comp)',
                  r'\1 :comparator "i;octet"')


def copy_then_same_redirect(pair):
    return change(pair, "redirect :copy", "redirect")


def control_in_folder(pair):
    return change(pair, r"\$\{hex:4\}", "@")


def string_default_comparator(pair):
    def add(m):
        return m.group(0) if ":comparator" in m.group(0) else \
            m.group(0) + ':comparator "i;ascii-casemap" '
    return change(pair, r'\bstring (?=[:"\[])(?![^"\[]*:comparator)', add)


def regex_bytes(pair):
    """One character that is several bytes."""
    if not has(pair, ":regex"):
        return None
    fields = [(n, re.sub(r"=\?.*?\?=", "x", ascii_only(v)))
              for n, v in pair.mail.fields]
    body = pair.mail.body and ascii_only(pair.mail.body)
    changed = change(pair, "[^ -~\n\t]", "x") or pair
    return changed.with_(mail=Mail(fields, body))


def ascii_only(text):
    return text.encode("ascii", "replace").decode().replace("?", "x")


def count_of_index(pair):
    def drop(m):
        if ":count" not in m.group(0):
            return m.group(0)
        return re.sub(r":index \d( :last)? ", "", m.group(0))
    return change(pair, r'\b(header|address|date) '
                  r'(:[a-z]+ (\d |"[^"]*" (?=:|\[|"))?)+', drop)


def date_index_beyond(pair):
    """:index behind the last field."""
    return change(pair, r'\bdate ((?::[a-z]+ (?:"[^"]*" )?)*?):index \d'
                  r"(?: :last)?", r"date \1")


def crash_at_last_backslash(pair):
    """sieve-test dies of a pattern that ends in a backslash."""
    if pair.theirs[0] != "trouble" or "acktrace" not in pair.theirs[1]:
        return None
    return change(pair, r'\\\\"', 'x"')


def set_from_itself(pair):
    return change(pair, r'set ([: a-z]*)"(\w+)" "([^"]*)\$\{\2\}([^"]*)"',
                  r'set \1"\2" "\3\4"')


def empty_epilogue(pair):
    if not pair.mail.body or not has(pair, ":content"):
        return None
    body = re.sub(r"(--bound\d--\n)(?=(\n--bound|$))", r"\1end\n",
                  pair.mail.body)
    return pair.with_(mail=Mail(pair.mail.fields, body))


def part_without_lines(pair):
    body = pair.mail.body and re.sub(
        r"(--bound\d)\n(?=--bound)", "\\1\n\nx\n", pair.mail.body)
    if body == pair.mail.body:
        return None
    return pair.with_(mail=Mail(pair.mail.fields, body))


def add_params(content_type):
    for name in ("charset", "name", "boundary"):
        if name + "=" not in content_type:
            content_type += f'; {name}="x{name}"'
    return content_type


def missing_param(pair):
    """Gives each Content-Type all parameters that rules ask for."""
    if not has(pair, ":param"):
        return None
    fields = [(n, add_params(v)) if n == "Content-Type" else (n, v)
              for n, v in pair.mail.fields]
    body = pair.mail.body and re.sub(
        "(?m)^Content-Type: .*", lambda m: add_params(m.group(0)),
        pair.mail.body)
    return pair.with_(mail=Mail(fields, body))


def multipart_without_parts(pair):
    """A boundary that never comes."""
    text = pair.mail.raw().decode("utf-8", "replace")
    missing = [b for b in re.findall('boundary="(bound.)"', text)
               if "--" + b not in text]
    if not missing:
        return None
    return pair.with_(mail=Mail(
        pair.mail.fields, "".join(f"--{b}\n\nx\n--{b}--\n" for b in missing)))


def body_after_edit(pair):
    """What reads the message again after its header was changed."""
    if not has(pair, r"\bbody\b|:mime|extracttext|size"):
        return None
    return change(pair, r'(addheader|deleteheader)([^;"]|"(\\.|[^"\\])*")*;',
                  "")


def anychild_of_several(pair):
    """Leaves the last of several fields."""
    return change(pair, r'(:anychild (?::(?:param|comparator) '
                  r'(?:"[^"]*"|\[[^]]*\]) |:[a-z]+ )*)'
                  r'\[(?:"[^"]*", )+("[^"]*")\]', r"\1\2")


def extract_of_file(pair):
    if not has(pair, "extracttext"):
        return None
    body = pair.mail.body and pair.mail.body.replace(
        "application/octet-stream", "text/plain")
    return pair.with_(mail=Mail(
        [(n, v.replace("application/octet-stream", "text/plain"))
         for n, v in pair.mail.fields], body))


def blanks_of_html(pair):
    """Text of HTML, compared whole."""
    if not has(pair, r"extracttext|\bbody\b"):
        return None
    body = pair.mail.body and re.sub(r"text/html|</?p>", lambda m: {
        "text/html": "text/plain"}.get(m.group(0), ""), pair.mail.body)
    if body == pair.mail.body:
        return None
    return pair.with_(mail=Mail(pair.mail.fields, body))


def first_of_characters(pair):
    """:first n, where a character may have several bytes."""
    text = pair.mail.raw()
    if not any(c > 127 for c in text) and b"=?" not in text \
            and b"encoding: " not in text.lower():
        return None
    return change(pair, r":first \d+ ", "")


def anychild_without_header(pair):
    """Gives each part that has no header a field."""
    if not has(pair, ":anychild"):
        return None
    body = pair.mail.body and re.sub(
        r"(?m)^(--bound.\n)\n", r"\1Content-Type: text/plain\n\n",
        pair.mail.body)
    if body == pair.mail.body:
        return None
    return pair.with_(mail=Mail(pair.mail.fields, body))


def order_of_no_flag(pair):
    """A key that no flag can be, compared by its order."""
    return change(pair, r'(hasflag :value "\w\w" (?::comparator "[^"]*" )?)'
                  r'"[^"]*\][^"]*"', r'\1"x"')


KNOWN = (ihave_of_required, numeric_infinity, empty_body, part_of_empty_field,
         broken_address, empty_group, constant_in_allof, glob_question_star,
         casemap_order,
         copy_then_same_redirect, control_in_folder,
         string_default_comparator, regex_bytes, count_of_index,
         date_index_beyond, crash_at_last_backslash, set_from_itself,
         empty_epilogue, part_without_lines, missing_param,
         multipart_without_parts, body_after_edit, anychild_of_several,
         extract_of_file, blanks_of_html,
         first_of_characters, anychild_without_header,
         order_of_no_flag)
