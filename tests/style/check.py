# SPDX-License-Identifier: GPL-3.0-or-later
"""check.py - the house rules that a machine can keep.

Layers, homes of foreign libraries, banned calls, openings of files, contracts
in headers, names, format. A failure names file, line and rule.
"""
import os
import re
import shutil
import subprocess
import sys

TOP = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))

MODULES = ["base", "value", "conf", "net", "mail", "auth", "plan", "sieve", "store", "worker",
           "source", "target", "manage", "mill", "sandbox", "cli"]

# What a module may include beside itself and base.
LAYERS = {
    "base": set(), "value": set(), "conf": set(), "net": set(), "mail": set(), "plan": set(),
    "store": set(), "auth": {"mail"}, "sieve": {"auth", "mail", "plan", "value"},
    "worker": {"auth", "mail", "plan", "sieve", "net"},
    "source": {"conf", "net", "store"},
    "target": {"conf", "net", "plan"},
    "mill": {"conf", "net", "plan", "store", "worker", "target"},
    "manage": {"conf", "net", "sieve"},
    "sandbox": {"net"},
    "cli": set(MODULES),
}

# Which module a public header belongs to, where its name does not say so.
HEADERS = {"loop": "net", "resolver": "net", "listen": "net", "tls": "net", "httpc": "net",
           "smtpc": "net", "relay": "mill",
           "intake": "source", "route": "mill", "queue": "mill",
           "archive": "source", "compose": "mail", "decimal": "value", "calc": "value", "typed": "value"}

# Foreign headers and the files that may include them.
HOMES = [
    (r"gmime/", r"src/mail/"),
    (r"glib", r"src/(mail/|sieve/match_unicode)"),
    (r"libxml/", r"src/mail/"),
    (r"pcre2", r"src/sieve/match"),
    (r"curl/", r"src/net/(httpc|smtpc)"),
    (r"openssl/", r"src/(base/hash|auth/|net/tls|target/oauth|sandbox/)"),
    (r"sqlite3", r"src/(store/store_sqlite|sandbox/)"),
    (r"microhttpd", r"src/(sandbox|web)/"),
    (r"confuse", r"src/conf/"),
    (r"seccomp", r"src/worker/"),
    (r"sodium", r"src/manage/"),
    (r"systemd/", r"src/(cli|source)/"),
    (r"libetpan", r"src/source/"),
    (r"iconv", r"src/mail/"),
    (r"libical", r"src/mail/"),
    (r"idn2", r"src/(auth|mail)/"),
    (r"ares", r"src/net/resolver"),
    (r"libpsl", r"src/auth/"),
]

BANNED = ["strcpy", "strcat", "strncpy", "strncat", "sprintf", "vsprintf",
          "gets", "strtok", "scanf", "sscanf", "fscanf", "atoi", "strtol",
          "strtoul", "gmtime", "localtime", "ctime", "mktemp", "system",
          "popen", "alloca"]

failures = []


def fail(path, line, rule, text):
    failures.append((rule, f"{os.path.relpath(path, TOP)}:{line}: {text}"))


def files(folder, *ends):
    for base, _, names in os.walk(os.path.join(TOP, folder)):
        for name in sorted(names):
            if name.endswith(ends):
                yield os.path.join(base, name)


def without_comments(text):
    """Blanks comments and strings but keeps the lines."""
    def blank(m):
        return re.sub(r"[^\n]", " ", m.group(0))
    return re.sub(r"/\*.*?\*/|\"(?:\\.|[^\"\\\n])*\"", blank, text, flags=re.S)


def module_of_header(name):
    if name in HEADERS:
        return HEADERS[name]
    first = name.split("_")[0]
    return first if first in MODULES else "base"


def check_openings(path, text):
    lines = text.split("\n")
    name = os.path.basename(path)
    if "SPDX-License-Identifier: GPL-3.0-or-later" not in lines[0]:
        fail(path, 1, "opening", "the first line is the SPDX line")
    head = "\n".join(lines[1:3])
    if not re.search(r"/\*\s*\*?\s*" + re.escape(name) + " - ",
                     head.replace("\n", " ")):
        fail(path, 2, "opening", f"the second line is /* {name} - what for */")


def check_layers(path, text):
    rel = os.path.relpath(path, TOP)
    module = rel.split(os.sep)[1]
    if module == "deliver" or module not in LAYERS:
        return
    for n, line in enumerate(text.split("\n"), 1):
        m = re.match(r'#include <mailmill/(\w+)\.h>', line)
        if m:
            used = module_of_header(m.group(1))
            if used not in ("base", module) and used not in LAYERS[module]:
                fail(path, n, "layers", f"{module} may not include {used}")
        for pattern, home in HOMES:
            if re.match(r'#include <' + pattern, line.replace("(", "")) or \
                    re.match(r'#include <(' + pattern + ")", line):
                if not re.match(home, rel):
                    fail(path, n, "homes", line.strip() + " has another home")


