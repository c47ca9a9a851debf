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
