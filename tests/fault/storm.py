# SPDX-License-Identifier: GPL-3.0-or-later
"""storm.py - never lost, never doubled, whatever crashes.

Retrying clients send mails by LMTP and by the pipe while daemon and workers
are killed at random moments and the target fails in every way by turns. At the
end each mail that was acknowledged is exactly one record set, or was rightly
not made one: discarded by the rule as a robot's, or dead with a reason that
names a permanent fault.
"""
import os
import random
import re
import signal
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from mm import (IS_LONG, MAILS, RULE, Skip, check, corpus, lmtp, main, same,
                wait_for)
from smtp_sink import Sink

N_MAILS = 5000 if IS_LONG else 2000
N_KILLS = 60 if IS_LONG else 25
FAULTS = ["reset_before", "reset_after", "timeout_after", "401", "429", "503",
          "lock_row", "limit", "half_body", "html", "rollback",
          "500_after_commit"]
RCPT = "support@example.org"


def own(raw, n):
    """Gives a mail an id of its own, so that each can be told apart."""
    raw = raw.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    raw = re.sub(rb"\AFrom [^\n]*\n", b"", raw)
    head, sep, body = raw.partition(b"\n\n")
    head = re.sub(rb"(?im)^message-id:[^\n]*(\n[ \t][^\n]*)*\n?", b"", head + b"\n")
    text = b"Message-ID: <storm-%d@example.com>\n" % n + head.rstrip(b"\n") \
        + sep + body
    return text.replace(b"\0", b"").replace(b"\n", b"\r\n")


def collect(n):
    """Mails from the corpus, or, without it, our own over and over."""
    try:
        base = corpus()
        paths = []
        for folder, _, names in os.walk(os.path.join(base, "sets")):
            for name in names:
                path = os.path.join(folder, name)
                if name.endswith((".eml", ".msg", ".box", ".mail", ".email")) \
                        and os.path.getsize(path) < 200000:
                    paths.append(path)
        paths.sort()
        random.Random(7).shuffle(paths)
    except Skip as e:
        print("#", e, "- using tests/mails")
        paths = []
    if not paths:
        paths = [os.path.join(MAILS, name) for name in sorted(os.listdir(MAILS))
                 if name.endswith(".eml")]
    mails = []
    for i in range(n):
        with open(paths[i % len(paths)], "rb") as f:
            mails.append(own(f.read(), i))
    return mails


class Clients:
    """Threads that send until each mail was acknowledged once."""

    def __init__(self, daemon, mails, n_threads=8):
        self.d, self.todo = daemon, list(enumerate(mails))
        self.acked, self.refused = set(), {}
        self.lock = threading.Lock()
        self.threads = [threading.Thread(target=self.run, args=(i,))
                        for i in range(n_threads)]
        for t in self.threads:
            t.start()

    def next(self):
        with self.lock:
            return self.todo.pop() if self.todo else None

    def run(self, i):
        while (job := self.next()) is not None:
            n, raw = job
            while True:
                try:
                    if i % 4 == 3:
                        code, text = self.d.deliver(raw.replace(b"\r\n", b"\n"))
                        if code == 75:
                            raise OSError(text)
                    else:
                        code, text = lmtp(
                            self.d.port, raw, [RCPT],
                            "ann@example.com")[RCPT]
                        if 400 <= code < 500:
                            raise OSError(text)
                        code = 0 if code == 250 else code
                    break
                except (OSError, subprocess.TimeoutExpired):
                    time.sleep(0.05)
            with self.lock:
                if code == 0:
                    self.acked.add(n)
                else:
                    self.refused[n] = (code, text)

    def is_busy(self):
        return any(t.is_alive() for t in self.threads)


