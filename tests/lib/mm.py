# SPDX-License-Identifier: GPL-3.0-or-later
"""mm.py - starts real sandboxes and daemons for tests, and talks to them.

A test file makes a Lab, defines functions that begin with test_ and take it,
and calls main(); TAP comes out. Everything lives in one temporary folder and
on ports that the kernel chose.
"""
import contextlib
import glob
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback
import urllib.error
import urllib.parse
import urllib.request

TOP = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
BUILD = os.environ.get("MAILMILL_BUILD", os.path.join(TOP, "build"))
EXE = os.path.join(BUILD, "src", "mailmill")
DELIVER = os.path.join(BUILD, "src", "deliver", "mailmill-deliver")
MAILS = os.path.join(TOP, "tests", "mails")
RULE = os.path.join(TOP, "rules", "email-to-case.sieve")
IS_LONG = bool(os.environ.get("MAILMILL_TEST_LONG"))
API = "/services/data/v66.0"


class Skip(Exception):
    """Raised by a test that can't run here; the text says why."""


def is_sanitized():
    """Tells whether the programs were built with the address sanitizer."""
    return "asan" in subprocess.run(["ldd", EXE], capture_output=True,
                                    text=True).stdout


def wait_for(what, fn, seconds=30, pause=0.05):
    """Calls fn until it gives something true. Returns: that."""
    end = time.monotonic() + seconds
    while True:
        got = fn()
        if got:
            return got
        if time.monotonic() > end:
            raise AssertionError(f"waited {seconds} s for {what}")
        time.sleep(pause)


def check(fact, what):
    if not fact:
        raise AssertionError(what)


def same(got, want, what):
    if got != want:
        raise AssertionError(f"{what}: got {got!r}, want {want!r}")


class Process:
    """A program of ours, its output in a file."""

    def __init__(self, argv, log, env=None, limit=None):
        self.argv, self.log = argv, log
        self.out = open(log, "ab")
        self.start = os.path.getsize(log)
        self.proc = subprocess.Popen(
            argv, stdout=self.out, stderr=self.out, stdin=subprocess.DEVNULL,
            env={**os.environ, **(env or {})}, preexec_fn=limit)

    def text(self):
        with open(self.log, "rb") as f:
            f.seek(self.start)
            return f.read().decode("utf-8", "replace")

    def wait_text(self, piece, seconds=40):
        def look():
            if piece in self.text():
                return True
            if self.proc.poll() is not None:
                raise AssertionError(
                    f"{self.argv[1]} ended with {self.proc.returncode}:\n"
                    + self.text()[-3000:])
            return False
        wait_for(f"{piece!r} in {self.log}", look, seconds)

    def stop(self, signo=signal.SIGTERM, seconds=40):
        if self.proc.poll() is None:
            self.proc.send_signal(signo)
            try:
                self.proc.wait(seconds)
            except subprocess.TimeoutExpired:
                self.proc.kill()
                self.proc.wait()
                raise AssertionError(
                    f"{self.argv[1]} did not end:\n" + self.text()[-3000:])
        self.out.close()
        return self.proc.returncode

    def kill(self):
        return self.stop(signal.SIGKILL)


