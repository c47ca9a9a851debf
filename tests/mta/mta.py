# SPDX-License-Identifier: GPL-3.0-or-later
"""mta.py - real Postfix and Exim deliver, by LMTP and by pipe.

The snippets of contrib/mta/ are used as they stand, but for addresses and paths
of this test. Both MTAs run with folders of their own; Exim's package excludes
Postfix's, so it is unpacked beside, and everything runs in a mount namespace
where /etc/exim4, /etc/passwd and /etc/group are ours.
"""
import glob
import os
import re
import shutil
import smtplib
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from mm import (DELIVER, EXE, TOP, Skip, check, free_port, mail, main, same,
                wait_for)

SNIPPETS = os.path.join(TOP, "contrib", "mta")


def snippet(name, daemon):
    """A shipped file with this test's addresses and paths in it.

    MTAs run programs as users who may not look into our build folder.
    """
    deliver, exe = (shutil.copy(path, daemon.folder) for path in (DELIVER, EXE))
    with open(os.path.join(SNIPPETS, name)) as f:
        text = f.read()
    return (text.replace("127.0.0.1:2424", f"127.0.0.1:{daemon.port}")
            .replace("/run/mailmill/pipe", os.path.join(daemon.state, "pipe"))
            .replace("/usr/bin/mailmill-deliver",
                     f"{deliver} -s {daemon.state}/pipe")
            .replace("/usr/bin/mailmill", exe))


def section(text, name):
    """The lines of a snippet below '# --- NAME', up to the next such line."""
    got, inside = [], False
    for line in text.splitlines():
        m = re.match(r"# --- ([^\s:]+)", line)
        if m:
            inside = m.group(1) == name
        elif inside:
            got.append(line)
    check(any(got), f"the snippet has a part '# --- {name}'")
    return "\n".join(got) + "\n"


def table(text, name):
    """The same of a table that stands there as a comment."""
    return re.sub(r"(?m)^#\s*", "", section(text, name))


MAIN = """\
compatibility_level = 3.6
queue_directory = {dir}/spool
data_directory = {dir}/data
mail_owner = postfix
setgid_group = postdrop
maillog_file = {dir}/log
maillog_file_prefixes = {dir}
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
smtpd_relay_restrictions = permit_mynetworks, reject
alias_maps =
minimal_backoff_time = 1s
maximal_backoff_time = 2s
queue_run_delay = 1s
local_recipient_maps =
virtual_mailbox_maps =
"""
MASTER = """\
127.0.0.1:{port} inet n - n - - smtpd
pickup    unix  n - n 60 1 pickup
cleanup   unix  n - n - 0 cleanup
qmgr      unix  n - n 1 1 qmgr
tlsmgr    unix  - - n 1000? 1 tlsmgr
rewrite   unix  - - n - - trivial-rewrite
bounce    unix  - - n - 0 bounce
defer     unix  - - n - 0 bounce
trace     unix  - - n - 0 bounce
verify    unix  - - n - 1 verify
flush     unix  n - n 1000? 0 flush
proxymap  unix  - - n - - proxymap
smtp      unix  - - n - - smtp
relay     unix  - - n - - smtp
error     unix  - - n - - error
retry     unix  - - n - - error
discard   unix  - - n - - discard
local     unix  - n n - - local
virtual   unix  - n n - - virtual
lmtp      unix  - - n - - lmtp
anvil     unix  - - n - 1 anvil
scache    unix  - - n - 1 scache
postlog   unix-dgram n - n - 1 postlogd
"""


class Postfix:
    def __init__(self, lab, main_cf, master_cf="", tables=()):
        if os.geteuid() or not shutil.which("postfix"):
            raise Skip("needs root and Postfix")
        self.dir = lab.fresh("postfix")
        self.port = free_port()
        for name in ("conf", "spool", "data"):
            os.mkdir(f"{self.dir}/{name}")
        os.chmod(self.dir, 0o755)
        shutil.chown(f"{self.dir}/data", "postfix")
        main_cf = main_cf.replace("/etc/postfix/", f"{self.dir}/conf/")
        self.conf = f"{self.dir}/conf"
        with open(f"{self.conf}/main.cf", "w") as f:
            f.write(MAIN.format(dir=self.dir) + main_cf)
        with open(f"{self.conf}/master.cf", "w") as f:
            f.write(MASTER.format(port=self.port) + master_cf)
        for name, rows in tables:
            path = f"{self.conf}/{name}"
            with open(path, "w") as f:
                f.write(rows)
            subprocess.run(["postmap", "-c", self.conf, path], check=True)
        got = subprocess.run(["postfix", "-c", self.conf, "start"],
                             capture_output=True, text=True)
        check(got.returncode == 0, got.stderr + self.log())
        lab.ends.callback(self.stop)
        self.name = "postfix"

    def log(self):
        try:
            with open(f"{self.dir}/log") as f:
                return f.read()[-3000:]
        except OSError:
            return ""

    def stop(self):
        subprocess.run(["postfix", "-c", self.conf, "abort"],
                       capture_output=True)

    def flush(self):
        subprocess.run(["postqueue", "-c", self.conf, "-f"],
                       capture_output=True)


