# SPDX-License-Identifier: GPL-3.0-or-later
"""ground.py - when the ground gives way: disk, clock, descriptors, bytes."""
import glob
import os
import re
import resource
import shutil
import signal
import socket
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from mm import (EXE, Refused, Skip, check, is_sanitized, mail, main, same,
                wait_for)


def tmpfs(lab, size):
    path = lab.fresh("tmpfs")
    got = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}",
                          "tmpfs", path], capture_output=True)
    if got.returncode:
        raise Skip("no tmpfs can be mounted here: "
                   + got.stderr.decode().strip())
    lab.ends.callback(subprocess.run, ["umount", "-l", path])
    return path


def test_a_full_disk_refuses_and_recovers(lab):
    s = lab.sandbox()
    path = tmpfs(lab, "6m")
    d = lab.daemon(s, state=os.path.join(path, "state"))
    ballast = os.path.join(path, "ballast")
    subprocess.run(["dd", "if=/dev/zero", "of=" + ballast, "bs=64k"],
                   capture_output=True)
    acked, refused = 0, 0
    for n in range(60):
        try:
            d.lmtp(mail(f"full{n}", body="x" * 60 + "\r\n" * 1000))
            acked += 1
        except Refused as e:
            check(all(400 <= c < 500 for c, _ in e.replies.values()),
                  f"not for ever: {e}")
            refused += 1
    check(refused > 0, "something was refused")
    os.unlink(ballast)
    same(wait_for("room again", lambda: try_send(d, mail("after")), 30), True,
         "taken again")
    d.drained()
    same(s.count("SELECT COUNT() FROM EmailMessage"), acked + 1, "mails")


def try_send(d, raw):
    try:
        return d.lmtp(raw) == {}
    except (OSError, Refused):
        return False


def test_a_reserve_is_kept_free(lab):
    d = lab.daemon(lab.sandbox(), store="reserve = 1000G")
    try:
        d.lmtp(mail(1))
        raise AssertionError("was accepted")
    except Refused as e:
        check("4.3.1" in str(e), f"452 4.3.1: {e}")


def test_a_long_queue_slows_intake(lab):
    s = lab.sandbox()
    s.fault(call="any", fault="503", percent=100, times=1000000)
    d = lab.daemon(s, store="reserve = 0 queue_max = 20")
    codes = []
    for n in range(60):
        try:
            d.lmtp(mail(f"long{n}"))
            codes.append(250)
        except Refused as e:
            check("4.3.1" in str(e), str(e))
            codes.append(452)
    check(20 <= codes.count(250) <= 40, f"{codes.count(250)} were taken")
    s.clear_faults()
    d.drained()
    same(s.count("SELECT COUNT() FROM EmailMessage"), codes.count(250), "mails")


def test_a_damaged_page_is_refused_with_a_way_back(lab):
    s = lab.sandbox()
    d = lab.daemon(s)
    for n in range(200):
        d.lmtp(mail(f"page{n}", body="filler " * 200))
    d.drained()
    d.kill()
    path = [p for p in glob.glob(d.state + "/*") if p.endswith(".db")
            or "sqlite" in p or p.endswith("store")]
    path = [p for p in path if not p.endswith(("-wal", "-shm"))][0]
    # an unclean end leaves the bytes in the log: bring them home first
    subprocess.run([EXE, "queue", "check", "--config", d.conf],
                   capture_output=True)
    for extra in ("-wal", "-shm"):
        if os.path.exists(path + extra):
            subprocess.run(["sqlite3", path, "pragma wal_checkpoint(truncate)"],
                           capture_output=True)
    with open(path, "r+b") as f:
        f.seek(4096 * 10)
        f.write(b"\xa5" * 4096 * 20)
    got = subprocess.run([EXE, "queue", "check", "--config", d.conf],
                         capture_output=True, timeout=60)
    check(got.returncode != 0, "check finds it")
    text = got.stdout.decode() + got.stderr.decode()
    check(text.strip(), "and says what")
    with open(os.path.join(d.state, "unclean"), "w"):
        pass
    got = subprocess.run([EXE, "serve", "--config", d.conf], timeout=60,
                         capture_output=True,
                         env={**os.environ, "SANDBOX_SECRET": "sandbox"})
    check(got.returncode != 0, "the daemon refuses: " + got.stderr.decode())
    check("queue check" in got.stderr.decode(),
          "and names the way: " + got.stderr.decode())
    go_the_way_back(d, text)