class Sandbox:
    """mailmill sandbox, and the calls of its API that tests need."""

    def __init__(self, folder, *args):
        self.folder, self.args = folder, args
        self.port, self.process, self.token = None, None, None

    def start(self):
        ready = os.path.join(self.folder, "sandbox.url")
        with contextlib.suppress(FileNotFoundError):
            os.unlink(ready)
        self.process = Process(
            [EXE, "sandbox", "--listen", f"127.0.0.1:{self.port or 0}",
             "--ready-file", ready, *self.args],
            os.path.join(self.folder, "sandbox.log"))
        wait_for("the sandbox", lambda: os.path.exists(ready)
                 and open(ready).read().strip()
                 or self.process.proc.poll() is not None)
        check(self.process.proc.poll() is None,
              "sandbox: " + self.process.text())
        self.url = open(ready).read().strip()
        self.port = urllib.parse.urlparse(self.url).port
        self.token = None
        return self

    def stop(self, signo=signal.SIGTERM):
        self.process.stop(signo)

    def call(self, method, path, body=None, form=None, auth=True):
        headers = {}
        data = None
        if auth:
            headers["Authorization"] = "Bearer " + self.login()
        if body is not None:
            data = json.dumps(body).encode()
            headers["Content-Type"] = "application/json"
        if form is not None:
            data = urllib.parse.urlencode(form).encode()
        request = urllib.request.Request(self.url + path, data, headers,
                                         method=method)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                text = answer.read()
        except urllib.error.HTTPError as e:
            raise AssertionError(f"{method} {path}: {e.code} "
                                 + e.read().decode("utf-8", "replace"))
        try:
            return json.loads(text) if text else None
        except ValueError:
            return text.decode("utf-8", "replace")

    def login(self):
        if not self.token:
            self.token = self.call(
                "POST", "/services/oauth2/token", auth=False,
                form={"grant_type": "client_credentials",
                      "client_id": "sandbox",
                      "client_secret": "sandbox"})["access_token"]
        return self.token

    def query(self, soql):
        got = self.call("GET", API + "/query?" + urllib.parse.urlencode(
            {"q": soql}))
        rows = got["records"]
        while not got["done"]:
            got = self.call("GET", got["nextRecordsUrl"])
            rows += got["records"]
        return rows

    def count(self, soql):
        return self.call("GET", API + "/query?" + urllib.parse.urlencode(
            {"q": soql}))["totalSize"]

    def fault(self, **fault):
        self.call("POST", "/sandbox/faults", body=fault, auth=False)

    def clear_faults(self):
        self.call("DELETE", "/sandbox/faults", auth=False)

    def stats(self):
        return self.call("GET", "/sandbox/stats", auth=False)


CONF = """\
state = "{state}"
drain = {drain}
{top}
lmtp "main" {{ listen = "127.0.0.1:{port}" max_clients_per_peer = 1000 }}
pipe "local" {{ listen = "unix:{state}/pipe" mode = 0666 }}
store {{ {store} }}
worker {{ processes = 2 {worker} }}
mill {{ retry_min = 200ms retry_max = 2s away = 1s {mill} }}
salesforce "org" {{
    login_url = "{url}"
    auth = client_credentials
    client_id = "sandbox"
    client_secret = "env:SANDBOX_SECRET"
    {salesforce}
}}
route "support" {{
    recipients = {{ "support@example.org", "help@example.org" }}
    script = "{rule}"
    target = "org"
}}
{more}
"""


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Refused(Exception):
    """Every recipient of a mail was refused; replies by recipient."""

    def __init__(self, replies):
        super().__init__(replies)
        self.replies = replies


def lmtp(port, raw, to, sender, timeout=60):
    """Speaks LMTP, with a reply a recipient (smtplib reads only one).

    Returns: (code, text) by recipient. Raises OSError when the server is gone.
    """
    with socket.create_connection(("127.0.0.1", port), timeout) as s, \
            s.makefile("rb") as f:
        def reply():
            while True:
                line = f.readline()
                if not line.endswith(b"\n"):
                    raise OSError("the server closed the connection")
                if line[3:4] != b"-":
                    return int(line[:3]), line[4:].decode("utf-8", "replace")

        def say(text):
            s.sendall(text.encode() + b"\r\n")
            return reply()
        reply()
        say("LHLO test.example.com")
        code, text = say(f"MAIL FROM:<{sender}>")
        if code != 250:
            return {rcpt: (code, text) for rcpt in to}
        got = {rcpt: say(f"RCPT TO:<{rcpt}>") for rcpt in to}
        taken = [rcpt for rcpt in to if got[rcpt][0] == 250]
        if not taken:
            return got
        code, text = say("DATA")
        if code != 354:
            return {**got, **{rcpt: (code, text) for rcpt in taken}}
        s.sendall(re.sub(rb"(?m)^\.", b"..", raw)
                  + (b"" if raw.endswith(b"\r\n") else b"\r\n") + b".\r\n")
        got.update({rcpt: reply() for rcpt in taken})
        say("QUIT")
        return got