class Exim:
    def __init__(self, lab, config):
        self.exe = exim_program()
        self.dir = lab.fresh("exim")
        self.port = free_port()
        os.makedirs(f"{self.dir}/spool/input")
        subprocess.run(["chown", "-R", "Debian-exim", self.dir])
        with open("/etc/exim4/exim4.conf", "w") as f:
            f.write(EXIM_CONF.format(
                dir=self.dir, port=self.port, exe=self.exe) + config)
        self.proc = subprocess.Popen(
            [self.exe, "-bdf", "-q1s"], stdout=subprocess.DEVNULL,
            stderr=open(f"{self.dir}/err.log", "w"))
        lab.ends.callback(self.stop)
        self.name = "exim"

        def up():
            if self.proc.poll() is not None:
                raise AssertionError("exim: " + self.log())
            try:
                smtplib.SMTP("127.0.0.1", self.port, timeout=2).quit()
                return True
            except OSError:
                return False
        wait_for("exim", up)

    def log(self):
        text = ""
        for path in glob.glob(f"{self.dir}/*log*") + \
                glob.glob(f"{self.dir}/spool/msglog/*"):
            with open(path, errors="replace") as f:
                text += f.read()[-2000:]
        return text

    def stop(self):
        self.proc.terminate()
        self.proc.wait()

    def flush(self):
        subprocess.run([self.exe, "-qff"], capture_output=True)


EXIM_CONF = """\
exim_path = {exe}
spool_directory = {dir}/spool
log_file_path = {dir}/%slog
pid_file_path = {dir}/pid
daemon_smtp_ports = {port}
local_interfaces = 127.0.0.1
qualify_domain = example.org
primary_hostname = mx.example.org
acl_smtp_rcpt = accept
never_users =
keep_environment =
tls_advertise_hosts =
prdr_enable = false
"""


def exim_program():
    """Unpacks Exim once a run and makes it find itself at home."""
    if os.geteuid() or not os.environ.get("MAILMILL_MTA_NAMESPACE"):
        raise Skip("needs root and a mount namespace")
    home = os.environ["MAILMILL_MTA_NAMESPACE"]
    exe = f"{home}/root/usr/sbin/exim4"
    if os.path.exists(exe):
        return exe
    got = subprocess.run(
        ["apt-get", "download", "-qq", "exim4-daemon-light"],
        cwd=home, capture_output=True, text=True)
    debs = glob.glob(home + "/*.deb")
    if not debs:
        raise Skip("Exim's package can't be fetched: " + got.stderr.strip())
    subprocess.run(["dpkg", "-x", debs[0], home + "/root"], check=True)
    got = subprocess.run(["ldd", exe], capture_output=True, text=True)
    if "not found" in got.stdout:
        raise Skip("libraries of Exim are missing: " + got.stdout)
    for path, line in (("/etc/passwd", "Debian-exim:x:61001:61001::"
                        f"{home}:/usr/sbin/nologin\n"),
                       ("/etc/group", "Debian-exim:x:61001:\n")):
        copy = home + path.replace("/", "_")
        with open(path) as f, open(copy, "w") as g:
            g.write("".join(x for x in f if "Debian-exim" not in x) + line)
        os.chmod(copy, 0o644)
        subprocess.run(["mount", "--bind", copy, path], check=True)
    os.makedirs("/etc/exim4", exist_ok=True)
    os.makedirs(home + "/etc", exist_ok=True)
    subprocess.run(["mount", "--bind", home + "/etc", "/etc/exim4"], check=True)
    return exe


