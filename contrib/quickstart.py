# SPDX-License-Identifier: GPL-3.0-or-later
"""quickstart.py - the second half of quickstart: start, send, wait, tell.

    python3 contrib/quickstart.py BUILD [--keep] [MAIL...]
"""
import contextlib
import email
import email.header
import email.policy
import email.utils
import glob
import json
import mailbox
import os
import re
import shutil
import signal
import smtplib
import socket
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request

TOP = os.path.abspath(os.path.join(os.path.dirname(__file__), ".."))
API = "/services/data/v66.0"
RECIPIENT = "support@example.org"
WAIT_SECONDS = 900

CONF = """\
# Written by contrib/quickstart; see mailmill.conf(5).
state = "{folder}/state"
lmtp "main"  {{ listen = "127.0.0.1:{port}" }}
pipe "local" {{ listen = "unix:{folder}/pipe" mode = 0600 }}
store {{ reserve = 10M }}

salesforce "sandbox" {{
    login_url = "{url}"
    auth = client_credentials
    client_id = "sandbox"
    client_secret = "file:{folder}/secret"
}}

route "support" {{
    recipients = {{ "*" }}
    script = "{rule}"
    target = "sandbox"
}}
"""

# So that some senders of tests/mails are known to the sandbox.
CONTACTS = [("Ann", "Miller", "ann.miller@example.com"),
            ("Jörg", "Müller", "joerg.mueller@example.net")]


class Failed(Exception):
    pass


def progress(text, end=False):
    """A line that is written over on a terminal, or now and then a plain one."""
    if sys.stdout.isatty():
        print("\r\033[K" + text, end="\n" if end else "", flush=True)
    elif end:
        print(text, flush=True)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def mails_of(path):
    """Gives the mails of a file, folder, mbox or Maildir as (name, bytes)."""
    if os.path.isdir(os.path.join(path, "cur")):
        for folder in ("cur", "new"):
            for name in sorted(glob.glob(os.path.join(path, folder, "*"))):
                yield from file_mail(name)
        for sub in sorted(glob.glob(os.path.join(path, ".*", "cur"))):
            yield from mails_of(os.path.dirname(sub))
    elif os.path.isdir(path):
        for name in sorted(os.listdir(path)):
            full = os.path.join(path, name)
            if os.path.isdir(full) or looks_like_mail(full):
                yield from mails_of(full)
    else:
        yield from file_mail(path)


def looks_like_mail(path):
    """Other files of a folder (notes, JSON, pictures) are passed over."""
    with open(path, "rb") as f:
        head = f.read(16384).lstrip()
    return re.match(rb"From |[A-Za-z][\w-]*[ \t]*:", head) and re.search(
        rb"(?im)(^|\r)(from|to|subject|date|received|message-id"
        rb"|content-type|mime-version)[ \t]*:", head)


def file_mail(path):
    with open(path, "rb") as f:
        raw = f.read()
    if raw.count(b"\nFrom ") > 0 and raw.startswith(b"From "):
        for i, message in enumerate(mailbox.mbox(path, create=False)):
            yield f"{os.path.basename(path)}:{i + 1}", message.as_bytes()
    elif raw.strip():
        if b"\n" not in raw:  # a text of old Macs; SMTP has CRLF
            raw = raw.replace(b"\r", b"\r\n")
        yield os.path.basename(path), raw


def header(raw, name):
    try:
        value = email.message_from_bytes(raw)[name] or ""
        return " ".join(str(email.header.make_header(
            email.header.decode_header(value))).split())
    except Exception:  # a broken header is shown as it is by mailmill parse
        return "(unreadable)"


