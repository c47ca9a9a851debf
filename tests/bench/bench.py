# SPDX-License-Identifier: GPL-3.0-or-later
"""bench.py - the figures of RESULTS.md, each with a yardstick of the same run.

Machines differ and are shared, so an aim is a ratio to something that runs on
the same machine minutes apart at the most: SQLite alone, Dovecot, maildrop,
bare GMime.
"""
import base64
import glob
import json
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
os.environ["MAILMILL_BUILD"] = os.path.abspath(sys.argv[1])
sys.path.insert(0, os.path.join(HERE, "..", "lib"))
from mm import (BUILD, DELIVER, MAILS, RULE, Lab, Skip, corpus, mail,  # noqa: E402
                wait_for)

QUICK = "--quick" in sys.argv
LOAD = os.path.join(BUILD, "tests", "bench", "lmtp_load")
RATE = os.path.join(BUILD, "tests", "bench", "spawn_rate")
RESULTS = os.path.join(HERE, "RESULTS.md")
PARSE_TITLE = "Understanding: beside GMime and Python's email, and by size"
RULES_TITLE = "Rules: one evaluation (aim: 3 times Pigeonhole's)"
rows = []
accepted = []  # mails/s of bench_accept, for bench_store


def result(what, aim, got, ratio="", note=""):
    rows.append((what, aim, got, ratio, note))
    print(f"{what}: {got} {ratio} {note}", flush=True)


def run_json(argv, **env):
    got = subprocess.run(argv, capture_output=True,
                         env={**os.environ, **env}, timeout=600)
    if got.returncode:
        raise RuntimeError(f"{argv[0]}: {got.stderr.decode()}"
                           f"{got.stdout.decode()}")
    return json.loads(got.stdout)


def real_mails(mean):
    """Mails of the corpus whose sizes have about this mean, without files."""
    try:
        base = corpus()
        found = [p for p in glob.glob(base + "/sets/*/**/*", recursive=True)
                 if os.path.isfile(p) and p.endswith((".eml", ".box", ".msg"))
                 and 500 < os.path.getsize(p) < 8 * mean]
    except Skip:
        found = glob.glob(MAILS + "/*.eml")
    folder = tempfile.mkdtemp(prefix="mailmill-bench-")
    paths, total = [], 0
    for i, path in enumerate(sorted(found)[:400]):
        with open(path, "rb") as f:
            raw = re.sub(rb"(?i)\AFrom [^\n]*\n", b"", f.read())
        raw = re.sub(rb"(?im)^message-id:[^\n]*\n", b"", raw, count=1)
        # so that each is a Case, whatever the corpus had it be
        raw = re.sub(rb"(?im)^(auto-submitted|precedence|x-loop):[^\n]*\n",
                     b"", raw)
        if total and total / (i + 1) > mean * 1.1 and len(raw) > mean:
            continue
        if b"\n\n" not in raw.replace(b"\r", b""):
            continue
        paths.append(os.path.join(folder, f"{i}.eml"))
        with open(paths[-1], "wb") as f:
            f.write(raw)
        total += len(raw)
    return folder, paths, total // max(len(paths), 1)


