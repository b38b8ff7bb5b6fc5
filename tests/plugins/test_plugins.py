"""Plugins at work under `weir run`.

Usage: test_plugins.py PATH_TO_WEIR FOLDER_OF_PLUGINS [unittest arguments]
"""

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import unittest

WEIR = os.path.abspath(sys.argv.pop(1))
PLUGINS = os.path.abspath(sys.argv.pop(1))

HEAD = """
stream tick { at time, who string, n int, maybe string? }
source tick from stdin()
"""


def tick(second, n, who="a", maybe=None):
    return {"at": "2024-05-01T00:%02d:%02dZ" % (second // 60, second % 60), "who": who,
            "n": n, "maybe": maybe}


class Plugins(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        for name in os.listdir(PLUGINS):
            if name.endswith(".so"):
                os.symlink(os.path.join(PLUGINS, name), os.path.join(self.folder.name, name))

    def write(self, rules):
        path = os.path.join(self.folder.name, "rules.weir")
        with open(path, "w", encoding="utf-8") as file:
            file.write(HEAD + rules)
        return path

    def weir(self, command, rules, events=(), more=()):
        text = "".join(json.dumps(event) + "\n" for event in events)
        return subprocess.run([WEIR, command, *more, self.write(rules)], input=text,
                              capture_output=True, text=True, check=False)

    def gives(self, rules, events, more=()):
        ran = self.weir("run", rules, events, more)
        self.assertEqual(ran.returncode, 0, ran.stderr)
        return [json.loads(line) for line in ran.stdout.splitlines()]

    def refused(self, rules, *why):
        ran = self.weir("check", rules)
        self.assertNotEqual(ran.returncode, 0, ran.stdout)
        for text in why:
            self.assertIn(text, ran.stderr)

    # ---- what comes out ----

    def test_a_rule_reads_what_an_actor_gives(self):
        got = self.gives(
            """
            actor pass from "libfixture.so" (bias: 100)
            rule all { from pass(tick) where more > 101 emit out { who, n, more } }
            """,
            [tick(0, 1), tick(1, 2, "b")])
        self.assertEqual([(e["who"], e["n"], e["more"]) for e in got], [("b", 2, 102)])

    def test_the_first_header_still_works(self):
        got = self.gives(
            """
            actor pass from "libfixture_1_0.so"
            rule all { from pass(tick) emit out }
            """,
            [tick(0, 7)])
        self.assertEqual(got[0]["more"], 7)
        self.assertEqual(got[0]["who"], "a")

    def test_a_window_stands_after_an_actor_as_after_a_stream(self):
        got = self.gives(
            """
            actor pass from "libfixture.so"
            rule sums {
              from pass(tick)
              by who
              window tumbling 10s
              emit out { who, sum: sum(more) }
            }
            """,
            [tick(0, 1), tick(1, 2, "b"), tick(2, 3), tick(20, 0)])
        self.assertEqual({(e["who"], e["sum"]) for e in got},
                         {("a", 4), ("b", 2), ("a", 0)})

    def test_a_key_has_a_state_and_a_timer_of_its_own(self):
        got = self.gives(
            """
            actor tally from "libfixture.so"
            rule all { from tally(tick) by who emit out { count, what } }
            """,
            [tick(0, 1), tick(1, 1, "b"), tick(5, 1), tick(40, 1, "b")])
        self.assertEqual(
            [(e["count"], e["what"]) for e in got],
            [(1, "event"), (1, "event"), (2, "event"), (1, "quiet"), (2, "quiet"),
             (2, "event")])

    def test_chunks_do_not_show(self):
        rules = """
            actor tally from "libfixture.so"
            rule all { from tally(tick) by who emit out { count, what } }
            """
        events = [tick(i % 7 + i, i % 5, "abc"[i % 3]) for i in range(0, 3000, 1)
                  if i % 7 + i < 3600]
        events.sort(key=lambda event: event["at"])
        text = "".join(json.dumps(event) + "\n" for event in events)
        whole = self.weir("run", rules, events).stdout
        # Byte by byte through a pipe the chunks are small.
        with subprocess.Popen([WEIR, "run", "--quiet", self.write(rules)], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, text=True) as process:
            for line in text.splitlines(keepends=True)[:400]:
                process.stdin.write(line)
                process.stdin.flush()
            process.stdin.write("".join(text.splitlines(keepends=True)[400:]))
            process.stdin.close()
            pieces = process.stdout.read()
        self.assertEqual(whole, pieces)

    def test_two_rules_share_an_actor(self):
        got = self.gives(
            """
            actor tally from "libfixture.so"
            rule one { from tally(tick) emit a { count } }
            rule two { from tally(tick) emit b { count } }
            """,
            [tick(0, 1), tick(1, 1)])
        self.assertEqual([e["count"] for e in got], [1, 1, 2, 2])

    def test_a_function_stands_in_expressions(self):
        got = self.gives(
            """
            function twice from "libfixture.so"
            function shout from "libfixture.so"
            rule all { from tick where twice(n) > 2 emit out { n, t: twice(n + 0.5), s: shout(maybe) } }
            """,
            [tick(0, 1, maybe="x"), tick(1, 2, maybe="hey"), tick(2, 13), tick(3, 3)])
        self.assertEqual([(e["n"], e["t"], e["s"]) for e in got],
                         [(2, 5, "hey!"), (3, 7, None)])

    def test_a_function_runs_over_columns_as_over_rows(self):
        got = self.gives(
            """
            function twice from "libfixture.so"
            function shout from "libfixture.so"
            rule all { from tick where twice(n) != 8 emit out { t: twice(n) + 1, s: shout(who) } }
            """,
            [tick(i % 3600, i) for i in range(2000) if i != 13])
        self.assertEqual([e["t"] for e in got],
                         [2 * i + 1 for i in range(2000) if i not in (4, 13)])
        self.assertEqual({e["s"] for e in got}, {"a!"})

    def test_a_function_is_given_what_it_declares(self):
        self.refused('function twice from "libfixture.so"\n'
                     "rule all { from tick emit out { x: twice(who) } }",
                     "'twice' takes (float) -> float, not (string)")
        self.refused('function lower from "libfixture.so"\n'
                     "rule all { from tick emit out { x: n } }", "E0307")
        self.refused('function none from "libfixture.so"\n'
                     "rule all { from tick emit out { x: n } }", "no function 'none'")

    def test_threads_do_not_show(self):
        rules = """
            actor tally from "libfixture.so" on error skip
            rule all { from tally(tick) by who emit out { count, what } }
            rule few { match a: out -> b: out(what == a.what) within 5s emit two { n: b.count } }
            rule lost { from dead.tally emit lost { event } }
            """
        events = [tick(i, i % 17, "abc"[i % 3]) for i in range(2000)]
        one = self.weir("run", rules, events, ["--quiet"]).stdout
        self.assertGreater(len(one.splitlines()), 1000)
        for n in ("1", "2", "3"):
            self.assertEqual(
                self.weir("run", rules, events, ["--quiet", "--shards", n]).stdout, one)

    # ---- failures ----

    SKIP = """
        actor pass from "libfixture.so" on error skip
        rule all { from pass(tick) emit out { n } }
        rule lost { from dead.pass emit lost { actor, reason, event } }
        """

    def test_an_event_that_fails_goes_to_dead_and_gives_nothing(self):
        got = self.gives(self.SKIP, [tick(0, 1), tick(1, 13), tick(2, 2)])
        self.assertEqual([e["n"] for e in got if "n" in e], [1, 2])
        lost = [e for e in got if "reason" in e]
        self.assertEqual(len(lost), 1)
        self.assertEqual(lost[0]["reason"], "thirteen brings bad luck")
        self.assertEqual(lost[0]["actor"], "pass(tick)")
        self.assertEqual(json.loads(lost[0]["event"])["n"], 13)

    def test_stop_is_what_happens_if_nothing_is_said(self):
        ran = self.weir(
            "run",
            'actor pass from "libfixture.so"\nrule all { from pass(tick) emit out { n } }',
            [tick(0, 1), tick(1, 13), tick(2, 2)])
        self.assertNotEqual(ran.returncode, 0)
        self.assertIn("actor 'pass(tick)': thirteen brings bad luck", ran.stderr)
        self.assertIn("on error skip", ran.stderr)

    def test_restart_gives_up_after_a_few_times(self):
        ran = self.weir(
            "run",
            'actor pass from "libfixture.so" on error restart\n'
            "rule all { from pass(tick) emit out { n } }",
            [tick(0, 1), tick(1, 13), tick(2, 2)])
        self.assertNotEqual(ran.returncode, 0)
        self.assertIn("failed again after 5 restarts", ran.stderr)

    def test_restart_goes_on_from_the_last_state_and_offers_the_event_again(self):
        got = self.gives(
            """
            actor flaky from "libfixture.so" on error restart
            rule all { from flaky(tick) by who emit out { count } }
            """,
            [tick(0, 1), tick(1, 1, "b"), tick(2, 13), tick(3, 13), tick(4, 2, "b")])
        self.assertEqual([e["count"] for e in got], [1, 1, 2, 3, 2])

    def test_garbage_is_caught(self):
        got = self.gives(
            """
            actor garbage from "libfixture.so" on error skip
            rule all { from garbage(tick) emit out { f, s } }
            rule lost { from dead.garbage emit lost { reason } }
            """,
            [tick(i, i) for i in range(13)])
        reasons = [e["reason"] for e in got if "reason" in e]
        for text, reason in zip(
                ["type int as 'f', which is of type float", "null as 'f'", "not finite as 'f'",
                 "UTF-8", "an event of 1 values, and declares 2", "for row 5",
                 "gave no reason", "more than 1024 events", "timer", "state", "as 'f'"],
                reasons):
            self.assertIn(text, reason)
        self.assertEqual(len(reasons), 11)
        self.assertEqual(len([e for e in got if "f" in e]), 2)

    def test_what_it_says_it_took_beyond_the_end_is_all(self):
        ran = self.weir("run", """
            actor over from "libfixture.so"
            rule all { from over(tick) emit out { n: 1 } }
            """, [tick(0, 1)])
        self.assertEqual((ran.returncode, ran.stdout), (0, ""), ran.stderr)

    def test_an_actor_that_does_not_open_says_why(self):
        ran = self.weir("run", """
            actor pass from "libfixture.so" (bias: 666)
            rule all { from pass(tick) emit out { n } }
            """, [tick(0, 1)])
        self.assertNotEqual(ran.returncode, 0)
        self.assertIn("a bias of 666 is refused", ran.stderr)

    # ---- state ----

    def test_state_goes_on_where_it_was(self):
        for shards in ("1", "2"):
            with self.subTest(shards=shards):
                self.goes_on(shards)

    def goes_on(self, shards):
        rules = """
            actor tally from "libfixture.so" idle 11s
            rule all { from tally(tick) by who emit out { count, what } }
            """
        events = [tick(i * 3, 1, "abcde"[i % 5]) for i in range(40)]
        whole = self.gives(rules, events)
        folder = os.path.join(self.folder.name, "state" + shards)
        text = "".join(json.dumps(event) + "\n" for event in events)
        command = [WEIR, "run", self.write(rules), "--quiet", "--shards", shards, "--state", folder]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              text=True) as first:
            first.stdin.write("".join(text.splitlines(keepends=True)[:20]))
            first.stdin.flush()
            got = [first.stdout.readline() for _ in range(12)]
            first.send_signal(signal.SIGTERM)
            got += first.stdout.readlines()
            first.stdin.close()
        shown = subprocess.run([WEIR, "state", "show", "--format", "json", folder],
                               capture_output=True, text=True, check=True).stdout
        rest = text[int(re.search('"committed":([0-9]+)', shown).group(1)):]
        second = subprocess.run(command, input=rest, capture_output=True, text=True,
                                check=False)
        self.assertEqual(second.returncode, 0, second.stderr)
        self.assertLess(len(got), len(whole))
        self.assertEqual([json.loads(line) for line in got + second.stdout.splitlines()],
                         whole)

    def test_a_state_that_the_plugin_gives_up_is_as_good_as_new(self):
        got = self.gives(
            """
            actor tally from "libfixture.so"
            rule all { from tally(tick) by who emit out { count, what } }
            """,
            [tick(0, 1), tick(1, 0), tick(2, 1), tick(3, 1, "b"), tick(30, 1)])
        self.assertEqual([(e["count"], e["what"]) for e in got],
                         [(1, "event"), (2, "event"), (1, "event"), (1, "event"),
                          (1, "quiet"), (1, "quiet"), (2, "event")])

    def test_a_key_without_events_is_forgotten(self):
        rules = """
            actor tally from "libfixture.so" idle %s
            rule all { from tally(tick) by who emit out { count, what } }
            """
        events = [tick(0, 1), tick(2, 1), tick(4, 1, "b"), tick(7, 1), tick(8, 1, "b"),
                  tick(30, 1)]
        got = self.gives(rules % "5s", events)
        self.assertEqual([(e["count"], e["what"]) for e in got],
                         [(1, "event"), (2, "event"), (1, "event"), (1, "event"),
                          (2, "event"), (1, "event")])
        got = self.gives(rules % "20s", events)
        self.assertEqual([(e["count"], e["what"]) for e in got],
                         [(1, "event"), (2, "event"), (1, "event"), (3, "event"),
                          (2, "event"), (3, "quiet"), (2, "quiet"), (1, "event")])

    # ---- what is refused ----

    def test_what_is_wrong_is_told_before_the_run(self):
        rule = "\nrule all { from x(tick) emit out }"
        self.refused('actor x from "libnone.so"' + rule, "E0715", "no such file")
        self.refused('actor x from "libwrong_major.so"' + rule, "E0715", "ABI 2.1")
        self.refused('actor x from "libfixture.so"' + rule, "no actor 'x'", "'tally'")
        self.refused('actor pass from "libfixture.so" (bais: 1)\n'
                     "rule all { from pass(tick) emit out }", "takes no 'bais'", "bias")
        self.refused('actor pass from "libfixture.so" (bias: "1")\n'
                     "rule all { from pass(tick) emit out }", "parameter 'bias' is an int")
        self.refused('actor pass from "libfixture.so"\n'
                     "rule all { from pass(tick) emit out { nothing } }", "no field 'nothing'")
        self.refused('actor pass from "libfixture.so"\n'
                     "rule m { from tick emit mid { m: n } }\n"
                     "rule all { from pass(mid) emit out }", "reads a field 'n'")
        self.refused("rule all { from geo(tick) emit out }", "E0716", "no actor 'geo'")


class New(unittest.TestCase):
    def new(self, folder, *words):
        return subprocess.run([WEIR, "new", *words], cwd=folder, capture_output=True, text=True,
                              check=False)

    def test_it_writes_a_project_and_never_over_another(self):
        with tempfile.TemporaryDirectory() as folder:
            self.assertEqual(self.new(folder, "actor", "mine").returncode, 0)
            self.assertEqual(sorted(os.listdir(os.path.join(folder, "mine"))),
                             ["CMakeLists.txt", "mine.c", "mine.weir"])
            again = self.new(folder, "function", "mine")
            self.assertEqual(again.returncode, 74)
            self.assertIn("'mine' is there already", again.stderr)

    def test_it_says_what_it_wants(self):
        with tempfile.TemporaryDirectory() as folder:
            for words in ((), ("actor",), ("thing", "mine"), ("actor", "../mine"),
                          ("actor", "Mine")):
                self.assertEqual(self.new(folder, *words).returncode, 2, words)
            self.assertEqual(os.listdir(folder), [])


if __name__ == "__main__":
    unittest.main()