def storm(lab, *sandbox_args, between=lambda: None, **options):
    s = lab.sandbox(*sandbox_args)
    d = lab.daemon(s, salesforce="timeout = 3s", **options)
    mails = collect(N_MAILS)
    clients = Clients(d, mails)
    rng = random.Random(os.environ.get("MAILMILL_STORM_SEED", "1"))
    kills = worker_kills = turn = 0
    end = time.monotonic() + (1800 if IS_LONG else 400)
    while kills < N_KILLS or clients.is_busy():
        check(time.monotonic() < end, f"storm takes too long: {kills} kills, "
              f"{len(clients.acked)} of {N_MAILS} acknowledged")
        s.clear_faults()
        s.fault(call="any" if turn % 2 else "graph",
                fault=FAULTS[turn % len(FAULTS)], percent=30, times=20)
        turn += 1
        between()
        time.sleep(rng.uniform(0.1, 0.9))
        if rng.random() < 0.4:
            for pid in d.workers()[:rng.randint(1, 2)]:
                try:
                    os.kill(pid, signal.SIGKILL)
                    worker_kills += 1
                except ProcessLookupError:
                    pass
            if rng.random() < 0.5:
                continue
        d.kill()
        kills += 1
        d.start(wait=False)
        time.sleep(rng.uniform(0.0, 0.6))
        if d.process.proc.poll() is not None:
            raise AssertionError("the daemon did not start:\n"
                                 + d.process.text()[-3000:])
    s.clear_faults()
    d.process.wait_text("serve.ready")
    d.drained(300)
    judge(s, d, clients, mails, kills, worker_kills, turn)
    return d, clients, kills


def judge(s, d, clients, mails, kills, worker_kills, turn):
    found = {}
    for row in s.query("SELECT MessageIdentifier, ParentId FROM EmailMessage"):
        found.setdefault(row["MessageIdentifier"], []).append(row["ParentId"])
    states, reasons = {}, {}
    for row in d.rows():
        key = row.get("message_id") or f"?{row['id']}"
        states.setdefault(key, set()).add(row["state"])
        if row["reason"]:
            reasons.setdefault(key, set()).add(row["reason"])
    lost, doubled, dead, robots = [], [], [], 0
    for n in clients.acked:
        mid = f"storm-{n}@example.com"
        made = len(found.get(f"<{mid}>", []))
        if made > 1:
            doubled.append((mid, made))
        elif made == 0:
            why = " ".join(reasons.get(mid, []))
            if "dead" in states.get(mid, ()):
                dead.append((mid, why))
            elif "discarded" in why or "redirect to" in why:
                robots += 1
            else:
                lost.append((mid, states.get(mid), why))
    unknown = [r for k, v in reasons.items() if k.startswith("?") for r in v]
    print(f"# {len(mails)} mails: {len(clients.acked)} acknowledged, "
          f"{len(clients.refused)} refused; daemon killed {kills} times, "
          f"workers {worker_kills} times, {turn} faults of the target")
    print(f"# {sum(map(len, found.values()))} EmailMessages, "
          f"{s.count('SELECT COUNT() FROM Case')} Cases, {robots} robots, "
          f"{len(dead)} dead, {len(lost)} lost, {len(doubled)} doubled")
    for mid, why in dead[:5] + [("unknown id", w) for w in unknown[:5]]:
        print("# dead:", mid, why)
    for row in d.balance():
        print("# balance:", row)
    cases = s.query("SELECT Id FROM Case")
    parents = {p for ps in found.values() for p in ps}
    same(doubled, [], "doubled")
    # a mail that could not be parsed has no id that we could know it by
    check(len(lost) <= len(unknown), f"lost {lost[:10]}")
    same(len([c for c in cases if c["Id"] not in parents]), 0,
         "Cases without a mail (half a record set)")
    check(all("temporary" not in why for _, why in dead), "dead for good only")
    check(kills >= N_KILLS, f"{kills} kills")


