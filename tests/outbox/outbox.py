# SPDX-License-Identifier: GPL-3.0-or-later
"""outbox.py - mail that rules send: redirect, reject, vacation.

A real daemon, workers in their box, and a server that keeps what it is sent
and fails as it is told.
"""
import email
import os
import re
import stat
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from mm import check, is_sanitized, lmtp, mail, main, same, wait_for
from smtp_sink import Sink


def lab_with(lab, rule, relay=None, outbox="", start=True, **options):
    """A daemon with one rule, and a sink as its relay."""
    sink = Sink()
    folder = lab.fresh("rule")
    path = os.path.join(folder, "r.sieve")
    with open(path, "w") as f:
        f.write(rule)
    if relay is None:
        relay = f'relay "out" {{ url = "smtp://127.0.0.1:{sink.port}" }}'
    more = (f"{relay}\noutbox {{ retry_min = 100ms retry_max = 500ms "
            f"{outbox} }}\n")
    d = lab.daemon(lab.sandbox(), rule=path, more=more, start=start, **options)
    return d, sink


def outs(d):
    return d.ask({"action": "outbox", "max": 1000})


def wait_out(d, state, n=1):
    wait_for(f"{n} outgoing {state}", lambda: sum(
        row["state"] == state for row in outs(d)) >= n, 40)
    return outs(d)


def test_a_redirect_goes_out_with_its_trace(lab):
    d, sink = lab_with(lab, 'redirect "bob@example.net";')
    raw = mail(1, body="one\n.two\n..three")
    d.lmtp(raw)
    rows = wait_out(d, "sent")
    same(len(sink.mails), 1, "one mail")
    got = sink.mails[0]
    same(got["sender"], "ann@example.com", "in its sender's name")
    same(got["rcpts"], ["bob@example.net"], "to whom the rule said")
    check(got["data"].endswith(raw.split(b"\r\n\r\n", 1)[1]),
          "the body is whole")
    head = email.message_from_bytes(got["data"])
    check("mailmill" in head["Received"], "a trace field")
    same(head["Message-ID"], "<plain-1@example.com>", "its own Message-ID")
    same(len(head.get_all("Message-ID")), 1, "and no other")
    check(head["X-Mailmill-Sent"], "the field that we know it by")
    same(rows[0]["recipients"][0]["reply"], "250 2.0.0 taken", "the reply")
    delivery = d.ask({"action": "show", "id": rows[0]["delivery"]})[0]
    same(delivery["state"], "done", "its delivery")
    check("redirect to bob@example.net" in delivery["reason"],
          delivery["reason"])
    same(delivery["outgoing"][0]["state"], "sent", "is told beside it")
    check(any("sent: 250" in e["text"] for e in delivery["history"]),
          "and in its history")
    d.balance()
    check("outbox.end" in d.process.text(), "and logged")


def test_vacation_answers_once_and_the_mail_stays(lab):
    d, sink = lab_with(lab, 'require ["vacation", "fileinto"];\n'
                       'vacation :subject "Away" "Back soon.";\n'
                       'fileinto "INBOX/todo";')
    d.lmtp(mail(1))
    wait_out(d, "sent")
    d.lmtp(mail(2))
    d.drained()
    same(len(sink.mails), 1, "one answer a week")
    got = sink.mails[0]
    same(got["sender"], "", "from the null sender")
    same(got["rcpts"], ["ann@example.com"], "to who wrote")
    head = email.message_from_bytes(got["data"])
    same(head["Subject"], "Away", "its subject")
    check(re.match(r"<mailmill\.\d+\.\w+@", head["Message-ID"]),
          head["Message-ID"])
    check(head["Date"] and head["Auto-Submitted"], "what an answer needs")
    rows = d.rows(states=["held"], folder="INBOX/todo")
    same(len(rows), 2, "both are filed")
    d.balance()


