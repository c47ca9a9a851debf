# SPDX-License-Identifier: GPL-3.0-or-later
"""server.py - ManageSieve on sockets: activation, crashes, hostile clients."""
import os
import random
import re
import shutil
import signal
import socket
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from managed import (PASSWORD, Client, daemon, mailmill, need, plain, port,
                     put, quote)
from mm import IS_LONG, RULE, check, mail, main, same, wait_for

KEEP = "keep;\n"
DROP = "discard;\n"
TO = ("sales@example.org",)


def states(d, n):
    """The states of the first n deliveries once none waits, with reasons."""
    wait_for(f"{n} ended", lambda: len(d.rows()) == n and d.waiting() == 0, 60,
             0.1)
    return [r["state"] for r in d.rows()]


def reread(d, c, name, script):
    same(c.get(name), script, f"{name} as it was put")


def test_a_script_takes_effect_without_a_restart(lab):
    d = daemon(lab)
    d.lmtp(mail(1), TO)
    same(states(d, 1), ["held"], "none is active: mails are held")
    c = Client(d)
    same(c.put("drop", DROP)[0], "OK", "put")
    same(c.put("keep", KEEP)[0], "OK", "put")
    c.ok('SETACTIVE "drop"\r\n')
    d.lmtp(mail(2), TO)
    same(states(d, 2), ["held", "done"], "discarded")
    c.ok('SETACTIVE "keep"\r\n')
    d.lmtp(mail(3), TO)
    same(states(d, 3), ["held", "done", "held"], "held")
    same(c.put("keep", DROP)[0], "OK", "the active one is changed")
    d.lmtp(mail(4), TO)
    same(states(d, 4)[3], "done", "discarded by the changed one")
    c.ok('SETACTIVE ""\r\n')
    d.lmtp(mail(5), TO)
    same(states(d, 5)[4], "held", "none again")
    d.balance()


def test_the_routes_own_file_stands_in(lab):
    d = daemon(lab, start=False)
    drop = os.path.join(d.folder, "drop.sieve")
    with open(drop, "w") as f:
        f.write(DROP)
    d.write_conf(more=d.options["more"].replace(
        'managed = yes ', f'managed = yes script = "{drop}" ', 1))
    d.start()
    d.lmtp(mail(1), TO)
    same(states(d, 1), ["done"], "by the file")
    c = Client(d)
    c.put("keep", KEEP)
    c.ok('SETACTIVE "keep"\r\n')
    d.lmtp(mail(2), TO)
    same(states(d, 2)[1], "held", "by the active one")
    c.ok('SETACTIVE ""\r\n')
    d.lmtp(mail(3), TO)
    same(states(d, 3)[2], "done", "by the file again")


def test_a_bad_script_never_becomes_active(lab):
    d = daemon(lab)
    c = Client(d)
    c.put("good", DROP)
    c.ok('SETACTIVE "good"\r\n')
    code, _, text = c.put("good", "keep;\nkep;\nstop;\n")
    same(code, "NO", text)
    check(re.search(r"good: line 2: error: ", text), text)
    reread(d, c, "good", DROP)
    # by hand, and so that nobody compiled it
    path = os.path.join(d.state, "scripts", "sales", "broken.sieve")
    with open(path, "w") as f:
        f.write("kep;")
    code, _, text = c.say('SETACTIVE "broken"\r\n')
    same(code, "NO", text)
    check("line 1: error" in text, text)
    same(c.active(), ["good"], "the old one")
    d.lmtp(mail(1), TO)
    same(states(d, 1), ["done"], "is in force")


def test_an_active_script_that_broke_holds_mails(lab):
    d = daemon(lab)
    c = Client(d)
    c.put("a", DROP)
    c.ok('SETACTIVE "a"\r\n')
    path = os.path.join(d.state, "scripts", "sales", "a.sieve")
    with open(path, "w") as f:
        f.write("kep;")
    d.process.proc.send_signal(signal.SIGHUP)
    d.process.wait_text("config.reload done")
    check("rules.broken" in d.process.text(), "told")
    d.lmtp(mail(1), TO)
    same(states(d, 1), ["done"], "the former one stays at a reload")
    got = mailmill(d, "check")
    same(got.returncode, 1, got.stdout + got.stderr)
    d.stop()
    d.start()
    d.lmtp(mail(2), TO)
    same(states(d, 2)[1], "held", "mails are held after a start")
    same(Client(d).put("a", DROP)[0], "OK", "it is mended")
    d.lmtp(mail(3), TO)
    same(states(d, 3)[2], "done", "in force")


