# SPDX-License-Identifier: GPL-3.0-or-later
"""cli.py - mailmill check, eval and test, as an admin uses them."""
import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from mm import EXE, TOP, check, main, same

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
    got = run("test", "--verbose", path)
    same(got.returncode, 1, got.stderr)
    check('bad.svtest:5: field Origin of "case": expected :is "Phone", '
          'got "Email"' in got.stdout, got.stdout)
    check("1 passed, 1 failed" in got.stdout, got.stdout)
    check("ok   " + path + ": right" in got.stdout, got.stdout)


def test_a_folder_without_tests_is_an_error(lab):
    got = run("test", lab.fresh("empty"))
    same(got.returncode, 66, got.stdout + got.stderr)


main()
