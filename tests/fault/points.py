# SPDX-License-Identifier: GPL-3.0-or-later
"""points.py - killed at each store write and each API call, one by one.

A first run lists the fault points that a few mails pass (fault.h); then for
each of them the daemon dies just there, is started again, and the books must
balance: every mail acknowledged is exactly one record set.
"""
import os
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from mm import IS_LONG, Refused, check, mail, main, same, wait_for
from smtp_sink import Sink

N = 4
VISITS = (1, 2, 3, 5) if IS_LONG else (1, 2)


def with_file(n):
    import base64
    data = base64.b64encode(f"content {n}".encode()).decode()
    return mail(f"point{n}").decode().replace(
        "Content-Type: text/plain; charset=utf-8\r\n\r\n",
        'Content-Type: multipart/mixed; boundary="b"\r\n\r\n'
        "--b\r\nContent-Type: text/plain\r\n\r\n").encode() + (
        "--b\r\nContent-Type: application/pdf\r\n"
        f"Content-Disposition: attachment; filename=\"{n}.pdf\"\r\n"
        f"Content-Transfer-Encoding: base64\r\n\r\n{data}\r\n--b--\r\n"
    ).encode()


def send(d, n):
    """Sends until it is acknowledged, starting the daemon when it died."""
    for _ in range(200):
        if d.process.proc.poll() is not None:
            d.start()
        try:
            if d.lmtp(with_file(n)) == {}:
                return
        except (OSError, Refused):
            pass
        time.sleep(0.05)
    raise AssertionError("never acknowledged")


def settle(d, seconds=60):
    def look():
        if d.process.proc.poll() is not None:
            d.start()
        try:
            return d.waiting() == 0
        except (AssertionError, OSError):
            return False
    wait_for("an empty queue", look, seconds, 0.2)


def verify(s, d, what):
    for n in range(N):
        same(s.count("SELECT COUNT() FROM EmailMessage WHERE "
                     f"MessageIdentifier = '<plain-point{n}@example.com>'"), 1,
             f"{what}: EmailMessages of mail {n}")
    same(s.count("SELECT COUNT() FROM Case"), N, f"{what}: Cases")
    same(s.count("SELECT COUNT() FROM ContentVersion"), N, f"{what}: files")
    d.balance()


def list_points(lab):
    s = lab.sandbox()
    d = lab.daemon(s, start=False)
    trace = lab.path("trace")
    d.start(env={"MAILMILL_FAULT_TRACE": trace})
    for n in range(N):
        send(d, n)
    settle(d)
    verify(s, d, "without a fault")
    d.stop()
    seen = {}
    with open(trace) as f:
        for line in f:
            seen[line.strip()] = seen.get(line.strip(), 0) + 1
    return seen


def visit_all(lab, what, args=()):
    seen = list_points(lab)
    print("# points:", " ".join(f"{k}={v}" for k, v in sorted(seen.items())))
    check(len(seen) >= 6, f"fault points are passed: {seen}")
    for name, n in sorted(seen.items()):
        for visit in VISITS:
            if visit > n:
                continue
            s = lab.sandbox(*args)
            d = lab.daemon(s, start=False, salesforce="timeout = 3s")
            d.start(env={"MAILMILL_FAULT": f"{name}:{visit}:{what}"},
                    wait=False)
            wait_for("ready or dead", lambda: "serve.ready" in d.process.text()
                     or d.process.proc.poll() is not None)
            for k in range(N):
                send(d, k)
            settle(d)
            verify(s, d, f"{what} at {name}, visit {visit}")
            d.stop()
            s.stop()


def sending(lab, sink):
    """Options of a daemon whose rule sends each mail on."""
    path = lab.path("send.sieve")
    with open(path, "w") as f:
        f.write('require ["fileinto", "copy"];\n'
                'redirect :copy "bob@example.net";\nfileinto "Copies";\n')
    return dict(rule=path, more='relay "out" { url = "smtp://127.0.0.1:'
                f'{sink.port}" }} outbox {{ retry_min = 50ms retry_max = '
                "200ms }")


def settle_out(d, seconds=60):
    def look():
        if d.process.proc.poll() is not None:
            d.start()
        try:
            o = d.stats()["outgoing"]
            return o["queued"] + o["claimed"] + o["retry"] == 0
        except (AssertionError, OSError):
            return False
    wait_for("an empty outbox", look, seconds, 0.1)


def test_killed_at_each_point_of_sending(lab):
    s, trace = lab.sandbox(), lab.path("trace")
    sink = Sink()
    d = lab.daemon(s, start=False, **sending(lab, sink))
    d.start(env={"MAILMILL_FAULT_TRACE": trace})
    for n in range(N):
        send(d, n)
    settle(d)
    settle_out(d)
    d.stop()
    seen = {}
    with open(trace) as f:
        for line in f:
            seen[line.strip()] = seen.get(line.strip(), 0) + 1
    print("# points:", " ".join(f"{k}={v}" for k, v in sorted(seen.items())))
    for name in ("store.finish.out", "store.out.claim", "store.out.finish",
                 "outbox.send", "outbox.sent"):
        check(name in seen, f"{name} is passed")
    n_twice = 0
    for name, n in sorted(seen.items()):
        for visit in VISITS[:2]:
            if visit > n:
                continue
            sink = Sink()
            d = lab.daemon(s, start=False, **sending(lab, sink))
            d.start(env={"MAILMILL_FAULT": f"{name}:{visit}:kill"}, wait=False)
            wait_for("ready or dead", lambda: "serve.ready" in d.process.text()
                     or d.process.proc.poll() is not None)
            for k in range(N):
                send(d, k)
            settle(d)
            settle_out(d)
            got = [m["data"] for m in sink.mails]
            for k in range(N):
                found = sum(b"<plain-point%d@" % k in data for data in got)
                check(1 <= found <= 2, f"{name}, visit {visit}: mail {k} was "
                      f"sent {found} times")
                n_twice += found == 2
            # only what was under way while we were killed may come twice
            check(len(got) <= N + 4, f"{name}: {len(got)} mails")
            same(len(d.rows(states=["held"], folder="Copies")), N, "filed")
            d.balance()
            d.stop()
    print(f"# {n_twice} mails came twice")


def test_killed_at_each_point(lab):
    visit_all(lab, "kill")


def test_failing_at_each_point(lab):
    visit_all(lab, "fail")


def test_killed_at_each_point_without_external_ids(lab):
    visit_all(lab, "kill", ("--no-external-id", "EmailMessage"))


main()
