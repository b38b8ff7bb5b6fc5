#!/usr/bin/env python3
"""What `weir why` says, by the page that explains it: test_why.py WEIR

WEIR_UPDATE=1 writes the answers into docs/why.md anew.
"""

import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
PAGE = os.path.join(ROOT, "docs", "why.md")
WEIR = os.path.abspath(sys.argv.pop(1))
CONSOLE = re.compile(r"```console\n\$ (.*)\n((?s:.*?))```")


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def blocks(text, language):
    return re.findall("```" + language + "\n(.*?)```", text, re.DOTALL)


class Door(unittest.TestCase):
    """The rule and the data of the page, in a folder."""

    maxDiff = None

    def setUp(self):
        self.page = read(PAGE)
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        names = ("door.weir", "auth.jsonl", "paid.weir", "orders.jsonl", "payments.jsonl")
        rules, data = blocks(self.page, "weir"), blocks(self.page, "json")
        for name, text in zip(names, (rules[0], data[0], rules[1], data[1], data[2])):
            self.write(name, text)

    def write(self, name, text):
        with open(os.path.join(self.folder.name, name), "w", encoding="utf-8") as file:
            file.write(text)

    def call(self, *arguments):
        done = subprocess.run([WEIR, *arguments], cwd=self.folder.name, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              check=False)
        return done.returncode, done.stdout, done.stderr

    def why(self, *arguments):
        return self.call("why", *arguments, "door.weir", "guessed")


class Page(Door):
    def test_what_it_shows_is_what_is_said(self):
        def answer(match):
            command = shlex.split(match.group(1))
            quiet = ["--quiet"] if command[1] == "run" else []
            status, text, errors = self.call(command[1], *quiet, *command[2:])
            self.assertEqual((status, errors), (0, ""))
            return f"```console\n$ {match.group(1)}\n{text}```"
        page = CONSOLE.sub(answer, self.page)
        if os.environ.get("WEIR_UPDATE"):
            with open(PAGE, "w", encoding="utf-8") as file:
                file.write(page)
        self.assertEqual(page, read(PAGE))


class Match(Door):
    def test_a_line_of_output_finds_the_match_that_made_it(self):
        line = self.call("run", "--quiet", "door.weir")[1].strip()
        self.assertEqual(self.why("--match", line), self.why("--match", "1"))

    def test_a_match_that_is_not_there_is_missing(self):
        status, _, errors = self.why("--match", "2")
        self.assertEqual(status, 66)
        self.assertIn("rule 'guessed' gave 1 match, and not that one", errors)

    def test_the_time_of_a_match_finds_it(self):
        status, text, _ = self.why("--key", "10.0.0.1", "--at", "2026-03-01T12:02:20Z")
        self.assertEqual(status, 0)
        self.assertIn("match 1 at 2026-03-01T12:02:20Z", text)

    def test_standard_input_cannot_be_read_twice(self):
        status, _, errors = self.why("--match", "1", "--from", "-")
        self.assertEqual(status, 2)
        self.assertIn("standard input and sockets cannot be read twice", errors)

    def test_it_writes_no_sink(self):
        rules = read(os.path.join(self.folder.name, "door.weir"))
        self.write("door.weir", rules.replace("stdout()", 'file("out.jsonl")'))
        self.write("out.jsonl", "mine\n")
        self.assertEqual(self.why("--key", "10.0.0.1")[0], 0)
        self.assertEqual(read(os.path.join(self.folder.name, "out.jsonl")), "mine\n")


