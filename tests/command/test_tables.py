"""Tables whose files are read again while a run goes on, as a user meets them.

Usage: test_tables.py PATH_TO_WEIR [unittest arguments]
"""

import json
import os
import subprocess
import unittest

import test_command as command

RUN = [command.WEIR, *command.RUN]
MANY = 100000  # looks are at most ten a second where they are kept

RULES = """
stream txn { at time unit s, card string }
source txn from stdin() format json
sink seen to file("seen.jsonl")
sink seen to stdout()
table card key id { id string, limit int } from file("cards.csv") refresh every 1m
rule look { from txn emit seen { at, card, limit: card[txn.card].limit } }
"""


class Refreshed(command.Folder):
    def setUp(self):
        super().setUp()
        self.write("rules.weir", RULES)
        self.cards(a=1, b=2)
        self.second = 0
        self.fed = None

    def cards(self, **limits):
        """As the guide says: written beside it, and put in its place."""
        self.write("cards.new", "id,limit\n" + "".join(f"{k},{v}\n" for k, v in limits.items()))
        os.replace(self.path("cards.new"), self.path("cards.csv"))

    def start(self, *options):
        run = subprocess.Popen([*RUN, "rules.weir", *options], cwd=self.folder.name,
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE)
        for pipe in (run.stderr, run.stdout):
            self.addCleanup(pipe.close)
        self.addCleanup(run.wait)
        self.addCleanup(run.kill)
        return run

    def feed(self, run, card, after=1):
        """One more event; what the one before it gave, which only this one lets go."""
        before, self.second = self.second, self.second + after
        run.stdin.write(json.dumps({"at": self.second, "card": card}).encode() + b"\n")
        run.stdin.flush()
        while before > 0:
            row = json.loads(run.stdout.readline())
            if row["at"].endswith("%02d:%02dZ" % (before // 60 % 60, before % 60)):
                return row
        return None

    def feed_until(self, run, card, limit, after=61):
        """Let time go on until a card has this limit."""
        for _ in range(MANY):
            row = self.feed(run, card, after)
            if row is not None and (row["card"], row["limit"]) == (card, limit):
                return
        self.fail(f"{card} never had {limit}, but {row}")

    def end(self, run):
        run.stdin.close()
        run.stdout.read()
        said = run.stderr.read().decode()
        self.assertEqual(run.wait(), 0, said)
        return said


class AFileThatChanges(Refreshed):
    def test_rows_that_are_new_changed_and_gone_are_seen_after_the_next_moment(self):
        run = self.start()
        self.feed_until(run, "a", 1)
        self.cards(a=10, c=3)
        self.feed_until(run, "a", 10)
        self.feed_until(run, "b", None)
        self.feed_until(run, "c", 3)
        self.assertNotIn("keeps the rows", self.end(run))

    def test_before_the_moment_the_rows_of_before_hold(self):
        run = self.start()
        self.feed_until(run, "a", 1, after=1)
        self.cards(a=10)
        for _ in range(56):
            self.assertEqual(self.feed(run, "a")["limit"], 1)
        self.end(run)

    def test_a_bad_file_leaves_the_rows_and_is_told_once(self):
        run = self.start()
        self.feed_until(run, "a", 1)
        self.cards(a="many", b=7)
        for _ in range(5):
            self.feed_until(run, "b", 2)
        os.remove(self.path("cards.csv"))
        for _ in range(5):
            self.feed_until(run, "b", 2)
        self.cards(a=5, b=8)
        self.feed_until(run, "b", 8)
        said = self.end(run)
        self.assertEqual(said.count("table 'card' keeps the rows it has"), 1, said)
        self.assertIn("\"many\" is not an int", said)


class ARunThatIsKilled(Refreshed):
    def check(self, *options):
        run = self.start("--state", "state", *options)
        self.feed_until(run, "a", 1)
        self.cards(a=10, c=3)
        self.feed_until(run, "c", 3)
        self.cards(a=20)
        self.feed_until(run, "c", None)
        before = self.read("seen.jsonl")
        run.kill()
        run.wait()
        run.stdin.close()
        self.cards(a=30, b=30, c=30)
        run = self.start("--state", "state", *options)
        self.feed_until(run, "b", 30)
        self.end(run)
        self.assertEqual(self.read("seen.jsonl")[:len(before)], before)

    def test_goes_on_with_what_the_file_said_at_each_moment(self):
        self.check("--checkpoint", "1h")

    def test_goes_on_from_a_checkpoint_that_was_written_between(self):
        self.check("--checkpoint", "10ms")


if __name__ == "__main__":
    unittest.main()
