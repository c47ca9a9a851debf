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
    return change(pair, ':comparator "i;ascii-numeric"', "")


def empty_body(pair):
    if pair.mail.body != "" or not has(pair, r"\bbody\b"):
        return None
    return pair.with_(mail=Mail(pair.mail.fields, "x\n"))


def part_of_empty_field(pair):
    fields = [(n, " x@y.test") if n in ADDRESS_FIELDS and not v.strip()
              else (n, v) for n, v in pair.mail.fields]
    if fields == pair.mail.fields or not has(pair, PART):
        return None
    return pair.with_(mail=Mail(fields, pair.mail.body))


def part_of_broken_address(pair):
    """A field with something that is no address in it."""
    fields = [(n, " x@y.test") if n in ADDRESS_FIELDS and
              v.strip() in ("a@b@c", "<>", "@", "x y z", "nonsense") else (n, v)
              for n, v in pair.mail.fields]
    if fields == pair.mail.fields or not has(pair, PART):
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


KNOWN = (ihave_of_required, numeric_infinity, empty_body, part_of_empty_field,
         part_of_broken_address, empty_group, constant_in_allof, glob_question_star, casemap_order,
         copy_then_same_redirect, control_in_folder,
         string_default_comparator)