def test_what_the_active_script_includes(lab):
    d = daemon(lab)
    c = Client(d)
    same(c.put("my lib", DROP)[0], "OK", "the included one")
    code, _, text = c.put("main", 'require "include";\n'
                          'include :personal "my lib";\n')
    same(code, "OK", text)
    c.ok('SETACTIVE "main"\r\n')
    d.lmtp(mail(1), TO)
    same(states(d, 1), ["done"], "discarded by what it includes")
    same(c.put("my lib", KEEP)[0], "OK", "changed")
    d.lmtp(mail(2), TO)
    same(states(d, 2)[1], "held", "in force at once")
    code, _, text = c.say('DELETESCRIPT "my lib"\r\n')
    same(code, "NO", "the active one would break: " + text)
    code, _, text = c.say('RENAMESCRIPT "my lib" "other"\r\n')
    same(code, "NO", text)
    same(sorted(c.names()), ["main", "my lib"], "both are there still")
    d.lmtp(mail(3), TO)
    same(states(d, 3)[2], "held", "and in force")


def test_warnings_are_told(lab):
    d = daemon(lab)
    c = Client(d)
    code, _, text = c.put("a", 'require "fileinto";\nkeep;\n')
    same(code, "OK", text)
    if "WARNINGS" in text:
        check("a: line 1: warning" in text, text)


def test_names_and_scripts_survive_a_restart(lab):
    d = daemon(lab)
    names = ["a b", 'say "hi" \\ there', "J\u00fcrgen \u2603", "x" * 128,
             "\U0001f4ec" * 128, ".hidden", "~tilde", "100%", "active",
             "versions", "..", "a.sieve", "-n"]
    c = Client(d)
    for n, name in enumerate(names):
        code, _, text = c.put(name, f"# {n}\nkeep;\n")
        same(code, "OK", f"{name}: {text}")
    for name in ("", "a/b", "a\x7fb", "a\u0085b", "a\u2028b", "y" * 129):
        same(c.put(name, KEEP)[0], "NO", f"{name!r} is none")
    c.ok(f"SETACTIVE {quote(names[4])}\r\n")
    d.stop()
    d.start()
    c = Client(d)
    same(sorted(c.names()), sorted(names), "all of them")
    same(c.active(), [names[4]], "and the active one")
    for n, name in enumerate(names):
        reread(d, c, name, f"# {n}\nkeep;\n")
    c.ok(f"RENAMESCRIPT {quote(names[4])} {quote('short')}\r\n")
    same(c.active(), ["short"], "renamed")


def test_bytes_come_back_as_they_were(lab):
    d = daemon(lab)
    c = Client(d)
    for n, text in enumerate(("keep;", "keep;\r\n# \u2603\r\n",
                              "keep; # no line end", "keep;" + "\n" * 5000)):
        same(c.put("a", text)[0], "OK", text)
        same(c.get("a"), text, f"{n}")


def test_commands_sent_in_one_go(lab):
    d = daemon(lab)
    c = Client(d, login=False)
    c.send(plain().encode() + put("a", KEEP) + b'SETACTIVE "a"\r\n'
           + b"LISTSCRIPTS\r\n" + b'NOOP "end"\r\n')
    same([c.answer()[0] for _ in range(3)], ["OK"] * 3, "login, put, activate")
    same(c.answer()[1], [["a", ("ACTIVE",)]], "list")
    check("end" in c.answer()[2], "the last")


def test_what_stands_behind_starttls_is_dropped(lab):
    need("openssl")
    d = daemon(lab)
    c = Client(d, login=False)
    code, lines, text = c.starttls(d, behind=plain() + "LISTSCRIPTS\r\n")
    same(code, "OK", text)
    check(all(line[0] != "STARTTLS" for line in lines), lines)
    same(c.say("LISTSCRIPTS\r\n")[0], "NO", "nobody is logged in")
    check("manage.login" not in d.process.text(), "nor was for a moment")
    same(c.say(plain())[0], "OK", "now")
    same(c.say('NOOP "x"\r\n')[0], "OK", "nothing lies about")