def go_the_way_back(d, text):
    """Does what `queue check` told, word by word."""
    if not shutil.which("sqlite3"):
        raise Skip("sqlite3, which the way back needs, is not installed")
    way = re.search(r"\(echo .*? sqlite3 new\.db", text, re.S)
    check(way, f"the way back is told: {text}")
    subprocess.run(way.group(0), shell=True, cwd=d.state, timeout=60,
                   capture_output=True)
    for name in ("mailmill.db", "mailmill.db-wal", "mailmill.db-shm"):
        if os.path.exists(os.path.join(d.state, name)):
            os.unlink(os.path.join(d.state, name))
    os.rename(os.path.join(d.state, "new.db"),
              os.path.join(d.state, "mailmill.db"))
    d.start()
    d.lmtp(mail("after"))
    wait_for("the next mail", lambda: d.sandbox.count(
        "SELECT COUNT() FROM EmailMessage WHERE MessageIdentifier = "
        "'<plain-after@example.com>'") == 1, 60)


def test_a_clock_that_goes_back_stalls_nothing(lab):
    library = glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")
    if not library:
        raise Skip("faketime is not installed")
    if is_sanitized():
        raise Skip("faketime and the address sanitizer exclude each other")
    s = lab.sandbox()
    d = lab.daemon(s, start=False)
    stamp = lab.path("offset")
    with open(stamp, "w") as f:
        f.write("+0")
    s.fault(call="graph", fault="reset_before", times=3)
    d.start(env={"LD_PRELOAD": library[0], "FAKETIME_TIMESTAMP_FILE": stamp,
                 "FAKETIME_NO_CACHE": "1", "DONT_FAKE_MONOTONIC": "1"})
    for n in range(5):
        d.lmtp(mail(f"clock{n}"))
    with open(stamp, "w") as f:
        f.write("-2d")
    for n in range(5, 10):
        d.lmtp(mail(f"clock{n}"))
    d.drained(60)
    same(s.count("SELECT COUNT() FROM EmailMessage"), 10, "mails")


def test_descriptors_that_run_out_refuse_and_recover(lab):
    s = lab.sandbox()
    d = lab.daemon(s, start=False)

    def limit():
        resource.setrlimit(resource.RLIMIT_NOFILE, (80, 80))
    d.start(limit=limit)
    clients = []
    for _ in range(120):
        try:
            c = socket.create_connection(("127.0.0.1", d.port), 2)
            clients.append(c)
        except OSError:
            break
    time.sleep(1)
    check(d.process.proc.poll() is None, "it lives")
    for c in clients:
        c.close()
    same(wait_for("service again", lambda: try_send(d, mail("fd")), 30), True,
         "taken")
    d.drained()
    same(s.count("SELECT COUNT() FROM EmailMessage"), 1, "mails")


def test_a_read_only_file_system_is_told(lab):
    path = tmpfs(lab, "20m")
    s = lab.sandbox()
    d = lab.daemon(s, state=os.path.join(path, "state"))
    d.lmtp(mail("ro1"))
    d.drained()
    d.stop()
    subprocess.run(["mount", "-o", "remount,ro", path], check=True)
    got = subprocess.run([EXE, "serve", "--config", d.conf], timeout=60,
                         capture_output=True,
                         env={**os.environ, "SANDBOX_SECRET": "sandbox"})
    check(got.returncode != 0, "refuses to start")
    check("ead-only" in got.stderr.decode() or "cannot" in got.stderr.decode(),
          got.stderr.decode())
    subprocess.run(["mount", "-o", "remount,rw", path], check=True)
    d.start()
    d.lmtp(mail("ro2"))
    d.drained()
    same(s.count("SELECT COUNT() FROM EmailMessage"), 2, "mails")


main()
