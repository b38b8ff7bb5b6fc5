"""Runs that are watched: weir top and weir tap.

    test_live.py WEIR
"""

import json
import os
import pty
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

WEIR = os.path.abspath(sys.argv.pop(1))
RULES = """stream reading {
  at time unit ms
  id int
  x  int
  spare int
}
source reading from stdin() format json
sink   high to file("high.jsonl")

rule highs { from reading where x >= 0 emit high { id, x } }
rule odd   { from reading where x % 2 == 1 emit some { x } }
rule even  { from reading where x % 2 == 0 emit some { x } }
rule steps {
  match  low: reading(x % 6 < 3) => high: reading(x % 6 == 3)
  by     id
  within 1h
  emit   step { id, x: high.x }
}
sink some to file("some.jsonl")
sink step to file("step.jsonl")
"""


class Live(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.folder)
        with open(os.path.join(self.folder, "rules.weir"), "w") as file:
            file.write(RULES)
        self.process = None

    def start(self, *arguments):
        self.process = subprocess.Popen(
            [WEIR, "run", "rules.weir", "--live", "page", "--quiet", *arguments], cwd=self.folder, stdin=subprocess.PIPE
        )
        self.addCleanup(self.end)
        self.feed(0, 1)
        while self.weir("top", "page", "--count", "1").returncode != 0:
            self.assertIsNone(self.process.poll())

    def end(self):
        if not self.process.stdin.closed:
            self.process.stdin.close()
        return self.process.wait()

    def feed(self, first, n):
        lines = "".join('{"at":%d,"id":%d,"x":%d,"spare":0}\n' % (i, i % 7, i) for i in range(first, first + n))
        self.process.stdin.write(lines.encode())
        self.process.stdin.flush()

    def weir(self, *arguments):
        return subprocess.run([WEIR, *arguments], cwd=self.folder, capture_output=True, text=True, check=False)

    def test_top_tells_of_a_run_that_has_ended_what_it_said_last(self):
        self.start()
        self.feed(1, 1499)
        self.assertEqual(self.end(), 0)
        shown = self.weir("top", "page")
        self.assertEqual((shown.returncode, shown.stderr), (0, ""))
        lines = shown.stdout.splitlines()
        self.assertTrue(lines[0].startswith("ended "), lines[0])
        self.assertRegex(lines[1], r"^latency p50 [0-9.]+(us|ms|s)  p99 [0-9.]+(us|ms|s)  lag behind the clock [0-9]+d$")
        self.assertEqual(lines[4].split()[:2], ["reading", "1.50k"])
        self.assertEqual(lines[4].split()[-1], "end")
        self.assertEqual(lines[7].split()[:2], ["highs", "1.50k"])
        self.assertEqual(lines[7].split()[3], "1.50k")

    def test_top_tells_the_same_of_rules_with_shards_and_how_these_stand(self):
        self.start()
        self.feed(1, 4999)
        self.assertEqual(self.end(), 0)
        rules = re.findall(r"^(highs|odd|even|steps) +(.*)", self.weir("top", "page").stdout, re.MULTILINE)
        self.assertEqual(len(rules), 4)
        self.start("--shards", "2")
        self.feed(1, 4999)
        self.assertEqual(self.end(), 0)
        shown = self.weir("top", "page").stdout
        self.assertEqual(re.findall(r"^(highs|odd|even|steps) +(.*)", shown, re.MULTILINE), rules)
        self.assertEqual(re.findall(r"^([0-9]) +[0-9]", shown, re.MULTILINE), ["0", "1", "2"])

    def test_with_shards_tap_sees_what_it_sees_without(self):
        self.start("--shards", "2")
        status, lines, _ = self.tap("some", "--rule", "odd", "--where", "x > 20", "--count", "30")
        self.assertEqual((status, len(lines)), (0, 30))
        for line in lines:
            x = json.loads(line.split(" ", 2)[2])["x"]
            self.assertTrue(x > 20 and x % 2 == 1, line)
        status, lines, _ = self.tap("reading", "--where", "x > 20", "--count", "30")
        self.assertEqual((status, len(lines)), (0, 30))
        for line in lines:
            self.assertEqual(line.split(" ", 2)[1], "reading")

    def test_on_a_terminal_top_draws_anew_and_a_run_says_how_many_matches_there_are(self):
        with open(os.path.join(self.folder, "events"), "w") as events:
            events.write("".join('{"at":%d,"id":%d,"x":%d,"spare":0}\n' % (i, i % 7, i) for i in range(3000)))
        told = self.on_terminal("run", "rules.weir", "--shards", "2", "--live", "page", "--from", "events")
        self.assertRegex(told, r"3,000 events in .*, [0-9,]+ matches, 0 late")
        told = self.on_terminal("top", "page", "--count", "2", "--every", "1ms")
        self.assertTrue(told.startswith("\033[H\033[J"), told)
        for word in ("latency p50", "SOURCE", "RULE", "SHARD", "steps"):
            self.assertIn(word, told)
        self.assertLess(max(len(line) for line in told.replace("\033[H\033[J", "").splitlines()), 120)

    def on_terminal(self, *arguments):
        """What a verb writes to a terminal."""
        master, terminal = pty.openpty()
        process = subprocess.Popen([WEIR, *arguments], cwd=self.folder, stdin=terminal, stdout=terminal,
                                   stderr=terminal)
        os.close(terminal)
        told = b""
        try:
            while part := os.read(master, 65536):
                told += part
        except OSError:  # nobody has the other end any more
            pass
        os.close(master)
        self.assertEqual(process.wait(), 0)
        return told.decode()

    def test_top_looks_while_the_run_waits_for_input(self):
        self.start()
        shown = self.weir("top", "page", "--count", "2", "--every", "1ms")
        self.assertEqual((shown.returncode, shown.stderr), (0, ""))
        self.feed(1, 10)
        self.assertEqual(self.end(), 0)

    def test_tap_shows_events_of_one_stream_in_order(self):
        self.start()
        with open(os.path.join(self.folder, "shown"), "w") as shown:
            tap = subprocess.Popen(
                [WEIR, "tap", "page", "high", "--rate", "1000000", "--count", "30000"],
                cwd=self.folder, stdout=shown, stderr=subprocess.DEVNULL,
            )
        first = 1
        while tap.poll() is None:  # the ring is gone round more than once
            self.feed(first, 500)
            first += 500
            self.assertLess(first, 20_000_000)
        self.assertEqual(tap.returncode, 0)
        self.assertEqual(self.end(), 0)
        last = -1
        with open(os.path.join(self.folder, "shown")) as file:
            shown = file.read().splitlines()
        self.assertEqual(len(shown), 30000)
        for line in shown:
            at, stream, event = line.split(" ", 2)
            event = json.loads(event)
            self.assertEqual((stream, event["id"]), ("high", event["x"] % 7))
            self.assertTrue(at.startswith("1970-01-01T0"), at)
            self.assertGreater(event["x"], last)
            last = event["x"]

    def tap(self, *arguments):
        """What a tap shows while events are fed."""
        with open(os.path.join(self.folder, "shown"), "w") as shown:
            tap = subprocess.Popen([WEIR, "tap", "page", *arguments], cwd=self.folder, stdout=shown,
                                   stderr=subprocess.PIPE, text=True)
        first = 1
        while tap.poll() is None:
            self.feed(first, 500)
            first += 500
            self.assertLess(first, 20_000_000)
        errors = tap.stderr.read()
        tap.stderr.close()
        with open(os.path.join(self.folder, "shown")) as file:
            return tap.returncode, file.read().splitlines(), errors

    def test_tap_shows_events_for_which_a_condition_of_the_language_holds(self):
        self.start()
        status, lines, _ = self.tap("reading", "--where", "id == 3 and x % 2 == 0", "--count", "50")
        self.assertEqual((status, len(lines)), (0, 50))
        for line in lines:
            event = json.loads(line.split(" ", 2)[2])
            self.assertEqual((event["id"], event["x"] % 2), (3, 0))

    def test_tap_shows_what_one_of_two_rules_of_a_stream_emits(self):
        self.start()
        status, lines, _ = self.tap("--rule", "odd", "--count", "30")
        self.assertEqual((status, len(lines)), (0, 30))
        for line in lines:
            at, stream, event = line.split(" ", 2)
            self.assertEqual((stream, json.loads(event)["x"] % 2), ("some", 1))

    def test_tap_shows_what_a_rule_reads_of_a_key(self):
        self.start()
        status, lines, _ = self.tap("--rule", "steps", "--key", "5", "--count", "30")
        self.assertEqual((status, len(lines)), (0, 30))
        for line in lines:
            at, stream, event = line.split(" ", 2)
            self.assertEqual((stream, json.loads(event)["id"]), ("reading", 5))

    def test_tap_follows_partial_matches_of_a_key_and_says_what_ends_them(self):
        for shards in ((), ("--shards", "1"), ("--shards", "2"), ("--shards", "3"), ("--shards", "8")):
            with self.subTest(shards=shards):
                self.start(*shards)
                self.follows_partial_matches()
                self.assertEqual(self.end(), 0)
                os.remove(os.path.join(self.folder, "page"))

    def follows_partial_matches(self):
        status, lines, _ = self.tap("--rule", "steps", "--key", "5", "--partial", "--count", "200",
                                    "--rate", "100000")
        self.assertEqual((status, len(lines)), (0, 200))
        told = "\n".join(lines)
        for line in lines:
            self.assertIn(" rule steps, key 5: ", line)
        self.assertIn("'low' takes an event, 1 now: a partial match begins", told)
        self.assertIn("'high' takes an event, 2 now", told)
        self.assertIn("a match of 2", told)
        self.assertRegex(told, "ended with 1: an event left it no way on; 'high': "
                               "`x % 6 == 3` is false: x is [0-9]+")
        times = [line.split("Z", 1)[0].partition(".") for line in lines]
        times = [(seconds, float("0." + (part or "0"))) for seconds, _, part in times]
        self.assertEqual(times, sorted(times))

    def test_tap_without_a_key_follows_one_after_another(self):
        self.start()
        # At the latest after 4,096 events, of which each gives three lines or fewer.
        status, lines, _ = self.tap("--rule", "steps", "--partial", "--count", "13000", "--rate", "1000000")
        self.assertEqual((status, len(lines)), (0, 13000))
        self.assertGreater(len({line.split(": ")[0].rsplit(" ", 1)[1] for line in lines}), 1)

    def test_a_tap_that_means_nothing_of_the_node_is_refused_with_the_reason(self):
        self.start()
        for arguments, reason in (
            (("--rule", "none"), "no rule of the node is called 'none'"),
            (("none",), "no stream of the node is called 'none'"),
            (("reading", "--where", "y > 3"), "column 1: 'reading' has no field 'y'"),
            (("reading", "--where", "x > "), "column 4: expected a value"),
            (("reading", "--where", "x"), "column 1: "),
            (("reading", "--where", "true } rule x {"), "expected the end of the condition"),
            (("reading", "--where", "spare == 1"), "no rule and no sink reads 'spare' of 'reading'"),
            (("--rule", "highs", "--partial"), "partial matches are of rules that begin with `match`"),
            (("--rule", "steps", "--key", "five"), "rule 'steps' has no such key as 'five'"),
        ):
            status, lines, errors = self.tap(*arguments)
            self.assertEqual((status, lines), (2, []))
            self.assertIn("weir tap: ", errors)
            self.assertIn(reason, errors)
        shown = self.weir("tap", "page", "--partial")
        self.assertEqual(shown.returncode, 2)
        self.assertIn("--key and --partial go with --rule", shown.stderr)

    def test_tap_ends_when_the_run_has(self):
        self.start()
        self.feed(1, 3)
        self.assertEqual(self.end(), 0)
        shown = self.weir("tap", "page")
        self.assertEqual((shown.returncode, shown.stdout), (0, ""))

    def test_what_is_no_page_is_refused(self):
        for verb in ("top", "tap"):
            shown = self.weir(verb, "rules.weir")
            self.assertEqual(shown.returncode, 65)
            self.assertIn("no live page", shown.stderr)
            self.assertEqual(self.weir(verb, "nothing").returncode, 66)
            self.assertEqual(self.weir(verb).returncode, 2)
            self.assertEqual(self.weir(verb, "--count", "0", "page").returncode, 2)


if __name__ == "__main__":
    unittest.main(verbosity=2)
