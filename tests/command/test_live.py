"""Runs that are watched: weir top and weir tap.

    test_live.py WEIR
"""

import json
import os
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
}
source reading from stdin() format json
sink   high to file("high.jsonl")

rule highs { from reading where x >= 0 emit high { id, x } }
"""


class Live(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.folder)
        with open(os.path.join(self.folder, "rules.weir"), "w") as file:
            file.write(RULES)
        self.process = None

    def start(self):
        self.process = subprocess.Popen(
            [WEIR, "run", "rules.weir", "--live", "page", "--quiet"], cwd=self.folder, stdin=subprocess.PIPE
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
        lines = "".join('{"at":%d,"id":%d,"x":%d}\n' % (i, i % 7, i) for i in range(first, first + n))
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
        self.assertEqual(lines[3].split()[:2], ["reading", "1.50k"])
        self.assertEqual(lines[3].split()[-1], "end")
        self.assertEqual(lines[6].split()[:2], ["highs", "1.50k"])
        self.assertEqual(lines[6].split()[3], "1.50k")

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
