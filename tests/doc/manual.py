# SPDX-License-Identifier: GPL-3.0-or-later
"""manual.py - the manuals say what the program does.

Options of mailmill.conf(5) against the tables of the code, subcommands and
their options against mailmill(1), mdoc without warnings, examples that run.
"""
import glob
import os
import re
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from mm import EXE, TOP, Skip, check, mail, main, same, wait_for

MAN = os.path.join(TOP, "contrib", "man")


def run(*argv, **more):
    return subprocess.run([EXE, *argv], capture_output=True, text=True,
                          timeout=60, **more)


def read(name):
    with open(os.path.join(MAN, name)) as f:
        return f.read()


def test_options_of_the_configuration_are_documented(lab):
    """`mailmill check --options` prints: section TAB option TAB default."""
    code, manual = {}, {}
    got = run("check", "--options")
    same(got.returncode, 0, got.stderr)
    for line in got.stdout.splitlines():
        section, option, default = line.split("\t")[:3]
        code[(section, option)] = default
    section = ""
    for line in read("mailmill.conf.5").splitlines():
        m = re.match(r"\.Ss (\S+)(?: \\\(dqtitle\\\(dq)? \{ \}", line)
        if m:
            section = m.group(1)
        m = re.match(r"\.It Ic (\w+) = .*?(?:Pq Li (.+))?$", line)
        if m:
            manual[(section, m.group(1))] = m.group(2) or ""
    for key in code:
        if key[0] == "pipe" and key not in manual:
            same(code[key], code[("lmtp", key[1])], f"{key} is as for lmtp")
            continue
        check(key in manual, f"{key} is not in mailmill.conf(5)")
        same(manual[key], code[key], f"default of {key}")
    for key in manual:
        check(key in code, f"{key} is in mailmill.conf(5) only")


def commands():
    got = run("help")
    return re.findall(r"^  ([a-z]+) ", got.stdout, re.M)


def test_commands_and_their_options_are_documented(lab):
    text = "".join(read(os.path.basename(p)) for p in glob.glob(MAN + "/*.1"))
    text = text.replace("\\-", "-")
    for name in commands():
        check(re.search(r"Cm " + name + r"\b", text),
              f"mailmill {name} is in no manual")
        got = run(name, "--help")
        same(got.returncode, 0, f"{name} --help: {got.stderr}")
        for option in re.findall(r"^  .{4}--([a-z-]+)", got.stdout, re.M):
            check(re.search(r"(Fl|,) -" + option + r"\b", text)
                  or option == "help",
                  f"mailmill {name} --{option} is in no manual")


def test_manuals_are_clean_mdoc(lab):
    if not shutil.which("mandoc"):
        raise Skip("mandoc is not installed")
    for path in sorted(glob.glob(MAN + "/*.[15]")):
        got = subprocess.run(["mandoc", "-Tlint", "-Wwarning", path],
                             capture_output=True, text=True)
        bad = [x for x in got.stdout.splitlines()
               if "WARNING" in x or "ERROR" in x]
        same(bad, [], os.path.basename(path))


def test_the_example_configuration_checks(lab):
    text = read("mailmill.conf.5")
    for n, example in enumerate(re.findall(
            r"\.Bd -literal -offset indent\n(.*?)\.Ed", text, re.S)):
        folder = lab.fresh("conf")
        shutil.copy(os.path.join(TOP, "rules", "email-to-case.sieve"), folder)
        path = os.path.join(folder, "mailmill.conf")
        with open(path, "w") as f:
            f.write(example)
        got = run("check", "--config", path)
        same(got.returncode, 0, f"example {n}: {got.stderr}{got.stdout}")


def test_rules_in_readme_and_manual_compile(lab):
    with open(os.path.join(TOP, "README.md")) as f:
        blocks = re.findall(r"```sieve\n(.*?)```", f.read(), re.S)
    check(blocks, "README has a rule")
    text = read("mailmill-sieve.5")
    found = re.findall(r"\.Bd -literal[^\n]*\n(.*?)\.Ed", text, re.S)
    blocks += [b.replace("\\e", "\\").replace("\\&", "") for b in found
               if "require" in b and "vnd.dovecot.testsuite" not in b]
    check(len(blocks) > 1, "the manual has rules")
    for n, block in enumerate(blocks):
        path = lab.path(f"{n}.sieve")
        with open(path, "w") as f:
            f.write(block)
        got = run("check", path)
        same(got.returncode, 0, f"rule {n}:\n{block}\n{got.stderr}{got.stdout}")


def test_the_example_commands_run(lab):
    """Each '.Dl $ mailmill ...', with a daemon that has something to show."""
    s = lab.sandbox()
    rule = lab.path("rule.sieve")
    with open(rule, "w") as f:
        f.write('require "vnd.mailmill"; if header "subject" "keep" { keep; }'
                ' else { fail "FIELD_CUSTOM_VALIDATION"; }\n')
    d = lab.daemon(s, rule=rule)
    for subject in ("keep", "die"):
        d.lmtp(mail(subject, subject=subject))
    wait_for("both ended", lambda: d.waiting() == 0)
    # the manuals' paths and ids, as they are here
    places = [("/etc/mailmill/mailmill.conf", d.conf),
              ("rules/", os.path.join(TOP, "rules") + "/"),
              ("tests/mails/", os.path.join(TOP, "tests", "mails") + "/")]
    folder = lab.fresh("home")
    os.symlink(EXE, os.path.join(folder, "mailmill"))
    n = 0
    for path in sorted(glob.glob(MAN + "/*.[15]")):
        with open(path) as f:
            examples = re.findall(r"^\.Dl \$ (mailmill .*)$", f.read(), re.M)
        for example in examples:
            command = re.sub(r"(?<!=)\b4711\b(?!\.)", "2", example)
            for there, here in places:
                command = command.replace(there, here)
            command = re.sub(r"(mailmill queue \w+)", rf"\1 --config {d.conf}",
                             command)
            got = subprocess.run(["bash", "-c", "set -o pipefail; " + command],
                                 cwd=folder, capture_output=True, text=True,
                                 timeout=60, env={
                                     **os.environ, "SANDBOX_SECRET": "sandbox",
                                     "PATH": folder + ":" + os.environ["PATH"]})
            same(got.returncode, 0, f"{os.path.basename(path)}: {example}: "
                 f"{got.stderr}{got.stdout}")
            n += 1
    check(n >= 10, f"{n} examples")


def test_the_readme_names_files_that_exist(lab):
    with open(os.path.join(TOP, "README.md")) as f:
        text = f.read()
    for link in re.findall(r"\]\(([^)#]+)\)", text):
        if "://" not in link:
            check(os.path.exists(os.path.join(TOP, link)), f"README: {link}")


main()
