# SPDX-License-Identifier: GPL-3.0-or-later
"""main_job.py - a customer's mail becomes a Case, from end to end."""
import glob
import hashlib
import mailbox
import os
import shutil
import signal
import socket
import subprocess
import sys
import urllib.request

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from mm import (API, EXE, MAILS, RULE, Process, Skip, check, is_sanitized, mail,
                main, same, wait_for)


def case_of(sandbox, message_id):
    """The EmailMessage of a mail, with its Case."""
    rows = sandbox.query(
        "SELECT Id, ParentId, Subject, TextBody, Parent.CaseNumber, "
        "Parent.Status, Parent.Subject, Parent.ContactId FROM EmailMessage "
        f"WHERE MessageIdentifier = '{message_id}'")
    same(len(rows), 1, f"EmailMessages of {message_id}")
    return rows[0]


def test_a_mail_by_lmtp_becomes_a_case(lab):
    s = lab.sandbox()
    d = lab.daemon(s)
    same(d.lmtp(mail(1, body="It burns: \u00fc\u2603")), {}, "refused")
    d.drained()
    row = case_of(s, "<plain-1@example.com>")
    same(row["Parent"]["Subject"], "Printer 1 is on fire", "subject")
    check("It burns: \u00fc\u2603" in row["TextBody"], "the text is there")
    d.balance()


def test_the_pipe_says_what_became_of_it(lab):
    s = lab.sandbox()
    d = lab.daemon(s)
    same(d.deliver(mail(2).replace(b"\r\n", b"\n")), (0, ""), "accepted")
    d.drained()
    case_of(s, "<plain-2@example.com>")
    code, text = d.deliver(mail(3), to=["nobody@example.org"])
    same(code, 67, "unknown recipient: " + text)
    check("nobody@example.org" in text or "5.1.1" in text, text)
    d.stop()
    code, text = d.deliver(mail(4))
    same(code, 75, "daemon away: " + text)
    check(text.strip(), "and it says so")


def test_an_unknown_recipient_is_refused_at_once(lab):
    d = lab.daemon(lab.sandbox())
    refused = d.lmtp(mail(5), to=["support@example.org", "no@example.org"])
    same(refused["no@example.org"][0], 550, "code")
    check("5.1.1" in refused["no@example.org"][1], "enhanced code")


def test_a_reply_goes_to_the_same_case_and_reopens_it(lab):
    s = lab.sandbox()
    d = lab.daemon(s)
    d.lmtp(mail(10))
    d.drained()
    first = case_of(s, "<plain-10@example.com>")
    s.call("PATCH", f"{API}/sobjects/Case/{first['ParentId']}",
           body={"Status": "Closed"})
    d.lmtp(mail(11, subject="Re: Printer 10 is on fire",
                headers="In-Reply-To: <plain-10@example.com>\n"
                        "References: <plain-10@example.com>\n"))
    d.drained()
    reply = case_of(s, "<plain-11@example.com>")
    same(reply["ParentId"], first["ParentId"], "the same Case")
    check(reply["Parent"]["Status"] != "Closed", "reopened")
    same(s.count("SELECT COUNT() FROM Case"), 1, "cases")


def test_a_reply_in_the_same_second_waits_for_its_mail(lab):
    s = lab.sandbox()
    d = lab.daemon(s)
    for n in range(20):
        d.lmtp(mail(f"a{n}"))
        d.lmtp(mail(f"b{n}", headers=f"In-Reply-To: <plain-a{n}@example.com>\n"))
        d.lmtp(mail(f"c{n}", headers=f"References: <plain-a{n}@example.com> "
                                     f"<plain-b{n}@example.com>\n"))
    d.drained()
    same(s.count("SELECT COUNT() FROM Case"), 20, "cases")
    same(s.count("SELECT COUNT() FROM EmailMessage"), 60, "mails")


def test_the_same_mail_twice_is_one_record(lab):
    s = lab.sandbox()
    d = lab.daemon(s)
    for _ in range(3):
        d.lmtp(mail(20))
    d.deliver(mail(20).replace(b"\r\n", b"\n"))
    d.lmtp(mail(20), to=["help@example.org", "support@example.org"])
    d.drained()
    case_of(s, "<plain-20@example.com>")
    same(s.count("SELECT COUNT() FROM Case"), 1, "cases")
    # a forged Message-ID on other content is another mail
    d.lmtp(mail(20, body="something else"))
    d.drained()
    same(s.count("SELECT COUNT() FROM Case"), 2, "cases")


