# SPDX-License-Identifier: GPL-3.0-or-later
"""ARC: the validation suite, and chains of other projects."""
import re
import tempfile
from pathlib import Path

from .signatures import KEYS, check, check_dkimpy, txt

try:
    import yaml
except ImportError:
    yaml = None


def score_suite(folder, _items, score):
    """Each test has its own zone; those of a scenario are run together."""
    if not yaml:
        return
    for path in sorted(folder.glob("*.yml")):
        for scenario in yaml.safe_load_all(path.read_text()):
            records = scenario["txt-records"] or {}
            zone = "".join(txt(name, text) for name, text in records.items())
            with tempfile.TemporaryDirectory() as temp:
                mails = {}
                for name, test in scenario["tests"].items():
                    mails[name] = Path(temp) / (name + ".eml")
                    mails[name].write_text(test["message"])
                got = check(zone, mails.values())
                others = check_dkimpy(zone, mails.values())
                for name, test in scenario["tests"].items():
                    # "": the newest seal says so itself
                    wanted = (test["cv"] or "fail").lower()
                    verdict = got[mails[name]]["arc"]["verdict"]
                    score.count("cv", name, verdict == wanted, wanted,
                                (verdict, got[mails[name]]["arc"]["problem"]))
                    if others:
                        score.other("dkimpy", "cv",
                                    others[mails[name]]["arc"] == wanted)


def score_mailauth(folder, _items, score):
    """By the names of the files; Google's key is known."""
    wanted = {p: re.match("arc-(pass|fail)", p.name)[1]
              for p in sorted(folder.glob("arc-*.eml"))}
    got, others = check(KEYS, wanted), check_dkimpy(KEYS, wanted)
    for path, cv in wanted.items():
        arc = got[path]["arc"]
        score.count("arc", path.name, arc["verdict"] == cv, cv,
                    (arc["verdict"], arc["problem"]))
        if others:
            score.other("dkimpy", "arc", others[path]["arc"] == cv)


SETS = {"arc-test-suite": score_suite, "mailauth-js": score_mailauth}
