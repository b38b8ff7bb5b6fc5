"""The verbs that help to write rules, as a user meets them.

Usage: test_tools.py PATH_TO_WEIR [unittest arguments]
"""

import json
import os
import re
import shutil
import stat
import subprocess
import urllib.parse
import xml.etree.ElementTree
import unittest

import test_command as command

CRAMPED = 'rule r{match a:s(x==1)->b:t # next\nby x emit o{x}}\n'
FORMED = """rule r {
  match a: s(x == 1) -> b: t  # next
  by    x
  emit  o { x }
}
"""


class Formatting(command.Folder):
    def test_files_are_formatted_in_place_and_keep_their_mode(self):
        path = self.write("a.weir", CRAMPED)
        os.chmod(path, 0o640)
        self.assertEqual(self.weir("fmt", path), "")
        self.assertEqual(self.read("a.weir"), FORMED)
        self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o640)
        self.assertEqual(os.listdir(self.folder.name), ["a.weir"])

    def test_a_link_stays_a_link(self):
        self.write("a.weir", CRAMPED)
        os.symlink("a.weir", self.path("b.weir"))
        self.weir("fmt", self.path("b.weir"))
        self.assertTrue(os.path.islink(self.path("b.weir")))
        self.assertEqual(self.read("a.weir"), FORMED)

    def test_a_formatted_file_is_not_written(self):
        path = self.write("a.weir", FORMED)
        os.utime(path, (1, 1))
        self.weir("fmt", path)
        self.assertEqual(os.stat(path).st_mtime, 1)

    def test_standard_input_goes_to_standard_output(self):
        self.assertEqual(self.weir("fmt", "-", stdin=CRAMPED.encode()), FORMED)
        self.assertEqual(self.weir("fmt", "-", stdin=b""), "")

    def test_check_names_what_would_be_changed_and_changes_nothing(self):
        good = self.write("good.weir", FORMED)
        bad = self.write("bad.weir", CRAMPED)
        self.assertEqual(self.weir("fmt", "--check", good), "")
        self.assertEqual(self.weir("fmt", "--check", good, bad, status=1), bad + "\n")
        self.assertEqual(self.read("bad.weir"), CRAMPED)

    def test_diff_shows_what_would_be_changed_and_changes_nothing(self):
        text = "param a int = 1\n\nparam b   int = 2\n"
        path = self.write("a.weir", text)
        self.assertEqual(self.weir("fmt", "--diff", path),
                         "--- %s\n+++ %s\n@@ -1,3 +1,3 @@\n param a int = 1\n \n"
                         "-param b   int = 2\n+param b int = 2\n" % (path, path))
        self.assertEqual(self.read("a.weir"), text)
        self.weir("fmt", "--diff", "--check", path, status=1)

    def test_a_diff_is_one_that_patch_can_apply(self):
        before = "".join("param p%d int = %d\n" % (i, i) if i % 9 else "param p%d  int\n\n\n" % i
                         for i in range(60)) + "param last int"
        path = self.write("a.weir", before)
        diff = self.weir("fmt", "--diff", path).splitlines(True)
        self.weir("fmt", path)
        self.assertEqual(apply(before, diff), self.read("a.weir"))

    def test_a_file_with_mistakes_is_left_alone_and_the_others_are_formatted(self):
        bad = self.write("bad.weir", "rule r {\n")
        good = self.write("good.weir", CRAMPED)
        self.weir("fmt", bad, good, status=65)
        self.assertIn("bad.weir:1:", self.stderr)
        self.assertEqual(self.read("bad.weir"), "rule r {\n")
        self.assertEqual(self.read("good.weir"), FORMED)
        self.weir("fmt", self.path("absent.weir"), status=66)
        self.weir("fmt", status=2)


WRONG = """stream auth { at time, ip string }
source auth from file("auth.jsonl")
rule r {
  match ü: auth
  emit o { x: ip }
}
rule q { from auth emit p { x: ipp } }
"""
ODD = WRONG.replace("rule q { from auth emit p { x: ipp } }\n", "").replace("x: ip", "x: ipp").replace("ü", "a").replace("x: ipp", 'x: a.ip + "\\"ä"').replace("match a: auth", "match a: auth -> b: auth")