class NoMatch(Door):
    def test_a_longer_lateness_is_what_it_takes_where_it_says_so(self):
        self.assertIn("`lateness` is too short", self.why("--key", "10.0.0.4")[1])
        rules = read(os.path.join(self.folder.name, "door.weir"))
        self.write("door.weir", rules.replace("lateness 5s", "lateness 2m"))
        self.assertIn("match 2 at", self.why("--key", "10.0.0.4")[1])

    def test_the_rule_without_what_is_to_blame_gives_the_match(self):
        for key, old, new in (("10.0.0.2", "{3,}", "+"), ("10.0.0.3", "within 10m", "")):
            self.setUp()
            part = {"{3,}": "`{3,}` of 'fail'", "within 10m": "`within 10m`"}[old]
            self.assertIn("it would be a match without " + part + "\n",
                          self.why("--key", key)[1])
            rules = read(os.path.join(self.folder.name, "door.weir"))
            self.write("door.weir", rules.replace(old, new))
            self.assertIn(key, self.call("run", "--quiet", "door.weir")[1])

    def test_a_key_without_events_is_said_to_have_none(self):
        status, text, _ = self.why("--key", "10.9.9.9")
        self.assertEqual(status, 0)
        self.assertIn("no event has this key", text)

    def test_a_time_at_which_nothing_was_under_way_is_said_to_be_one(self):
        text = self.why("--key", "10.0.0.3", "--at", "2026-03-01T12:13:00Z")[1]
        self.assertIn("no partial match was under way at that time", text)
        self.assertIn("it would be a match without `within 10m`", text)

    def test_two_parts_are_named_where_one_is_not_enough(self):
        self.write("auth.jsonl", "\n".join(json.dumps(
            {"at": at, "ip": "a", "user": "u", "outcome": outcome}) for at, outcome in (
                ("2026-03-01T12:00:00Z", "failed"), ("2026-03-01T13:00:00Z", "accepted"))) + "\n")
        text = self.why("--key", "a")[1]
        self.assertIn("it would be a match without `within 10m` and `{3,}` of 'fail'\n", text)

    def test_an_event_that_began_nothing_is_told_of(self):
        self.write("auth.jsonl", '{"at":"2026-03-01T12:00:00Z","ip":"a","user":"u","outcome":"x"}\n')
        text = self.why("--key", "a")[1]
        self.assertIn("no event began a match", text)
        self.assertIn('`outcome == "failed"` is false: outcome is "x"', text)


class Usage(Door):
    def test_a_key_or_a_match_has_to_be_given(self):
        status, _, errors = self.why()
        self.assertEqual(status, 2)
        self.assertIn("say which key", errors)

    def test_times_and_numbers_are_checked(self):
        for option, value in (("--at", "noon"), ("--match", "0"), ("--match", "first")):
            status, _, errors = self.why("--key", "a", option, value)
            self.assertEqual(status, 2)
            self.assertIn(option + " wants", errors)


SHOP = """stream txn { at time, card string, cents int, kind string }
source txn from file("txn.jsonl")
rule spend {
  from txn
  where kind == "pay"
  by card
  window sliding 10m
  having sum(cents) > 1000 and count() >= 3
  emit big { card, total: sum(cents) } when changes
}
rule hour { from txn by card window tumbling 1h having count() >= 3 emit busy { card, n: count() } }
rule best { from txn by card window tumbling 10m emit top { card, n: sum(cents) } order by sum(cents) desc limit 1 }
rule pair { from txn by card window last 5 reset having count() >= 2 emit two { card, n: count() } }
rule seldom { from txn by card limit 1 per 1h emit one { card, cents } }
rule large { from txn where cents > 450 and kind == "pay" emit huge { card } }
"""
PAID = (("12:00:00", "a", 300, "pay"), ("12:01:00", "a", 400, "pay"), ("12:02:00", "a", 500, "refund"),
        ("12:03:00", "a", 500, "pay"), ("12:03:00", "b", 900, "pay"), ("12:04:00", "a", 500, "pay"),
        ("12:14:30", "a", 500, "pay"), ("12:25:00", "b", 500, "pay"))