def test_robots_make_no_case(lab):
    s = lab.sandbox()
    d = lab.daemon(s)
    d.lmtp(mail(30, headers="Auto-Submitted: auto-replied\n"))
    d.drained()
    same(s.count("SELECT COUNT() FROM Case"), 0, "cases")
    row = d.rows()[0]
    same(row["state"], "done", "state")


def test_the_shipped_mails_all_find_their_place(lab):
    s = lab.sandbox()
    s.call("POST", "/sandbox/seed", auth=False, body={"records": [
        {"attributes": {"type": "Contact"}, "LastName": "Example",
         "Email": "ann@example.com"}]})
    d = lab.daemon(s)
    paths = sorted(glob.glob(MAILS + "/*.eml"))
    check(len(paths) >= 12, "there are mails")
    for path in paths:
        with open(path, "rb") as f:
            same(d.lmtp(f.read()), {}, path)
    d.drained()
    states = {}
    for row in d.rows():
        states[row["state"]] = states.get(row["state"], 0) + 1
    same(set(states), {"done"}, f"states {states}")
    check(s.count("SELECT COUNT() FROM Case") >= 6, "cases were made")
    check(s.count("SELECT COUNT() FROM ContentVersion") >= 3, "files too")


def test_an_attachment_arrives_byte_for_byte_and_once(lab):
    s = lab.sandbox()
    d = lab.daemon(s)
    data = os.urandom(300000)
    import base64
    body = base64.encodebytes(data).decode()
    text = mail(40, headers="").decode().replace(
        "Content-Type: text/plain; charset=utf-8\r\n\r\n",
        'Content-Type: multipart/mixed; boundary="b"\r\n\r\n'
        "--b\r\nContent-Type: text/plain\r\n\r\n")
    text += ("--b\r\nContent-Type: application/octet-stream; name=\"x.bin\"\r\n"
             "Content-Disposition: attachment; filename=\"x.bin\"\r\n"
             "Content-Transfer-Encoding: base64\r\n\r\n"
             + body.replace("\n", "\r\n") + "--b--\r\n")
    for _ in range(2):
        d.lmtp(text.encode())
    d.drained()
    rows = s.query("SELECT Id, Title, ContentSize, Checksum FROM ContentVersion")
    same(len(rows), 1, "files")
    same(rows[0]["ContentSize"], len(data), "size")
    request = urllib.request.Request(
        f"{s.url}{API}/sobjects/ContentVersion/{rows[0]['Id']}/VersionData",
        headers={"Authorization": "Bearer " + s.login()})
    with urllib.request.urlopen(request) as answer:
        same(hashlib.sha256(answer.read()).hexdigest(),
             hashlib.sha256(data).hexdigest(), "bytes")


def test_the_queue_drains_when_the_target_comes_back(lab):
    s = lab.sandbox("--state", lab.path("org.db"))
    d = lab.daemon(s)
    s.stop()
    for n in range(50, 60):
        d.lmtp(mail(n))
    wait_for("retries", lambda: d.stats().get("retry", 0) == 10, 30)
    s.start()
    d.drained(60)
    for n in range(50, 60):
        case_of(s, f"<plain-{n}@example.com>")


def test_an_org_without_external_ids_on_mails_gets_no_doubles(lab):
    s = lab.sandbox("--no-external-id", "EmailMessage")
    d = lab.daemon(s)
    s.fault(call="graph", fault="reset_after", times=3)
    for n in range(60, 70):
        d.lmtp(mail(n))
    d.drained(60)
    for n in range(60, 70):
        case_of(s, f"<plain-{n}@example.com>")
    same(s.count("SELECT COUNT() FROM Case"), 10, "cases")


def test_a_broken_rule_is_refused_and_the_old_one_stays(lab):
    s = lab.sandbox()
    rule = lab.path("rule.sieve")
    shutil.copy(RULE, rule)
    d = lab.daemon(s, rule=rule)
    with open(rule, "a") as f:
        f.write("\nfrobnicate;\n")
    d.process.proc.send_signal(signal.SIGHUP)
    d.process.wait_text("refused, the former rules stay")
    check("frobnicate" in d.process.text(), "it says what")
    d.lmtp(mail(70))
    d.drained()
    case_of(s, "<plain-70@example.com>")
    with open(rule, "w") as f:
        f.write('discard;\n')
    d.process.proc.send_signal(signal.SIGHUP)
    d.process.wait_text("config.reload done")
    d.lmtp(mail(71))
    d.drained()
    same(s.count("SELECT COUNT() FROM EmailMessage"), 1, "mails")