class Sarif(dict):
    """The parts of SARIF 2.1.0 that are used here: for each object the properties that the
    standard's schema requires, and those that are allowed of what we know."""

    PARTS = {
        "log": ({"version", "runs"}, {"$schema"}),
        "run": ({"tool"}, {"invocations", "columnKind", "results"}),
        "tool": ({"driver"}, set()),
        "driver": ({"name"}, {"version", "rules"}),
        "rule": ({"id"}, {"shortDescription", "defaultConfiguration"}),
        "invocation": ({"executionSuccessful"}, {"toolExecutionNotifications"}),
        "notification": ({"message"}, {"level"}),
        "result": ({"message"}, {"ruleId", "ruleIndex", "level", "locations"}),
        "location": (set(), {"physicalLocation"}),
        "physical": ({"artifactLocation"}, {"region"}),
        "region": ({"startLine"}, {"startColumn", "endLine", "endColumn", "byteOffset", "byteLength"}),
        "message": ({"text"}, set()),
    }
    LEVELS = ("none", "note", "warning", "error")

    def part(self, name, value):
        required, allowed = self.PARTS[name]
        keys = set(value)
        assert required <= keys <= required | allowed, (name, keys)
        return value

    def validate(self, log):
        self.part("log", log)
        assert log["version"] == "2.1.0" and len(log["runs"]) == 1
        run = self.part("run", log["runs"][0])
        assert run["columnKind"] in ("utf16CodeUnits", "unicodeCodePoints")
        driver = self.part("driver", self.part("tool", run["tool"])["driver"])
        for rule in driver["rules"]:
            self.part("message", self.part("rule", rule)["shortDescription"])
            assert rule["defaultConfiguration"]["level"] in self.LEVELS
        assert len({rule["id"] for rule in driver["rules"]}) == len(driver["rules"])
        for invocation in run["invocations"]:
            assert isinstance(self.part("invocation", invocation)["executionSuccessful"], bool)
            for note in invocation.get("toolExecutionNotifications", []):
                assert self.part("message", self.part("notification", note)["message"])["text"]
                assert note["level"] in self.LEVELS
        for result in run["results"]:
            self.result(driver["rules"], self.part("result", result))
        return run

    def result(self, rules, result):
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["level"] in self.LEVELS and self.part("message", result["message"])["text"]
        for location in result["locations"]:
            place = self.part("physical", self.part("location", location)["physicalLocation"])
            assert set(place["artifactLocation"]) == {"uri"}
            assert re.fullmatch(r"[-A-Za-z0-9._~/!$&'()*+,;=@%:]+", place["artifactLocation"]["uri"])
            region = self.part("region", place["region"])
            assert all(isinstance(n, int) and n >= 0 for n in region.values())
            assert region["startLine"] >= 1 and region["startColumn"] >= 1
            assert (region["endLine"], region["endColumn"]) >= (region["startLine"], region["startColumn"])