class Weather:
    """Makes a relay fail in all ways by turns, and counts lost answers."""

    def __init__(self, sink):
        self.sink, self.rng, self.n_lost = sink, random.Random(3), 0
        self.is_down = False
        sink.mail_reply = lambda sender: self.maybe(3, "421 4.3.2 busy", "250 ok")
        sink.rcpt_reply = lambda rcpt: self.maybe(5, "451 4.2.0 later", "250 ok")
        sink.data_reply = lambda mail: self.maybe(3, "452 4.3.1 full", "354 go")
        sink.end_reply = self.end

    def maybe(self, percent, bad, good):
        return bad if self.rng.random() * 100 < percent else good

    def end(self, mail):
        if self.rng.random() * 100 < 3:
            self.n_lost += 1
            return None
        return self.maybe(3, "451 4.3.0 no", "250 2.0.0 taken")

    def turn(self):
        if self.is_down:
            self.sink.start()
        elif self.rng.random() < 0.2:
            self.sink.stop()
            self.is_down = True
            return
        self.is_down = False

    def end_of_storm(self):
        self.sink.clear()
        if self.is_down:
            self.sink.start()


def sending_rule(lab):
    """The default rule; and each mail is passed on, and its sender answered."""
    with open(RULE) as f:
        text = f.read()
    text = text.replace('require ["', 'require ["copy", "vacation", "', 1)
    head, line, rest = text.partition('"vnd.mailmill"];')
    path = os.path.join(lab.fresh("rule"), "r.sieve")
    with open(path, "w") as f:
        f.write(head + line + '\nredirect :copy "archive@example.net";\n'
                'vacation "We have it.";\n' + rest)
    return path


def test_a_storm_with_mail_that_goes_out(lab):
    global N_MAILS, N_KILLS, own
    n, kills, plain = N_MAILS, N_KILLS, own
    N_MAILS, N_KILLS = N_MAILS // 4, N_KILLS // 2

    def own(raw, i):  # a mail to us, so that it may be answered
        return b"Resent-To: support@example.org\r\n" + plain(raw, i)
    sink = Sink()
    weather = Weather(sink)
    try:
        d, clients, n_kills = storm(
            lab, between=weather.turn, rule=sending_rule(lab),
            more=f'relay "out" {{ url = "smtp://127.0.0.1:{sink.port}" }}\n'
                 "outbox { max_per_hour = 0 max_per_route = 0 "
                 "retry_min = 100ms retry_max = 1s }")
    finally:
        N_MAILS, N_KILLS, own = n, kills, plain
    weather.end_of_storm()

    def waiting():
        o = d.stats()["outgoing"]
        return o["queued"] + o["claimed"] + o["retry"]
    wait_for("an empty outbox", lambda: waiting() == 0, 120, 0.2)
    copies, answers = {}, 0
    for got in sink.mails:
        found = re.search(rb"(?im)^Message-ID: <storm-(\d+)@", got["data"])
        if got["rcpts"] == ["archive@example.net"]:
            check(found, got["data"][:500])
            copies[int(found.group(1))] = copies.get(
                int(found.group(1)), 0) + 1
        else:
            answers += 1
    planned = {r["message_id"] for r in d.rows(states=["done"])}
    lost = [i for i in clients.acked
            if f"storm-{i}@example.com" in planned and i not in copies]
    doubled = sum(c - 1 for c in copies.values())
    print(f"# {len(copies)} of {len(clients.acked)} mails were passed on, "
          f"{doubled} of them twice ({weather.n_lost} answers were lost, "
          f"{n_kills} kills), {answers} answers")
    same(d.stats()["outgoing"]["dead"], 0, "dead")
    same(lost, [], "not passed on")
    check(1 <= answers <= 1 + weather.n_lost + n_kills, "one answer")
    # what was under way when an answer was lost, or we were killed
    check(doubled <= weather.n_lost + 4 * n_kills, "doubled")
    d.balance()


def test_a_storm_with_external_ids(lab):
    storm(lab)


def test_a_storm_where_mails_have_no_external_id(lab):
    global N_MAILS
    N_MAILS, whole = N_MAILS // 4, N_MAILS
    try:
        storm(lab, "--no-external-id", "EmailMessage")
    finally:
        N_MAILS = whole


main()