def plain_mails(size):
    folder = tempfile.mkdtemp(prefix="mailmill-bench-")
    paths = []
    for i in range(50):
        text = mail(i, body="\n".join(
            f"Line {k} of mail {i}: the printer on floor {k % 9} is on fire."
            for k in range(max(size // 60, 1)))).decode()
        text = "\r\n".join(x for x in text.split("\r\n")
                           if not x.startswith("Message-ID"))
        paths.append(os.path.join(folder, f"{i}.eml"))
        with open(paths[-1], "w", newline="") as f:
            f.write(text)
    return folder, paths, size


def cpu_of(pids):
    ticks = 0
    for pid in pids:
        try:
            with open(f"/proc/{pid}/stat") as f:
                fields = f.read().rsplit(")", 1)[1].split()
            ticks += int(fields[11]) + int(fields[12])
        except OSError:
            pass
    return ticks / os.sysconf("SC_CLK_TCK")


def bench_accept(lab):
    """LMTP accept to durable, beside SQLite alone and Dovecot."""
    sandbox = lab.sandbox()
    folder, paths, mean = real_mails(7000)
    count = 4000 if QUICK else 20000
    d = lab.daemon(sandbox, mill="in_flight = 1",
                   store="reserve = 0 queue_max = 10000000")
    ours = run_json([LOAD, f"127.0.0.1:{d.port}", "32", str(count), *paths])
    d.kill()
    result(f"LMTP accept to durable, 32 connections, mean {mean} bytes",
           "below", f"{ours['mails_per_second']} mails/s",
           f"{ours['mb_per_second']} MB/s",
           f"p50 {ours['p50_ms']} ms, p99 {ours['p99_ms']} ms to the 250")
    accepted.append(ours["mails_per_second"])
    dovecot(lab, paths, ours)
    shutil.rmtree(folder)


DOVECOT = """\
base_dir = {dir}/run
state_dir = {dir}/run
log_path = {dir}/log
instance_name = mailmill-bench
listen = 127.0.0.1
protocols = lmtp
ssl = no
default_internal_user = {user}
default_login_user = {user}
mail_fsync = always
mail_location = maildir:{dir}/mail/%u
auth_username_format = %n
userdb {{
  driver = static
  args = uid=bench gid=bench home={dir}/home/%u allow_all_users=yes
}}
passdb {{
  driver = static
  args = nopassword=y
}}
first_valid_uid = 1
service lmtp {{
  inet_listener lmtp {{
    address = 127.0.0.1
    port = {port}
  }}
  client_limit = 1
  process_limit = 64
}}
protocol lmtp {{
  mail_plugins = sieve
  postmaster_address = postmaster@example.org
}}
plugin {{
  sieve = file:{dir}/rule.sieve
}}
"""


def dovecot(lab, paths, ours):
    if not shutil.which("dovecot"):
        result("Dovecot LMTP+Sieve", "", "not installed")
        return
    from mm import free_port
    path = lab.fresh("dovecot")
    os.chmod(lab.folder, 0o755)
    subprocess.run(["useradd", "-r", "-M", "bench"], capture_output=True)
    port = free_port()
    with open(path + "/rule.sieve", "w") as f:
        f.write('require ["fileinto", "mailbox"];\n'
                'if header :contains "subject" "fire" '
                '{ fileinto :create "fire"; }\n')
    with open(path + "/conf", "w") as f:
        f.write(DOVECOT.format(dir=path, port=port, user="nobody"))
    os.makedirs(path + "/mail")
    os.makedirs(path + "/home")
    subprocess.run(["chown", "-R", "bench", path])
    proc = subprocess.Popen(["dovecot", "-F", "-c", path + "/conf"])
    try:
        def up():
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                return True
            except OSError:
                return False
        wait_for("dovecot", up, 20)
        theirs = run_json([LOAD, f"127.0.0.1:{port}", "32",
                           str(500 if QUICK else 2000), *paths])
        ratio = ours["mails_per_second"] / theirs["mails_per_second"]
        result("  Dovecot LMTP+Sieve, fsync always, the same mails",
               ">= 10 times", f"{theirs['mails_per_second']} mails/s",
               f"ours {ratio:.1f} times")
    finally:
        proc.terminate()
        proc.wait()


def whole(lab, isolation, count):
    s = lab.sandbox()
    folder, paths, mean = plain_mails(7000)
    d = lab.daemon(s, worker=f"isolation = {isolation}")
    run_json([LOAD, f"127.0.0.1:{d.port}", "8", "300", *paths])
    d.drained(60)
    before = sum(s.stats()["calls"].values())
    began = time.monotonic()
    pids = {"daemon": d.process.proc.pid, "sandbox": s.process.proc.pid}
    cpu = {k: cpu_of([p]) for k, p in pids.items()}
    sent = run_json([LOAD, f"127.0.0.1:{d.port}", "32", str(count), *paths])
    d.drained(600)
    seconds = time.monotonic() - began
    calls = sum(s.stats()["calls"].values()) - before
    split = ", ".join(f"{k} {cpu_of([p]) - cpu[k]:.1f}"
                      for k, p in pids.items())
    result(f"end to end, isolation = {isolation}, mean {mean} bytes",
           ">= 1,500 mails/s", f"{count / seconds:.0f} mails/s", "",
           f"{count} mails in {seconds:.1f} s, taken in within "
           f"{sent['seconds']} s; CPU s of {split}, the rest workers and load")
    result(f"API calls a 1,000 mails, without files, {isolation}", "<= 25",
           f"{calls * 1000 / count:.1f}")
    shutil.rmtree(folder)


def bench_whole(lab):
    """Accepted, evaluated by email-to-case, in the sandbox."""
    whole(lab, "batch", 4000 if QUICK else 20000)
    whole(lab, "message", 2000 if QUICK else 8000)


def bench_latency(lab):
    """Light load: DATA to record."""
    s = lab.sandbox()
    d = lab.daemon(s)
    times = []
    for n in range(40 if QUICK else 200):
        began = time.monotonic()
        d.lmtp(mail(f"latency{n}"))
        wait_for("the record", lambda: s.count(
            "SELECT COUNT() FROM EmailMessage WHERE MessageIdentifier = "
            f"'<plain-latency{n}@example.com>'"), 10, 0.002)
        times.append((time.monotonic() - began) * 1000)
        time.sleep(0.02)
    times.sort()
    result("latency, light load, LMTP connect to record",
           "p50 < 100 ms, p99 < 500 ms",
           f"p50 {statistics.median(times):.0f} ms, "
           f"p99 {times[int(len(times) * 0.99)]:.0f} ms", "",
           "connecting and looking included")


def bench_deliver(lab):
    """mailmill deliver, 4 at once, beside maildrop and a bare process."""
    s = lab.sandbox()
    d = lab.daemon(s, mill="in_flight = 1")
    n = "500" if QUICK else "3000"
    letter = lab.path("mail")
    text = mail(1).decode().replace("\r\n", "\n")
    with open(letter, "w") as f:
        f.write(re.sub(r"Message-ID: .*\n", "", text))

    def rate(*argv):
        return run_json([RATE, "4", n, letter, *argv])["per_second"]

    home = lab.fresh("maildrop")
    ours = rate(DELIVER, "-s", os.path.join(d.state, "pipe"), "-f",
                "a@example.com", "-r", "support@example.org")
    bare = rate("/bin/true")
    text, ratio = f"{ours}/s; a bare process {bare}/s", ""
    if shutil.which("maildrop"):
        subprocess.run(["maildirmake", home + "/Maildir"], capture_output=True)
        for name in ("cur", "new", "tmp"):
            os.makedirs(home + "/Maildir/" + name, exist_ok=True)
        with open(home + "/filter", "w") as f:
            f.write(f'to "{home}/Maildir"\n')
        os.chmod(home + "/filter", 0o600)
        theirs = rate(shutil.which("maildrop"), home + "/filter")
        text += f"; maildrop {theirs}/s"
        ratio = f"{ours / theirs:.2f} times maildrop"
    result("mailmill deliver, 4 at once, durable", ">= 2 times maildrop", text,
           ratio, "daemon on the same two cores; maildrop does not sync")


def pss(pid):
    with open(f"/proc/{pid}/smaps_rollup") as f:
        return int(re.search(r"^Pss:\s+(\d+)", f.read(), re.M).group(1)) / 1024


def bench_memory(lab):
    """Ten 40 MB attachments at once."""
    s = lab.sandbox()
    d = lab.daemon(s)
    data = base64.encodebytes(os.urandom(30 << 20)).replace(b"\n", b"\r\n")
    peak, done = [0.0, 0.0], []

    def big(n):
        head = mail(f"big{n}").decode().replace(
            "Content-Type: text/plain; charset=utf-8\r\n\r\n",
            'Content-Type: multipart/mixed; boundary="b"\r\n\r\n'
            "--b\r\nContent-Type: text/plain\r\n\r\n").encode()
        return head + (b"--b\r\nContent-Type: application/zip\r\n"
                       b"Content-Disposition: attachment; filename=\"a.zip\"\r\n"
                       b"Content-Transfer-Encoding: base64\r\n\r\n"
                       + b"%d\r\n" % n + data + b"--b--\r\n")

    def send(n):
        d.lmtp(big(n), timeout=300)
        done.append(n)
    threads = [threading.Thread(target=send, args=(n,)) for n in range(10)]
    for t in threads:
        t.start()
    end = time.monotonic() + 300
    while time.monotonic() < end:
        ours = [d.process.proc.pid, *d.workers()]
        total = 0.0
        for pid in ours:
            try:
                total += pss(pid)
            except (OSError, AttributeError):
                pass
        peak[0] = max(peak[0], total)
        if len(done) == 10 and d.waiting() == 0:
            break
        time.sleep(0.05)
    for t in threads:
        t.join()
    files = s.count("SELECT COUNT() FROM ContentVersion")
    result("memory with ten 40 MB mails in flight, daemon and workers",
           "< 150 MB", f"{peak[0]:.0f} MB (PSS)", "", f"{files} files arrived")


def bench_store(lab):
    """Durable puts beside bare SQLite; a claim with few and many queued."""
    got = subprocess.run(
        [os.path.join(BUILD, "tests", "bench", "bench_store")],
        capture_output=True, timeout=900)
    lines = [x for x in got.stdout.decode().splitlines() if x.strip()]
    for line in lines:
        cells = [x.strip() for x in line.strip("|").split("|")]
        if cells[:2] == ["7000", "32"] and accepted:
            result("LMTP accept beside SQLite alone, 32 under way", ">= 0.7",
                   f"{accepted[0]} mails/s beside {cells[3]} rows/s",
                   f"{accepted[0] / float(cells[3]):.2f}", "missed, see below")
        result("The store: puts (aim: 0.7 of SQLite alone), and claims (aim: "
               "1,000,000 queued within 20 % of 1,000)", "", line)


def bench_worker(lab):
    """Parsing and evaluating, with the way to a worker and back."""
    folder, paths, mean = real_mails(7000)
    got = subprocess.run(
        [os.path.join(BUILD, "tests", "bench", "bench_worker"), RULE, *paths],
        capture_output=True, timeout=300)
    for line in got.stdout.decode().splitlines():
        result("bench_worker", "", line)
    shutil.rmtree(folder)


def bench_parse(lab):
    """Understanding beside GMime and Python's email: see tests/bench/parse."""
    env = dict(os.environ)
    try:
        env["MAILMILL_CORPUS"] = corpus()
    except Skip:
        pass
    got = subprocess.run([os.path.join(HERE, "parse"), BUILD],
                         capture_output=True, timeout=600, env=env)
    for line in got.stdout.decode().splitlines():
        if line:
            result(PARSE_TITLE, "", line)


def bench_rules(lab):
    """Evaluations beside Pigeonhole's: see tests/bench/rules."""
    got = subprocess.run([os.path.join(HERE, "rules"), BUILD],
                         capture_output=True, timeout=600)
    for line in got.stdout.decode().splitlines():
        result(RULES_TITLE, "", line)


# What a profile (perf record -g) of each figure showed, so that the next one to
# make it faster knows where to begin.
LIMITS = {
    "LMTP accept": """The two cores. Of 126 us of CPU a mail the load generator
takes 42, the loop's thread 43 (most of it in the kernel: socket reads and
writes, wake-ups) and the store's writer 41. SQLite alone has both cores to
itself and speaks no protocol, so the aim of 0.7 of its rate holds for the store
(below) and is missed by the whole daemon beside its own load.""",
    "end to end": """CPU of both cores together. In batch mode a mail costs about
340 us in the daemon (the loop, the store's writer and the target's thread as
5 to 3 to 2), 160 in a worker (two evaluations: first the question for the
Contact, then with its answer), 80 in the sandbox and 45 in the load generator.
In message mode each evaluation is a fork of the warmed-up worker and its exit,
1.2 ms: 430 mappings to copy and to undo, most of them converters of character
sets. The aim is met in batch mode only.""",
    "latency": """The gathering of a call (linger, 5 ms), two forks, and two HTTP
calls.""",
    "API calls": """75 graphs a call and 150 questions a query; in_flight = 300
bounds how full they get.""",
    "mailmill deliver": """The start of a process. It is static and links only
libc; one write carries the whole envelope.""",
    "memory": """Bodies above 256 KiB go to an unlinked file and from there into
the store in pieces of 256 KiB; uploads stream from a file too.""",
    "parse + evaluate": """bench_parse: bare GMime parses and decodes all text;
`parse` is our tree with offsets, `rule` what email-to-case asks (text, HTML as
text, reply, kind), `whole` all that a worker tells (attachments with SHA-256),
`full` every value that a rule could ask for. bench_worker adds the rule and the
way to a worker and back. A mapped mail gives its pages back as it is read, so
that memory is what its text needs, not what its files weigh.""",
    "rules": """Both sides have the mail before them: Pigeonhole's library
evaluates the compiled script again and again in one sieve-test (sieve_again.c),
ours in one bench_rules. The column with parsing is ours alone, for what a mail
costs as a whole. A walk over the tree costs 0.14 us a test, most of it in
finding and comparing strings, so that a program of instructions would gain
little. Memory is what a compiled script holds, its source included.""",
}


def tables():
    """What was given as lines of tables: [(title, lines)]."""
    found = []
    for row in rows:
        if row[2].startswith("|"):
            if not found or found[-1][0] != row[0]:
                found.append((row[0], []))
            found[-1][1].append(row[2])
    return found


def section(title, lines):
    text = ["", f"## {title}", ""]
    for i, line in enumerate(lines):
        if i + 1 < len(lines) and set(lines[i + 1]) <= set("|- "):
            text.append("")
        text.append(line)
    return text


def splice():
    """Puts tables that were measured alone into what is there already."""
    with open(RESULTS) as f:
        parts = re.split(r"(?m)^(?=## )", f.read())
    for title, lines in tables():
        new = "\n".join(section(title, lines)[1:]) + "\n\n"
        at = [i for i, p in enumerate(parts) if p.startswith(f"## {title}\n")]
        if at:
            parts[at[0]] = new
        else:
            parts.insert(len(parts) - 1, new)
    with open(RESULTS, "w") as f:
        f.write("".join(parts))
    print("written:", RESULTS)


def report():
    with open("/proc/cpuinfo") as f:
        cpu = re.search(r"model name\s*: (.*)", f.read())
    text = ["# Figures", "",
            "Written by `tests/bench/run`; do not edit. "
            f"{time.strftime('%Y-%m-%d')}, {os.cpu_count()} cores of "
            f"{cpu.group(1).strip() if cpu else 'an unknown processor'}, "
            f"Linux {os.uname().release.split('-')[0]}; a shared machine, load "
            f"average {os.getloadavg()[0]:.1f} at the end.", "",
            "| what | aim | got | ratio | how |",
            "| --- | --- | --- | --- | --- |"]
    plain = [r for r in rows if not r[2].startswith("|")]
    for row in plain:
        text.append("| " + " | ".join(str(x).strip() or " " for x in row)
                    + " |")
    for title, lines in tables():
        text += section(title, lines)
    text += ["", "## What limits them", ""]
    for name, why in LIMITS.items():
        text.append(f"- **{name}**: " + " ".join(why.split()))
    with open(RESULTS, "w") as f:
        f.write("\n".join(text) + "\n")
    print("written:", RESULTS)


def main():
    names = [a for a in sys.argv[2:] if not a.startswith("-")]
    for name, fn in list(globals().items()):
        if not name.startswith("bench_") or (names and name[6:] not in names):
            continue
        lab = Lab()
        try:
            fn(lab)
        except Exception as e:  # one figure that can't be had hides no other
            result(name[6:], "", f"not measured: {e}")
        finally:
            lab.close()
    if not names and not QUICK:
        report()
    elif tables() and not QUICK:
        splice()


main()