def deliver_all(lab, make):
    """Mails through an MTA; then with the daemon down; none is lost."""
    s = lab.sandbox()
    d = lab.daemon(s)
    os.chmod(d.folder, 0o755)
    os.chmod(d.state, 0o755)
    mta = make(lab, d)

    def send(n, to="support@example.org"):
        with smtplib.SMTP("127.0.0.1", mta.port, timeout=30) as c:
            c.sendmail("ann@example.com", [to], mail(f"{mta.name}{n}"))

    def arrived(n):
        return s.count("SELECT COUNT() FROM EmailMessage WHERE "
                       f"MessageIdentifier = '<plain-{mta.name}{n}@example.com>'")
    try:
        for n in range(5):
            send(n)
        for n in range(5):
            wait_for(f"mail {n}", lambda: arrived(n) == 1, 40)
        d.stop()
        for n in range(5, 10):
            send(n)
        time.sleep(2)
        d.start()

        def all_there():
            mta.flush()
            return all(arrived(n) == 1 for n in range(5, 10))
        wait_for("the mails of the outage", all_there, 90, 1)
        d.drained()
        same(s.count("SELECT COUNT() FROM EmailMessage"), 10, "mails")
        d.balance()
    except AssertionError:
        print("# ---", mta.name)
        for line in mta.log().splitlines()[-30:]:
            print("#", line)
        raise


def test_postfix_delivers_by_lmtp(lab):
    def make(lab, d):
        text = snippet("postfix-lmtp.cf", d)
        return Postfix(lab, section(text, "main.cf"), tables=(
            ("transport", table(text, "/etc/postfix/transport")),
            ("mailmill_recipients",
             table(text, "/etc/postfix/mailmill_recipients"))))
    deliver_all(lab, make)


def test_postfix_delivers_by_pipe(lab):
    def make(lab, d):
        text = snippet("postfix-pipe.cf", d)
        return Postfix(lab, section(text, "main.cf")
                       + "relay_domains = example.org\n",
                       section(text, "master.cf"), (
            ("transport", table(text, "/etc/postfix/transport")),))
    deliver_all(lab, make)


def exim(lab, text):
    return Exim(lab, "begin routers\n" + section(text, "routers")
                + "begin transports\n" + section(text, "transports")
                + "begin retry\n* * F,1h,1s\n")


def test_exim_delivers_by_lmtp(lab):
    exim_program()
    deliver_all(lab, lambda lab, d: exim(lab, snippet("exim-lmtp.conf", d)
                                         .replace("port = 2424",
                                                  f"port = {d.port}")))


def test_exim_delivers_by_pipe(lab):
    exim_program()
    deliver_all(lab, lambda lab, d: exim(lab, snippet("exim-pipe.conf", d)))


def test_procmail_delivers_by_pipe(lab):
    if not shutil.which("procmail"):
        raise Skip("procmail is not installed")
    s = lab.sandbox()
    d = lab.daemon(s)
    rc = lab.path("procmailrc")
    with open(rc, "w") as f:
        f.write(snippet("procmailrc", d))
    os.chmod(rc, 0o600)

    def run(n):
        return subprocess.run(
            ["procmail", "-t", rc], capture_output=True, timeout=60,
            input=mail(f"procmail{n}").replace(b"\r\n", b"\n"),
            env={"PATH": os.environ["PATH"], "HOME": lab.folder,
                 "LOGNAME": "support", "SENDER": "ann@example.com",
                 "RECIPIENT": "support@example.org"})
    got = run(1)
    same(got.returncode, 0, got.stderr.decode())
    d.drained()
    same(s.count("SELECT COUNT() FROM EmailMessage"), 1, "mails")
    d.stop()
    got = run(2)
    same(got.returncode, 75, "EX_TEMPFAIL: " + got.stderr.decode())


RELAY_RULE = """\
require ["copy", "vacation"];
redirect :copy "bob@example.net";
redirect :copy "nobody@example.net";
vacation :subject "Away" "Back soon.";
redirect "eve@example.net";
"""
RELAY_CF = """\
virtual_mailbox_domains = example.net, example.com
virtual_mailbox_base = {mail}
virtual_mailbox_maps = inline:{{ {{bob@example.net = bob/}}, \
{{eve@example.net = eve/}}, {{ann@example.com = ann/}} }}
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{gid}
virtual_minimum_uid = 1
smtpd_tls_security_level = may
smtpd_tls_received_header = yes
smtpd_tls_cert_file = {dir}/cert.pem
smtpd_tls_key_file = {dir}/key.pem
"""