def test_a_copy_is_found_in_its_folder(lab):
    d, sink = lab_with(lab, 'require ["vacation", "fcc"];\n'
                       'vacation :fcc "Sent" "Back soon.";')
    d.lmtp(mail(1))
    wait_out(d, "sent")
    rows = d.queue("outbox", "list", "--folder", "Sent", "--state", "sent")
    same([r["kind"] for r in rows], ["vacation"], "the copy")
    same(d.queue("outbox", "list", "--folder", "Other"), [], "and no other")


def test_two_at_once_get_one_answer(lab):
    d, sink = lab_with(lab, 'require "vacation"; vacation "Back soon.";')
    for i in range(20):
        lmtp(d.port, mail(i), ["support@example.org"], "ann@example.com")
    d.drained()
    wait_out(d, "sent")
    time.sleep(0.5)
    same(len(sink.mails), 1, "one answer")


def test_nobody_answers_the_null_sender(lab):
    d, sink = lab_with(lab, 'require ["vacation", "reject"];\n'
                       'if header :contains "subject" "no" {\n'
                       '  reject "We do not want it."; stop; }\n'
                       'vacation "Back soon.";')
    d.lmtp(mail(1, subject="no"), sender="")
    d.lmtp(mail(2), sender="")
    d.lmtp(mail(3), sender="mailer-daemon@example.com")
    d.lmtp(mail(4), sender="support@example.org")
    d.drained()
    same(outs(d), [], "nothing is sent")
    d.lmtp(mail(5, subject="no"))
    wait_out(d, "sent")
    got = sink.mails[0]
    same((got["sender"], got["rcpts"]), ("", ["ann@example.com"]),
         "a reject goes to the sender")
    check(b"We do not want it." in got["data"], "with the reason")


def test_what_we_sent_is_not_answered(lab):
    d, sink = lab_with(lab, 'require "reject"; reject "No.";')
    d.lmtp(mail(1))
    wait_out(d, "sent")
    token = re.search(rb"X-Mailmill-Sent: (\S+)", sink.mails[0]["data"])
    again = b"X-Mailmill-Sent: " + token.group(1) + b"\r\n" + mail(2)
    d.lmtp(again, sender="eve@example.net")
    d.drained()
    same(len(outs(d)), 1, "no second one")


def test_a_loop_is_held(lab):
    d, sink = lab_with(lab, 'redirect "bob@example.net";')
    d.lmtp(mail(1))
    wait_out(d, "sent")
    # it comes back with a list's footer, so that it is another mail; the
    # evaluator's own field, by which it would be known, was taken away
    back = re.sub(rb"X-Sieve-Redirected-From: .*\r\n", b"",
                  sink.mails[0]["data"])
    d.lmtp(back + b"-- \r\nlist\r\n")
    d.drained()
    row = d.rows(states=["held"])[0]
    check("loop or a second copy" in row["reason"], row["reason"])
    same(len(sink.mails), 1, "sent once")


def test_without_a_relay_it_is_held_and_goes_after_a_reload(lab):
    d, sink = lab_with(lab, 'redirect "bob@example.net";', relay="")
    d.lmtp(mail(1))
    d.drained()
    row = d.rows(states=["held"])[0]
    check('add a section relay "NAME"' in row["reason"], row["reason"])
    check("outbox.held" in d.process.text(), "and it is loud")
    d.write_conf(more=f'relay "x" {{ url = "smtp://127.0.0.1:{sink.port}" }}')
    d.process.proc.send_signal(1)
    d.process.wait_text("config.reload done")
    d.queue("release", str(row["id"]))
    wait_out(d, "sent")
    same(len(sink.mails), 1, "it goes out then")