def test_settings_and_includes_reach_the_box_and_a_reload_changes_them(lab):
    s = lab.sandbox()
    rule, part = lab.path("rule.sieve"), lab.path("part.sieve")
    with open(rule, "w") as f:
        f.write('require "include"; include "part";\n')
    with open(part, "w") as f:
        f.write('require ["environment", "date", "variables"];\n'
                'if allof (environment "vnd.example.mode" "hold",\n'
                '          date "date" "zone" ["+0100", "+0200"]) { keep; }\n'
                'else { discard; }\n')
    more = 'sieve {{ environment = {{ "vnd.example.mode={}" }} }}'
    d = lab.daemon(s, rule=rule, more=more.format("hold"),
                   start=False)
    d.env["TZ"] = "Europe/Berlin"
    d.start()
    d.lmtp(mail(75))
    wait_for("held", lambda: d.stats().get("held", 0) == 1, 20)
    d.write_conf(more=more.format("drop"))
    d.process.proc.send_signal(signal.SIGHUP)
    d.process.wait_text("config.reload done")
    d.lmtp(mail(76))
    wait_for("done", lambda: d.stats().get("done", 0) == 1, 20)
    with open(part, "w") as f:
        f.write("keep;\n")
    d.process.proc.send_signal(signal.SIGHUP)
    wait_for("second reload", lambda:
             d.process.text().count("config.reload done") == 2, 20)
    d.lmtp(mail(77))
    wait_for("held, too", lambda: d.stats().get("held", 0) == 2, 20)


def test_a_second_daemon_is_refused(lab):
    s = lab.sandbox()
    d = lab.daemon(s)
    got = subprocess.run([EXE, "serve", "--config", d.conf], timeout=30,
                         capture_output=True,
                         env={**os.environ, "SANDBOX_SECRET": "sandbox"})
    check(got.returncode != 0, "it ends")
    check(str(d.process.proc.pid) in got.stderr.decode(),
          "it names the first: " + got.stderr.decode())
    d.lmtp(mail(80))
    d.drained()


def test_a_stop_finishes_what_is_under_way(lab):
    s = lab.sandbox()
    d = lab.daemon(s)
    for n in range(100):
        d.lmtp(mail(f"stop{n}"))
    same(d.stop(), 0, "exit status")
    check("serve.stopped" in d.process.text(), "it says so")
    d.start()
    d.drained()
    same(s.count("SELECT COUNT() FROM Case"), 100, "cases")


def test_an_archive_imported_twice_adds_nothing(lab):
    s = lab.sandbox()
    d = lab.daemon(s)
    box = mailbox.mbox(lab.path("old.mbox"))
    for n in range(30):
        box.add(mail(f"mbox{n}").replace(b"\r\n", b"\n"))
    box.close()
    for _ in range(2):
        got = subprocess.run(
            [EXE, "import", "--socket", os.path.join(d.state, "pipe"),
             "--to", "support@example.org", lab.path("old.mbox")],
            capture_output=True, timeout=120)
        same(got.returncode, 0, got.stderr.decode() + got.stdout.decode())
        d.drained()
        same(s.count("SELECT COUNT() FROM Case"), 30, "cases")
    same(len(d.rows()), 30, "deliveries")


def test_a_mail_that_fells_workers_dies_alone(lab):
    d = lab.daemon(lab.sandbox())
    d.lmtp(mail("good1"))
    d.lmtp(mail("bad", headers="X-Mailmill-Trap: segv\n"))
    d.lmtp(mail("good2"))
    d.drained(90)
    rows = {r["message_id"] or r["reason"]: r for r in d.rows()}
    dead = [r for r in rows.values() if r["state"] == "dead"]
    same(len(dead), 1, f"dead {rows}")
    # "crashed the parser (signal 11 ...)"; a sanitizer makes an exit of it
    check("the parser" in dead[0]["reason"], dead[0]["reason"])
    same(len([r for r in rows.values() if r["state"] == "done"]), 2, "done")
    raw = subprocess.run([EXE, "queue", "show", "--raw", str(dead[0]["id"]),
                          "--config", d.conf], capture_output=True, timeout=30)
    check(b"X-Mailmill-Trap: segv" in raw.stdout, "its bytes are kept")


