# SPDX-License-Identifier: GPL-3.0-or-later
"""messages.py - the table of the compiler's messages is whole, and printed.

With --write the list in mailmill-messages(5) is made anew.
"""
import glob
import json
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from mm import EXE, TOP, check, main, same

MANUAL = os.path.join(TOP, "contrib", "man", "mailmill-messages.5")
BEGIN, END = '.\\" The list is made by tests/doc/messages.py --write.', \
    '.\\" End of the list.'
TELLS = re.compile(r"\b(sieve_error|sieve_warn|fail|tell|warn|tell_size)\(")
# Files whose own fail(), tell() and warn() tell something of a script.
OWN = ("lex.c", "parse.c", "sieve.c")


def literals(text):
    """All string literals of C, those that stand side by side joined."""
    one = r'"(?:[^"\\\n]|\\.)*"'
    for m in re.finditer(rf"{one}(?:\s*{one})*", text):
        yield "".join(s[1:-1] for s in re.findall(one, m.group()))


def argument_end(text, at):
    depth = 1
    while depth:
        if text[at] == '"':
            at += 1
            while text[at] != '"':
                at += 2 if text[at] == "\\" else 1
        depth += {"(": 1, ")": -1}.get(text[at], 0)
        at += 1
    return at


def formats():
    """(file and line, format) of each message that the sources tell."""
    for path in sorted(glob.glob(TOP + "/src/sieve/**/*.c", recursive=True)):
        text = open(path).read()
        for m in TELLS.finditer(text):
            if not m.group(1).startswith("sieve_") and \
                    not path.endswith(OWN):
                continue
            call = text[m.end():argument_end(text, m.end())]
            found = next(literals(call), None)
            place = f"{path}:{text.count(chr(10), 0, m.start()) + 1}"
            if found is not None and not re.match(r"\s*struct ", call):
                yield place, found


def test_each_message_of_the_sources_is_in_the_table(lab):
    text = open(TOP + "/src/sieve/messages.c").read()
    table = set(literals(text.replace("ERROR(", "(")))
    missing = [f"{place}: {found}" for place, found in formats()
               if found not in table]
    check(not missing, "add to src/sieve/messages.c:\n" + "\n".join(missing))


def rows():
    got = subprocess.run([EXE, "check", "--messages"], capture_output=True,
                         text=True, timeout=60)
    same(got.returncode, 0, got.stderr)
    return [line.split("\t") for line in got.stdout.splitlines()]


def mdoc(text):
    text = text.replace("\\", "\\e").replace('"', "\\(dq")
    return re.sub(r"^([.'])", r"\\&\1", text)


def make_list():
    out = [".Sh FINDINGS"]
    for title, which in (("Errors", "error"), ("Warnings", "warning")):
        out += [".Ss " + title, ".Bl -tag -width Ds"]
        for code, severity, means, fix in rows():
            if severity == which:
                out += [f".It Li sieve/{code}"]
                out += [mdoc(s) for s in re.split(r"(?<=[.;]) ",
                                                  f"{means} {fix}")]
        out += [".El"]
    return "\n".join(out)


def test_the_manual_lists_the_table(lab):
    text = open(MANUAL).read()
    listed = text.split(BEGIN + "\n")[1].split("\n" + END)[0]
    same(listed, make_list(), "run tests/doc/messages.py --write")


def run(*argv, **more):
    return subprocess.run([EXE, "check", *argv], capture_output=True,
                          text=True, timeout=60, **more)


def write(lab, name, text):
    path = lab.path(name)
    with open(path, "w") as f:
        f.write(text)
    return path


WRONG = 'if header :is "\u00e4" "b" { stopp; }\n'
WARNED = 'require "fileinto";\nkeep;\n'


def test_gcc_form_is_a_line_each(lab):
    path = write(lab, "a.sieve", WRONG)
    got = run("--format=gcc", path)
    same(got.returncode, 1, got.stderr)
    same(got.stdout, f"{path}:1:26: error: unknown command 'stopp' (did you "
         "mean 'stop'?) [sieve/unknown-command]\n", "line")


def test_json_counts_characters(lab):
    path = write(lab, "a.sieve", WRONG)
    got = run("--format=json", path)
    same(got.returncode, 1, got.stderr)
    said = json.loads(got.stdout)
    same((said["errors"], said["warnings"]), (1, 0), "counts")
    same(said["findings"][0]["column"], 25, "column")
    same(said["findings"][0]["hint"], "did you mean 'stop'?", "hint")


def test_sarif_has_what_its_schema_asks(lab):
    path = write(lab, "a b.sieve", WRONG)
    got = run("--format=sarif", path, write(lab, "c.sieve", WARNED))
    same(got.returncode, 1, got.stderr)
    said = json.loads(got.stdout)
    same(said["version"], "2.1.0", "version")
    log = said["runs"][0]
    rules = {r["id"] for r in log["tool"]["driver"]["rules"]}
    same(len(log["results"]), 2, "results")
    for result in log["results"]:
        check(result["ruleId"] in rules, result["ruleId"])
        check(result["level"] in ("error", "warning"), result["level"])
        check(result["message"]["text"], "text")
        place = result["locations"][0]["physicalLocation"]
        check(place["region"]["startLine"] >= 1, "line")
        check(place["region"]["startColumn"] >= 1, "column")
        check(" " not in place["artifactLocation"]["uri"], "URI")
    check(log["results"][0]["locations"][0]["physicalLocation"]
          ["artifactLocation"]["uri"].endswith("/a%20b.sieve"), "escaped")


def test_warnings_count_only_when_asked(lab):
    path = write(lab, "a.sieve", WARNED)
    got = run(path)
    same(got.returncode, 0, got.stderr)
    check("with 1 warning" in got.stdout, got.stdout)
    check("\033" not in got.stderr, "no colour into a pipe")
    same(run("--werror", path).returncode, 1, "werror")


def test_folders_are_walked_and_tests_known(lab):
    os.mkdir(lab.path("d"))
    write(lab, "d/a.sieve", "keep;\n")
    write(lab, "d/b.svtest", 'require "vnd.dovecot.testsuite";\n'
          'test "a" { test_fail "b"; }\n')
    write(lab, "d/c.txt", "no rule\n")
    got = run(lab.path("d"))
    same(got.returncode, 0, got.stderr)
    same(got.stdout.count("can be used"), 2, got.stdout)
    os.mkdir(lab.path("e"))
    same(run(lab.path("e")).returncode, 1, "an empty folder")


def test_codes_are_explained(lab):
    got = run("--explain", "sieve/else-if")
    same(got.returncode, 0, got.stderr)
    check("elsif" in got.stdout, got.stdout)
    same(run("--explain", "zzz").returncode, 64, "unknown code")
    same(run("--format=zzz", "x").returncode, 64, "unknown format")


def rewrite():
    text = open(MANUAL).read()
    head, rest = text.split(BEGIN + "\n")
    with open(MANUAL, "w") as f:
        f.write(head + BEGIN + "\n" + make_list() + "\n" + END +
                rest.split("\n" + END)[1])


if __name__ == "__main__":
    if sys.argv[1:] == ["--write"]:
        rewrite()
    else:
        main()
