# SPDX-License-Identifier: GPL-3.0-or-later
"""count.py - sums meson's logs of suites.

    count.py LOG.json...
    count.py --why LOG.json...      only what the programs that failed said

Names what failed, tells what was skipped and why, and ends with the line
"N passed, N failed, N skipped". The JSON logs are read, not the JUnit reports:
those lack how a TAP program ended, so that one that crashed, leaked or was
ended by its timeout after its last "ok" would pass.
"""
import json
import re
import sys

GOOD = ("OK", "SKIP", "EXPECTEDFAIL")
counts = {"passed": 0, "failed": 0, "skipped": 0}


def count(kind, name, why="", n=1):
    counts[kind] += n
    if kind != "passed":
        print("FAILED" if kind == "failed" else kind, name
              + (": " + why.strip() if why.strip() else ""))


def count_program(run):
    """Counts the tests that a program reports, and how it ended."""
    name = run["name"].partition(":")[2]
    text = run.get("stdout", "")
    before = dict(counts)
    if re.search(r"(?m)^1\.\.\d+", text):
        count_lines(name, text)
    elif m := re.search(r"(?m)^(\d+) passed, (\d+) failed", text):
        counts["passed"] += int(m.group(1))
        if int(m.group(2)):
            count("failed", name, n=int(m.group(2)))
    if run["result"] not in GOOD and counts["failed"] == before["failed"]:
        count("failed", name,
              f"{run['result']}, exit status {run.get('returncode')}")
    elif counts == before:
        count("skipped" if run["result"] == "SKIP" else "passed", name)


def count_lines(name, text):
    for line in text.splitlines():
        skip = re.search(r"# *skip\S*(.*)", line, re.I)
        test = re.match(r"(not )?ok\b *\d* *-? *([^#]*)", line)
        if re.match(r"1\.\.0\b", line):
            count("skipped", name, skip.group(1) if skip else "")
        elif test:
            count("failed" if test.group(1) else "skipped" if skip
                  else "passed", f"{name}: {test.group(2).strip()}",
                  skip.group(1) if skip else "")


def tell_why(run):
    """Prints what stands in front of each 'not ok', or the end of it all."""
    lines = run.get("stdout", "").splitlines()
    told = False
    for i, line in enumerate(lines):
        if line.startswith("not ok"):
            told = True
            first = i
            while first and not re.match(r"(not )?ok\b|1\.\.", lines[first - 1]):
                first -= 1
            print("\n".join(lines[max(first, i - 100):i + 1]))
    if not told:
        print("\n".join(lines[-40:]))
    print("\n".join(run.get("stderr", "").splitlines()[-60:]))


def main(paths, is_why):
    for path in paths:
        try:
            with open(path, encoding="utf-8", errors="replace") as log:
                runs = [json.loads(line) for line in log]
        except (OSError, ValueError) as e:
            count("failed", path, f"no log: {e}")
            continue
        if not runs:
            count("failed", path, "no test ran")
        for run in runs:
            if not is_why:
                count_program(run)
            elif run["result"] not in GOOD:
                tell_why(run)
    if not is_why:
        print("{passed} passed, {failed} failed, {skipped} skipped".format(
            **counts))
        sys.exit(1 if counts["failed"] or not counts["passed"] else 0)


main([a for a in sys.argv[1:] if a != "--why"], "--why" in sys.argv)