class Messages(command.Folder):
    FIELDS = ["type", "severity", "code", "message", "hint", "file", "line", "column", "end_line",
              "end_column", "offset", "size"]

    def messages(self, verb, rules, status, form="json"):
        path = self.write("rules ä.weir", rules)
        out = self.weir(verb, "--message-format", form, path, status=status)
        return out if verb in ("check", "lint") else self.stderr

    def test_json_is_an_object_a_report_and_one_that_counts(self):
        for verb in ("check", "run", "test"):
            *reports, summary = [json.loads(line) for line in self.messages(verb, WRONG, 65).splitlines()]
            self.assertEqual(summary, {"type": "summary", "errors": 2, "warnings": 0})
            self.assertEqual([list(report) for report in reports], [self.FIELDS] * 2)
            self.assertEqual([(r["code"], r["line"]) for r in reports], [("E0102", 4), ("E0302", 7)])

    def test_json_says_where_to_the_byte(self):
        report = json.loads(self.messages("check", ODD.replace('a.ip + "', 'a.ipp + "'), 65).splitlines()[0])
        text = self.read("rules ä.weir").encode()
        self.assertEqual(text[report["offset"]:report["offset"] + report["size"]], b"ipp")
        line = text.split(b"\n")[report["line"] - 1]
        self.assertEqual(line[report["column"] - 1:report["end_column"] - 1], b"ipp")
        self.assertIn("'ip'", report["hint"])
        self.assertEqual(report["file"], self.path("rules ä.weir"))

    def test_sarif_is_what_the_standard_requires(self):
        for verb, rules, status in (("check", WRONG, 65), ("check", ODD, 0), ("run", WRONG, 65),
                                    ("test", WRONG, 65)):
            run = Sarif().validate(json.loads(self.messages(verb, rules, status, "sarif")))
            self.assertGreater(len(run["results"]), 0)
            uri = run["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
            self.assertEqual(urllib.parse.unquote(uri), "file://" + self.path("rules ä.weir"))
        self.assertEqual(Sarif().validate(json.loads(self.messages(
            "check", command.AUTH + 'source auth from file("x.csv")\nsink auth to stdout()\n', 0, "sarif")))["results"], [])

    def test_sarif_counts_columns_in_characters(self):
        rules = command.AUTH + 'rule r { from auth where user == "äöü" and usr == "" emit o {} }\n'
        region = Sarif().validate(json.loads(self.messages("check", rules, 65, "sarif")))[
            "results"][0]["locations"][0]["physicalLocation"]["region"]
        line = rules.split("\n")[region["startLine"] - 1]
        self.assertEqual(line[region["startColumn"] - 1:region["endColumn"] - 1], "usr")

    def test_what_else_fails_is_told_in_the_same_form(self):
        out = self.weir("check", "--message-format", "json", "absent.weir", status=66)
        self.assertEqual([json.loads(line) for line in out.splitlines()], [
            {"type": "failure", "message": "there is no file 'absent.weir'"},
            {"type": "summary", "errors": 0, "warnings": 0}])
        out = self.weir("check", "--message-format", "sarif", "absent.weir", status=66)
        invocation, = Sarif().validate(json.loads(out))["invocations"]
        self.assertFalse(invocation["executionSuccessful"])
        self.assertEqual(invocation["toolExecutionNotifications"][0]["message"]["text"],
                         "there is no file 'absent.weir'")

    def test_a_run_keeps_standard_output_for_events_and_says_nothing_but_messages(self):
        self.write("auth.jsonl", command.lines([command.auth(1, "a", "x"), command.auth(2, "a", "x")]))
        out = self.run_rules(ODD, "--message-format", "json")
        self.assertEqual(self.events_of(out), [{"x": 'a"ä'}])
        self.assertEqual([json.loads(line)["type"] for line in self.stderr.splitlines()],
                         ["diagnostic", "summary"])

    def test_another_format_is_refused(self):
        for verb in ("check", "lint", "run", "test"):
            self.weir(verb, "--message-format", "xml", "x.weir", status=2)
            self.assertIn("human, json or sarif, not 'xml'", self.stderr)


class Linting(command.Folder):
    UNUSED = command.AUTH + """source auth from file("auth.jsonl")
param fails int = 5%s
rule r { from auth where ip == "a" and ip == "b" emit o { ip } }%s
"""

    def lint(self, rules, *args, status=0):
        return self.weir("lint", *args, self.write("rules.weir", rules), status=status)

    def test_what_is_probably_not_meant_is_told_and_ends_with_1(self):
        self.assertEqual(self.lint(self.UNUSED % ("", ""), status=1), "")
        self.assertEqual(re.findall(r"\[(W\d+)\]", self.stderr), ["W0201", "W0202"])

    def test_check_does_not_tell_it(self):
        self.weir("check", self.write("rules.weir", self.UNUSED % ("", "")))
        self.assertNotIn("warning", self.stderr)

    def test_a_comment_allows_a_warning_at_its_line(self):
        self.lint(self.UNUSED % ("  # weir: allow W0201", "  # weir: allow W0202"))
        self.assertEqual(self.stderr, "")

    def test_a_comment_above_a_statement_allows_it_there(self):
        self.lint(self.UNUSED.replace("param", "# weir: allow W0201\nparam")
                  .replace("rule", "# weir: allow W0101, W0202\nrule") % ("", ""), status=1)
        self.assertEqual(re.findall(r"\[(W\d+)\]: (.*)", self.stderr),
                         [("W0213", "there is no warning W0101 to allow here")])

    def test_a_comment_allows_warnings_of_every_verb(self):
        rules = command.AUTH + "# weir: allow W0101\nrule r { match a: auth -> b: auth(ip == a.ip) emit o { x: b.ip } }\n"
        for verb in ("check", "run"):
            self.weir(verb, self.write("rules.weir", rules + 'source auth from file("/dev/null") format json\n'))
            self.assertNotIn("W0101", self.stderr)

    def test_messages_are_for_machines_too(self):
        run = Sarif().validate(json.loads(self.lint(self.UNUSED % ("", ""), "--message-format", "sarif", status=1)))
        self.assertEqual([r["ruleId"] for r in run["results"]], ["W0201", "W0202"])
        self.assertIn('"warnings":2', self.lint(self.UNUSED % ("", ""), "--message-format", "json", status=1))

    def test_the_examples_have_nothing_of_it(self):
        root = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "examples")
        files = [os.path.join(folder, name) for folder, _, names in os.walk(root)
                 if "CMakeLists.txt" not in names  # a plugin, which is built elsewhere
                 for name in names if name.endswith(".weir")]
        self.assertGreater(len(files), 3)
        for path in files:
            self.weir("lint", path)
            self.assertEqual(self.stderr, "")