class Query(Door):
    def setUp(self):
        super().setUp()
        self.write("shop.weir", SHOP)
        self.write("txn.jsonl", "".join(
            json.dumps({"at": f"2026-03-01T{at}Z", "card": card, "cents": cents, "kind": kind}) + "\n"
            for at, card, cents, kind in PAID))

    def ask(self, rule, *arguments):
        status, text, errors = self.call("why", *arguments, "shop.weir", rule)
        self.assertEqual((status, errors), (0, ""))
        return text

    def test_a_result_is_told_with_the_rows_of_its_window_and_its_aggregates(self):
        text = self.ask("spend", "--key", "a")
        self.assertIn("the window 2026-03-01T12:00:00Z to 2026-03-01T12:03:00Z, 3 events\n", text)
        self.assertIn("  sum(cents) is 1200\n  count() is 3\n  made {\"card\":\"a\",\"total\":1200}\n", text)

    def test_terms_of_having_are_told_with_what_they_saw(self):
        text = self.ask("spend", "--key", "b", "--at", "2026-03-01T12:03:00Z")
        self.assertIn("`having`: `sum(cents) > 1000` is false: sum(cents) is 900\n", text)
        self.assertIn("`having`: `count() >= 3` is false: count() is 1\n", text)

    def test_the_one_term_without_which_having_holds_is_named_and_is_that(self):
        self.assertIn("`having` would hold without `count() >= 3`\n", self.ask("hour", "--key", "b"))
        self.write("shop.weir", SHOP.replace("window tumbling 1h having count() >= 3", "window tumbling 1h"))
        self.assertIn("result at 2026-03-01T13:00:00Z", self.ask("hour", "--key", "b"))

    def test_when_changes_and_limits_are_told_to_hold_results_back(self):
        text = self.ask("spend", "--key", "a", "--at", "2026-03-01T12:04:00Z")
        self.assertIn("held back by `when changes`: `having` held the time before, too\n", text)
        text = self.ask("best", "--key", "b", "--at", "2026-03-01T12:05:00Z")
        self.assertIn("held back by `limit 1` of `order by`", text)
        text = self.ask("seldom", "--key", "a", "--not")
        self.assertIn("held back by `limit 1 per 1h`", text)

    def test_a_window_that_empties_itself_begins_anew(self):
        text = self.ask("pair", "--key", "a", "--at", "2026-03-01T12:02:00Z")
        self.assertIn("2026-03-01T12:02:00Z, 1 event\n", text)
        self.assertIn("`count() >= 2` is false: count() is 1", text)
        self.assertIn("2 events\n", self.ask("pair", "--key", "a", "--at", "2026-03-01T12:03:00Z"))

    def test_a_time_within_a_window_finds_the_window(self):
        text = self.ask("hour", "--key", "b", "--at", "2026-03-01T12:10:00Z")
        self.assertIn("the window 2026-03-01T12:00:00Z to 2026-03-01T13:00:00Z, 2 events", text)

    def test_events_that_where_kept_out_are_told_with_the_term(self):
        text = self.ask("spend", "--key", "a")
        self.assertIn("`where` kept out 1 event of the key\n", text)
        self.assertIn('`kind == "pay"` is false: kind is "refund"\n', text)
        text = self.ask("large", "--at", "2026-03-01T12:00:00Z")
        self.assertIn("no result at 2026-03-01T12:00:00Z\n", text)
        self.assertIn("`cents > 450` is false: cents is 300\n", text)

    def test_a_result_is_found_by_number_line_and_identity(self):
        first = self.ask("spend", "--match", "1")
        self.assertEqual(first, self.ask("spend", "--match", '{"card":"a","total":1200}'))
        self.assertEqual(first, self.ask("spend", "--match", re.search("id ([0-9a-f]{16})", first).group(1)))
        status, _, errors = self.call("why", "--match", "2", "shop.weir", "spend")
        self.assertEqual(status, 66)
        self.assertIn("gave 1 result, and not that one", errors)

    def test_as_json_it_has_the_same_to_tell(self):
        story = json.loads(self.ask("spend", "--key", "b", "--message-format", "json"))
        self.assertEqual((story["type"], story["rule"], story["key"], story["events"]), ("why", "spend", "b", 2))
        result = story["results"][0]
        self.assertEqual(result["held_by"], "having")
        self.assertEqual(result["aggregates"], {"sum(cents)": "900", "count()": "1"})
        self.assertEqual([t["value"] for t in result["having"]], [False, False])
        self.assertEqual(result["window"][0]["event"]["cents"], 900)