def test_each_recipient_has_its_own_reply(lab):
    d, sink = lab_with(lab, 'require "copy";\n'
                       'redirect :copy "bob@example.net";\n'
                       'redirect "never@example.net";\n'
                       'redirect :copy "later@example.net";')
    sink.rcpt_reply = lambda rcpt: {
        "never@example.net": "550 5.1.1 no such user",
        "later@example.net": "451 4.3.0 try later"}.get(rcpt, "250 ok")
    d.lmtp(mail(1))
    wait_out(d, "dead")
    wait_out(d, "retry")
    by = {row["recipients"][0]["address"]: row for row in wait_out(d, "sent")}
    same(by["never@example.net"]["reason"], "550 5.1.1 no such user", "why")
    check(by["later@example.net"]["reason"].startswith("451"), "and why not")
    sink.clear()
    wait_out(d, "sent", 2)
    number = str(by["never@example.net"]["id"])
    d.queue("outbox", "retry", number)
    wait_out(d, "sent", 3)
    same(sorted(m["rcpts"][0] for m in sink.mails),
         ["bob@example.net", "later@example.net", "never@example.net"],
         "each once")
    d.balance()


def test_a_server_that_is_down_or_busy_loses_nothing(lab):
    d, sink = lab_with(lab, 'redirect "bob@example.net";')
    sink.stop()
    for i in range(5):
        d.lmtp(mail(i))
    d.drained()
    wait_out(d, "retry", 5)
    sink.mail_reply = lambda sender: "421 4.3.2 too busy"
    sink.start()
    time.sleep(1)
    sink.clear()
    sink.data_reply = lambda mail: "452 4.3.1 disk is full"
    time.sleep(1)
    sink.clear()
    wait_out(d, "sent", 5)
    same(len(sink.mails), 5, "each once")
    same(len({m["data"] for m in sink.mails}), 5, "all of them")
    d.balance()


def test_a_lost_answer_repeats_the_same_mail(lab):
    d, sink = lab_with(lab, 'require "reject"; reject "No.";')
    lost = []

    def once(got):
        lost.append(got)
        return None if len(lost) == 1 else "250 ok"
    sink.end_reply = once
    d.lmtp(mail(1))
    rows = wait_out(d, "sent")
    same(rows[0]["attempts"], 2, "two tries")
    same(len(sink.mails), 2, "it came twice: that window is SMTP's")
    same(sink.mails[0]["data"], sink.mails[1]["data"],
         "the same, with the same Message-ID and Date")


def test_old_ones_are_given_up(lab):
    d, sink = lab_with(lab, 'redirect "bob@example.net";',
                       outbox="give_up = 1s")
    sink.rcpt_reply = lambda rcpt: "450 4.2.0 greylisted"
    d.lmtp(mail(1))
    row = wait_out(d, "dead")[0]
    check("gave up" in row["reason"] and "greylisted" in row["reason"],
          row["reason"])
    d.queue("outbox", "drop", str(row["id"]))
    same(outs(d)[0]["state"], "dropped", "a person ends it")
    d.balance()


def test_limits_of_an_hour_hold_the_rest(lab):
    d, sink = lab_with(lab, 'redirect "bob@example.net";',
                       outbox="max_per_hour = 3")
    for i in range(8):
        d.lmtp(mail(i))
    d.drained()
    same(len(outs(d)), 3, "as many as the limit")
    held = d.rows(states=["held"])
    same(len(held), 5, "the others wait for a person")
    check("the limit is 3" in held[0]["reason"], held[0]["reason"])
    check("outbox.limit" in d.process.text(), "and it is loud")
    d.balance()


def test_answers_to_one_sender_are_limited(lab):
    d, sink = lab_with(lab, 'require "reject"; reject "No.";',
                       outbox="max_replies = 2")
    for i in range(4):
        d.lmtp(mail(i))
    d.lmtp(mail(9), sender="eve@example.net")
    d.drained()
    same(len(outs(d)), 3, "two to one, one to the other")
    same(len(d.rows(states=["held"])), 2, "the others are held")


