# SPDX-License-Identifier: GPL-3.0-or-later
"""SPF: the public test suite of RFC 7208, by us and by pyspf."""
import json
import subprocess
import tempfile
from pathlib import Path

from .lib import BUILD, TOP

try:
    import yaml
except ImportError:
    yaml = None

PYSPF = TOP / "tests/corpus/pyspf"
ROUNDS_MAX = 16  # as in src/auth/spf.h
TYPES = ("A", "AAAA", "MX", "PTR", "TXT")


def quote(text):
    """Writes a string of TXT; what is not ASCII as UTF-8."""
    return '"' + "".join(
        chr(b) if 32 <= b < 127 and chr(b) not in '"\\' else f"\\{b:03d}"
        for b in text.encode()) + '"'


def name_of(text):
    """Writes a name, whose letters may mean something to a zone."""
    return "".join(c if c.isalnum() or c in ".-_" else "\\" + c
                   for c in str(text)) or "."


def value_of(kind, value):
    if kind in ("TXT", "SPF"):
        pieces = value if isinstance(value, list) else [value]
        return " ".join(quote(str(p)) for p in pieces)
    if kind == "MX":
        return f"{value[0]} {name_of(value[1])}"
    return name_of(value) if kind in ("PTR", "CNAME") else str(value)


def records_of(entries):
    """Lists (type, value); SPF records stand for TXT where there is none."""
    found = [next(iter(e.items())) for e in entries if isinstance(e, dict)]
    if not any(kind == "TXT" for kind, _ in found):
        found += [("TXT", value) for kind, value in found if kind == "SPF"]
    return [(k, v) for k, v in found if k != "SPF" and v != "NONE"]


def zone_of(zonedata):
    """Makes the text of a zone."""
    lines = []
    for name, entries in zonedata.items():
        found = records_of(entries)
        has = {kind for kind, value in found if value != "TIMEOUT"}
        lines += [f"{name_of(name)} {kind} {value_of(kind, value)}"
                  if value != "TIMEOUT" else f"{name_of(name)} FAIL {kind}"
                  for kind, value in found]
        if "TIMEOUT" in entries:
            lines += [f"{name_of(name)} FAIL {kind}" for kind in TYPES
                      if kind not in has]
        # it is there, whatever it has
        lines.append(f"{name_of(name)} HINFO x x")
    return "\n".join(lines) + "\n"


def read_suite(path):
    """Lists the scenarios of a suite that have tests."""
    with open(path, encoding="utf-8") as file:
        return [s for s in yaml.safe_load_all(file) if s and s.get("tests")]


def judge(scenarios, folder):
    """Asks spf_check: its answer for each test, in order."""
    lines = []
    for number, scenario in enumerate(scenarios):
        zone = Path(folder) / f"{number}.zone"
        zone.write_text(zone_of(scenario["zonedata"]))
        lines.append(f"zone\t{zone}")
        lines += [f"spf\t{t['host']}\t{t['helo']}\t{t['mailfrom']}"
                  for t in scenario["tests"].values()]
    run = subprocess.run([BUILD / "tests/corpus/spf_check"],
                         input="\n".join(lines) + "\n", text=True,
                         stdout=subprocess.PIPE, check=True)
    return [json.loads(line) for line in run.stdout.splitlines()]


def ask_pyspf(path):
    """Asks pyspf: {(scenario, test): [verdict, explanation]}, or None."""
    run = subprocess.run(["/usr/bin/python3", PYSPF, path], text=True,
                         stdout=subprocess.PIPE, check=False)
    return {tuple(k): v for k, v in json.loads(run.stdout)} \
        if run.returncode == 0 else None


def is_right(test, verdict):
    wanted = test["result"]
    return verdict in (wanted if isinstance(wanted, list) else [wanted])


def is_explained(test, explanation):
    """What the suite calls DEFAULT is that the domain explains nothing."""
    wanted = test["explanation"]
    return explanation in ["" if w == "DEFAULT" else str(w) for w in (
        wanted if isinstance(wanted, list) else [wanted])]


def score_suite(path, score):
    scenarios = read_suite(path)
    other = ask_pyspf(path)
    if other is None:
        print("pyspf is not run: install python3-spf and python3-yaml")
    with tempfile.TemporaryDirectory() as folder:
        answers = iter(judge(scenarios, folder))
    for scenario in scenarios:
        for name, test in scenario["tests"].items():
            got = next(answers)
            mail = f"{path.name}:{name}"
            score.count("verdict", mail, is_right(test, got["verdict"]),
                        test["result"], f"{got['verdict']} {got['problem']}")
            score.count("step by step", mail,
                        got["same"] and got["rounds"] <= ROUNDS_MAX,
                        f"the same in {ROUNDS_MAX} rounds",
                        (got["same"], got["rounds"]))
            if other is not None:
                key = scenario["description"], name
                score.other("pyspf", "verdict", is_right(test, other[key][0]))
            if test.get("explanation"):
                score.count("explanation", mail,
                            is_explained(test, got["explanation"]),
                            test["explanation"], got["explanation"])
                if other is not None:
                    score.other("pyspf", "explanation",
                                is_explained(test, other[key][1]))


def score_spf(folder, _items, score):
    if not yaml:
        print("SPF is not scored: install python3-yaml")
        return
    for path in sorted(folder.glob("*.yml")):
        score_suite(path, score)


SETS = {"spf-rfc7208": score_spf}