class Join(Door):
    def why(self, *arguments, rule="paid"):
        status, out, errors = self.call("why", *arguments, "paid.weir", rule)
        self.assertEqual((status, errors), (0, ""))
        return out

    def rewrite(self, old, new):
        with open(os.path.join(self.folder.name, "paid.weir"), encoding="utf-8") as file:
            text = file.read()
        self.assertIn(old, text)
        self.write("paid.weir", text.replace(old, new))

    def test_a_pair_is_told_by_its_sides(self):
        self.assertIn('orders { at: 2026-03-01T12:00:00Z, id: "a", cents: 500 } with '
                      'p { at: 2026-03-01T12:04:00Z, order: "a", cents: 500 }', self.why())

    def test_an_event_of_a_left_join_is_told_to_be_without(self):
        self.rewrite("join p", "left join p")
        self.assertIn('orders { at: 2026-03-01T12:03:00Z, id: "d", cents: 100 } without p\n',
                      self.why())

    def test_each_reason_is_one_without_which_there_is_a_pair(self):
        story = self.why()
        self.assertIn("`within 10m`: it came 12m after", story)
        self.assertIn("`p.cents >= cents` is false: p.cents is 600, cents is 700", story)
        self.rewrite("within 10m", "within 12m")
        self.assertNotIn('id: "c", cents: 900 }\n', self.why())
        self.rewrite(" and p.cents >= o.cents", "")
        self.assertIn('order: "b", cents: 600 }', self.why().split("of 'orders'")[0])

    def test_it_is_said_where_nothing_is_equal(self):
        self.assertIn("no event of 'payments' with order \"d\"\n", self.why())

    def test_an_as_of_join_looks_back(self):
        self.rewrite("o: orders join p: payments on o.id == p.order and p.cents >= o.cents",
                     "o: orders asof join p: payments on o.id == p.order")
        self.assertIn("it came 12m after, and `asof` looks back", self.why())

    def test_of_one_key_only_its_own_are_told(self):
        self.rewrite("  emit", "  by o.id\n  window last 2\n  emit")
        story = self.why("--key", "b")
        self.assertIn("no event has this key\n", story)
        self.assertIn('id: "b"', story)
        self.assertNotIn('id: "c"', story)

    def test_as_json_it_has_the_same_to_tell(self):
        told = json.loads(self.why("--message-format", "json"))["without_counterpart"]
        self.assertEqual([(each["event"]["id"], each["equal"]) for each in told],
                         [("b", 1), ("c", 1), ("d", 0)])
        self.assertEqual(told[1]["near"][0]["because"], ["`within 10m`: it came 12m after"])


class Journal(Door):
    """What came through a pipe is read again from the state directory of the run."""

    def setUp(self):
        super().setUp()
        rules = read(os.path.join(self.folder.name, "door.weir"))
        self.events = read(os.path.join(self.folder.name, "auth.jsonl"))
        self.write("piped.weir", rules.replace('file("auth.jsonl")', "stdin() format json"))

    def pipe(self, *arguments):
        return subprocess.Popen([WEIR, "run", "--quiet", "piped.weir", "--state", "kept", *arguments],
                                cwd=self.folder.name, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, rule, *arguments):
        status, text, errors = self.call("why", "--state", "kept", *arguments, "piped.weir", rule)
        self.assertEqual((status, errors), (0, "weir why: begins at the start of what was read\n"))
        return text

    def test_the_journal_tells_what_the_file_does(self):
        self.pipe("--keep-journal", "1G").communicate(self.events)
        for rule, arguments in (("guessed", ("--match", "1")), ("guessed", ("--key", "10.0.0.2")),
                                ("guessed", ("--key", "10.0.0.4")), ("flood", ("--key", "10.0.0.2"))):
            self.assertEqual(self.ask(rule, *arguments), self.call("why", *arguments, "door.weir", rule)[1])

    def test_a_run_at_work_can_be_asked_about(self):
        run = self.pipe("--checkpoint", "1h")
        run.stdin.write(self.events)
        run.stdin.flush()
        run.stdout.readline()  # the match: all before it is in the journal
        self.assertIn("match 1 at 2026-03-01T12:02:20Z", self.ask("guessed", "--key", "10.0.0.1"))
        self.assertIsNone(run.poll())
        run.communicate()
        self.assertEqual(run.returncode, 0)

    def test_a_directory_without_state_is_missing(self):
        status, _, errors = self.call("why", "--state", "none", "--key", "x", "piped.weir", "guessed")
        self.assertEqual(status, 66)
        self.assertIn("none", errors)


