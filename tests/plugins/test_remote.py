"""Actors in processes of their own under `weir run`.

Usage: test_remote.py PATH_TO_WEIR FOLDER_OF_PLUGINS [unittest arguments]
"""

import json
import os
import re
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import unittest

DEBIAN = "/usr/bin/python3"
try:
    import msgpack
    import zmq
except ImportError:
    HAS = subprocess.run([DEBIAN, "-c", "import zmq, msgpack"], stderr=subprocess.DEVNULL,
                         check=False).returncode == 0 if os.path.exists(DEBIAN) else False
    if HAS and os.path.realpath(sys.executable) != os.path.realpath(DEBIAN):
        os.execv(DEBIAN, [DEBIAN, *sys.argv])  # python3-zmq is there for Debian's own python
    zmq = msgpack = None

WEIR = os.path.abspath(sys.argv.pop(1))
PLUGINS = os.path.abspath(sys.argv.pop(1))
EXAMPLE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../examples/python-actor")
HEAD = """
stream tick { at time, who string, n int, maybe string? }
source tick from stdin()
"""


def tick(second, n, who="a"):
    return {"at": "2024-05-01T%02d:%02d:%02dZ" % (second // 3600, second // 60 % 60, second % 60),
            "who": who, "n": n, "maybe": None}


class Case(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        os.symlink(os.path.join(PLUGINS, "libfixture.so"), self.path("libfixture.so"))

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(text)
        return self.path(name)

    def run_rules(self, rules, events, more=()):
        return subprocess.run([WEIR, "run", *more, self.write("rules.weir", HEAD + rules)],
                              input="".join(json.dumps(e) + "\n" for e in events),
                              capture_output=True, text=True, check=False, timeout=120)

    def gives(self, rules, events, more=()):
        ran = self.run_rules(rules, events, more)
        self.assertEqual(ran.returncode, 0, ran.stderr)
        return [json.loads(line) for line in ran.stdout.splitlines()]

    def fails(self, rules, events, *why, more=()):
        ran = self.run_rules(rules, events, more)
        self.assertGreater(ran.returncode, 0, ran.stdout)
        for text in why:
            self.assertIn(text, ran.stderr)

    def stops_and_goes_on(self, command, text, n_first, n_shown):
        """What the run `command(0)` gives of `n_first` lines and, stopped when `n_shown` have come
        out, `command(1)` of the rest."""
        with subprocess.Popen(command(0), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              text=True) as first:
            first.stdin.write("".join(text.splitlines(keepends=True)[:n_first]))
            first.stdin.flush()
            got = [first.stdout.readline() for _ in range(n_shown)]
            first.send_signal(signal.SIGTERM)
            got += first.stdout.readlines()
            first.stdin.close()
        shown = subprocess.run([WEIR, "state", "show", "--format", "json", self.path("state")],
                               capture_output=True, text=True, check=True).stdout
        rest = text[int(re.search('"committed":([0-9]+)', shown).group(1)):]
        second = subprocess.run(command(1), input=rest, capture_output=True, text=True, check=False)
        self.assertEqual(second.returncode, 0, second.stderr)
        return "".join(got) + second.stdout


class Apart(Case):
    events = [tick(i, (i * 7) % 11 if i % 50 else 0, "abcdefg"[i * i % 7]) for i in range(3000)]

    def both(self, rules, events, more=()):
        """In this process and in one of its own the same comes out."""
        here = self.run_rules(rules % "from", events, more)
        apart = self.run_rules(rules % "from process", events, more)
        self.assertEqual(here.returncode, 0, here.stderr)
        self.assertEqual(apart.returncode, 0, apart.stderr)
        self.assertEqual(apart.stdout, here.stdout)
        return here

    def test_what_comes_out_is_the_same(self):
        for more in ((), ("--shards", "3")):
            self.both('actor tally %s "libfixture.so"\n'
                      "rule all { from tally(tick) by who emit out { count, what } }",
                      self.events, more)
        self.both('actor tally %s "libfixture.so" idle 3s\n'
                  "rule all { from tally(tick) by who emit out { count, what } }", self.events)
        self.both('actor pass %s "libfixture.so" (bias: 5)\n'
                  "rule all { from pass(tick) by who window tumbling 10s "
                  "emit out { who, m: sum(more) } }", self.events)

    def test_failures_of_events_are_the_same(self):
        events = [tick(i, 13 if i % 9 == 4 else i % 5) for i in range(600)]
        for policy in ("skip", "restart"):
            self.both('actor flaky %s "libfixture.so" on error ' + policy + """
                rule all { from flaky(tick) emit out { count } }
                sink out to stdout()
                sink dead.flaky to stdout()
                """, events)
        self.fails('actor tally from process "libfixture.so"\n'
                   "rule all { from tally(tick) emit out { count } }", [tick(0, 13)],
                   "thirteen", "on error")

    def test_garbage_is_a_failure_of_its_event(self):
        self.both('actor garbage %s "libfixture.so" on error skip' + """
            rule all { from garbage(tick) emit out { f, s } }
            sink out to stdout()
            sink dead.garbage to stdout()
            """, [tick(i, i) for i in range(12)])

    def test_an_actor_that_does_not_open_says_why(self):
        self.fails('actor pass from process "libfixture.so" (bias: 666)\n'
                   "rule all { from pass(tick) emit out { n } }", [tick(0, 1)],
                   "a bias of 666 is refused")

    def test_when_it_dies_it_goes_on_where_it_was(self):
        events = [tick(i, 13 if i == 777 else i % 10, "abc"[i % 3]) for i in range(20000)]
        rules = """
            actor risky from process "libfixture.so" (file: "died") on error restart
            rule all { from risky(tick) by who emit out { count } }
            """
        got = self.gives(rules, events)
        counts = {}
        for event, given in zip(events, got):
            counts[event["who"]] = counts.get(event["who"], 0) + 1
            self.assertEqual(given["count"], counts[event["who"]])
        self.assertEqual(len(got), len(events))

    def test_skip_passes_over_the_event_over_which_it_dies(self):
        events = [tick(i, 13 if i in (40, 41, 700) else i % 10) for i in range(800)]
        got = self.gives("""
            actor risky from process "libfixture.so" on error skip
            rule all { from risky(tick) emit out { count } }
            sink out to stdout()
            sink dead.risky to stdout()
            """, events)
        dead = [e for e in got if "reason" in e]
        self.assertEqual([json.loads(e["event"])["n"] for e in dead], [13, 13, 13])
        for event in dead:
            self.assertIn("ended by signal 6", event["reason"])
        self.assertEqual([e["count"] for e in got if "count" in e], list(range(1, 798)))

    def test_stop_and_too_many_restarts_end_the_run(self):
        rules = """
            actor risky from process "libfixture.so" on error %s
            rule all { from risky(tick) emit out { count } }
            """
        self.fails(rules % "stop", [tick(0, 13)], "ended by signal 6", "goes on")
        self.fails(rules % "restart", [tick(0, 13)], "ended by signal 6", "5 restarts")

    def test_who_takes_longer_than_the_budget_is_ended(self):
        got = self.gives("""
            actor risky from process "libfixture.so" budget 300ms on error skip
            rule all { from risky(tick) emit out { count } }
            sink out to stdout()
            sink dead.risky to stdout()
            """, [tick(0, 1), tick(1, 14), tick(2, 2)])
        self.assertEqual([e.get("count") for e in got if "count" in e], [1, 2])
        self.assertIn("did not answer within 300 ms", [e for e in got if "reason" in e][0]["reason"])

    def test_state_goes_on_where_it_was(self):
        rules = HEAD + """
            actor tally from process "libfixture.so"
            rule all { from tally(tick) by who emit out { count, what } }
            """
        events = [tick(i * 3, 1, "abcde"[i % 5]) for i in range(40)]
        text = "".join(json.dumps(event) + "\n" for event in events)
        whole = self.gives(rules[len(HEAD):], events)
        command = [WEIR, "run", self.write("rules.weir", rules), "--quiet", "--state",
                   self.path("state")]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              text=True) as first:
            first.stdin.write("".join(text.splitlines(keepends=True)[:20]))
            first.stdin.flush()
            got = [first.stdout.readline() for _ in range(12)]
            first.send_signal(signal.SIGTERM)
            got += first.stdout.readlines()
            first.stdin.close()
        shown = subprocess.run([WEIR, "state", "show", "--format", "json", self.path("state")],
                               capture_output=True, text=True, check=True).stdout
        rest = text[int(re.search('"committed":([0-9]+)', shown).group(1)):]
        second = subprocess.run(command, input=rest, capture_output=True, text=True, check=False)
        self.assertEqual(second.returncode, 0, second.stderr)
        self.assertEqual([json.loads(line) for line in got + second.stdout.splitlines()], whole)

    def test_what_cannot_be_is_refused(self):
        def refused(rules, *why):
            ran = subprocess.run([WEIR, "check", self.write("rules.weir", HEAD + rules)],
                                 capture_output=True, text=True, check=False)
            self.assertNotEqual(ran.returncode, 0)
            for text in why:
                self.assertIn(text, ran.stderr)
        refused('actor x from process "python3 x.py"', "say what it takes and gives")
        refused('actor tally from process "libfixture.so" takes { n int } gives { m int }',
                "is said by its library")
        refused('actor tally from "libfixture.so" budget 3s', "process of their own")
        refused('actor x from process "x" takes { n int } gives { a int, a int }', "E0308")
        self.fails('actor x from process "no-such-program" takes { n int } gives { a int }\n'
                   "rule all { from x(tick) emit out { a } }", [tick(0, 1)],
                   "could not be started")

    def test_the_command_says_what_it_wants(self):
        for words in (("host",), ("host", "libfixture.so")):
            ran = subprocess.run([WEIR, *words], capture_output=True, text=True, check=False)
            self.assertEqual(ran.returncode, 2)
        ran = subprocess.run([WEIR, "host", "--address", "ipc:///x", "none.so"],
                             capture_output=True, text=True, check=False)
        self.assertEqual(ran.returncode, 66)


SHARDS = ((), ("--shards", "1"), ("--shards", "2"), ("--shards", "3"), ("--shards", "8"))


class Shards(Case):
    """An actor with keys is there once a shard; what comes out is the same."""
    # Of each second several keys have their last event, so that timers are due together.
    events = [tick(i // 5 * (1 if i < 900 else 2), (i * 7) % 11 if i % 50 else 0, "k%d" % (i * i % 23))
              for i in range(2500)]

    def same(self, rules, events, code=0):
        """The same bytes in this process and in others, for any number of shards."""
        shown = None
        for where in ("from", "from process"):
            for more in SHARDS:
                with self.subTest(where=where, more=more):
                    ran = self.run_rules(rules % where, events, (*more, "--quiet"))
                    self.assertEqual(ran.returncode, code, ran.stderr)
                    shown = ran.stdout if shown is None else shown
                    self.assertEqual(ran.stdout, shown)
        self.assertTrue(shown)
        return [json.loads(line) for line in shown.splitlines()]

    def test_events_and_timers_of_all_keys_are_in_one_order(self):
        got = self.same('actor tally %s "libfixture.so"\n'
                        "rule all { from tally(tick) by who emit out { count, what } }", self.events)
        self.assertIn("quiet", {e["what"] for e in got})

    def test_keys_are_forgotten_alike(self):
        self.same('actor tally %s "libfixture.so" idle 3s\n'
                  "rule all { from tally(tick) by who emit out { count, what } }", self.events)

    def test_a_key_of_several_values_and_one_that_is_null(self):
        events = [{**e, "maybe": None if i % 9 == 0 else "m%d" % (i % 4)}
                  for i, e in enumerate(self.events[:900])]
        got = self.same('actor tally %s "libfixture.so"\n'
                        "rule all { from tally(tick) by maybe, n emit out { count, what } }", events)
        self.assertLess(sum(e["what"] == "event" for e in got), 900)

    def test_failures_are_in_one_order(self):
        events = [tick(i // 3, 13 if i % 17 == 4 else i % 5, "k%d" % (i % 19)) for i in range(900)]
        got = self.same("""
            actor tally %s "libfixture.so" on error skip
            rule all { from tally(tick) by who emit out { count, what } }
            sink out to stdout()
            sink dead.tally to stdout()
            """, events)
        self.assertEqual(sum("reason" in e for e in got), sum(e["n"] == 13 for e in events))

    def test_garbage_is_a_failure_of_its_event(self):
        """Every seventh event makes the actor give what it may not."""
        events = [tick(i, 4 if i % 7 == 0 else 0, "k%d" % (i % 9)) for i in range(200)]
        got = self.same("""
            actor garbled %s "libfixture.so" on error skip
            rule all { from garbled(tick) by who emit out { f } }
            sink out to stdout()
            sink dead.garbled to stdout()
            """, events)
        self.assertEqual(sum("reason" in e for e in got), 29)

    def test_who_begins_anew_does_so_with_all_keys(self):
        """Without a state that can be saved `restart` forgets every key, so it is not split."""
        events = [tick(i // 3, 13 if i == 200 else i % 5, "k%d" % (i % 19)) for i in range(400)]
        shown = {self.run_rules('actor fresh from "libfixture.so" on error restart\n'
                                "rule all { from fresh(tick) by who emit out { count } }",
                                events, more).stdout for more in SHARDS}
        self.assertEqual(len(shown), 1)
        self.assertEqual(len(shown.pop().splitlines()), 400)

    def test_when_one_dies_it_goes_on_where_it_was(self):
        events = [tick(i, 13 if i == 777 else i % 10, "abcdefg"[i % 7]) for i in range(5000)]
        whole = [i // 7 + 1 for i in range(5000)]
        for more in SHARDS:
            with self.subTest(more=more):
                got = self.gives("""
                    actor risky from process "libfixture.so" (file: "died%s") on error restart
                    rule all { from risky(tick) by who emit out { count } }
                    """ % "".join(more), events, more)
                self.assertEqual([e["count"] for e in got], whole)

    def test_skip_passes_over_the_event_over_which_one_dies(self):
        events = [tick(i, 13 if i in (40, 41, 700) else i % 10, "abcdefg"[i % 7]) for i in range(800)]
        shown = set()
        for more in SHARDS:
            ran = self.run_rules("""
                actor risky from process "libfixture.so" on error skip
                rule all { from risky(tick) by who emit out { count } }
                sink out to stdout()
                sink dead.risky to stdout()
                """, events, more)
            self.assertEqual(ran.returncode, 0, ran.stderr)
            shown.add(ran.stdout)
        self.assertEqual(len(shown), 1)
        self.assertEqual(shown.pop().count("ended by signal 6"), 3)

    def test_stop_and_too_many_restarts_end_the_run(self):
        rules = """
            actor risky from process "libfixture.so" on error %s
            rule all { from risky(tick) by who emit out { count } }
            """
        events = [tick(i, 13 if i == 50 else 1, "k%d" % (i % 9)) for i in range(60)]
        for more in SHARDS:
            with self.subTest(more=more):
                self.fails(rules % "stop", events, "ended by signal 6", "goes on", more=more)
                self.fails(rules % "restart", events, "ended by signal 6", "5 restarts", more=more)

    def test_who_takes_longer_than_the_budget_is_ended(self):
        events = [tick(i, 14 if i == 30 else 1, "k%d" % (i % 9)) for i in range(60)]
        for more in SHARDS[2:4]:
            got = self.gives("""
                actor risky from process "libfixture.so" budget 300ms on error skip
                rule all { from risky(tick) by who emit out { count } }
                sink out to stdout()
                sink dead.risky to stdout()
                """, events, more)
            self.assertEqual(sum("count" in e for e in got), 59)
            self.assertIn("did not answer within 300 ms", [e for e in got if "reason" in e][0]["reason"])

    def test_processes_outlive_the_threads_that_began_them(self):
        """A node that is asked for a checkpoint lets its threads go, and not its processes."""
        self.write("rules.weir", HEAD.replace("stdin()", 'file("in") format json') + """
            actor tally from process "libfixture.so"
            rule all { from tally(tick) by who emit out { count, what } }
            sink out to file("out.jsonl")
            """)
        self.write("core.node", """node "core" {
            rules "rules.weir"
            control "core.sock"
            state "state"
            shards 2
            }""")
        os.mkfifo(self.path("in"))
        with subprocess.Popen([WEIR, "node", "--config", "core.node"], cwd=self.folder,
                              stderr=subprocess.PIPE, text=True) as node:
            with open(self.path("in"), "w", encoding="utf-8") as events:
                for half in range(2):
                    events.write("".join(json.dumps(tick(i, i % 11, "abcdefg"[i % 7])) + "\n"
                                         for i in range(half * 100, half * 100 + 100)))
                    events.flush()
                    for _ in range(5):
                        subprocess.run([WEIR, "node", "checkpoint", "--control", "core.sock"],
                                       cwd=self.folder, check=True, capture_output=True)
            log = node.stderr.read()
        self.assertEqual(node.returncode, 0, log)
        with open(self.path("out.jsonl"), encoding="utf-8") as file:
            self.assertEqual(len(file.readlines()), 200)

    def test_state_goes_on_with_any_number_of_shards(self):
        rules = self.write("rules.weir", HEAD + """
            actor tally from process "libfixture.so"
            rule all { from tally(tick) by who emit out { count, what } }
            """)
        text = "".join(json.dumps(event) + "\n" for event in self.events)
        whole = subprocess.run([WEIR, "run", "--quiet", rules], input=text, capture_output=True,
                               text=True, check=True).stdout
        for pair in (("1", "3"), ("3", "1"), ("3", "8"), ("8", "2"), ("2", "2")):
            with self.subTest(shards=pair):
                command = lambda i, pair=pair: [WEIR, "run", rules, "--quiet", "--shards", pair[i],
                                                "--checkpoint", "1ms", "--state", self.path("state")]
                self.assertEqual(self.stops_and_goes_on(command, text, 1200, 700), whole)
                shutil.rmtree(self.path("state"))

    def test_a_state_may_have_more_skipped_failures_in_a_row_than_there_are_restarts(self):
        for place, bad in (("from", (16,)), ("from process", (16,)), ("from process", (13, 16))):
            events = [tick(i, bad[i % len(bad)] if 10 <= i < 22 else i % 10, "abc"[i % 3]) for i in range(40)]
            text = "".join(json.dumps(event) + "\n" for event in events)
            rules = self.write("rules.weir", HEAD + """
                actor risky %s "libfixture.so" on error skip
                rule all { from risky(tick) by who emit out { count } }
                sink out to stdout()
                sink dead.risky to stdout()
                """ % place)
            whole = subprocess.run([WEIR, "run", "--quiet", rules], input=text, capture_output=True,
                                   text=True, check=True).stdout
            self.assertEqual(whole.count('"reason"'), 12)
            for pair in (("1", "1"), ("1", "3"), ("3", "2")):
                with self.subTest(place=place, bad=bad, shards=pair):
                    command = lambda i, pair=pair: [WEIR, "run", rules, "--quiet", "--shards", pair[i],
                                                    "--state", self.path("state")]
                    self.assertEqual(self.stops_and_goes_on(command, text, 22, 21), whole)
                    shutil.rmtree(self.path("state"))


@unittest.skipIf(zmq is None, "python3-zmq and python3-msgpack are not installed")
class Hosts(Case):
    """`weir host`, spoken with by hand."""

    def ask(self, *message):
        """What a host that was just started answers to its first request."""
        head = struct.Struct("<4sBBxxIIQqIIQQ8x")
        address = "ipc://" + self.path("socket")
        context = zmq.Context()
        self.addCleanup(context.destroy, 0)
        pair = context.socket(zmq.PAIR)
        pair.bind(address)
        with subprocess.Popen([WEIR, "host", "--address", address, self.path("libfixture.so")]) as host:
            payload = msgpack.packb(message, use_bin_type=True)
            pair.send(head.pack(b"WEIR", 1, 64, 0, 0, 1, 0, 0, 1, len(payload), 0) + payload)
            answer = pair.recv() if pair.poll(60000) else self.fail("no answer")
            host.terminate()
        return msgpack.unpackb(answer[head.size:])

    def test_a_library_that_takes_other_fields_by_now_is_not_given_them(self):
        gives = [["count", "int", False], ["what", "string", False]]
        for takes in ([], [["n", "float", False]], [["n", "int", True]], [["m", "int", False]],
                      [["n", "int", False], ["m", "int", False]]):
            self.assertEqual(self.ask("hello", 1, "tally", {}, takes, gives, True, None),
                             ["error", "its library takes other fields"])
        takes = [["n", "int", False]]
        self.assertEqual(self.ask("hello", 1, "tally", {}, takes, gives, True, None)[:4],
                         ["hello", 1, takes, gives])


SERVER = """
import sys
sys.path.insert(0, %r)
import weir_actor

class Harm(weir_actor.Actor):
    takes = [("n", "int", False)]
    gives = [("m", "int", False)]
    def event(self, state, time, values, emit):
        state["count"] = state.get("count", 0) + 1
        emit([state["count"]])

class Server(weir_actor._Server):
    def on_rows(self, stops, rows):
        good = super().on_rows(stops, rows)
        word, taken, events, failures, timer = good
        return %s

weir_actor._Server = Server
weir_actor.run(Harm)
"""


@unittest.skipIf(zmq is None, "python3-zmq and python3-msgpack are not installed")
class Programs(Case):
    rules = """
        actor harm from process "%s harm.py" on error %s takes { n int } %s { m int } budget 2s
        rule all { from harm(tick) by who emit out { %s } }
        """

    def server(self, answer="good"):
        self.write("harm.py", SERVER % (os.path.abspath(EXAMPLE), answer))

    def test_a_program_is_an_actor(self):
        self.server()
        events = [tick(i, i, "ab"[i % 2]) for i in range(1000)]
        got = self.gives(self.rules % (sys.executable, "stop", "adds", "who, n, m"), events)
        self.assertEqual([(e["who"], e["n"], e["m"]) for e in got],
                         [("ab"[i % 2], i, i // 2 + 1) for i in range(1000)])
        got = self.gives(self.rules % (sys.executable, "stop", "gives", "m"), events,
                         ("--shards", "2"))
        self.assertEqual([e["m"] for e in got], [i // 2 + 1 for i in range(1000)])

    def test_what_it_sends_is_checked(self):
        for answer, why in (
                ('("result", taken, [[0, 1, 1]], failures, timer)', "at a time that cannot be"),
                ('("result", taken, [[77, rows[0][0], 1]], failures, timer)', "not at hand"),
                ('("result", taken, [[0, rows[0][0], "x"]], failures, timer)', "another type"),
                ('("result", taken, [[0, rows[0][0], None]], failures, timer)', "never is"),
                ('("result", taken + 5, events, failures, timer)', "more or fewer"),
                ('("result", taken, events, failures, timer, 8)', "five parts"),
                ('("result", taken, events, failures, "soon")', "whole number"),
                ('("what", taken)', "something else"),
                ("()", "array is missing"),
                ('("error", "it is tired")', "it is tired"),
                ('("result", taken, [[None, 10**17, 0, 1]], failures, timer)', "at a time that cannot be"),
                ('("result", taken, [[None, 0, -1, 1]], failures, timer)', "began with none"),
                ("exit(3)", "status 3")):
            with self.subTest(answer=answer):
                self.server(answer)
                self.fails(self.rules % (sys.executable, "stop", "gives", "m"), [tick(0, 1)], why)

    def test_who_only_talks_has_no_longer_than_the_budget_either(self):
        self.server('[self.answer(0, "log", "still at it") for _ in iter(int, 1)]')
        self.fails(self.rules % (sys.executable, "stop", "gives", "m"), [tick(0, 1)],
                   "did not answer within 2000 ms")

    def test_a_frame_that_is_none_is_refused(self):
        self.server("self.socket.send(b'garbage') or good")
        self.fails(self.rules % (sys.executable, "stop", "gives", "m"), [tick(0, 1)], "no frame")

    def test_other_fields_than_the_rules_say_are_refused(self):
        self.server()
        self.fails((self.rules % (sys.executable, "restart", "gives", "m")).replace(
            "m int", "m float"), [tick(0, 1)], "gives other fields")

    def test_an_address_is_where_whoever_comes_is_waited_for(self):
        self.server()
        address = "ipc://" + self.path("socket")
        with subprocess.Popen([sys.executable, "harm.py"], cwd=self.folder,
                              env={**os.environ, "WEIR_ACTOR_ADDRESS": address}) as actor:
            got = self.gives(
                'actor harm from process "%s" takes { n int } gives { m int }\n'
                "rule all { from harm(tick) by who emit out { m } }" % address,
                [tick(i, i) for i in range(9)])
            self.assertEqual([e["m"] for e in got], list(range(1, 10)))
            self.assertEqual(actor.wait(30), 0)


FRAIL = """
import os, sys
sys.path.insert(0, %r)
import weir_actor

class Frail(weir_actor.Actor):
    takes = [("n", "int", False)]
    gives = [("m", "int", False), ("what", "string", False)]
    def event(self, state, time, values, emit):
        n = values[0]
        if n %% 400 == 13 and not os.path.exists("died%%d" %% n):
            open("died%%d" %% n, "w").close()
            os._exit(3)
        state["count"] = state.get("count", 0) + 1
        emit([state["count"], "event"])
        return time + 5 * 10**9
    def timer(self, state, time, emit):
        emit([state["count"], "quiet"])

class Server(weir_actor._Server):
    def on_rows(self, stops, rows):
        with open("told", "a") as told:
            told.writelines("%%d %%s %%d\\n" %% (os.getpid(), key.hex(), number)
                            for _, key, number, *_ in rows)
        return super().on_rows(stops, rows)
    def on_save(self):
        word, keys = super().on_save()
        return word, %s

weir_actor._Server = Server
weir_actor.run(Frail)
"""


@unittest.skipIf(zmq is None, "python3-zmq and python3-msgpack are not installed")
class FrailPrograms(Case):
    rules = """
        actor frail from process "%s frail.py" on error restart takes { n int }
          gives { m int, what string }
        rule all { from frail(tick) by who emit out { m, what } }
        """ % sys.executable
    events = [tick(i // 4, i, "k%d" % (i * 7 % 47)) for i in range(2000)]

    def program(self, keys="keys"):
        self.write("frail.py", FRAIL % (os.path.abspath(EXAMPLE), keys))
        for name in os.listdir(self.folder):
            if name.startswith("died"):
                os.remove(self.path(name))

    def test_when_one_dies_its_share_alone_is_given_again(self):
        self.program()
        for n in range(413, 2000, 400):  # it dies once
            self.write("died%d" % n, "")
        shown = set()
        for shards in (1, 2, 3, 8):
            self.write("told", "")
            if os.path.exists(self.path("died13")):
                os.remove(self.path("died13"))
            ran = self.run_rules(self.rules, self.events, ("--quiet", "--shards", str(shards)))
            self.assertEqual(ran.returncode, 0, ran.stderr)
            shown.add(ran.stdout)
            told = {}
            with open(self.path("told"), encoding="utf-8") as file:
                for line in file:
                    pid, key, number = line.split()
                    told.setdefault(pid, []).append((int(number), key))
            self.assertEqual(len(told), shards + 1)
            dead = [pid for pid, of in told.items() if 13 in [number for number, _ in of]]
            self.assertEqual(len(dead), 2)
            whole = sorted({of for one in told.values() for of in one})
            self.assertEqual([number for number, _ in whole], list(range(2000)))
            of_share = {key for pid in dead for _, key in told[pid]}
            for pid, of in told.items():
                self.assertEqual(of_share.isdisjoint({key for _, key in of}), pid not in dead)
                self.assertEqual(len(of), len(set(of)))
        self.assertEqual(len(shown), 1)

    def test_death_while_checkpoints_are_written(self):
        """One dies now and then, and a checkpoint is written after every millisecond."""
        rules = self.write("rules.weir", HEAD + self.rules)
        text = "".join(json.dumps(event) + "\n" for event in self.events)
        self.program()
        whole = subprocess.run([WEIR, "run", "--quiet", rules], input=text, capture_output=True,
                               text=True, check=True).stdout
        for pair in (("2", "3"), ("3", "1")):
            with self.subTest(shards=pair):
                self.program()
                command = lambda i, pair=pair: [WEIR, "run", rules, "--quiet", "--shards", pair[i],
                                                "--checkpoint", "1ms", "--state", self.path("state")]
                self.assertEqual(self.stops_and_goes_on(command, text, 1200, 700), whole)
                shutil.rmtree(self.path("state"))

    def test_what_it_saves_is_checked(self):
        for keys, why in (("keys[::-1]", "in the order of their bytes"),
                          ("[[b'\\xff', b'']]", "never was given"),
                          ("b'whole'", "array is missing")):
            with self.subTest(keys=keys):
                self.program(keys)
                self.fails(self.rules.replace("restart", "stop"),
                           [tick(i, 1, "k%d" % (i % 9)) for i in range(16000)], why)


if __name__ == "__main__":
    unittest.main()
