"""weir top and weir tap beside nodes: one alone, one whose rules change, two of a cluster.

    test_looks.py WEIR

Nothing waits for a time: events are fed until a tap has seen what it was asked to see.
"""

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import unittest

WEIR = os.path.abspath(sys.argv.pop(1))
STREAM = """stream txn { at time unit ms, card string, amount int }
source txn from stdin() format json
"""
RULES = STREAM + """
rule rise { match a: txn -> b: txn(amount > a.amount) by card within 5s emit rise { card, to: b.amount } }
sink rise to file("%s.rise.jsonl")
"""
MORE = RULES + """
rule big { from txn where amount > 50 emit big { card, amount } }
sink big to file("%s.big.jsonl")
"""


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class Looks(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.folder)
        self.nodes = {}
        self.n_fed = 0

    def write(self, name, text):
        with open(os.path.join(self.folder, name), "w", encoding="utf-8") as file:
            file.write(text)

    def start(self, name, *settings):
        self.write(name + ".weir", RULES % name)
        self.write(name + ".node", 'node %s {\n  rules "%s.weir"\n  control "%s.sock"\n  live "%s.page"\n  %s\n}\n'
                   % (name, name, name, name, "\n  ".join(settings)))
        with open(os.path.join(self.folder, name + ".log"), "w", encoding="utf-8") as log:
            node = subprocess.Popen([WEIR, "node", "--config", name + ".node"], cwd=self.folder,
                                    stdin=subprocess.PIPE, stderr=log)
        self.addCleanup(self.end, node)
        self.nodes[name] = node
        while self.weir("top", name + ".page", "--count", "1").returncode != 0:
            self.assertIsNone(node.poll())

    def end(self, node):
        node.stdin.close()
        node.terminate()
        node.wait()

    def weir(self, *words):
        return subprocess.run([WEIR, *words], cwd=self.folder, capture_output=True, text=True, check=False)

    def feed(self, n):
        """The same to every node: of seven cards, amounts that rise and fall."""
        lines = "".join('{"at":%d,"card":"c%d","amount":%d}\n' % (1767225600000 + i, i % 7, i * 7 % 100)
                        for i in range(self.n_fed, self.n_fed + n)).encode()
        self.n_fed += n
        for node in self.nodes.values():
            node.stdin.write(lines)
            node.stdin.flush()

    def tap(self, name, *words):
        """What a tap shows while events are fed, and how it ends."""
        with open(os.path.join(self.folder, "shown"), "w", encoding="utf-8") as shown:
            tap = subprocess.Popen([WEIR, "tap", name + ".page", *words], cwd=self.folder, stdout=shown,
                                   stderr=subprocess.PIPE, text=True)
        while tap.poll() is None:
            self.feed(200)
        errors = tap.stderr.read()
        tap.stderr.close()
        with open(os.path.join(self.folder, "shown"), encoding="utf-8") as file:
            return tap.returncode, file.read().splitlines(), errors

    def test_beside_a_node_top_and_tap_see_what_they_see_of_a_run(self):
        for shards in ("1", "3"):
            name = "n" + shards
            self.start(name, "shards " + shards)
            status, lines, _ = self.tap(name, "rise", "--count", "5")
            self.assertEqual((status, len(lines)), (0, 5))
            status, lines, _ = self.tap(name, "--rule", "rise", "--key", "c3", "--partial", "--count", "5")
            self.assertEqual((status, len(lines)), (0, 5))
            for line in lines:
                self.assertIn(" rule rise, key c3: ", line)
            self.assertRegex(self.weir("top", name + ".page", "--count", "1").stdout, r"\nrise +[0-9]")
            self.assertEqual(self.weir("node", "status", "--config", name + ".node").returncode, 0)

    def test_after_an_apply_they_see_the_new_rules(self):
        self.start("core", "shards 2")
        status, lines, errors = self.tap("core", "--rule", "big", "--count", "3")
        self.assertEqual((status, lines), (2, []))
        self.assertIn("no rule of the node is called 'big'", errors)
        self.write("more.weir", MORE % ("core", "core"))
        done = self.weir("apply", "--config", "core.node", "more.weir")
        self.assertEqual(done.returncode, 0, done.stderr)
        status, lines, errors = self.tap("core", "--rule", "big", "--count", "3")
        self.assertEqual((status, len(lines), errors), (0, 3, ""))
        for line in lines:
            self.assertGreater(json.loads(line.split(" ", 2)[2])["amount"], 50)
        self.assertRegex(self.weir("top", "core.page", "--count", "1").stdout, r"\nbig +[0-9]")

    def test_a_tap_shows_nothing_that_another_has_asked_for(self):
        self.start("core")
        for _ in range(5):
            status, lines, _ = self.tap("core", "rise", "--count", "3")
            self.assertEqual((status, {line.split(" ")[1] for line in lines}), (0, {"rise"}))
            status, lines, _ = self.tap("core", "txn", "--count", "3")
            self.assertEqual((status, {line.split(" ")[1] for line in lines}), (0, {"txn"}))

    def test_in_a_cluster_a_node_tells_of_its_own_keys_and_whose_the_others_are(self):
        self.write("plant.weir", 'cluster "plant" {\n  insecure\n  node a at "tcp://127.0.0.1:%d"\n'
                   '  node b at "tcp://127.0.0.1:%d"\n}\n' % (free_port(), free_port()))
        for name in "ab":
            self.start(name, 'state "state.%s"' % name, "insecure", "shards 2", 'cluster "plant.weir"')
        owners = {}
        for name, other in ("ab", "ba"):
            for card in ("c%d" % i for i in range(7)):
                status, lines, errors = self.tap(name, "--rule", "rise", "--key", card, "--partial",
                                                 "--count", "4", "--rate", "1000")
                if status == 0:
                    owners.setdefault(card, []).append(name)
                    self.assertEqual(len([line for line in lines if ", key %s: " % card in line]), 4)
                else:
                    self.assertEqual((status, lines), (2, []))
                    self.assertIn("key '%s' of rule 'rise' is with node '%s'" % (card, other), errors)
            status, lines, _ = self.tap(name, "--rule", "rise", "--partial", "--count", "4", "--rate", "1000")
            self.assertEqual((status, len(lines)), (0, 4))
            key = lines[0].split(", key ")[1].split(":")[0]
            self.assertIn(name, owners.get(key, [name]))
            self.assertRegex(self.weir("top", name + ".page", "--count", "1").stdout, r"\nrise +[0-9]")
        self.assertEqual([len(names) for names in owners.values()], [1] * 7)
        self.assertEqual({names[0] for names in owners.values()}, {"a", "b"})


if __name__ == "__main__":
    unittest.main()
