# SPDX-License-Identifier: GPL-3.0-or-later
"""form.py - the JSON form is what its schema and its manual say.

The corpus suite holds all real mails against the same schema (tests/corpus).
"""
import glob
import json
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from mm import EXE, TOP, Skip, check, main, same

try:
    from jsonschema import Draft202012Validator
except ImportError:
    Draft202012Validator = None

SCHEMA = os.path.join(TOP, "contrib", "parse.schema.json")
MANUAL = os.path.join(TOP, "contrib", "man", "mailmill-parse.1")


def read(path):
    with open(path) as f:
        return f.read()


def section(name):
    """The text of a section of the manual."""
    return re.search(rf"^\.Sh {name}\n(.*?)^\.Sh ", read(MANUAL),
                     re.M | re.S).group(1)


def validator():
    if not Draft202012Validator:
        raise Skip("python3-jsonschema is not installed")
    schema = json.loads(read(SCHEMA))
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def test_our_mails_fit_the_schema(lab):
    ours = validator()
    paths = sorted(glob.glob(os.path.join(TOP, "tests", "mails", "*.eml")))
    check(paths, "there are mails")
    got = subprocess.run([EXE, "parse", "--json", "--lines", *paths],
                         capture_output=True, check=True, timeout=60)
    lines = got.stdout.splitlines()
    same(len(lines), len(paths), "one line a mail")
    for path, line in zip(paths, lines):
        for error in ours.iter_errors(json.loads(line)):
            check(False, f"{os.path.basename(path)}: {error.json_path}: "
                  f"{error.message}")


def test_the_schema_allows_nothing_else(lab):
    """Each object with members is closed, so that a new one must be told."""
    def walk(at, where):
        if not isinstance(at, dict):
            return
        if "properties" in at:
            check(at.get("additionalProperties") is False,
                  f"{where} is not closed")
        for name, inner in at.items():
            walk(inner, f"{where}/{name}")
    walk(json.loads(read(SCHEMA)), "")


def test_members_are_documented(lab):
    schema = json.loads(read(SCHEMA))
    told = re.findall(r"^\.Ss (\w+)", section("THE JSON FORM"), re.M)
    same(sorted(told), sorted(schema["properties"]), "members")


def test_defects_are_documented(lab):
    told = re.findall(r"^\.It Li (\S+)", section("DEFECTS"), re.M)
    same(told, sorted(told), "in order")
    used = {"other"}
    for path in glob.glob(os.path.join(TOP, "src", "mail", "*.c")):
        used |= set(re.findall(
            r'mail_tell_defect\(\s*[^"]*?"([^"]+)",', read(path)))
    same(sorted(used), told, "codes of defects")


main()