def test_passwords_only_over_tls_if_so_configured(lab):
    need("openssl")
    d = daemon(lab, options="cleartext = never")
    c = Client(d, login=False)
    check(["SASL", "SCRAM-SHA-256"] in c.greeting[1], c.greeting)
    code, _, text = c.say(plain())
    same((code, text[:16]), ("NO", "( ENCRYPT-NEEDED"), "refused")
    lines = c.starttls(d)[1]
    check(["SASL", "PLAIN SCRAM-SHA-256"] in lines, lines)
    same(c.say(plain())[0], "OK", "over TLS")


def test_garbage_instead_of_a_handshake(lab):
    d = daemon(lab)
    c = Client(d, login=False)
    c.send("STARTTLS\r\n")
    c.file.readline()
    c.send("LISTSCRIPTS\r\n" * 10)
    c.sock.settimeout(10)
    check(b"OK" not in c.file.read(), "closed without an answer")
    Client(d)


def memory(d):
    with open(f"/proc/{d.process.proc.pid}/status") as f:
        return int(re.search(r"VmRSS:\s+(\d+)", f.read()).group(1))


def test_a_huge_literal_is_refused_before_it_comes(lab):
    d = daemon(lab)
    before = memory(d)
    for say in ("NOOP", 'AUTHENTICATE "PLAIN"', 'PUTSCRIPT "a"'):
        c = Client(d, login=False)
        code = c.say(f"{say} {{4000000000+}}\r\n")[0]
        same(code, "BYE", say)
        check(c.is_closed(), "closed")
    c = Client(d, login=False)
    c.send('AUTHENTICATE "PLAIN"\r\n')
    c.line()
    same(c.say("{4000000000+}\r\n")[0], "BYE", "in a response")
    check(memory(d) - before < 8000, "memory stays")
    c = Client(d)
    code, _, text = c.say(put("a", b"#" * 3_000_000))
    same((code, "QUOTA/MAXSIZE" in text), ("NO", True), text)
    same(c.names(), [], "nothing was kept")
    same(c.say('PUTSCRIPT "a" {4000000000+}\r\n')[0], "BYE", "too long to skip")


def test_a_literal_that_waits_is_no_way_in(lab):
    d = daemon(lab)
    c = Client(d)
    code, _, text = c.say('PUTSCRIPT "a" {12}\r\nDELETESCRIPT "b"\r\n')
    same(code, "BYE", text)
    check(c.is_closed(), "what follows is no command")


def test_failed_logins_are_slow_and_told(lab):
    d = daemon(lab)
    c = Client(d, login=False)
    began = time.monotonic()
    for _ in range(3):
        same(c.say(plain(password="wr0ng-secret"))[0], "NO", "refused")
    took = time.monotonic() - began
    check(took > 2.5, f"three took {took} s")
    began = time.monotonic()
    same(c.say(plain(name="nobody"))[0], "NO", "an account that is not there")
    check(time.monotonic() - began > 3, "the peer waits for others, too")
    text = d.process.text()
    check(re.search(r'manage\.refuse peer=127\.0\.0\.1:\d+ user="ann" '
                    r'mechanism=PLAIN', text), text)
    check("wr0ng" not in text and PASSWORD not in text, "no password")
    # many at once guess no faster
    clients = [Client(d, login=False) for _ in range(6)]
    began = time.monotonic()
    for each in clients:
        each.send(plain(password="x"))
    answers = [each.answer() for each in clients[:1]]
    same(answers[0][0], "NO", "refused")
    check(time.monotonic() - began > 6, "behind each other")


def test_errors_and_connections_are_bounded(lab):
    d = daemon(lab, options="max_errors = 5 max_clients_per_peer = 3 "
               "login_time = 2s")
    c = Client(d, login=False)
    for _ in range(5):
        same(c.say("HELLO\r\n")[0], "NO", "unknown")
    same(c.answer()[0], "BYE", "enough")
    check(c.is_closed(), "closed")
    kept = [Client(d) for _ in range(3)]
    with socket.create_connection(("127.0.0.1", port(d)), 10) as s:
        check(s.recv(1000).startswith(b"BYE (TRYLATER)"), "one too many")
    kept.pop().close()

    def enter():
        probe = Client(d, login=False)
        if probe.greeting[0] == "OK":
            return probe
        probe.close()
    c = wait_for("a place", enter)
    began = time.monotonic()
    c.send("NO")
    same(c.answer()[0], "BYE", "half a command is no progress")
    check(time.monotonic() - began < 5, "soon")
    same(kept[0].ok("NOOP\r\n"), [], "who is in may stay")