class Daemon:
    """mailmill serve in a folder of its own."""

    def __init__(self, folder, sandbox, **options):
        self.folder, self.sandbox = folder, sandbox
        self.state = options.get("state", os.path.join(folder, "state"))
        self.conf = os.path.join(folder, "mailmill.conf")
        self.port = free_port()
        self.process, self.env = None, {}
        self.options = options
        self.write_conf()

    def write_conf(self, **changes):
        self.options.update(changes)
        values = dict(top="", store="reserve = 0", worker="", mill="",
                      salesforce="", more="", rule=RULE, drain="20s")
        values.update(self.options)
        values.update(state=self.state, port=self.port, url=self.sandbox.url)
        with open(self.conf, "w") as f:
            f.write(CONF.format(**values))

    def start(self, env=None, limit=None, wait=True):
        self.process = Process(
            [EXE, "serve", "--config", self.conf],
            os.path.join(self.folder, "daemon.log"),
            {"SANDBOX_SECRET": "sandbox", **self.env, **(env or {})}, limit)
        if wait:
            self.process.wait_text("serve.ready")
        return self

    def stop(self, signo=signal.SIGTERM):
        return self.process.stop(signo)

    def kill(self):
        return self.process.kill()

    def workers(self):
        """The pids of the workers that run now."""
        found = []
        for path in glob.glob("/proc/[0-9]*/stat"):
            with contextlib.suppress(OSError):
                with open(path) as f:
                    fields = f.read().rsplit(")", 1)[1].split()
                if int(fields[1]) == self.process.proc.pid:
                    found.append(int(path.split("/")[2]))
        return found

    def lmtp(self, mail, to=("support@example.org",), sender="ann@example.com",
             timeout=60):
        """Sends a mail. Returns: refused recipients ({}: all accepted).

        Raises Refused when none was accepted, OSError when the daemon is gone.
        """
        got = lmtp(self.port, mail, to, sender, timeout)
        bad = {rcpt: got[rcpt] for rcpt in got if got[rcpt][0] != 250}
        if len(bad) == len(got):
            raise Refused(bad)
        return bad

    def deliver(self, mail, to=("support@example.org",),
                sender="ann@example.com"):
        """Pipes a mail. Returns: (exit status, what it said)."""
        argv = [DELIVER, "-s", os.path.join(self.state, "pipe"), "-f", sender]
        for rcpt in to:
            argv += ["-r", rcpt]
        got = subprocess.run(argv, input=mail, capture_output=True, timeout=90)
        return got.returncode, got.stderr.decode("utf-8", "replace")

    def queue(self, *args, ok=(0,)):
        got = subprocess.run(
            [EXE, "queue", *args, "--config", self.conf, "--json"],
            capture_output=True, timeout=90, env={**os.environ, "SANDBOX_SECRET": "x"})
        check(got.returncode in ok, f"queue {args}: {got.returncode} "
              + got.stderr.decode() + got.stdout.decode()[-500:])
        return [json.loads(line) for line in got.stdout.splitlines() if line]

    def ask(self, request):
        """Asks the daemon's control socket (queue.h). Returns: its lines."""
        with socket.socket(socket.AF_UNIX) as c:
            c.settimeout(60)
            c.connect(os.path.join(self.state, "control"))
            c.sendall(json.dumps(request).encode() + b"\n")
            with c.makefile("rb") as f:
                lines = [json.loads(line) for line in f]
        check(lines and lines[-1].get("end"), f"{request}: {lines[-1:]}")
        return lines[:-1]

    def rows(self, **filters):
        """All deliveries, page by page."""
        rows, after = [], 0
        while True:
            page = self.ask({"action": "list", "max": 1000, "after": after,
                             **filters})
            rows += page
            if len(page) < 1000:
                return rows
            after = page[-1]["id"]

    def balance(self):
        """Checks that the books balance. Returns: their rows."""
        books = self.ask({"action": "balance"})
        for row in books:
            check(row["balances"], f"the books do not balance: {row}")
        return books

    def stats(self):
        return self.ask({"action": "stats"})[0]

    def waiting(self):
        s = self.stats()
        return sum(s.get(k, 0) for k in ("queued", "claimed", "retry"))

    def drained(self, seconds=60):
        wait_for("an empty queue", lambda: self.waiting() == 0, seconds, 0.2)


