# SPDX-License-Identifier: GPL-3.0-or-later
"""dns.py - a name server that answers from a table."""
import ipaddress
import socket
import struct
import threading

TYPES = {"A": 1, "CNAME": 5, "PTR": 12, "MX": 15, "TXT": 16, "AAAA": 28}


def wire_name(name):
    return b"".join(bytes([len(x)]) + x.encode()
                    for x in name.rstrip(".").split(".")) + b"\0"


def wire_data(kind, value):
    if kind in ("A", "AAAA"):
        return ipaddress.ip_address(value).packed
    if kind == "TXT":
        raw = value.encode()
        return b"".join(bytes([len(raw[i:i + 255])]) + raw[i:i + 255]
                        for i in range(0, max(len(raw), 1), 255))
    if kind == "MX":
        rank, host = value.split()
        return struct.pack(">H", int(rank)) + wire_name(host)
    return wire_name(value)


class Dns:
    """Answers on 127.0.0.1; `asked` lists what it was asked for.

    records: {(name, type): [values]}. A name in `silent` gets no answer.
    """

    def __init__(self, records, silent=()):
        self.records, self.silent, self.asked = records, set(silent), []
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.socket.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def answer(self, query):
        at, labels = 12, []
        while query[at]:
            labels.append(query[at + 1:at + 1 + query[at]].decode("latin-1"))
            at += query[at] + 1
        question = query[12:at + 5]
        name = ".".join(labels).lower()
        code = struct.unpack(">H", query[at + 1:at + 3])[0]
        kind = {v: k for k, v in TYPES.items()}.get(code, str(code))
        self.asked.append((name, kind))
        if name in self.silent:
            return None
        values = self.records.get((name, kind), [])
        known = any(key[0] == name for key in self.records)
        body = b"".join(
            b"\xc0\x0c" + struct.pack(">HHIH", code, 1, 300, len(data)) + data
            for data in (wire_data(kind, v) for v in values))
        return (query[:2] + struct.pack(">HHHHH", 0x8180 | (0 if known else 3),
                                        1, len(values), 0, 0)
                + question + body)

    def serve(self):
        while True:
            try:
                query, peer = self.socket.recvfrom(4096)
                reply = self.answer(query)
                if reply:
                    self.socket.sendto(reply, peer)
            except (OSError, IndexError):
                return

    def close(self):
        self.socket.close()