def test_a_large_mail_streams(lab):
    d, sink = lab_with(lab, 'redirect "bob@example.net";',
                       top="size_max = 80M")
    body = "0123456789abcdef" * 4 + "\n"
    raw = mail(1, body=body * (40 * 1024 * 1024 // len(body)))
    d.lmtp(raw)
    wait_out(d, "sent")
    check(sink.mails[0]["data"].endswith(raw[-1000000:]), "its end is there")
    check(len(sink.mails[0]["data"]) > len(raw), "all of it")
    with open(f"/proc/{d.process.proc.pid}/status") as f:
        peak = int(re.search(r"VmHWM:\s+(\d+)", f.read()).group(1))
    print(f"# peak {peak} KiB for a mail of {len(raw) >> 10} KiB")
    # the sanitizer keeps what was freed
    check(peak < 80000 or is_sanitized(), f"in bounded memory: {peak} KiB")


def test_line_ends_do_not_end_it_early(lab):
    d, sink = lab_with(lab, 'redirect "bob@example.net";')
    raw = (mail(1).rstrip() + b"\r\na\n.\nb\r.\rc\r\n").replace(b"\r\n", b"\n")
    status, said = d.deliver(raw)
    same((status, said), (0, ""), "by pipe, with lone LFs")
    wait_out(d, "sent")
    same(len(sink.mails), 1, "one mail")
    check(sink.mails[0]["data"].endswith(b"\r\n.\r\nb\r\n.\r\nc\r\n"),
          "all of it: " + repr(sink.mails[0]["data"][-30:]))


def test_connections_are_kept(lab):
    d, sink = lab_with(lab, 'redirect "bob@example.net";')
    for i in range(30):
        d.lmtp(mail(i))
    wait_out(d, "sent", 30)
    print(f"# {sink.n_connections} connections for 30 mails")
    check(sink.n_connections <= 6, f"{sink.n_connections} connections")


def test_a_program_sends(lab):
    folder = lab.fresh("sendmail")
    program = os.path.join(folder, "sendmail")
    with open(program, "w") as f:
        f.write(f'#!/bin/sh\n# SPDX\nprintf "%s|" "$@" >> {folder}/args\n'
                f'cat >> {folder}/mail\n'
                f'test -e {folder}/full && {{ echo "no space"; exit 75; }}\n'
                f'exit 0\n')
    os.chmod(program, os.stat(program).st_mode | stat.S_IXUSR)
    with open(f"{folder}/full", "w") as f:
        f.write("x")
    d, _ = lab_with(lab, 'redirect "bob@example.net";',
                    relay=f'relay "out" {{ sendmail = "{program}" }}')
    d.lmtp(mail(1))
    row = wait_out(d, "retry")[0]
    check("no space" in row["reason"], row["reason"])
    os.unlink(f"{folder}/full")
    os.unlink(f"{folder}/args")
    wait_out(d, "sent")
    with open(f"{folder}/args") as f:
        check(f.read().startswith("-i|-f|ann@example.com|--|bob@example.net|"),
              "its arguments")
    with open(f"{folder}/mail", "rb") as f:
        data = f.read()
    check(b"It burns." in data and b"\r" not in data, "lines as in files")


def test_killed_while_it_sends(lab):
    for point in ("outbox.send", "outbox.sent"):
        d, sink = lab_with(lab, 'redirect "bob@example.net";', start=False)
        d.start(env={"MAILMILL_FAULT": f"{point}:2:kill"})
        n = 0
        while d.process.proc.poll() is None and n < 20:
            try:
                d.lmtp(mail(n))
                n += 1
            except OSError:
                break
            time.sleep(0.1)
        wait_for("its death", lambda: d.process.proc.poll() is not None)
        d.start()
        wait_out(d, "sent", n)
        d.drained()
        copies = {}
        for m in sink.mails:
            key = email.message_from_bytes(m["data"])["Message-ID"]
            copies[key] = copies.get(key, 0) + 1
        check(len(copies) >= n, f"{point}: none is lost")
        doubled = sum(c - 1 for c in copies.values())
        print(f"# {point}: {n} mails, {doubled} doubled")
        if point == "outbox.send":
            same(doubled, 0, "before the sending, none is doubled")
        check(doubled <= 4, "not more than were under way")
        d.balance()
        d.stop()


main()
