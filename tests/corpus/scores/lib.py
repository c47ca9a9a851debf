# SPDX-License-Identifier: GPL-3.0-or-later
"""Finding mails, parsing them, and counting, for all scores."""
import atexit
import csv
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

TOP = Path(__file__).resolve().parents[3]
BUILD = Path(os.environ.get("MAILMILL_BUILD", TOP / "build"))
DISPUTED = TOP / "tests/corpus/disputed.tsv"
AT_ONCE = 100
ALL = "*"


def find_corpus():
    """Tells where the corpus is, or None."""
    for place in (os.environ.get("MAILMILL_CORPUS"), TOP / "../shared/corpus",
                  TOP / "../../shared/corpus"):
        if place and (Path(place) / "INDEX.tsv").is_file():
            return Path(place)
    return None


def read_disputed():
    """Expectations that we do not share: {(mail, what)}."""
    with DISPUTED.open(newline="") as file:
        return {(row["mail"], row["what"])
                for row in csv.DictReader(file, delimiter="\t")}


def unpacked(folder):
    """Gives the folder of a set, or a copy of it from the archives."""
    if folder.is_dir():
        return folder
    scratch = Path(tempfile.mkdtemp(prefix="mailmill-corpus-"))
    atexit.register(shutil.rmtree, scratch, ignore_errors=True)
    archive = folder.parent.parent / f"archives/{folder.name}.tar.zst"
    subprocess.run(["tar", "--zstd", "-xf", archive, "-C", scratch],
                   check=True)
    return scratch / folder.name


def parse(paths, *options):
    """Reads mails: {path: object of `mailmill parse --json`}."""
    paths, out = list(paths), {}
    for i in range(0, len(paths), AT_ONCE):
        some = paths[i:i + AT_ONCE]
        run = subprocess.run(
            [BUILD / "src/mailmill", "parse", "--json", "--lines", *options,
             *some], stdout=subprocess.PIPE, check=False)
        lines = run.stdout.splitlines()
        if len(lines) != len(some):
            sys.exit(f"mailmill parse: {len(lines)} lines for {len(some)} "
                     f"mails from {some[0]}")
        out.update((p, json.loads(line)) for p, line in zip(some, lines))
    return out


def parse_bytes(raw, *options):
    with tempfile.NamedTemporaryFile(suffix=".eml") as file:
        file.write(raw)
        file.flush()
        return parse([file.name], *options)[file.name]


def wrap(body, subtype="plain"):
    """Makes a mail of a bare text."""
    return (f"From: a@example.org\nMIME-Version: 1.0\n"
            f"Content-Type: text/{subtype}; charset=utf-8\n"
            "Content-Transfer-Encoding: 8bit\n\n").encode() + body


def squeeze(text):
    return " ".join(text.split())


class Score:
    """Counts what is right, and remembers what is not."""

    def __init__(self, name, disputed=frozenset()):
        self.name, self.disputed = name, disputed
        self.rows, self.misses = {}, []

    def count(self, what, mail, is_right, wanted, got):
        path = f"{self.name}/{mail}"
        if {(path, what), (path, ALL)} & self.disputed:
            return
        right, counted = self.rows.get(what, (0, 0))
        self.rows[what] = (right + bool(is_right), counted + 1)
        if not is_right:
            self.misses.append((what, str(mail), wanted, got))

    def equal(self, what, mail, got, wanted):
        self.count(what, mail, got == wanted, wanted, got)

    def other(self, tool, what, is_right):
        """Counts what another tool, run on this machine, says of a mail."""
        right, counted = self.rows.get(f"{what} ({tool})", (0, 0))
        self.rows[f"{what} ({tool})"] = (right + bool(is_right), counted + 1)