def test_who_is_silent_is_sent_away(lab):
    d = daemon(lab, options="idle = 1500ms")
    c, busy = Client(d), Client(d)
    began = time.monotonic()
    for _ in range(4):
        time.sleep(0.7)
        busy.ok("NOOP\r\n")
    same(c.answer()[0], "BYE", "told why")
    check(time.monotonic() - began >= 1.5, "after its time")
    busy.ok("NOOP\r\n")


def test_accounts_are_changed_while_it_runs(lab):
    d = daemon(lab)
    same(mailmill(d, "user", "add", "bob", "--route", "nowhere",
                  stdin="x\n").returncode, 78, "no such route")
    same(mailmill(d, "user", "add", "ann", "--route", "sales",
                  stdin="x\n").returncode, 65, "ann is there")
    same(mailmill(d, "user", "add", "bob", "--route", "help desk",
                  stdin="s3cret\n").returncode, 0, "bob")
    got = mailmill(d, "user", "list")
    same(got.stdout, "ann\tsales\thelp desk\nbob\thelp desk\n", "both")
    same(os.stat(os.path.join(d.state, "accounts")).st_mode & 0o777, 0o600,
         "mode")
    c = Client(d, name="bob", password="s3cret")
    check(["OWNER", "help desk"] in c.ok("CAPABILITY\r\n"), "his route")
    same(Client(d, login=False).say(
        plain("bob", "s3cret", "sales"))[0], "NO", "not that one")
    same(mailmill(d, "user", "passwd", "ann", stdin="other\n").returncode, 0,
         "another password")
    Client(d, password="other")
    same(mailmill(d, "user", "remove", "ann").returncode, 0, "out")
    same(Client(d, login=False).say(plain(password="other"))[0], "NO", "out")


def test_routes_have_their_own_scripts(lab):
    d = daemon(lab)
    sales, desk = Client(d), Client(d, route="help desk")
    sales.put("a", KEEP)
    same(desk.names(), [], "not the other's")
    desk.put("b", DROP)
    desk.ok('SETACTIVE "b"\r\n')
    same(sales.active(), [], "not active there")
    d.lmtp(mail(1), ("desk@example.org", "sales@example.org"))
    same(sorted(states(d, 2)), ["done", "held"], "each by its own")


def test_versions_come_back(lab):
    d = daemon(lab)
    c = Client(d)
    c.put("a", DROP)
    c.put("a", KEEP)
    c.ok('SETACTIVE "a"\r\n')
    args = ["--route", "sales"]
    got = mailmill(d, "script", "versions", "a", *args)
    check(re.search(r"^ +1 .* ann \(127\.0\.0\.1:\d+\)\n +2 ", got.stdout),
          got.stdout + got.stderr)
    same(mailmill(d, "script", "show", "a", "--version", "1", *args).stdout,
         DROP, "the first")
    got = mailmill(d, "script", "restore", "a", "--version", "1", *args)
    same(got.returncode, 0, got.stderr)
    reread(d, c, "a", DROP)
    d.lmtp(mail(1), TO)
    same(states(d, 1), ["done"], "it is in force already")
    got = mailmill(d, "script", "put", "a", *args, stdin="kep;\n")
    same(got.returncode, 65, got.stderr)
    check("a: line 1: error" in got.stderr, got.stderr)
    got = mailmill(d, "script", "log", *args)
    same(re.findall(r"Z  (\S+) +a(?:  version (\d))?  by (\S+)", got.stdout),
         [("put", "1", "ann"), ("put", "2", "ann"), ("activate", "", "ann"),
          ("put", "3", "uid")], got.stdout)
    same(mailmill(d, "script", "deactivate", *args).returncode, 0, "none")
    d.lmtp(mail(2), TO)
    same(states(d, 2)[1], "held", "in force at once")
    same(mailmill(d, "script", "list").returncode, 78, "which route?")
    d.stop()
    same(mailmill(d, "script", "activate", "a", *args).returncode, 0,
         "also without a service")
    d.start()
    d.lmtp(mail(3), TO)
    same(states(d, 3)[2], "done", "which has it at its start")


def test_a_route_with_a_file_activates_nothing(lab):
    d = daemon(lab)
    same(mailmill(d, "user", "add", "eve", "--route", "support",
                  stdin="x\n").returncode, 0, "with a note")
    c = Client(d, name="eve", password="x")
    same(c.put("a", DROP)[0], "OK", "it may be kept")
    code, _, text = c.say('SETACTIVE "a"\r\n')
    check(code == "NO" and "managed = yes" in text, text)
    same(c.active(), [], "none is")
    same(c.say('SETACTIVE ""\r\n')[0], "OK", "always")


