# SPDX-License-Identifier: GPL-3.0-or-later
"""clients.py - ManageSieve clients that nobody here wrote.

sieve-connect and Net::ManageSieve (Perl), sievelib (Python), and GNU SASL for
SCRAM-SHA-256, which the others do not know.
"""
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from managed import PASSWORD, Client, certificate, daemon, need, port
from mm import Skip, check, main, same


def sieve_connect(d, commands, ok=True):
    """Runs commands by sieve-connect, over TLS. Returns: what it said."""
    r, w = os.pipe()
    os.write(w, PASSWORD.encode() + b"\n")
    os.close(w)
    got = subprocess.run(
        ["sieve-connect", "--server", "localhost", "--port", str(port(d)),
         "--user", "ann", "--passwordfd", str(r), "--tlscafile",
         certificate(d.folder), "--debug"],
        input="\n".join(commands) + "\nquit\n", capture_output=True, text=True,
        cwd=d.folder, pass_fds=[r], timeout=60)
    os.close(r)
    text = got.stdout + got.stderr
    check("TLS activated" in text, text)
    if ok:
        check("<<< NO" not in text, text)
    return text


def write(d, name, text):
    with open(os.path.join(d.folder, name), "w") as f:
        f.write(text)


def test_sieve_connect_edits_scripts(lab):
    need("sieve-connect", "openssl")
    d = daemon(lab)
    write(d, "first.sieve", 'require "fileinto";\nfileinto "a";\n')
    write(d, "second.sieve", "# the second\nkeep;\n")
    text = sieve_connect(d, ["put first.sieve", "put second.sieve",
                             "activate second.sieve", "list"])
    check('"second.sieve" ACTIVE' in text, text)
    text = sieve_connect(d, ["get first.sieve back.sieve", "deactivate",
                             "delete first.sieve", "list"])
    with open(os.path.join(d.folder, "back.sieve")) as f:
        same(f.read().strip(), 'require "fileinto";\nfileinto "a";', "bytes")
    check('"second.sieve"' in text and "ACTIVE" not in text.split("list")[-1],
          text)
    c = Client(d)
    same(c.names(), ["second.sieve"], "what is left")


def test_sieve_connect_shows_why_a_script_is_refused(lab):
    need("sieve-connect", "openssl")
    d = daemon(lab)
    write(d, "bad.sieve", 'keep;\nfileinto "a";\n')
    text = sieve_connect(d, ["put bad.sieve", "list"], ok=False)
    check(re.search(r"bad\.sieve: line 2: error: .*fileinto", text), text)


PERL = r"""
use strict; use utf8; use Net::ManageSieve;
binmode STDOUT, ':utf8';
my $m = Net::ManageSieve->new('127.0.0.1', Port => $ARGV[0]) or die "no: $@";
$m->login('ann', $ARGV[1]) or die "login: " . $m->error;
my $script = "# J\x{fc}rgen\nkeep;\n";
$m->putscript('a b', $script) or die "put: " . $m->error;
$m->havespace('x', 100) or die "space: " . $m->error;
!$m->havespace('x', 99999999) or die "too much space";
$m->setactive('a b') or die "active: " . $m->error;
print join('|', @{$m->listscripts}), "\n";
$m->getscript('a b') eq $script or die "get: " . $m->getscript('a b');
!$m->deletescript('a b') or die "deletes the active one";
$m->setactive('') or die "none: " . $m->error;
!$m->putscript('bad', "kep;\n") or die "takes what is wrong";
print $m->error, "\n";
$m->deletescript('a b') or die "delete: " . $m->error;
print join('|', @{$m->listscripts}), "\n";
$m->logout;
"""


def test_net_managesieve_edits_scripts(lab):
    need("perl")
    if subprocess.run(["perl", "-MNet::ManageSieve", "-e", "1"],
                      capture_output=True).returncode:
        raise Skip("Net::ManageSieve is not installed")
    d = daemon(lab)
    got = subprocess.run(["perl", "-e", PERL, str(port(d)), PASSWORD],
                         capture_output=True, text=True, timeout=60)
    same(got.returncode, 0, got.stderr + got.stdout)
    lines = got.stdout.splitlines()
    same(lines[0], "a b|a b", "one, and it is active")
    check("line 1: error" in got.stdout, got.stdout)


