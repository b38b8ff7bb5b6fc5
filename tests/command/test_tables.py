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


class Lookups(command.Folder):
    """As of the time of the event whose fields make the key."""

    def check(self, rules, expected, **files):
        for name, text in files.items():
            self.write(name + ".csv", text)
        self.assertEqual(self.events_of(self.run_rules(rules, "--quiet")), expected)

    def test_a_condition_of_a_pattern_sees_the_row_of_its_event_s_time(self):
        self.check("""
stream txn { at time unit s, card string, cents int }
stream block { at time unit s, card string, level int? }
source txn from file("txn.csv")
source block from file("block.csv")
table card key id { id string, limit int } from file("cards.csv")
table blocked key card { card string, level int? } limit 100
rule blocks { from block emit into blocked { card, level } }
rule over {
  match  a: txn(cents > card[txn.card].limit) -> b: txn(blocked[card].level > 2)
  by     card
  within 1h
  emit   spree { n: b.cents, card, limit: card[a.card].limit, level: blocked[b.card].level,
                 sum: sum(card[a.card].limit) }
}
""", [{"n": 3, "card": "x", "limit": 10, "level": 3, "sum": 10}],
                   txn="at,card,cents\n1,x,5\n2,x,50\n3,x,1\n4,x,2\n5,x,3\n6,x,4\n7,y,100\n8,y,1\n",
                   block="at,card,level\n2,x,1\n4,x,3\n", cards="id,limit\nx,10\ny,20\n")

    def test_a_lookup_leaves_the_order_of_events_of_one_time_as_it_is(self):
        for condition in ("n > 0", "n > (low[k].n ?? 0)"):
            self.check("""
stream p { at time unit s, k int, n int }
stream q { at time unit s, k int, n int }
source p from file("p.csv")
source q from file("q.csv")
table low key k { k int, n int } from file("low.csv")
rule r { match a: p(%s) -> b: q by k within 1h emit m { a: a.n, b: b.n } }
""" % condition, [{"a": 1, "b": 5}], p="at,k,n\n1,7,1\n", q="at,k,n\n1,7,5\n", low="k,n\n7,0\n")

    def test_on_sees_for_each_side_the_rows_of_its_own_time(self):
        self.check("""
stream orders   { at time unit s, id string, cust string, cents int }
stream payments { at time unit s, order string, bank string, cents int }
source orders from file("orders.csv")
source payments from file("payments.csv")
table tol key cust since day { day time unit s, cust string, cents int } from file("tol.csv")
table fee key bank { bank string, cents int } from file("fee.csv")
rule settled {
  from o: orders left join p: payments on o.id == p.order
    and p.cents + fee[p.bank].cents >= o.cents - tol[o.cust].cents within 10m
  emit settled { id, paid: p.cents, then: tol[cust].cents }
}
""", [{"id": "x", "paid": 90, "then": 0}, {"id": "y", "paid": None, "then": 0},
                {"id": "z", "paid": None, "then": 0}],
                   orders="at,id,cust,cents\n2,x,u,100\n3,y,u,100\n4,z,v,100\n1000,end,u,1\n",
                   payments="at,order,bank,cents\n8,x,A,90\n9,y,A,80\n1001,q,A,1\n",
                   tol="day,cust,cents\n1,u,5\n1,v,0\n5,u,0\n", fee="bank,cents\nA,7\n")


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