def test_activation_under_load_loses_nothing(lab):
    d = daemon(lab)
    c = Client(d)
    with open(RULE) as f:
        rule = f.read()
    scripts = {"rule": rule, "keep": KEEP, "drop": DROP}
    for name, script in scripts.items():
        same(c.put(name, script)[0], "OK", name)
    n, sent = (2000 if IS_LONG else 150), []

    def send(first):
        for i in range(first, n, 3):
            d.lmtp(mail(i), TO)
            sent.append(i)
    threads = [threading.Thread(target=send, args=(i,)) for i in range(3)]
    for t in threads:
        t.start()
    flips = 0
    while any(t.is_alive() for t in threads):
        name = random.choice(list(scripts))
        c.ok(f'SETACTIVE "{name}"\r\n')
        same(c.put(name, scripts[name] + f"# {flips}\n")[0], "OK", name)
        flips += 1
    for t in threads:
        t.join()
    same(len(sent), n, "all were accepted")
    wait_for("all ended", lambda: d.waiting() == 0, 120, 0.2)
    rows = d.rows()
    same(len(rows), n, "each is there")
    bad = [r for r in rows if r["state"] not in ("done", "held")]
    same(bad, [], "each ended as some script said")
    d.balance()
    print(f"# {n} mails, {flips} activations and as many changes")
    check(flips > 3, "it was under load")


def test_a_crash_leaves_a_whole_script(lab):
    d = daemon(lab, start=False)
    old = "# old\n" + "keep;\n" * 2000
    new = "# new\n" + "stop;\n" * 2000
    d.start()
    c = Client(d)
    c.put("a", old)
    c.put("b", DROP)
    c.ok('SETACTIVE "a"\r\n')
    d.stop()
    for point, want in (("manage.put.begin", old), ("manage.put.kept", old),
                        ("manage.put.written", new)):
        d.start(env={"MAILMILL_FAULT": f"{point}:1:kill"})
        c = Client(d)
        c.send(put("a", new))
        check(c.is_closed(), f"{point}: dies")
        d.process.proc.wait(20)
        d.start()
        c = Client(d)
        same(c.get("a"), want, point)
        same(c.active(), ["a"], "still active")
        same(c.put("a", old)[0], "OK", "goes on")
        d.stop()
    d.start(env={"MAILMILL_FAULT": "manage.activate.written:1:kill"})
    c = Client(d)
    c.send('SETACTIVE "b"\r\n')
    check(c.is_closed(), "dies")
    d.process.proc.wait(20)
    d.start()
    same(Client(d).active(), ["b"], "what was written is in force")
    d.lmtp(mail(1), TO)
    same(states(d, 1), ["done"], "discarded by b")


def test_killed_at_any_time(lab):
    d = daemon(lab)
    texts = [f"# {i}\n" + f"# {i} {'x' * 60}\n" * 3000 + "keep;\n"
             for i in range(4)]
    c = Client(d)
    c.put("a", texts[0])
    for turn in range(20 if IS_LONG else 5):
        c = Client(d)

        def hammer():
            try:
                while True:
                    c.put("a", random.choice(texts))
            except OSError:
                pass
        t = threading.Thread(target=hammer)
        t.start()
        time.sleep(random.uniform(0.02, 0.3))
        d.kill()
        t.join()
        d.start()
        c = Client(d)
        check(c.get("a") in texts, f"turn {turn}: whole")
        same(c.names(), ["a"], "nothing else lies there")


def test_what_cannot_be_written_keeps_the_old_script(lab):
    d = daemon(lab)
    c = Client(d)
    c.put("a", KEEP)
    versions = os.path.join(d.state, "scripts", "sales", "versions", "a")
    shutil.rmtree(versions)
    with open(versions, "w"):
        pass
    code, _, text = c.put("a", DROP)
    same(code, "NO", text)
    reread(d, c, "a", KEEP)
    same(c.ok("NOOP\r\n"), [], "and goes on")


def test_a_stop_says_goodbye(lab):
    d = daemon(lab)
    c, idle = Client(d), Client(d, login=False)
    same(d.stop(), 0, "ends well")
    for each in (c, idle):
        same(each.answer()[0], "BYE", "told")


main()
