# SPDX-License-Identifier: GPL-3.0-or-later
"""cli.py - mailmill check, eval and test, as an admin uses them."""
import json
import os
import subprocess
import sys
import xml.etree.ElementTree as xml

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from mm import EXE, TOP, Skip, check, main, same

RULE = os.path.join(TOP, "rules", "email-to-case.sieve")
MAILS = os.path.join(TOP, "tests", "mails")
REPLY = os.path.join(MAILS, "02-gmail-reply-with-quote.eml")


def run(*argv, **more):
    return subprocess.run([EXE, *argv], capture_output=True, text=True,
                          timeout=60, **more)


def write(lab, name, text):
    path = lab.path(name)
    with open(path, "w") as f:
        f.write(text)
    return path


def test_check_tells_every_mistake_with_its_place(lab):
    path = write(lab, "wrong.sieve", 'require ["variables", "vnd.mailmill"];\n'
                 'note "${mail.sbject}";\n\nfeild "a" "b";\n')
    got = run("check", RULE, path)
    same(got.returncode, 1, got.stderr)
    check(":2:7: error:" in got.stderr, got.stderr)
    check("did you mean 'subject'" in got.stderr, got.stderr)
    check(":4:1: error: unknown command 'feild'" in got.stderr, got.stderr)
    check("2 errors" in got.stderr, got.stderr)
    check(RULE + ": can be used" in got.stdout, got.stdout)


def test_check_names_a_file_that_is_not_there(lab):
    got = run("check", lab.path("none.sieve"))
    same(got.returncode, 1, got.stderr)
    check("none.sieve" in got.stderr, got.stderr)


CONFIG = """state = "state"
hostname = "mx.example.org"
sieve {
    includes = "shared"
    environment = { "vnd.example.tier=gold" }
    variable_size = 4000
    redirects = 1
    steps = 2000
}
spamtest { status = "X-Spam: score=(-?[0-9.]+)" max = "10" }
list "tag:example.org,2026:vip" { members = { "ann@example.org" } }
print "out" { }
route "all" { recipients = { "*" } script = "main.sieve" target = "out" }
"""


def write_rules(lab, config=CONFIG, main="keep;\n"):
    """A configuration with a rule and things to include."""
    folder = lab.fresh("conf")
    os.mkdir(os.path.join(folder, "shared"))
    for name, text in (
            ("mailmill.conf", config), ("main.sieve", main),
            ("own.sieve", 'require "fileinto"; fileinto "own";\n'),
            ("shared/own.sieve", 'require "fileinto"; fileinto "shared";\n'),
            ("broken.sieve", 'keep;\nnonsense;\n'),
            ("mail.eml", "From: ann@example.org\nX-Spam: score=7.5\n\nx\n")):
        with open(os.path.join(folder, name), "w") as f:
            f.write(text)
    return folder


def test_check_follows_includes(lab):
    folder = write_rules(lab, main='require "include";\ninclude "own";\n'
                         'include :global "own";\n')
    conf = os.path.join(folder, "mailmill.conf")
    got = run("check", "--config", conf)
    same(got.returncode, 0, got.stderr)
    folder = write_rules(lab, main='require "include";\ninclude "broken";\n')
    got = run("check", os.path.join(folder, "main.sieve"))
    same(got.returncode, 1, got.stderr)
    check("broken.sieve:2:1: error: unknown command 'nonsense'" in got.stderr,
          got.stderr)
    check("main.sieve:2:9: error: included script 'broken' has errors"
          in got.stderr, got.stderr)


def test_a_missing_include_is_a_warning_for_a_file_alone(lab):
    folder = write_rules(lab, main='require "include"; include "none";\n')
    got = run("check", os.path.join(folder, "main.sieve"))
    same(got.returncode, 0, got.stderr)
    check("warning: included script 'none' is not there" in got.stderr,
          got.stderr)
    got = run("check", "--config", os.path.join(folder, "mailmill.conf"))
    same(got.returncode, 1, got.stderr)
    check("error: included script 'none' is not there" in got.stderr,
          got.stderr)


def test_settings_reach_a_rule(lab):
    rule = """require ["include", "spamtestplus", "environment", "variables",
        "vnd.mailmill"];
    include :global "own";
    if spamtest :percent :matches "*" { note "spam ${1}"; }
    if environment :matches "vnd.example.tier" "*" { note "tier ${1}"; }
    if environment :matches "host" "*" { note "host ${1}"; }
    if environment :matches "domain" "*" { note "domain ${1}"; }
    """
    folder = write_rules(lab, main=rule)
    got = run("eval", "--config", os.path.join(folder, "mailmill.conf"),
              "--script", os.path.join(folder, "main.sieve"),
              os.path.join(folder, "mail.eml"))
    same(got.returncode, 0, got.stderr)
    for text in ("fileinto shared", "note: spam 75", "note: tier gold",
                 "note: host mx.example.org", "note: domain example.org"):
        check(text in got.stdout, f"{text}: {got.stdout}")