TESTED = command.AUTH + """
rule guessed {
  match  fail: auth(outcome == "failed"){5,} -> hit: auth(outcome == "accepted") -> bye: auth(outcome == "bye")
  by     ip
  within 10m
  emit   intrusion { ip, failures: count(fail) }
  on timeout emit gone { ip }
}
rule watched { from auth where user == "root" emit root { ip } }
rule kept {
  match  a: auth(outcome == "in") -> not auth(outcome == "ping") -> b: auth(outcome == "out")
  by     ip
  within 10m
  emit   kept { ip }
}
%s
"""
FOUR = """test "four & <more>" {
  auth { at: 0s, ip: "a", outcome: "failed" } repeat 4 every 1s
  auth { at: 9s, ip: "a", outcome: "accepted" }
  expect intrusion
}
"""
ALL = """test "all of it" {
  auth { at: 0s, ip: "a", outcome: "failed" } repeat 5 every 1s
  auth { at: 9s, ip: "a", outcome: "accepted" }
  auth { at: 10s, ip: "a", outcome: "bye" }
  expect 1 intrusion { failures: 5 }
  expect no gone
}
"""
NO_BYE = """test "no bye" {
  auth { at: 0s, ip: "a", outcome: "failed" } repeat 5 every 500ms
  auth { at: 9s, ip: "a", outcome: "accepted" }
  expect 2 intrusion
}
"""
PING = """test "ping" {
  auth { at: 0s, ip: "a", outcome: "in" }
  auth { at: 1s, ip: "a", outcome: "ping" }
  auth { at: 2s, ip: "a", outcome: "out" }
  expect kept
}
"""


