"""Aggregates, sources, sinks and codecs of plugins under `weir run`.

Usage: test_parts.py PATH_TO_WEIR FOLDER_OF_PLUGINS [unittest arguments]
"""

import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import unittest

WEIR = os.path.abspath(sys.argv.pop(1))
PLUGINS = os.path.abspath(sys.argv.pop(1))
STREAM = "stream tick { at time, who string, n int, maybe int? }\n"
HEAD = STREAM + "source tick from stdin()\n"
SHARDS = ((), ("--shards", "1"), ("--shards", "2"), ("--shards", "3"), ("--shards", "8"))


def tick(second, n, who="a", maybe=None):
    return {"at": "2024-05-01T00:%02d:%02dZ" % (second // 60, second % 60), "who": who,
            "n": n, "maybe": maybe}


def lines(events):
    return "".join(json.dumps(event) + "\n" for event in events)


class Case(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        os.symlink(os.path.join(PLUGINS, "libparts.so"), self.path("libparts.so"))

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(text)
        return self.path(name)

    def read(self, name):
        with open(self.path(name), encoding="utf-8") as file:
            return file.read()

    def weir(self, command, rules, text="", more=()):
        return subprocess.run([WEIR, command, *more, self.write("rules.weir", rules)],
                              input=text, capture_output=True, text=True, check=False)

    def gives(self, rules, events=(), more=()):
        ran = self.weir("run", rules, lines(events), more)
        self.assertEqual(ran.returncode, 0, ran.stderr)
        return [json.loads(line) for line in ran.stdout.splitlines()]

    def fails(self, rules, *why, text=""):
        ran = self.weir("run", rules, text)
        self.assertNotEqual(ran.returncode, 0, ran.stdout)
        self.assertGreater(ran.returncode, 0, "it crashed")
        for reason in why:
            self.assertIn(reason, ran.stderr)
        return ran

    def goes_on(self, rules, output, shards="1"):
        """Killed after a checkpoint, and gone on, the output is that of an undisturbed run.
        `rules` say step: 11, where the source is to be read."""
        whole = self.weir("run", rules, more=("--quiet",))
        self.assertEqual(whole.returncode, 0, whole.stderr)
        expected = self.read(output)
        for k, die in enumerate((1, 40000, 150000)):
            os.remove(self.path(output))
            command = [WEIR, "run",
                       self.write("rules.weir", rules.replace("step: 11", "step: 11, die: %d" % die)),
                       "--quiet", "--shards", shards, "--checkpoint", "5ms",
                       "--state", self.path("state%d" % k)]
            first = subprocess.run(command, stdin=subprocess.DEVNULL, check=False)
            self.assertEqual(first.returncode, -signal.SIGKILL)
            second = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True,
                                    text=True, check=False)
            self.assertEqual(second.returncode, 0, second.stderr)
            self.assertEqual(self.read(output), expected)
            os.remove(self.path("in.jsonl.died"))


def mad(values):
    middle = statistics.median(values)
    return statistics.median([abs(x - middle) for x in values])


class Aggregates(Case):
    events = [tick(i, (i * i * 7) % 23, "ab"[i % 2], None if i % 3 == 0 else i)
              for i in range(40)]

    def test_it_stands_in_every_window(self):
        for window, merges in (("tumbling 10s", True), ("hopping 10s every 5s", True),
                               ("session 3s", True), ("sliding 7s", True), ("last 5", True),
                               ("all", True), ("tumbling 10s fill", True)):
            with self.subTest(window=window):
                got = self.gives(HEAD + """
                    aggregate mad from "libparts.so"
                    rule r { from tick by who window %s emit out { who, v: mad(n), c: collect(n) } }
                    """ % window, self.events)
                self.assertTrue(got)
                for event in got:
                    values = event["c"]
                    self.assertEqual(event["v"], mad(values) if values else None)

    def test_it_stands_after_a_match(self):
        got = self.gives(HEAD + """
            aggregate mad from "libparts.so" (scale: 2.0)
            aggregate dots from "libparts.so"
            rule r {
              match a: tick(n < 20)+ -> b: tick(n >= 20)
              within 1m
              emit out { v: mad(a.n), c: collect(a.n), d: dots(a.n, a.maybe), m: collect(a.maybe) }
            }
            """, self.events)
        self.assertTrue(got)
        for event in got:
            self.assertEqual(event["v"], 2 * mad(event["c"]))
            pairs = [(x, y) for x, y in zip(event["c"], event["m"]) if y is not None]
            if pairs and 13 not in [x for x, _ in pairs]:
                self.assertEqual(event["d"], str(sum(x * y for x, y in pairs)))

    def test_it_leaves_out_nulls_and_what_where_leaves_out(self):
        got = self.gives(HEAD + """
            aggregate dots from "libparts.so"
            rule r {
              from tick
              window sliding 8s
              emit out { d: dots(n, maybe), w: dots(n, n) where n < 10, n }
            }
            """, [tick(i, n, maybe=m) for i, (n, m) in enumerate(
                [(1, None), (2, 3), (30, 1), (4, None), (5, 5)])])
        self.assertEqual([e["d"] for e in got], [None, "6", "36", "36", "61"])
        self.assertEqual([e["w"] for e in got], ["1", "5", "5", "21", "46"])

    def test_what_it_fails_at_is_null_until_the_window_is_empty(self):
        got = self.gives(HEAD + """
            aggregate dots from "libparts.so"
            rule r { from tick window sliding 2s emit out { d: dots(n, n), n } }
            """, [tick(0, 1), tick(1, 13), tick(2, 1), tick(9, 2), tick(20, 13), tick(30, 3)])
        self.assertEqual([e["d"] for e in got], ["1", None, None, "4", None, "9"])

    def test_garbage_is_null_and_a_fault(self):
        ran = self.weir("run", HEAD + """
            aggregate dots from "libparts.so"
            rule r { from tick window tumbling 1s emit out { d: dots(n, maybe) } }
            """, lines([tick(0, 14, maybe=1), tick(5, 1, maybe=1)]))
        self.assertEqual([json.loads(line)["d"] for line in ran.stdout.splitlines()],
                         [None, "1"])
        self.assertIn("fault", ran.stderr)

    def test_shards_give_the_same(self):
        rules = HEAD + """
            aggregate mad from "libparts.so"
            rule r { from tick by who window sliding 7s emit out { who, v: mad(n) } }
            """
        self.assertEqual(self.gives(rules, self.events),
                         self.gives(rules, self.events, ("--shards", "3")))

    def test_what_cannot_be_is_refused(self):
        def refused(rules, *why):
            ran = self.weir("check", HEAD + rules)
            self.assertNotEqual(ran.returncode, 0)
            for text in why:
                self.assertIn(text, ran.stderr)
        declared = 'aggregate dots from "libparts.so"\naggregate mad from "libparts.so"\n'
        rule = "rule r { from tick window %s emit out { v: %s } }"
        refused(declared + rule % ("hopping 10s every 5s", "dots(n, n)"), "dots", "merged")
        refused(declared + rule % ("all", "dots(n)"), "E0615", "dots(x, y)")
        refused(declared + rule % ("all", "mad(who)"), "E0401", "takes a float as 'x'")
        refused(declared + "rule r { from tick emit out { v: mad(n) } }", "E0612")
        refused('aggregate sum from "libparts.so"', "E0307")
        refused('aggregate no from "libparts.so"', "E0715", "has no aggregate 'no'")
        refused('aggregate mad from "libparts.so" (scale: "x")', "E0403")

    def test_metrics_are_told_when_the_run_ends(self):
        ran = self.weir("run", HEAD + """
            aggregate mad from "libparts.so"
            rule r { from tick window tumbling 10s emit out { v: mad(n) } }
            """, lines(self.events))
        self.assertIn("mad: results 4", ran.stderr)
        self.assertRegex(ran.stderr, "mad: last [0-9.]+")

    def test_state_goes_on_where_it_was(self):
        self.write("in.jsonl", lines(
            [tick(i % 3600, (i * 7919) % 101 + 14, "abcde"[i % 5], (i * 31) % 17)
             for i in range(3500)]))
        rules = STREAM + """
            connector tape from "libparts.so"
            source tick from tape(path: "in.jsonl", step: 11)
            sink out to file("out.jsonl")
            aggregate mad from "libparts.so"
            aggregate dots from "libparts.so"
            rule a { from tick by who window sliding 40s emit out { who, m: mad(n), d: dots(n, maybe) } }
            rule b { from tick window last 9 emit out { who: "", m: mad(n), d: dots(n, maybe) } }
            rule c { from tick by who window hopping 1m every 20s emit out { who, m: mad(n), d: null } }
            """
        self.goes_on(rules, "out.jsonl")


class Sources(Case):
    events = [tick(i % 3600, i, "abc"[i % 3]) for i in range(60)]
    rules = STREAM + """
        connector tape from "libparts.so"
        source tick from tape(path: "in.jsonl"%s)%s
        rule all { from tick emit out { who, n } }
        """
    by_key = """
        rule sums { from tick by who window tumbling 10s emit sums { who, n: sum(n) } }
        """

    def test_bytes_are_read_in_the_format_that_is_said(self):
        self.write("in.jsonl", lines(self.events))
        for step in (1, 7, 1000000):
            got = self.gives(self.rules % (", step: %d" % step, " format json"))
            self.assertEqual([e["n"] for e in got], list(range(60)))

    def test_events_are_given_as_they_are(self):
        got = self.gives("""
            stream tick { at time, who string, n float }
            connector count from "libparts.so"
            source tick from count(to: 12)
            rule all { from tick where n > 9 emit out { at, who, n } }
            """)
        self.assertEqual([(e["who"], e["n"]) for e in got],
                         [("even", 10), ("odd", 11), ("even", 12)])
        self.assertEqual(got[0]["at"], "2024-05-01T00:00:10Z")

    def test_another_file_can_be_read_instead(self):
        self.write("other.jsonl", lines([tick(0, 5)]))
        got = self.gives("""
            stream tick { at time, who string, n int }
            connector count from "libparts.so"
            source tick from count(to: 12)
            rule all { from tick emit out { n } }
            """, more=("--from", self.path("other.jsonl")))
        self.assertEqual(got, [{"n": 5, "at": got[0]["at"]}] if "at" in got[0] else [{"n": 5}])

    def test_a_failure_ends_the_run_with_the_reason(self):
        self.write("in.jsonl", lines(self.events))
        for mode, why in (("fail", "the line is dead"), ("lie", "says that it gave"),
                          ("what", "says that it gave")):
            self.fails(self.rules % (', mode: "%s"' % mode, ""), "tape", why)
        self.fails(self.rules.replace("in.jsonl", "none.jsonl") % ("", ""), "cannot open")
        self.fails("""
            stream tick { at time, who string, n int }
            connector count from "libparts.so"
            source tick from count(to: 12, bad: 7)
            rule all { from tick emit out { n } }
            """, "count", "another type as 'n'")

    def test_what_cannot_be_is_refused(self):
        def refused(rules, *why):
            ran = self.weir("check", STREAM + rules)
            self.assertNotEqual(ran.returncode, 0)
            for text in why:
                self.assertIn(text, ran.stderr)
        refused('connector x from "libparts.so"\nsource tick from x()', "E0715")
        refused('connector file from "libparts.so"', "E0307")
        refused('connector book from "libparts.so"\nsource tick from book(path: "a")',
                "E0702", "has no source")
        refused('connector tape from "libparts.so"\nsource tick from tape()', "needs a string 'path'")
        refused('connector tape from "libparts.so"\nsource tick from tape(path: "a", pace: 1)',
                "takes no 'pace'")
        refused('connector count from "libparts.so"\nsource tick from count(to: 3) format csv',
                "gives events, not bytes")
        refused('connector count from "libparts.so"\nstream s { at time, x int }\n'
                "source s from count(to: 3)", "gives no field 'x'")
        refused("source tick from mqttt()", "E0702")

    def test_it_is_read_again_from_where_the_checkpoint_was(self):
        self.write("in.jsonl", lines([tick(i % 3600, i, "abc"[i % 3]) for i in range(3000)]))
        rules = self.rules % (", step: 11", "") + 'sink out to file("out.jsonl")\n'
        self.goes_on(rules, "out.jsonl")
        self.assertFalse(os.path.getsize(self.path("in.jsonl.told")) == 0)
        told = [int(line) for line in self.read("in.jsonl.told").splitlines()]
        self.assertLessEqual(max(told), os.path.getsize(self.path("in.jsonl")))
        self.assertGreater(max(told), 0)

    def test_shards_give_the_same(self):
        self.write("in.jsonl", lines([tick(i % 3600, i, "abcdefg"[i % 7]) for i in range(3000)]))
        for rules in (self.rules % (", step: 11", ""),
                      self.rules.replace("tape", "pipe") % (", step: 4000", ""),
                      self.rules.replace("tape", "count").replace('path: "in.jsonl"', "to: 3001")
                      % ("", "")):
            rules = rules + self.by_key
            shown = [self.weir("run", rules, more=("--quiet", *more)) for more in SHARDS]
            self.assertEqual([ran.stderr for ran in shown], [""] * len(SHARDS))
            self.assertEqual(len({ran.stdout for ran in shown}), 1)
            self.assertGreater(len(shown[0].stdout.splitlines()), 3000)

    def test_with_shards_it_is_read_again_from_where_the_checkpoint_was(self):
        self.write("in.jsonl", lines([tick(i % 3600, i, "abc"[i % 3]) for i in range(3000)]))
        self.goes_on(self.rules % (", step: 11", "") + self.by_key
                     + 'sink sums to file("sums.jsonl")\n', "sums.jsonl", "3")

    def replays(self, rules, *more):
        """What `weir replay` gives of what a run has read, and what the run has written."""
        ran = self.weir("run", rules, more=("--quiet", "--state", self.path("state"), "--checkpoint", "1ms",
                                            "--keep-journal", "1d", *more))
        self.assertEqual(ran.returncode, 0, ran.stderr)
        told = self.read("in.jsonl.told") if os.path.exists(self.path("in.jsonl.told")) else None
        replay = self.weir("replay", rules, more=("--quiet", "--state", self.path("state"), "--to",
                                                  self.path("again")))
        self.assertEqual((replay.returncode, replay.stderr), (0, ""))
        for name in ("out.jsonl", "sums.jsonl"):
            self.assertEqual(self.read("again/" + name), self.read(name))
            self.assertTrue(self.read(name))
        diff = self.weir("replay", rules, more=("--quiet", "--state", self.path("state"), "--diff"))
        self.assertRegex(diff.stdout, "^0 added, 0 missing, 0 changed, [0-9]+ the same\n$")
        self.assertEqual((diff.returncode, diff.stderr), (0, ""))
        if told is not None:  # a replay acknowledges nothing
            self.assertEqual(self.read("in.jsonl.told"), told)
        shutil.rmtree(self.path("state"))
        shutil.rmtree(self.path("again"))
        os.remove(self.path("out.jsonl"))
        os.remove(self.path("sums.jsonl"))

    def test_what_a_run_has_read_of_it_is_replayed(self):
        self.write("in.jsonl", lines([tick(i % 3600, i, "abcdefg"[i % 7]) for i in range(3000)]))
        for rules in (self.rules % (", step: 11", ""),
                      self.rules.replace("tape", "pipe") % (", step: 4000", ""),
                      self.rules.replace("tape", "count").replace('path: "in.jsonl"', "to: 3001")
                      % ("", "")):
            for shards in ("1", "3"):
                with self.subTest(rules=rules, shards=shards):
                    self.replays(rules + self.by_key + 'sink out to file("out.jsonl")\n'
                                 'sink sums to file("sums.jsonl")\n', "--shards", shards)

    def test_what_cannot_be_read_again_is_told_when_the_journal_has_it(self):
        self.write("in.jsonl", lines(self.events))
        rules = self.rules.replace("tape", "pipe") % (", step: 11", "") \
            + 'sink out to file("out.jsonl")\n'
        ran = self.weir("run", rules, more=("--state", self.path("state")))
        self.assertEqual(ran.returncode, 0, ran.stderr)
        self.assertEqual(len(self.read("out.jsonl").splitlines()), 60)
        self.assertEqual(set(self.read("in.jsonl.told").splitlines()), {"-1"})


class Sinks(Case):
    events = [tick(i, i, "abc"[i % 3], None if i % 2 else i) for i in range(9)]

    def test_bytes_are_written_in_the_format_that_is_said(self):
        ran = self.weir("run", HEAD + """
            connector book from "libparts.so"
            rule all { from tick emit out { who, n } }
            sink out to book(path: "out.csv") format csv
            """, lines(self.events[:3]))
        self.assertEqual(ran.returncode, 0, ran.stderr)
        self.assertEqual(self.read("out.csv"), "who,n\na,0\nb,1\nc,2\n")

    def test_events_are_written_as_they_are(self):
        ran = self.weir("run", HEAD + """
            connector table from "libparts.so"
            rule all { from tick where n > 5 emit out { who, n, maybe } }
            sink out to table(path: "out.txt")
            """, lines(self.events))
        self.assertEqual(ran.returncode, 0, ran.stderr)
        self.assertEqual(self.read("out.txt"), "1714521606|a|6|6\n1714521607|b|7|null\n"
                                               "1714521608|c|8|8\n")
        self.assertIn("table: lines 3", ran.stderr)

    def test_a_failure_ends_the_run_with_the_reason(self):
        for name in ("book", "table"):
            self.fails(HEAD + """
                connector %s from "libparts.so"
                rule all { from tick emit out { n } }
                sink out to %s(path: "out.txt", most: 0)
                """ % (name, name), "is full", text=lines(self.events))
        self.fails(HEAD + """
            connector book from "libparts.so"
            rule all { from tick emit out { n } }
            sink out to book(path: "none/out.txt")
            """, "cannot open", text=lines(self.events))

    def test_what_can_be_cut_back_has_each_event_once(self):
        self.write("in.jsonl", lines([tick(i % 3600, i, "abc"[i % 3]) for i in range(3000)]))
        self.goes_on(STREAM + """
            connector tape from "libparts.so"
            connector book from "libparts.so"
            source tick from tape(path: "in.jsonl", step: 11)
            rule all { from tick emit out { who, n } }
            sink out to book(path: "out.txt")
            """, "out.txt")


class Codecs(Case):
    rules = """
        stream tick { at time, who string, n int }
        codec kv from "libparts.so"
        source tick from stdin() format kv%s
        sink out to stdout() format kv
        sink dead.tick to file("dead.jsonl")
        rule all { from tick emit out { at, who, n } }
        """

    def test_it_reads_and_writes(self):
        text = "".join("%d;w%d;%d\n" % (i, i % 3, i % 9) for i in range(5000))
        ran = self.weir("run", self.rules % "", text)
        self.assertEqual(ran.returncode, 0, ran.stderr)
        self.assertEqual(ran.stdout, text)

    def test_a_record_that_it_cannot_read_is_dead_and_the_next_is_read(self):
        ran = self.weir("run", self.rules % "",
                        "1;a;1\nnonsense\n2;b;99\n3;c;2000\n4;d;200\n5;e")
        self.assertEqual(ran.returncode, 0, ran.stderr)
        self.assertEqual(ran.stdout, "1;a;1\n4;d;200\n4;d;200\n")
        dead = [json.loads(line) for line in self.read("dead.jsonl").splitlines()]
        self.assertEqual([d["raw"] for d in dead],
                         ["nonsense\n", "2;b;99\n", "3;c;2000\n", "5;e"])
        self.assertEqual([d["line"] for d in dead], [2, 3, 4, 6])
        for text, d in zip(("is not at;who;n", "2 values", "more than 64", "is not"), dead):
            self.assertIn(text, d["reason"])

    def test_what_breaks_the_contract_ends_the_run(self):
        self.fails(self.rules % '(mode: "never")', "how long a record is", text="1;a;1\n")
        self.fails(self.rules % '(mode: "far")', "takes 7 bytes of 6", text="1;a;1\n")
        self.fails(self.rules % "", "thirteen cannot be written", text="1;a;13\n")

    def test_a_record_without_an_end_is_dead_in_pieces(self):
        ran = self.weir("run", self.rules % "", "x" * 2500000)
        self.assertEqual(ran.returncode, 0, ran.stderr)
        dead = [json.loads(line) for line in self.read("dead.jsonl").splitlines()]
        self.assertEqual([len(d["raw"]) for d in dead], [1 << 20, 1 << 20, 2500000 - (2 << 20)])

    def test_what_cannot_be_is_refused(self):
        ran = self.weir("check", 'codec json from "libparts.so"')
        self.assertIn("E0307", ran.stderr)
        ran = self.weir("check", 'stream s { at time }\nsource s from stdin() format avro')
        self.assertIn("E0705", ran.stderr)


if __name__ == "__main__":
    unittest.main()