def relay_by(lab, tls):
    """A Postfix that delivers to Maildirs, and a daemon that sends by it."""
    import pwd
    home = lab.fresh("relay")
    os.chmod(home, 0o755)
    os.mkdir(f"{home}/mail")
    user = pwd.getpwnam("nobody")
    os.chown(f"{home}/mail", user.pw_uid, user.pw_gid)
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days",
         "2", "-subj", "/CN=localhost", "-addext",
         "subjectAltName=DNS:localhost", "-keyout", f"{home}/key.pem", "-out",
         f"{home}/cert.pem"], check=True, capture_output=True)
    mta = Postfix(lab, RELAY_CF.format(mail=f"{home}/mail", dir=home,
                                       uid=user.pw_uid, gid=user.pw_gid))
    rule = f"{home}/r.sieve"
    with open(rule, "w") as f:
        f.write(RELAY_RULE)
    d = lab.daemon(lab.sandbox(), rule=rule, more=f"""
        relay "postfix" {{
            url = "smtp://localhost:{mta.port}"
            tls = {tls}
            ca_file = "{home}/cert.pem"
        }}
        outbox {{ retry_min = 200ms retry_max = 1s }}""")
    return d, mta, f"{home}/mail"


def test_postfix_takes_what_rules_send(lab):
    d, mta, home = relay_by(lab, "must")

    def boxes():
        return {name: len(glob.glob(f"{home}/{name}/new/*"))
                for name in ("bob", "eve", "ann")}
    try:
        for n in range(10):
            d.lmtp(mail(n))
        d.drained()
        wait_for("the Maildirs", lambda: boxes() ==
                 {"bob": 10, "eve": 10, "ann": 1}, 60)
        time.sleep(1)
        same(boxes(), {"bob": 10, "eve": 10, "ann": 1}, "each once")
        rows = d.ask({"action": "outbox", "max": 1000})
        same(sorted({r["state"] for r in rows}), ["dead", "sent"], "states")
        dead = [r for r in rows if r["state"] == "dead"]
        same(len(dead), 10, "those to nobody")
        check("User unknown" in dead[0]["reason"], dead[0]["reason"])
        with open(glob.glob(f"{home}/ann/new/*")[0]) as f:
            text = f.read()
        check("Return-Path: <>" in text, "an answer has no sender")
        check("Subject: Away" in text and "Auto-Submitted: auto-replied"
              in text, text)
        with open(glob.glob(f"{home}/bob/new/*")[0]) as f:
            text = f.read()
        check("TLSv1." in text, "it came over TLS")
        check(text.index("Received: from") < text.index("(mailmill)"),
              "above our trace")
        check(text.endswith("It burns. Please help.\n"), "whole")
        d.balance()
        subprocess.run(["postfix", "-c", mta.conf, "stop"], check=True,
                       capture_output=True)
        for n in range(10, 15):
            d.lmtp(mail(n))
        d.drained()
        time.sleep(1)
        subprocess.run(["postfix", "-c", mta.conf, "start"], check=True,
                       capture_output=True)
        wait_for("the mails of the outage", lambda: boxes() ==
                 {"bob": 15, "eve": 15, "ann": 1}, 60)
    except AssertionError:
        for line in mta.log().splitlines()[-30:]:
            print("#", line)
        raise


def test_a_relay_with_a_wrong_certificate_is_not_trusted(lab):
    d, mta, home = relay_by(lab, "must")
    other = lab.fresh("other")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj",
         "/CN=localhost", "-keyout", f"{other}/key.pem", "-out",
         f"{other}/cert.pem"], check=True, capture_output=True)
    d.stop()
    d.write_conf(more=d.options["more"].replace(
        re.search(r'ca_file = "(.*)"', d.options["more"]).group(1),
        f"{other}/cert.pem"))
    d.start()
    d.lmtp(mail(1))
    d.drained()
    wait_for("a try", lambda: "outbox.relay" in d.process.text())
    rows = d.ask({"action": "outbox"})
    check(all(r["state"] in ("retry", "claimed", "queued") for r in rows), rows)
    check("certificate" in d.process.text(), "and says why")


def enter_namespace():
    """Runs this file again where mounts are its own."""
    if os.environ.get("MAILMILL_MTA_NAMESPACE") or os.geteuid() or \
            subprocess.run(["unshare", "-m", "true"],
                           capture_output=True).returncode:
        return
    import tempfile
    home = tempfile.mkdtemp(prefix="mailmill-mta-")
    os.chmod(home, 0o755)
    code = subprocess.run(
        ["unshare", "-m", "--propagation", "private", sys.executable,
         *sys.argv], env={**os.environ, "MAILMILL_MTA_NAMESPACE": home}
    ).returncode
    shutil.rmtree(home, ignore_errors=True)
    sys.exit(code)


enter_namespace()
main()
