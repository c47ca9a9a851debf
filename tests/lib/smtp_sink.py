# SPDX-License-Identifier: GPL-3.0-or-later
"""smtp_sink.py - an SMTP server that keeps mail and fails as it is told."""
import re
import socket
import threading
import time


class Sink:
    """Listens on a port of its own. What was taken is in self.mails."""

    def __init__(self):
        self.mails, self.lock, self.n_connections = [], threading.Lock(), 0
        self.socket, self.port = None, 0
        self.clear()
        self.start()

    def clear(self):
        """Takes everything again."""
        self.mail_reply = lambda sender: "250 ok"
        self.rcpt_reply = lambda rcpt: "250 ok"
        self.data_reply = lambda mail: "354 go on"
        self.end_reply = lambda mail: "250 2.0.0 taken"
        self.delay = 0

    def start(self):
        s = socket.socket()
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind(("127.0.0.1", self.port))
        s.listen(64)
        self.socket, self.port = s, s.getsockname()[1]
        threading.Thread(target=self.accept, args=(s,), daemon=True).start()

    def stop(self):
        # wakes accept(), which a mere close does not
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()

    def accept(self, s):
        while True:
            try:
                c = s.accept()[0]
            except OSError:
                return
            self.n_connections += 1
            threading.Thread(target=self.serve, args=(c,), daemon=True).start()

    def serve(self, c):
        try:
            with c, c.makefile("rb") as f:
                self.talk(c, f)
        except OSError:
            pass

    def talk(self, c, f):
        def say(text):
            c.sendall(text.encode() + b"\r\n")
        sender, rcpts = None, []
        say("220 sink ESMTP")
        for raw in f:
            line = raw.decode("utf-8", "replace").rstrip("\r\n")
            word = line.upper().split(":")[0].split(" ")[0]
            if word == "EHLO":
                say("250-sink\r\n250-8BITMIME\r\n250 SIZE 100000000")
            elif word == "MAIL":
                sender, rcpts = re.search(r"<(.*)>", line).group(1), []
                say(self.mail_reply(sender))
            elif word == "RCPT":
                rcpt = re.search(r"<(.*)>", line).group(1)
                reply = self.rcpt_reply(rcpt)
                if reply.startswith("250"):
                    rcpts.append(rcpt)
                say(reply)
            elif word == "DATA":
                mail = {"sender": sender, "rcpts": rcpts, "at": time.time()}
                reply = self.data_reply(mail)
                say(reply)
                if not reply.startswith("354"):
                    continue
                mail["data"] = self.read_data(f)
                if mail["data"] is None:
                    return
                reply = self.end_reply(mail)
                if reply is None or reply.startswith("250"):
                    with self.lock:
                        self.mails.append(mail)
                if reply is None:  # taken, and the answer is lost
                    return
                time.sleep(self.delay)
                say(reply)
            elif word == "RSET":
                say("250 ok")
            elif word == "QUIT":
                say("221 bye")
                return
            else:
                say("502 what?")

    @staticmethod
    def read_data(f):
        lines = []
        for line in f:
            if line == b".\r\n":
                return b"".join(lines)
            lines.append(line[1:] if line.startswith(b".") else line)
        return None