class Quickstart:
    def __init__(self, build, keep):
        self.exe = os.path.join(build, "src", "mailmill")
        self.deliver = os.path.join(build, "src", "deliver",
                                    "mailmill-deliver")
        self.keep = keep
        self.folder = tempfile.mkdtemp(prefix="mailmill-quickstart-")
        self.processes = {}
        self.refused = []
        self.sent = []

    def start(self, name, *argv):
        with open(os.path.join(self.folder, name + ".log"), "ab") as log:
            proc = subprocess.Popen([self.exe, *argv], stdout=log, stderr=log,
                                    stdin=subprocess.DEVNULL,
                                    start_new_session=True)
        self.processes[name] = (proc, argv)
        return proc

    def log_of(self, name):
        with open(os.path.join(self.folder, name + ".log"), "rb") as f:
            return f.read().decode("utf-8", "replace")

    def wait_for(self, name, proc, fn):
        end = time.monotonic() + 30
        while not fn():
            if proc.poll() is not None or time.monotonic() > end:
                raise Failed(f"{name} did not start:\n" + self.log_of(name))
            time.sleep(0.02)

    def start_all(self):
        ready = os.path.join(self.folder, "url")
        proc = self.start("sandbox", "sandbox", "--listen",
                          f"127.0.0.1:{free_port()}", "--state",
                          os.path.join(self.folder, "org.jsonl"),
                          "--ready-file", ready)
        self.wait_for("sandbox", proc,
                      lambda: os.path.exists(ready) and open(ready).read())
        self.url = open(ready).read().strip()
        self.call("POST", "/sandbox/seed", {"records": [
            {"attributes": {"type": "Contact"}, "FirstName": f, "LastName": l,
             "Email": e} for f, l, e in CONTACTS]}, auth=False)
        self.port = free_port()
        self.conf = os.path.join(self.folder, "mailmill.conf")
        self.rule = os.path.join(self.folder, "email-to-case.sieve")
        shutil.copy(os.path.join(TOP, "rules", "email-to-case.sieve"),
                    self.rule)
        with open(self.conf, "w") as f:
            f.write(CONF.format(folder=self.folder, port=self.port,
                                rule=self.rule, url=self.url))
        with open(os.path.join(self.folder, "secret"), "w",
                  opener=lambda p, f: os.open(p, f, 0o600)) as f:
            f.write("sandbox\n")
        proc = self.start("daemon", "serve", "--config", self.conf)
        self.wait_for("daemon", proc,
                      lambda: "serve.ready" in self.log_of("daemon"))

    def call(self, method, path, body=None, auth=True):
        headers = {"Content-Type": "application/json"}
        if auth:
            headers["Authorization"] = "Bearer " + self.token()
        request = urllib.request.Request(
            self.url + path, json.dumps(body).encode() if body else None,
            headers, method=method)
        with urllib.request.urlopen(request, timeout=60) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def token(self):
        if not hasattr(self, "access"):
            form = urllib.parse.urlencode({
                "grant_type": "client_credentials", "client_id": "sandbox",
                "client_secret": "sandbox"}).encode()
            with urllib.request.urlopen(
                    self.url + "/services/oauth2/token", form) as answer:
                self.access = json.load(answer)["access_token"]
        return self.access

    def query(self, soql):
        got = self.call("GET", f"{API}/query?"
                        + urllib.parse.urlencode({"q": soql}))
        rows = got["records"]
        while not got["done"]:
            got = self.call("GET", got["nextRecordsUrl"])
            rows += got["records"]
        return rows

    def send(self, paths):
        """Every other mail goes through the pipe."""
        n = 0
        for path in paths:
            for name, raw in mails_of(path):
                way = "LMTP" if n % 2 == 0 else "pipe"
                self.send_one(name, raw, way)
                n += 1
                progress(f"    {n} sent, the last: {name}")
        progress(f"    {len(self.sent)} accepted, each on disk before its "
                 f"sender heard so; {len(self.refused)} refused", end=True)

    def send_one(self, name, raw, way):
        sender = email.utils.parseaddr(header(raw, "From"))[1]
        if not sender.isascii() or "@" not in sender or " " in sender:
            sender = ""
        why = self.by_lmtp(raw, sender) if way == "LMTP" else \
            self.by_pipe(raw, sender)
        if why:
            self.refused.append((name, why))
        else:
            self.sent.append((name, way, header(raw, "From"),
                              header(raw, "Subject")))

    def by_lmtp(self, raw, sender):
        try:
            with smtplib.LMTP("127.0.0.1", self.port, timeout=60) as c:
                c.sendmail(sender, [RECIPIENT], raw)
        except (smtplib.SMTPException, OSError) as e:
            return str(e)
        return None

    def by_pipe(self, raw, sender):
        got = subprocess.run(
            [self.deliver, "-s", self.folder + "/pipe", "-f", sender,
             "-r", RECIPIENT], input=raw, capture_output=True, timeout=120)
        if got.returncode:
            return got.stderr.decode("utf-8", "replace").strip()
        return None

    def queue(self, *args):
        got = subprocess.run([self.exe, "queue", *args, "--config", self.conf,
                              "--json"], capture_output=True, timeout=120)
        return [json.loads(line) for line in got.stdout.splitlines() if line]

    def wait(self):
        end = time.monotonic() + WAIT_SECONDS
        while True:
            s = self.queue("stats")[0]
            waiting = sum(s.get(k, 0) for k in ("queued", "claimed", "retry"))
            progress(f"    {s.get('done', 0)} done, {waiting} waiting, "
                     f"{s.get('dead', 0)} dead", end=waiting == 0)
            if waiting == 0:
                return
            if time.monotonic() > end:
                raise Failed("the queue does not drain:\n"
                             + self.log_of("daemon")[-3000:])
            time.sleep(0.2)

    def rows(self):
        rows, after = [], 0
        while True:
            page = self.queue("list", "--max", "1000", "--after", str(after))
            rows += page
            if len(page) < 1000:
                return rows
            after = page[-1]["id"]

    def tell(self):
        by_id, files = {}, {}
        for r in self.query(
                "SELECT Id, Subject, FromName, FromAddress, "
                "ParentId, Parent.CaseNumber, Parent.Contact.Name "
                "FROM EmailMessage"):
            by_id[r["Id"]] = r
        ids = list(by_id) + list({r["ParentId"] for r in by_id.values()})
        for i in range(0, len(ids), 200):
            names = ", ".join(f"'{x}'" for x in ids[i:i + 200])
            for link in self.query(
                    "SELECT LinkedEntityId, ContentDocumentId FROM "
                    f"ContentDocumentLink WHERE LinkedEntityId IN ({names})"):
                files.setdefault(link["LinkedEntityId"], set()).add(
                    link["ContentDocumentId"])
        first = {}
        for (name, way, sender, subject), row in zip(self.sent, self.rows()):
            record = self.record_of(row, by_id)
            if record:  # mailmill decodes more than Python does
                address = record["FromAddress"]
                sender = " ".join(filter(None, (
                    record["FromName"], address and f"<{address}>")))
                subject = record["Subject"]
            print(f"  {name} ({way})")
            print(f"      {sender or '(no From)'}: {subject or '(no subject)'}")
            if record and not row["reason"]:
                parent = record["Parent"]
                contact = (parent.get("Contact") or {}).get("Name")
                n = len(files.get(record["Id"], ())
                        or files.get(record["ParentId"], ()))
                is_new = first.setdefault(record["ParentId"], row["id"]) \
                    == row["id"]
                print(f"      -> Case {parent['CaseNumber']}"
                      f" ({'new' if is_new else 'a reply'})"
                      f", contact {contact or 'unknown'}"
                      + (f", {n} file{'s' if n > 1 else ''}" if n else ""))
            else:
                print(f"      -> {row['state']}"
                      + (f": {row['reason']}" if row["reason"] else ""))
        for name, why in self.refused:
            print(f"  {name}\n      -> refused: {why}")
        self.account()

    def record_of(self, row, by_id):
        """The EmailMessage of a mail, by the delivery's journal."""
        if row["state"] != "done" or row["reason"]:
            return None
        for event in self.queue("show", str(row["id"]))[0]["history"]:
            for record in (event.get("journal") or {}).get("records", ()):
                if record.get("id") in by_id:
                    return by_id[record["id"]]
        return None

    def account(self):
        balance = self.queue("balance")
        received = sum(r.get("received", 0) for r in balance)
        good = all(r.get("balances", True) for r in balance)
        print(f"\n  The books: {received} received; they "
              + ("balance." if good and received == len(self.sent)
                 else "DO NOT BALANCE: " + json.dumps(balance)))
        if not good or received != len(self.sent):
            raise Failed("the books do not balance")

    def hints(self):
        swaks = "" if shutil.which("swaks") else "   (apt-get install swaks)"
        conf = "--config " + self.conf
        daemon, sandbox = (self.processes[n][0].pid
                           for n in ("daemon", "sandbox"))
        print(f"""
  Look at the Cases:    {self.url}/
  Send a mail:          swaks --protocol LMTP --server 127.0.0.1:{self.port} --to {RECIPIENT}{swaks}
  or through the pipe:  {self.deliver} -s {self.folder}/pipe -r {RECIPIENT} < MAIL
  See the queue:        {self.exe} queue list {conf}
  one delivery:         {self.exe} queue show {conf} 1
  the books:            {self.exe} queue balance {conf}
  Change the rule:      edit {self.rule}, then: kill -HUP {daemon}
  Be cruel:             kill -9 {daemon} (the daemon) or {sandbox} (the sandbox)
  The configuration:    {self.conf}
  The daemon's log:     {self.folder}/daemon.log

  Running until Ctrl-C; who dies is started again after 5 seconds.""",
              flush=True)

    def watch(self):
        """As systemd would: whoever dies is started again, so try kill -9."""
        while True:
            for name, (proc, argv) in list(self.processes.items()):
                code = proc.poll()
                if code is None:
                    continue
                how = f"was killed by signal {-code}" if code < 0 else \
                    f"ended with status {code}"
                print(f"  {name} {how}; in 5 seconds it is started again",
                      flush=True)
                time.sleep(5)
                self.start(name, *argv)
            time.sleep(0.5)

    def stop(self):
        for proc, _ in reversed(self.processes.values()):
            if proc.poll() is None:
                proc.send_signal(signal.SIGTERM)
        for name, (proc, _) in self.processes.items():
            try:
                code = proc.wait(60)
            except subprocess.TimeoutExpired:
                proc.kill()
                code = "none, it had to be killed"
            if code:
                print(f"  {name} ended with status {code}:\n"
                      + self.log_of(name)[-2000:])
        shutil.rmtree(self.folder, ignore_errors=True)


def main():
    args = sys.argv[2:]
    keep = "--keep" in args
    paths = [a for a in args if a != "--keep"] or \
        [os.path.join(TOP, "tests", "mails")]
    q = Quickstart(sys.argv[1], keep)
    sys.stdout.reconfigure(errors="backslashreplace")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    try:
        print("3/5 starting sandbox and daemon on loopback")
        q.start_all()
        print("4/5 sending, by turns over LMTP and through the pipe")
        q.send(paths)
        q.wait()
        print("5/5 what became of each mail\n")
        q.tell()
        if keep:
            q.hints()
            with contextlib.suppress(KeyboardInterrupt):
                q.watch()
        else:
            print("\n  Now both are stopped. With --keep they go on running, "
                  "with a page\n  to look at and commands to try.")
        return 0
    except Failed as e:
        print("quickstart:", e, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    finally:
        q.stop()


sys.exit(main())