def test_limits_of_the_configuration_are_met(lab):
    for rule, says in (
            ('redirect "a@example.org"; redirect "b@example.org";',
             "redirect actions exceeds policy limit (1)"),
            ('if anyof (' + 'size :over 1M, ' * 2001 + 'false) {}',
             "needs more than 2000 steps")):
        folder = write_rules(lab, main=rule)
        got = run("eval", "--config", os.path.join(folder, "mailmill.conf"),
                  "--script", os.path.join(folder, "main.sieve"),
                  os.path.join(folder, "mail.eml"))
        check(says in got.stdout, f"{says}: {got.stdout}{got.stderr}")


def test_what_is_wrong_with_settings_is_told(lab):
    for wrong, says in (
            ('sieve { redirect_sender = "me" }', "expected sender, recipient"),
            ('sieve { owner = "nobody" }', "owner: \"nobody\" is no address"),
            ('sieve { environment = { "x" } }', "expected NAME=VALUE"),
            ('sieve { no_add = { "a b" } }', "is no name of a field"),
            ('sieve { nesting = 5 }', "nesting"),
            ('sieve { vacation_min = "7d" vacation_max = "1d" }',
             "vacation_min is longer"),
            ('spamtest { status = "X-Spam: (" max = "1" }', "invalid pattern"),
            ('spamtest { status = "X-Spam" }', "what is the worst?"),
            ('virustest { texts = { "11=x" } }', "a result is 0 to 10"),
            ('list "tag:x" { file = "none.txt" }', "none.txt")):
        folder = write_rules(lab, config='state = "s"\n' + wrong + """
            print "out" { }
            route "all" {
                recipients = { "*" } script = "main.sieve" target = "out"
            }
            """)
        got = run("check", "--config", os.path.join(folder, "mailmill.conf"))
        same(got.returncode, 1, wrong + got.stderr)
        check(says in got.stderr, f"{wrong}: {got.stderr}")
        check("mailmill.conf:2" in got.stderr, f"{wrong}: {got.stderr}")


def test_eval_shows_questions_and_the_plan(lab):
    got = run("eval", "--script", RULE, REPLY)
    same(got.returncode, 0, got.stderr)
    for text in ('the only Contact with Email "ann.miller@example.com"?',
                 "which Case did an earlier mail of this thread make?",
                 'create Case "case"', '(Id of "case")'):
        check(text in got.stdout, f"{text}: {got.stdout}")


def test_eval_takes_the_answers_that_it_showed(lab):
    """Question names go from the plan into --facts, until none is left."""
    facts = {"answers": []}
    ids = {"Contact": "003000000000001AAA", "Case": "500000000000001AAA"}
    for _ in range(5):
        path = write(lab, "facts.json", json.dumps(facts))
        got = run("eval", "--json", "--script", RULE, "--facts", path, REPLY)
        same(got.returncode, 0, got.stderr)
        plan = json.loads(got.stdout)
        if not plan.get("questions"):
            break
        for q in plan["questions"]:
            facts["answers"].append({"question": q["name"], "rows": [
                {"Id": ids[q["object"]], "IsClosed": True}]})
    same([r["op"] for r in plan["records"]], ["update", "create"], "records")
    same(plan["records"][1]["fields"]["ParentId"]["value"], ids["Case"],
         "the Case of the thread")
    check(plan["records"][1]["key"], "created records have keys")


def test_eval_gives_the_same_keys_for_the_same_mail(lab):
    keys = []
    for name in ("19-same-mail-first-way.eml", "20-same-mail-second-way.eml"):
        facts = write(lab, "facts.json", json.dumps({"answers": [
            {"question": {"kind": "find", "object": "Contact", "where":
                          ["Email", "quentin@example.net"]}, "rows": []}]}))
        got = run("eval", "--json", "--script", RULE, "--facts", facts,
                  os.path.join(MAILS, name))
        keys.append([r["key"] for r in json.loads(got.stdout)["records"]])
    same(keys[0], keys[1], "keys")
    same(len(keys[0]), 2, "two records")


def test_eval_reads_standard_input(lab):
    with open(REPLY) as f:
        got = run("eval", "--json", "--script", RULE, "-", stdin=f)
    same(got.returncode, 0, got.stderr)
    check(json.loads(got.stdout)["questions"], "it asks")


def test_eval_says_what_is_wrong_with_facts(lab):
    path = write(lab, "facts.json", '{"answers": [\n  {"rows": 1}]}')
    got = run("eval", "--script", RULE, "--facts", path, REPLY)
    check(got.returncode != 0, "refused")
    check("answers[0]" in got.stderr and path in got.stderr, got.stderr)