class Json(Door):
    def test_a_match_as_json(self):
        story = json.loads(self.why("--match", "1", "--message-format", "json")[1])
        match = story["matches"][0]
        self.assertEqual([t["step"] for t in match["taken"]], ["fail", "fail", "fail", "hit"])
        self.assertEqual(match["made"]["failures"], 3)
        self.assertEqual(json.loads(self.why("--match", match["id"], "--message-format", "json")[1]), story)

    def test_a_match_that_did_not_come_as_json(self):
        story = json.loads(self.why("--key", "10.0.0.2", "--message-format", "json")[1])
        self.assertEqual(story["matches"], [])
        self.assertEqual(story["would_match_without"], ["`{3,}` of 'fail'"])
        self.assertEqual(story["nearest"][0]["ended_by"], "within")
        self.assertIn("is false", story["nearest"][0]["obstacles"][2]["text"])


class FailedTest(Door):
    RULES = """
test "three failures and a success" {
  auth { at: 0s, ip: "a", outcome: "failed" } repeat 2 every 1s
  auth { at: 9s, ip: "a", outcome: "accepted" }
  auth { at: 9s, ip: "b", outcome: "failed" }
  expect intrusion { ip: "a" }
}
"""

    def test_it_tells_how_near_the_rule_came(self):
        self.write("test.weir", blocks(self.page, "weir")[0] + self.RULES)
        status, text, _ = self.call("test", "test.weir")
        self.assertEqual(status, 1)
        self.assertIn("#   how near rule 'guessed' came for a:\n", text)
        self.assertIn("#   it would be a match without `{3,}` of 'fail'\n", text)
        for line in text.splitlines()[3:]:
            self.assertTrue(line.startswith("#"), line)

    def test_it_tells_how_near_a_window_came_and_what_where_kept_out(self):
        self.write("test.weir", blocks(self.page, "weir")[0] + """
test "a flood" {
  auth { at: 0s, ip: "a", outcome: "failed" } repeat 3 every 1s
  auth { at: 9s, ip: "a", outcome: "accepted" }
  auth { at: 9s, ip: "b", outcome: "failed" }
  wait 1h
  expect flood { ip: "a" }
}
""")
        status, text, _ = self.call("test", "test.weir")
        self.assertEqual(status, 1)
        self.assertIn("#   how near rule 'flood' came for a:\n#     the window 0s to 10m held 3 events\n"
                      "#     `having`: `count() >= 4` is false: count() is 3\n", text)
        self.assertIn("#     9s  kept out auth { ip: \"a\"", text)
        self.assertIn("`where`: `outcome == \"failed\"` is false: outcome is \"accepted\"\n", text)

    def test_coverage_looks_at_what_is_asked_of_earlier_events_and_at_having(self):
        self.write("test.weir", """stream r { at time, s string, t float }
rule far  { match a: r -> b: r(t > a.t + 1.0) by s within 1h emit one { s } }
rule near { match a: r -> b: r(t > a.t) by s within 1h emit two { s } }
rule both { match a: r -> b: r(t > a.t + 0.2) by s within 1h skip none emit six { s } }
rule many { from r by s window tumbling 1m having count() > 3 emit lot { s } }
rule few  { from r by s window tumbling 1m having count() > 0 emit some { s } }
test "two" {
  r { at: 0s, s: "a", t: 1.0 }
  r { at: 5s, s: "a", t: 1.5 }
  r { at: 6s, s: "a", t: 1.6 }
  expect two { s: "a" }
}
""")
        told = self.call("test", "--coverage", "test.weir")[1]
        asks = "step 'b' asks of earlier events what was true of "
        self.assertIn("rule 'far': " + asks + "no event that came to it\n", told)
        self.assertNotIn("rule 'far': " + asks + "every", told)
        self.assertIn("rule 'near': " + asks + "every event that came to it\n", told)
        self.assertNotIn("rule 'both'", told)
        self.assertIn("rule 'many': 'having' was true of no window\n", told)
        self.assertIn("rule 'few': 'having' was true of every window\n", told)


if __name__ == "__main__":
    unittest.main()
