# SPDX-License-Identifier: GPL-3.0-or-later
"""managed.py - daemons with ManageSieve, and a client that says anything."""
import base64
import os
import re
import shutil
import socket
import ssl
import subprocess

from mm import EXE, check, same

CONF = """
managesieve {{ listen = "127.0.0.1:0" {tls} {options} }}
route "sales" {{ recipients = {{ "sales@example.org" }} managed = yes {route}
    target = "org" }}
route "help desk" {{ recipients = {{ "desk@example.org" }} managed = yes
    target = "org" }}
"""
PASSWORD = "correct horse"


def certificate(folder):
    if not os.path.exists(os.path.join(folder, "cert.pem")):
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes",
             "-keyout", "key.pem", "-out", "cert.pem", "-days", "2",
             "-subj", "/CN=localhost", "-addext",
             "subjectAltName=DNS:localhost,IP:127.0.0.1"],
            cwd=folder, check=True, capture_output=True)
    return os.path.join(folder, "cert.pem")


def daemon(lab, options="", route="", tls=True, user=True, start=True):
    """A daemon with the account ann, for two routes."""
    d = lab.daemon(lab.sandbox(), start=False)
    if tls:
        certificate(d.folder)
    d.write_conf(more=CONF.format(
        tls='certificate = "cert.pem" key = "key.pem"' if tls else "",
        options=options, route=route))
    os.makedirs(d.state, exist_ok=True)
    if user:
        got = mailmill(d, "user", "add", "ann", "--route", "sales", "--route",
                       "help desk", stdin=PASSWORD + "\n")
        same(got.returncode, 0, got.stderr)
    if start:
        d.start()
    return d


def mailmill(d, *args, stdin="", env=None):
    return subprocess.run([EXE, *args, "--config", d.conf], input=stdin,
                          capture_output=True, text=True, timeout=60,
                          env={**os.environ, "SANDBOX_SECRET": "x",
                               **(env or {})})


def port(d):
    return int(re.findall(r"manage\.listen at=127\.0\.0\.1:(\d+)",
                          d.process.text())[-1])


def need(*programs):
    from mm import Skip
    for program in programs:
        if not shutil.which(program):
            raise Skip(f"{program} is not installed")


def plain(name="ann", password=PASSWORD, route=""):
    text = f"{route}\0{name}\0{password}".encode()
    return ('AUTHENTICATE "PLAIN" "' + base64.b64encode(text).decode()
            + '"\r\n')


def quote(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


class Client:
    """Says bytes, and reads answers of any form."""

    def __init__(self, d, login=True, greet=True, **how):
        self.sock = socket.create_connection(("127.0.0.1", port(d)), 30)
        self.file = self.sock.makefile("rb")
        self.greeting = self.answer() if greet else None
        if login:
            code, _, text = self.say(plain(**how))
            same(code, "OK", f"login: {text}")

    def send(self, data):
        self.sock.sendall(data.encode() if isinstance(data, str) else data)

    def line(self):
        """A line with its literals, as a list of words and strings."""
        words, text = [], self.file.readline()
        if not text:
            raise OSError("the server closed the connection")
        while True:
            check(text.endswith(b"\r\n"), f"a line ends in CRLF: {text}")
            m = re.search(rb"\{(\d+)\}\r\n$", text)
            for quoted, word in re.findall(
                    rb'"((?:[^"\\]|\\.)*)"|(\(|\)|[^\s()"{]+)',
                    text[:m.start()] if m else text):
                words.append(re.sub(rb"\\(.)", rb"\1", quoted).decode()
                             if not word else (word.decode(),))
            if b'""' in text and not words:
                words.append("")
            if not m:
                return words
            words.append(self.file.read(int(m.group(1))).decode())
            text = self.file.readline()

    def answer(self):
        """Returns: (OK, NO or BYE; lines before it; code and text)."""
        lines = []
        while True:
            words = self.line()
            if words and words[0] in (("OK",), ("NO",), ("BYE",)):
                rest = " ".join(w[0] if isinstance(w, tuple) else w
                                for w in words[1:])
                return words[0][0], lines, rest
            lines.append(words)

    def say(self, data):
        self.send(data)
        return self.answer()

    def ok(self, data):
        code, lines, text = self.say(data)
        same(code, "OK", f"{data!r}: {text}")
        return lines

    def put(self, name, script):
        return self.say(put(name, script))

    def names(self):
        return [line[0] for line in self.ok("LISTSCRIPTS\r\n")]

    def active(self):
        return [line[0] for line in self.ok("LISTSCRIPTS\r\n")
                if line[1:] == [("ACTIVE",)]]

    def get(self, name):
        return self.ok(f"GETSCRIPT {quote(name)}\r\n")[0][0]

    def starttls(self, d, behind=""):
        self.send("STARTTLS\r\n" + behind)
        same(self.file.readline(), b'OK "begin TLS"\r\n', "begins")
        context = ssl.create_default_context(
            cafile=os.path.join(d.folder, "cert.pem"))
        self.sock = context.wrap_socket(self.sock, server_hostname="localhost")
        self.file = self.sock.makefile("rb")
        return self.answer()

    def close(self):
        self.file.close()
        self.sock.close()

    def is_closed(self):
        try:
            return self.file.read(1) == b""
        except OSError:
            return True


def put(name, script):
    data = script if isinstance(script, bytes) else script.encode()
    return (f"PUTSCRIPT {quote(name)} {{{len(data)}+}}\r\n".encode() + data
            + b"\r\n")