def test_a_failing_test_names_line_and_what_came(lab):
    path = write(lab, "bad.svtest", f'''require "vnd.dovecot.testsuite";
test "wrong" {{
    test_message "{REPLY}";
    evaluate "{RULE}";
    record_field "case" "Origin" "Phone";
}}
test "right" {{ }}
''')
    got = run("test", "--verbose", "--root", os.path.commonpath([TOP, path]),
              path)
    same(got.returncode, 1, got.stderr)
    check('bad.svtest:5: field Origin of "case": expected :is "Phone", '
          'got "Email"' in got.stdout, got.stdout)
    check("1 passed, 1 failed" in got.stdout, got.stdout)
    check("ok   " + path + ": right" in got.stdout, got.stdout)


TWO = '''require "vnd.dovecot.testsuite";
test "first & <best>" { }
test "second # one" { test_fail "so it is"; }
'''


def test_tap_for_other_programs(lab):
    path = write(lab, "two.svtest", TWO)
    got = run("test", "--tap", path)
    same(got.returncode, 1, got.stderr)
    same(got.stdout.splitlines(), [
        f"ok 1 - {path}: first & <best>",
        f"not ok 2 - {path}: second \\# one",
        f"# {path}:3: so it is",
        "1..2"], "TAP")


def test_junit_for_other_programs(lab):
    path, report = write(lab, "two.svtest", TWO), lab.path("junit.xml")
    got = run("test", "--junit", report, path)
    same(got.returncode, 1, got.stderr)
    root = xml.parse(report).getroot()
    same((root.get("tests"), root.get("failures")), ("2", "1"), "counts")
    cases = list(root.iter("testcase"))
    same([c.get("name") for c in cases], ["first & <best>", "second # one"],
         "names")
    same(cases[1].get("line"), "3", "line")
    check("so it is" in cases[1].find("failure").get("message"), "message")


def test_filter_runs_only_tests_of_that_name(lab):
    path = write(lab, "two.svtest", TWO)
    got = run("test", "--verbose", "--filter", "BEST", path)
    same(got.returncode, 0, got.stdout + got.stderr)
    same(got.stdout, f"ok   {path}: first & <best>\n1 passed, 0 failed\n",
         "output")


def test_a_test_reads_nothing_outside_its_folder(lab):
    """Its parent, which reads for it, must be told where else it may."""
    folder = lab.fresh("outside")
    os.mkdir(os.path.join(folder, "tests"))
    for name, text in (("rule.sieve", "discard;\n"),
                       ("tests/link.svtest", TWO),
                       ("tests/my.svtest", '''require "vnd.dovecot.testsuite";
test "rule" { evaluate "../rule.sieve"; action "discard"; }
test "password" { if test_message "/etc/passwd" { test_fail "read"; } }
''')):
        write(lab, os.path.join(folder, name), text)
    path = os.path.join(folder, "tests", "my.svtest")
    got = run("test", path)
    same(got.returncode, 1, got.stdout)
    check("lies outside the test file's folder" in got.stdout, got.stdout)
    check("1 passed, 1 failed" in got.stdout, got.stdout)
    same(run("test", "--root", folder, path).returncode, 0, "with --root")
    os.remove(os.path.join(folder, "tests", "link.svtest"))
    same(run("test", folder).returncode, 0, "its folder was named")
    os.symlink("/etc/passwd", os.path.join(folder, "tests", "secret"))
    write(lab, path, '''require "vnd.dovecot.testsuite";
test "link" { if test_message "secret" { test_fail "read"; } }''')
    same(run("test", folder).returncode, 0, "a link is where it points")


def test_what_dies_takes_only_its_own_file(lab):
    """Blocks of these names make a test build's worker fall."""
    folder = lab.fresh("falls")
    for name, block in (("1", "right"), ("2", "trap:segv"), ("3", "right"),
                        ("4", "trap:open"), ("5", "right")):
        write(lab, os.path.join(folder, name + ".svtest"),
              f'require "vnd.dovecot.testsuite"; test "{block}" {{ }}\n')
    got = run("test", "-v", folder)
    if "2.svtest: trap:segv" in got.stdout:
        raise Skip("a build without faults")
    check("4 passed, 1 failed" in got.stdout or
          "3 passed, 2 failed" in got.stdout, got.stdout)
    check("FAIL " + os.path.join(folder, "2.svtest") in got.stdout, got.stdout)
    for name in "135":
        check("ok   " + os.path.join(folder, name + ".svtest") in got.stdout,
              got.stdout)


def test_a_folder_without_tests_is_an_error(lab):
    got = run("test", lab.fresh("empty"))
    same(got.returncode, 66, got.stdout + got.stderr)


main()