def test_a_person_can_retry_release_and_drop(lab):
    s = lab.sandbox()
    rule = lab.path("rule.sieve")
    with open(rule, "w") as f:
        f.write("keep;\n")
    d = lab.daemon(s, rule=rule)
    d.lmtp(mail(90))
    d.lmtp(mail(91))
    wait_for("two held", lambda: d.stats().get("held", 0) == 2, 20)
    first, second = sorted(r["id"] for r in d.rows())
    shutil.copy(RULE, rule)
    d.process.proc.send_signal(signal.SIGHUP)
    d.process.wait_text("config.reload done")
    d.queue("release", str(first))
    d.drained()
    case_of(s, "<plain-90@example.com>")
    d.stop()
    d.queue("drop", str(second))  # without the daemon
    rows = {r["id"]: r["state"] for r in d.queue("list")}
    same(rows, {first: "done", second: "dropped"}, "states")
    balance = d.queue("balance")
    check(all(r.get("balances", True) for r in balance), f"{balance}")


def test_swaks_is_understood(lab):
    if not shutil.which("swaks"):
        raise Skip("swaks is not installed")
    s = lab.sandbox()
    d = lab.daemon(s)
    got = subprocess.run(
        ["swaks", "--protocol", "LMTP", "--server", f"127.0.0.1:{d.port}",
         "--from", "ann@example.com", "--to", "support@example.org",
         "--header", "Subject: by swaks", "--h-Message-Id", "<swaks@x.example>"],
        capture_output=True, timeout=60)
    same(got.returncode, 0, got.stdout.decode()[-2000:])
    d.drained()
    same(s.count("SELECT COUNT() FROM Case WHERE Subject = 'by swaks'"), 1,
         "cases")


def test_systemd_hears_when_it_is_ready(lab):
    s = lab.sandbox()
    d = lab.daemon(s, start=False)
    path = lab.path("notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as n:
        n.bind(path)
        n.settimeout(40)
        d.start(env={"NOTIFY_SOCKET": path})
        check(b"READY=1" in n.recv(4096), "READY=1")
        d.process.proc.send_signal(signal.SIGTERM)
        got = b""
        while b"STOPPING=1" not in got:
            got = n.recv(4096)


def test_a_socket_that_systemd_opened_is_taken(lab):
    if not shutil.which("systemd-socket-activate"):
        raise Skip("systemd-socket-activate is not installed")
    s = lab.sandbox()
    d = lab.daemon(s, start=False)
    with open(d.conf) as f:
        text = f.read()
    with open(d.conf, "w") as f:
        f.write(text.replace(f'listen = "127.0.0.1:{d.port}"',
                             'listen = "fd:lmtp"'))
    d.process = Process(
        ["systemd-socket-activate", "-l", f"127.0.0.1:{d.port}",
         "--fdname=lmtp", "-E", "SANDBOX_SECRET=sandbox",
         *[x for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS") for x in ("-E", name)
           if name in os.environ],
         EXE, "serve", "--config", d.conf],
        os.path.join(d.folder, "daemon.log"))
    wait_for("listening", lambda: "istening" in d.process.text())
    same(d.lmtp(mail("activated")), {}, "taken by the socket of another")
    d.drained()
    case_of(s, "<plain-activated@example.com>")
    d.stop()


def test_slow_clients_do_not_stop_others(lab):
    d = lab.daemon(lab.sandbox())
    idle = [socket.create_connection(("127.0.0.1", d.port))
            for _ in range(200)]
    try:
        same(d.lmtp(mail(95)), {}, "served all the same")
    finally:
        for c in idle:
            c.close()


def test_no_secret_and_no_mail_leaves_the_memory(lab):
    d = lab.daemon(lab.sandbox())
    same(d.lmtp(mail(96, body="between you and me")), {}, "taken")
    d.drained()
    pids = [d.process.proc.pid, *d.workers()]
    check(len(pids) > 1, "there are workers")
    for pid in pids:
        with open(f"/proc/{pid}/limits") as f:
            line = [x for x in f if x.startswith("Max core file size")][0]
        same(line.split()[4:6], ["0", "0"], f"core dumps of {pid}")
        # a process that may not be traced is root's, whoever runs it;
        # the leak sanitizer must trace
        check(is_sanitized() or os.stat(f"/proc/{pid}/mem").st_uid == 0,
              f"memory of {pid} can be read")
    for pid in pids[1:]:
        with open(f"/proc/{pid}/environ", "rb") as f:
            check(b"SECRET" not in f.read(), "a worker inherits no secret")
    for text in ("between you and me", "Bearer", "client_secret"):
        check(text not in d.process.text(), f"no {text} in the log")


main()