class RuleTests(command.Folder):
    def run_tests(self, tests, *args, status=0):
        return self.weir("test", *args, self.write("rules.weir", TESTED % tests), status=status)

    def nearest(self, test):
        return re.search(r"# +(how near rule .*)", self.run_tests(test, status=1), re.DOTALL).group(1)

    def test_a_test_that_fails_says_how_far_the_nearest_partial_match_got(self):
        four = self.nearest(FOUR)
        self.assertIn("how near rule 'guessed' came for a:\n", four)
        self.assertIn("'fail': it had taken 4, and wants more", four)
        self.assertIn("it would be a match without `{5,}` of 'fail'", four)
        no_bye = self.nearest(NO_BYE)
        self.assertEqual(len(re.findall(r"#  *[0-9ms]+s  fail ", no_bye)), 5)
        self.assertIn("'bye': it was still waited for", no_bye)
        self.assertIn("it fits 'auth'", self.nearest(PING))
        self.assertIn("no event began a match",
                      self.nearest('test "none" {\n  auth { ip: "a" }\n  expect intrusion\n}\n'))

    def test_a_wait_that_was_not_over_says_what_lets_time_pass(self):
        rules = """stream s { at time, n int }
rule r { match a: s(n == 1) -> not s(n == 2) within 5m emit o { n: a.n } }
test "no wait" {
  s { at: 0s, n: 1 }
  expect o
}
"""
        out = self.weir("test", self.write("rules.weir", rules), status=1)
        self.assertIn("still waiting when the input ended: time had not gone on (in a test `wait 5m` lets it)", out)

    def test_a_test_that_holds_says_nothing(self):
        self.assertEqual(self.run_tests(ALL), "TAP version 13\n1..1\nok 1 - all of it\n")

    def test_the_output_is_the_same_however_many_processes_run(self):
        tests = "".join((FOUR, ALL, NO_BYE, PING)[i % 4].replace('" {', ' %d" {' % i, 1) for i in range(23))
        for form in ("tap", "junit"):
            alone = self.run_tests(tests, "--coverage", "--format", form, status=1)
            self.assertIn("four &amp; &lt;more&gt; 0" if form == "junit" else "four & <more> 0", alone)
            for jobs in ("1", "2", "7", "64"):
                self.assertEqual(self.run_tests(tests, "--coverage", "--format", form, "--jobs", jobs, status=1), alone)

    def test_junit_is_xml_with_a_case_for_each_test(self):
        root = xml.etree.ElementTree.fromstring(self.run_tests(FOUR + ALL, "--format", "junit", status=1))
        suite, = root
        self.assertEqual((root.tag, suite.tag), ("testsuites", "testsuite"))
        self.assertEqual((suite.get("tests"), suite.get("failures")), ("2", "1"))
        self.assertEqual([case.get("name") for case in suite], ["four & <more>", "all of it"])
        self.assertEqual({case.get("file") for case in suite}, {self.path("rules.weir")})
        self.assertEqual([len(case) for case in suite], [1, 0])
        self.assertIn("'fail': it had taken 4", suite[0][0].text)
        self.assertEqual(suite[0][0].get("message"), "1 expectation did not hold")

    def coverage(self, tests, status=0):
        output = self.run_tests(tests, "--coverage", status=status)
        return [line[2:].replace(self.path("rules.weir") + ":", "") for line in output.splitlines()
                if line.startswith("# coverage") or ("rules.weir:" in line and "expected" not in line)]

    def test_coverage_names_what_no_test_made_happen(self):
        self.assertEqual(self.coverage(ALL), [
            "coverage: rules 1 of 3, timeouts 0 of 1, steps 3 of 5, conditions (true, and false) 10 of 14",
            "9: rule 'guessed' never timed out",
            "16: rule 'watched' was never matched",
            "16: rule 'watched': 'where' was true of no event",
            "17: rule 'kept' was never matched",
            "17: rule 'kept': step 'a' is in no match",
            "17: rule 'kept': step 'a' has a condition that was true of no event",
            "17: rule 'kept': step 'auth' has a condition that was true of no event",
            "17: rule 'kept': step 'b' is in no match",
            "17: rule 'kept': step 'b' has a condition that was true of no event"])

    def test_coverage_counts_a_rule_that_joins_as_one(self):
        rules = """stream a { at time, id int }
stream b { at time, id int }
rule both { from a join b on a.id == b.id within 1m where a.id > 3 emit both { id: a.id } }
test "joined" {
  a { at: 0s, id: 7 }
  b { at: 1s, id: 7 }
  expect 1 both { id: 7 }
}
"""
        self.assertIn("# coverage: rules 1 of 1, timeouts 0 of 0, steps 0 of 0, conditions (true, and false) 1 of 2",
                      self.weir("test", "--coverage", self.write("rules.weir", rules)))

    def test_late_and_undecodable_events_are_fed_as_any(self):
        rules = """stream s { at time, n int }
rule on_time { from s emit seen { n } }
rule late { from late.s emit behind { n, by: at - original_at } }
rule dead { from dead.s where reason like "%number%" emit odd { line, raw } }
test "late and dead" {
  s { at: 5s, n: 1 }
  late.s { at: 6s, n: 2, original_at: 2s }
  dead.s { at: 7s, reason: "no number", line: 3, raw: "x" }
  expect 1 seen { n: 1 }
  expect 1 behind { n: 2, by: 4s }
  expect 1 odd { line: 3, raw: "x" }
}
"""
        self.weir("test", self.write("rules.weir", rules))

    FED = """stream reading { at time from "when", freezer string, celsius float }
source reading from file("live.csv")
rule thawing {
  match  warm: reading(celsius > -15.0){3}
  by     freezer
  within 30m
  emit   thaw { freezer, since: first(warm.at) }
}
rule silent {
  match  last: reading -> not reading
  by     freezer
  within 1h
  emit   silent { freezer }
}
"""
    MORNING = ("when,freezer,celsius\n2026-06-01T08:08:00Z,north,-12.5\n"
               "2026-06-01T08:04:00Z,north,-14\n2026-06-01T08:12:00Z,north,-11\n")

    def test_events_come_from_a_file_beside_the_rules_and_time_goes_on_from_it(self):
        self.write("morning.csv", self.MORNING)
        self.write("morning.txt", self.MORNING)
        self.write("more.jsonl",
                   '{"when":"2026-06-01T08:20:00Z","freezer":"south","celsius":-3}\n')
        rules = self.FED + """
test "in the order of their times, however the file has them" {
  reading from file("morning.csv")
  expect 1 thaw { freezer: "north", since: "2026-06-01T08:04:00Z" }
  expect no silent
}

test "what a name does not say is said" {
  reading from file("morning.txt") format csv
  expect 1 thaw
}

test "files and events together, each later one after those before" {
  reading from file("morning.csv")
  reading from file("more.jsonl")
  reading { freezer: "south", celsius: -2.0 } repeat 2 every 1m
  wait 1h
  expect 1 thaw { freezer: "south", since: "2026-06-01T08:20:00Z" }
  expect 2 silent
}
"""
        path = self.write("rules.weir", rules)
        test_lines = self.read("rules.weir").split("test ", 1)[1]
        self.weir("fmt", path)
        self.assertEqual(self.read("rules.weir").split("test ", 1)[1], test_lines)
        found = self.weir("test", path)
        self.assertEqual(re.findall("^(not ok|ok)", found, re.MULTILINE), ["ok"] * 3)
        self.assertEqual(self.weir("test", "--jobs", "3", path), found)

    def test_a_file_that_cannot_be_read_fails_its_test_alone_and_says_where(self):
        self.write("morning.csv", self.MORNING)
        self.write("bad.csv", self.MORNING + "2026-06-01T08:20:00Z,north,warm\n")
        path = self.write("rules.weir", self.FED + """
test "missing" {
  reading from file("nothing.csv")
  expect no thaw
}

test "broken" {
  reading from file("bad.csv")
  expect thaw
}

test "good" {
  reading from file("morning.csv")
  expect thaw
}
""")
        found = self.weir("test", path, status=1)
        self.assertEqual(re.findall("^(not ok|ok)", found, re.MULTILINE), ["not ok"] * 2 + ["ok"])
        self.assertIn("rules.weir:17: cannot open", found)
        self.assertRegex(found, r"rules\.weir:22: \S*bad\.csv: line 5, byte \d+: .*celsius")

    def test_what_cannot_be_decoded_of_a_file_goes_to_rules_that_read_it(self):
        self.write("bad.csv", self.MORNING + "2026-06-01T08:20:00Z,north,warm\n")
        self.weir("test", self.write("rules.weir", self.FED + """
rule broken { from dead.reading emit broken { line } }

test "broken" {
  reading from file("bad.csv")
  expect 1 broken { line: 5 }
  expect 1 thaw
}
"""))

    def test_rows_of_a_table_come_from_a_file_too(self):
        self.write("cards.csv", "id,most\na,10\nb,20\n")
        self.weir("test", self.write("rules.weir", """stream txn { at time, card string, cents int }
source txn from stdin()
table card key id { id string, most int } from file("live.csv")
rule over {
  from txn where cents > card[txn.card].most
  emit over { card }
}

test "over" {
  card from file("cards.csv")
  txn { at: 1s, card: "a", cents: 15 }
  txn { at: 2s, card: "b", cents: 15 }
  expect 1 over
  expect 1 over { card: "a" }
}
"""))

    def test_times_of_a_file_are_told_as_times(self):
        self.write("morning.csv", self.MORNING.replace("-11", "-18"))
        found = self.weir("test", self.write("rules.weir", self.FED + """
test "three warm ones" {
  reading from file("morning.csv")
  expect thaw
}
"""), status=1)
        self.assertIn("2026-06-01T08:04:00Z", found)

    def test_what_several_tests_cover_adds_up(self):
        more = """test "more" {
          auth { at: 0s, ip: "a", outcome: "failed", user: "root" } repeat 5
          auth { at: 1s, ip: "a", outcome: "in" }
          auth { at: 2s, ip: "a", outcome: "out" }
          auth { at: 3s, ip: "b", outcome: "ping" }
          wait 11m
          expect 1 kept
          expect root
          expect gone
        }
        """
        self.assertEqual(self.coverage(ALL + more), [
            "coverage: rules 3 of 3, timeouts 1 of 1, steps 5 of 5, conditions (true, and false) 14 of 14"])

    def test_wrong_numbers_and_forms_are_refused(self):
        for args in (["--jobs", "0"], ["--jobs", "x"], ["--jobs", "65"], ["--format", "xml"]):
            self.run_tests(ALL, *args, status=2)
            self.assertIn("weir test: " + args[0], self.stderr)


