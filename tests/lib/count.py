# SPDX-License-Identifier: GPL-3.0-or-later
# count.py - sums meson's JUnit reports: names what failed, tells what was
# skipped and why, and ends with "N passed, N failed, N skipped".
import sys
import xml.etree.ElementTree as xml

passed = failed = skipped = 0
for path in sys.argv[1:]:
    try:
        root = xml.parse(path).getroot()
    except (OSError, xml.ParseError) as e:
        print(f"FAILED {path}: no report: {e}")
        failed += 1
        continue
    for suite in root.iter("testsuite"):
        cases = list(suite.iter("testcase"))
        for case in cases:
            name = f"{suite.get('name')}: {case.get('name')}"
            if case.find("failure") is not None or case.find("error") is not None:
                print("FAILED", name)
                failed += 1
            elif case.find("skipped") is not None:
                print("skipped", name)
                skipped += 1
            else:
                passed += 1
        if not cases:
            bad = int(suite.get("errors", 0)) + int(suite.get("failures", 0))
            failed += bad
            if bad:
                print("FAILED", suite.get("name"))
            elif int(suite.get("skipped", 0)):
                print("skipped", suite.get("name"))
                skipped += 1
print(f"{passed} passed, {failed} failed, {skipped} skipped")
sys.exit(1 if failed or not passed else 0)
