# SPDX-License-Identifier: GPL-3.0-or-later
"""What we and dkimpy say of signatures, with keys from a zone's text.

dkimpy is asked in a process of its own, by the system's Python, which is the
one that knows Debian's modules: signatures.py ZONE MAIL...
"""
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

PYTHON = "/usr/bin/python3"
KEYS = (Path(__file__).parent.parent / "keys.zone").read_text()


def txt(name, text):
    """Makes a line of a zone."""
    text = text.replace("\\", "\\\\").replace('"', '\\"')
    pieces = re.findall(r"(?:[^\\]|\\.){1,120}", text) or [""]
    return f"{name} TXT " + " ".join(f'"{p}"' for p in pieces) + "\n"


def run_tool(command, zone, paths):
    with tempfile.NamedTemporaryFile("w", suffix=".zone") as file:
        file.write(zone)
        file.flush()
        run = subprocess.run([*command, file.name, *paths],
                             stdout=subprocess.PIPE, check=True)
    return {p: json.loads(line)
            for p, line in zip(paths, run.stdout.splitlines(), strict=True)}


def check(zone, paths):
    """Judges mails: {path: what sign_check says}."""
    from .lib import BUILD
    return run_tool([BUILD / "tests/corpus/sign_check"], zone, list(paths))


def check_dkimpy(zone, paths):
    """The same by dkimpy: {path: {"dkim": bool, "arc": cv}}, or {}."""
    try:
        return run_tool([PYTHON, "-I", __file__], zone, list(paths))
    except (OSError, subprocess.CalledProcessError):
        return {}


def answer_from(zone):
    """Makes dkimpy's question to the DNS."""
    answers = {}
    for line in re.sub(r"\(\n(.*?)\n\)", r"\1", zone, flags=re.S).replace(
            '"\n\t"', '" "').splitlines():
        name, _, rest = line.partition(" TXT ")
        text = "".join(re.findall(r'"((?:[^"\\]|\\.)*)"', rest))
        answers[name.lower()] = re.sub(r"\\(.)", r"\1", text).encode()

    def answer(name, timeout=5):
        return answers.get(name.decode().rstrip(".").lower())
    return answer


def main():
    try:
        import dkim
    except ImportError:
        sys.exit(1)
    import logging
    logging.disable(logging.CRITICAL)
    with open(sys.argv[1]) as file:
        answer = answer_from(file.read())
    for path in sys.argv[2:]:
        with open(path, "rb") as file:
            raw = file.read()
        try:
            good = dkim.verify(raw, dnsfunc=answer)
        except Exception:  # pylint: disable=broad-except
            good = False
        try:
            cv = (dkim.arc_verify(raw, dnsfunc=answer)[0] or b"").decode()
        except Exception:  # pylint: disable=broad-except
            cv = "error"
        print(json.dumps({"dkim": good, "arc": cv}))


if __name__ == "__main__":
    main()