SIEVELIB = r"""
import sys
from sievelib.managesieve import Client
c = Client("127.0.0.1", int(sys.argv[1]))
assert c.connect("ann", sys.argv[2], starttls=sys.argv[3] == "tls")
assert "fileinto" in c.get_sieve_capabilities()
assert c.get_sasl_mechanisms() == ["PLAIN", "SCRAM-SHA-256"]
name = "J\u00fcrgen's"
assert c.havespace(name, 100)
assert c.putscript(name, "# \u2603\nkeep;\n"), c.errmsg
assert c.checkscript('require "fileinto"; fileinto "x";'), c.errmsg
assert not c.checkscript("kep;")
assert b"line 1: error" in c.errmsg, c.errmsg
assert c.setactive(name)
assert c.listscripts() == (name, []), c.listscripts()
assert c.getscript(name).strip() == "# \u2603\nkeep;", c.getscript(name)
assert c.putscript("other", "stop;")
assert c.renamescript("other", "third")
assert c.listscripts() == (name, ["third"]), c.listscripts()
assert not c.deletescript(name) and c.errcode == b"ACTIVE", c.errcode
assert c.deletescript("third")
assert c.setactive("")
c.logout()
print("done")
"""


def debian_python():
    """The one that Debian's sievelib is for."""
    for python in ("/usr/bin/python3", sys.executable):
        if subprocess.run([python, "-c", "import sievelib"],
                          capture_output=True).returncode == 0:
            return python
    raise Skip("python3-sievelib is not installed")


def test_sievelib_edits_scripts(lab):
    d = daemon(lab)
    got = subprocess.run([debian_python(), "-c", SIEVELIB, str(port(d)),
                          PASSWORD, "clear"], capture_output=True, text=True,
                         timeout=60)
    same(got.stdout, "done\n", got.stderr)


def test_sievelib_edits_scripts_over_tls(lab):
    need("openssl")
    d = daemon(lab, options="cleartext = never")
    got = subprocess.run([debian_python(), "-W", "ignore", "-c", SIEVELIB,
                          str(port(d)), PASSWORD, "tls"], capture_output=True,
                         text=True, timeout=60)
    same(got.stdout, "done\n", got.stderr)


def gsasl(c, password, extra=()):
    """Logs in by GNU SASL. Returns: the answer, and what gsasl told."""
    p = subprocess.Popen(
        ["gsasl", "--client", "--mechanism", "SCRAM-SHA-256",
         "--authentication-id", "ann", "--password", password, "--no-cb",
         *extra], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True, bufsize=1)

    def word():
        return p.stdout.readline().strip()
    same(word(), "SCRAM-SHA-256", "it says so first")
    c.send(f'AUTHENTICATE "SCRAM-SHA-256" "{word()}"\r\n')
    code, last = None, None
    while code is None:
        words = c.line()
        if words[0] in (("OK",), ("NO",)):
            code = words[0][0]
            last = words[3] if code == "OK" else None
        else:
            p.stdin.write(words[0] + "\n")
            c.send(f'"{word()}"\r\n')
    if last:
        p.stdin.write(last + "\n\n")
    try:
        return code, p.communicate(timeout=10)[1]
    finally:
        p.kill()


def test_gnu_sasl_logs_in_by_scram(lab):
    need("gsasl")
    d = daemon(lab, tls=False, options="cleartext = never")
    c = Client(d, login=False)
    check(["SASL", "SCRAM-SHA-256"] in c.greeting[1], c.greeting)
    code, told = gsasl(c, PASSWORD)
    same(code, "OK", "logged in")
    check("server trusted" in told, "the server proved itself: " + told)
    same(c.names(), [], "in")
    check("mechanism=SCRAM-SHA-256" in d.process.text(), "logged")
    c = Client(d, login=False)
    same(gsasl(c, "wrong")[0], "NO", "a wrong password")
    c = Client(d, login=False)
    same(gsasl(c, PASSWORD, ["--authorization-id", "help desk"])[0], "OK",
         "as another route")
    check(["OWNER", "help desk"] in c.ok("CAPABILITY\r\n"), "its owner")


main()