class Completion(command.Folder):
    SCRIPTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tools", "completions")

    def complete(self, *words):
        """What bash offers for the last of the words."""
        if shutil.which("bash") is None:
            self.skipTest("no bash")
        script = 'source "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _weir; printf "%s\\n" "${COMPREPLY[@]}"'
        done = subprocess.run(["bash", "-c", script, os.path.join(self.SCRIPTS, "weir.bash"), command.WEIR, *words],
                              cwd=self.folder.name, capture_output=True, text=True, timeout=60)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return done.stdout.split()

    def verbs(self):
        return re.findall(r"^  (\w+) ", self.weir("--help"), re.MULTILINE)

    def test_every_verb_is_offered(self):
        self.assertGreater(len(self.verbs()), 4)
        self.assertEqual(sorted(self.complete("")), sorted(self.verbs() + ["--help", "--version"]))
        self.assertEqual(self.complete("che"), ["check"])
        self.assertEqual(self.complete("nothing"), [])

    def test_every_option_of_every_verb_is_offered(self):
        for verb in self.verbs():
            options = set(re.findall(r"^  (--[a-z-]+)", self.weir(verb, "--help"), re.MULTILINE))
            self.assertEqual(set(self.complete(verb, "--")), options)
        self.assertEqual(self.complete("test", "--cov"), ["--coverage"])

    def test_values_of_options_are_offered(self):
        self.assertEqual(self.complete("check", "--message-format", ""), ["human", "json", "sarif"])
        self.assertEqual(self.complete("test", "--format", "j"), ["junit"])
        self.assertEqual(self.complete("run", "--format", ""), ["json", "csv", "msgpack", "text"])
        self.assertEqual(self.complete("run", "--set", ""), [])
        os.mkdir(self.path("folder"))
        self.write("file.weir", "")
        self.assertEqual(self.complete("run", "--state", ""), ["folder"])
        self.assertEqual(self.complete("run", "--quiet", ""), ["folder", "file.weir"])
        self.assertEqual(self.complete("state", ""), ["show", "ls", "plan", "dump"])
        self.assertEqual(self.complete("state", "ls", "--format", ""), ["text", "json"])

    def test_rule_files_and_folders_are_offered_and_input_files_after_from(self):
        for name in ("a.weir", "b c.weir", "data.csv"):
            self.write(name, "")
        os.mkdir(self.path("rules"))
        self.assertEqual(" ".join(self.complete("run", "")), "rules a.weir b c.weir")
        self.assertEqual(self.complete("run", "a"), ["a.weir"])
        self.assertIn("data.csv", self.complete("run", "--from", ""))

    def test_a_public_key_is_offered_where_one_is_wanted_and_nothing_for_names(self):
        for name in ("edge.pub", "edge.key", "a.weir"):
            self.write(name, "")
        os.mkdir(self.path("keys"))
        self.assertEqual(self.complete("node", "a"), ["allow"])
        self.assertEqual(self.complete("node", "allow", ""), [])
        self.assertEqual(self.complete("node", "allow", "edge", ""), ["keys", "edge.pub"])
        self.assertEqual(self.complete("node", "revoke", ""), [])
        self.assertEqual(self.complete("node", "allow", "edge", "edge.pub", "--se"), ["--send"])
        self.assertEqual(self.complete("node", "allow", "edge", "edge.pub", "--send", ""), [])
        self.assertEqual(self.complete("keygen", ""), ["keys"])

    def test_the_values_are_the_same_in_every_shell(self):
        for name in ("weir.bash", "_weir", "weir.fish"):
            with open(os.path.join(self.SCRIPTS, name)) as file:
                text = file.read()
            for values in ("human json sarif", "tap junit", "text json", "json csv msgpack text", "show ls plan",
                           "status health checkpoint stop allow revoke"):
                self.assertIn(values, text, name)

    def test_shells_that_are_here_can_read_their_scripts(self):
        for shell, name in (("bash", "weir.bash"), ("zsh", "_weir"), ("fish", "weir.fish")):
            if shutil.which(shell) is not None:
                subprocess.run([shell, "-n", os.path.join(self.SCRIPTS, name)], check=True)