class Lab:
    """A folder, a sandbox, a daemon; ended whatever happens."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="mailmill-test-")
        os.chmod(self.folder, 0o755)
        self.ends = contextlib.ExitStack()
        self.n = 0

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def fresh(self, name):
        self.n += 1
        path = self.path(f"{self.n}-{name}")
        os.mkdir(path)
        return path

    def sandbox(self, *args):
        s = Sandbox(self.fresh("sandbox"), *args).start()
        self.ends.callback(self.end_quietly, s)
        return s

    def daemon(self, sandbox, start=True, **options):
        d = Daemon(self.fresh("daemon"), sandbox, **options)
        if start:
            d.start()
        self.ends.callback(self.end_quietly, d)
        return d

    @staticmethod
    def end_quietly(thing):
        if thing.process and thing.process.proc.poll() is None:
            thing.process.proc.kill()
            thing.process.proc.wait()

    def close(self):
        self.ends.close()
        if os.environ.get("MAILMILL_TEST_KEEP"):
            print("# kept:", self.folder)
        else:
            shutil.rmtree(self.folder, ignore_errors=True)


def mail(n=0, subject=None, body=None, message_id=None, headers=""):
    """A plain mail as bytes with CRLF."""
    message_id = message_id or f"<plain-{n}@example.com>"
    text = (f"From: Ann Example <ann@example.com>\n"
            f"To: support@example.org\n"
            f"Subject: {subject or f'Printer {n} is on fire'}\n"
            f"Date: Tue, 24 Nov 2026 10:00:00 +0100\n"
            f"Message-ID: {message_id}\n{headers}"
            f"MIME-Version: 1.0\n"
            f"Content-Type: text/plain; charset=utf-8\n\n"
            f"{body or 'It burns. Please help.'}\n")
    return text.replace("\n", "\r\n").encode()


def corpus():
    """The folder of the shared corpus, or Skip."""
    places = [os.environ.get("MAILMILL_CORPUS", ""),
              os.path.join(TOP, "..", "shared", "corpus")]
    for place in places:
        if place and os.path.isdir(os.path.join(place, "sets")):
            return os.path.abspath(place)
    raise Skip("no corpus: set MAILMILL_CORPUS to its folder")


def main(module="__main__"):
    """Runs the test_ functions of a module (or those named) and prints TAP."""
    space = vars(sys.modules[module])
    tests = [(n, f) for n, f in space.items() if n.startswith("test_")]
    if len(sys.argv) > 1:
        tests = [(n, f) for n, f in tests if n in sys.argv[1:]]
    print(f"1..{len(tests)}", flush=True)
    failed = 0
    for i, (name, fn) in enumerate(tests, 1):
        lab = Lab()
        title = name[5:].replace("_", " ")
        began = time.monotonic()
        try:
            fn(lab)
            print(f"# {time.monotonic() - began:.1f} s")
            print(f"ok {i} - {title}", flush=True)
        except Skip as e:
            print(f"ok {i} - {title} # SKIP {e}", flush=True)
        except BaseException as e:  # also what a test did not foresee
            failed += 1
            for line in traceback.format_exc().splitlines():
                print("#", line)
            for log in sorted(glob.glob(lab.folder + "/*/*.log")):
                with open(log, "rb") as f:
                    tail = f.read()[-4000:].decode("utf-8", "replace")
                print("# ---", os.path.relpath(log, lab.folder))
                for line in tail.splitlines()[-25:]:
                    print("#", line)
            print(f"not ok {i} - {title}", flush=True)
            if isinstance(e, KeyboardInterrupt):
                raise
        finally:
            lab.close()
    sys.exit(failed != 0)