def check_banned(path, code):
    for n, line in enumerate(code.split("\n"), 1):
        for word in BANNED:
            if re.search(r"(?<![\w.>])" + word + r"\s*\(", line):
                fail(path, n, "banned", f"{word}() is banned")
        if re.search(r"(^|\s)//", line):
            fail(path, n, "comments", "comments are /* */")
        if re.search(r"\b(TODO|FIXME|XXX)\b", line):
            fail(path, n, "comments", "no TODO stays in the tree")
        if re.match(r"\s*typedef\s+(struct|enum|union)\s[^(]*$", line):
            fail(path, n, "names", "structs are not typedefed")
        m = re.match(r"\s*(?:struct|enum)\s+(\w+_t)\b", line)
        if m:
            fail(path, n, "names", f"{m.group(1)} ends in _t")


def check_size(path, text):
    n = text.count("\n")
    if n > 900 and "data" not in os.path.basename(path):
        fail(path, n, "size", f"{n} lines: a file over 900 wants to be two")


def check_contracts(path, text):
    """Each prototype of a public header stands below a comment."""
    code = without_comments(text)
    lines, bare = text.split("\n"), code.split("\n")
    depth, comment_end = 0, -2
    for n, line in enumerate(bare):
        if "*/" in lines[n]:
            comment_end = n
        if depth == 0 and re.match(
                r"^(MUST_CHECK |NORETURN |static inline |const |struct |enum "
                r"|int |void |bool |char |unsigned |size_t |ssize_t |pid_t "
                r"|u?int\d+_t |json_t )", line) and "(" in line and \
                not line.startswith("typedef") and "=" not in line:
            above = n - 1
            while above >= 0 and not lines[above].strip():
                above -= 1
            prev = lines[above].rstrip()
            near = "auto_" in line or comment_end >= n - 8 and comment_end <= n
            if not (prev.endswith("*/") or "*/" in lines[n] or near):
                fail(path, n + 1, "contracts",
                     "a prototype without a contract: " + line.strip()[:50])
        depth += line.count("{") - line.count("}")


def check_format(paths):
    if not shutil.which("clang-format"):
        return
    got = subprocess.run(["clang-format", "--dry-run", "-Werror", *paths],
                         capture_output=True, text=True, cwd=TOP)
    for line in got.stderr.splitlines():
        m = re.match(r"(.*?):(\d+):\d+: (?:error|warning): (.*)", line)
        if m:
            fail(os.path.join(TOP, m.group(1)), m.group(2), "format",
                 "run clang-format -i")


def check_scripts():
    for folder in ("contrib", "tests", ".ci"):
        for base, _, names in os.walk(os.path.join(TOP, folder)):
            for name in names:
                path = os.path.join(base, name)
                if "node_modules" in path or os.path.islink(path):
                    continue
                with open(path, "rb") as f:
                    head = f.read(300)
                if head.startswith(b"#!") and b"SPDX" not in head:
                    fail(path, 2, "opening", "no SPDX line")
                if name.endswith((".py", ".build")) and b"SPDX" not in head:
                    fail(path, 1, "opening", "no SPDX line")


def main():
    sources = list(files("src", ".c", ".h"))
    headers = list(files("include", ".h"))
    tests = list(files("tests", ".c", ".h"))
    for path in sources + headers + tests:
        with open(path, encoding="utf-8") as f:
            text = f.read()
        code = without_comments(text)
        check_openings(path, text)
        check_banned(path, code)
        check_size(path, text)
        if path in sources:
            check_layers(path, text)
        if path in headers:
            check_contracts(path, text)
    check_format(sources + headers + tests)
    check_scripts()
    rules = ["opening", "layers", "homes", "banned", "comments", "names",
             "size", "contracts", "format"]
    print(f"1..{len(rules)}")
    bad = 0
    for i, rule in enumerate(rules, 1):
        found = [text for r, text in failures if r == rule]
        for text in found[:40]:
            print("#", text)
        bad += bool(found)
        skip = " # SKIP clang-format is not installed" \
            if rule == "format" and not shutil.which("clang-format") else ""
        print(f"{'not ok' if found else 'ok'} {i} - {rule}{skip}")
    sys.exit(bad != 0)


main()