class Repl(command.Folder):
    STREAM = "stream s { at time, ip string, n int }\n"

    def say(self, *typed, status=0, args=()):
        return self.weir("repl", *args, stdin=(self.STREAM + "\n".join(typed)).encode(), status=status).splitlines()

    @staticmethod
    def s(second, n, ip="a"):
        return 's {"at":"2026-03-01T12:%02d:%02dZ","ip":"%s","n":%d}' % (second // 60, second % 60, ip, n)

    def test_a_rule_is_typed_events_are_fed_and_matches_are_seen(self):
        self.assertEqual(self.say(
            "rule r {", "  match a: s -> b: s(n < a.n)  # { not a brace", "  by ip", "",
            "rule r {", "  match a: s -> b: s(n < a.n)", "  by ip", "  within 1m", "  emit o { ip, from: a.n, to: b.n }", "}",
            self.s(0, 4), self.s(0, 7, "b"), self.s(0, 3), self.s(9, 1, "b"), status=1),
            ['o {"ip":"a","from":4,"to":3}', 'o {"ip":"b","from":7,"to":1}'])
        self.assertIn("not closed", self.stderr)

    def test_a_rule_that_comes_later_sees_what_was_fed_and_tells_its_own_alone(self):
        self.assertEqual(self.say("rule one { from s where n > 3 emit o { n } }", self.s(0, 4), self.s(1, 5),
                                  "rule two { from s where n > 4 emit p { n } }", self.s(2, 6)),
                         ['o {"n":4}', 'o {"n":5}', 'p {"n":5}', 'o {"n":6}', 'p {"n":6}'])

    def test_a_rule_of_the_same_name_gives_way(self):
        self.assertEqual(self.say("rule one { from s where n > 3 emit o { n } }", self.s(0, 4),
                                  "rule one { from s where n < 3 emit o { n } }", self.s(1, 4), self.s(2, 2), ":rules"),
                         ['o {"n":4}', 'o {"n":2}', self.STREAM[:-1], "rule one { from s where n < 3 emit o { n } }"])

    def test_time_passes_where_it_is_told_to(self):
        rule = "rule r { match a: s -> not s by ip within 5m emit o { ip } }"
        self.assertEqual(self.say(rule, self.s(0, 1), "wait 4m", "wait 1m"), ['o {"ip":"a"}'])
        self.assertEqual(self.say(rule, self.s(0, 1), "wait 299s"), [])
        self.assertEqual(self.say(rule, self.s(0, 1), self.s(299, 1), self.s(300, 1)), [])

    def test_events_are_forgotten_where_it_is_asked_for(self):
        self.assertEqual(self.say(self.s(9, 4), ":reset", self.s(0, 5), "rule one { from s emit o { n } }"), ['o {"n":5}'])
        self.say(":clear", self.s(0, 5), status=1)
        self.assertIn("there is no stream 's'", self.stderr)

    def test_rules_come_from_files_too(self):
        path = self.write("rules.weir", self.STREAM + "rule one { from s emit o { n } }\n")
        out = self.weir("repl", path, stdin=self.s(0, 5).encode())
        self.assertEqual(out, 'o {"n":5}\n')
        out = self.weir("repl", stdin=(":load %s\n%s\n:quit\nnonsense" % (path, self.s(0, 5))).encode())
        self.assertEqual(out, 'o {"n":5}\n')
        self.weir("repl", self.write("bad.weir", "rule"), stdin=b"", status=65)

    def test_what_is_refused_says_why_and_changes_nothing(self):
        for typed, why in (("nonsense", "neither a statement nor an event"), (":what", "no command ':what'"),
                           ("t {}", "no stream 't'"), (self.s(0, 1).replace("1}", '"x"}'), "is not an int"),
                           ("rule r { from s emit o { m } }", "no field 'm'"), ("wait 5x", "is not a duration"),
                           ("wait 5m", "time begins with the first event"), ("s {", ""),
                           (self.s(9, 1) + "\n" + self.s(8, 1), "time does not go back"),
                           ("rule r { from s emit o { n } }\no {}", "rules emit 'o'"),
                           ("stream u { n int }\nu {}", "no field of type time")):
            self.say(typed, status=1)
            self.assertIn(why, self.stderr)
            self.assertEqual(self.say(typed, ":clear", self.STREAM, "rule q { from s emit q { n } }", self.s(0, 5),
                                      status=1)[-1], 'q {"n":5}')


def apply(text, diff):
    """The text after a unified diff, by the numbers and signs of its lines."""
    old, out, at = text.splitlines(True), [], 0
    for line in diff[2:]:
        if line.startswith("@@"):
            first, count = (int(n) for n in line.split()[1][1:].split(","))
            begin = first - 1 if count else first
            out += old[at:begin]
            at = begin
        elif line[0] == "\\":
            continue
        elif line[0] == "+":
            out.append(line[1:])
        else:
            assert old[at].rstrip("\n") == line[1:].rstrip("\n"), (old[at], line)
            out += [old[at]] if line[0] == " " else []
            at += 1
    return "".join(out + old[at:])


if __name__ == "__main__":
    unittest.main(verbosity=2)
