"""Who may speak with a node: keys made, allowed and revoked while two nodes run.

    test_admission.py WEIR

Nothing waits for a time: a test goes on when a log or an output says what it needs.
"""

import contextlib
import json
import os
import shutil
import socket
import stat
import subprocess
import tempfile
import unittest

from test_node import WEIR, Node

SENDER = """stream txn { at time unit ms, card string }
source txn from file("in") format json
sink txn to node("core")
"""
RECEIVER = """stream txn { at time unit ms, card string }
source txn from node("edge")
sink seen to file("out") format json
rule all { from txn emit seen { card } }
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Case(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.folder)
        for name in ("core", "edge", "before"):
            self.command("keygen", name)
        for name in ("in", "out"):
            os.mkfifo(self.path(name))
        # Opened for both, so that neither side waits for the other, nor ends with it.
        self.feed = os.open(self.path("in"), os.O_RDWR)
        self.rows = os.fdopen(os.open(self.path("out"), os.O_RDWR), encoding="utf-8")
        self.addCleanup(os.close, self.feed)
        self.addCleanup(self.rows.close)
        self.port = free_port()
        self.write("edge.weir", SENDER)
        self.write("core.weir", RECEIVER)
        self.write("core.node", self.core("before"))
        self.write("edge.node", """node "edge" {
  rules "edge.weir"
  control "edge.sock"
  log json
  key "edge.key"
  peer "core" at "tcp://127.0.0.1:%d" key "%s" may read txn
}
""" % (self.port, self.public("core")))
        self.at = 0
        self.cards = []

    def core(self, key):
        return """node "core" {
  rules "core.weir"
  control "core.sock"
  log json
  listen "tcp://127.0.0.1:%d"
  key "core.key"
  peer "edge" key "%s" may send txn
}
""" % (self.port, self.public(key))

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(text)

    def read(self, name):
        with open(self.path(name), encoding="utf-8") as file:
            return file.read()

    def public(self, name):
        return self.read(name + ".pub").strip()

    def command(self, *arguments, status=0):
        done = subprocess.run([WEIR, *arguments], cwd=self.folder, capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, status, done.stderr)
        return done

    def begin(self, name):
        return Node(self, self.folder, config=name + ".node")

    def start(self, name):
        node = self.begin(name)
        node.wait_for("running")
        return node

    def send(self, *cards):
        for card in cards:
            self.at += 1
            os.write(self.feed, (json.dumps({"at": self.at, "card": card}) + "\n").encode())

    def next_card(self):
        return json.loads(self.rows.readline())["card"]

    def next_cards(self, n):
        return [self.next_card() for _ in range(n)]

    def read_some(self, n):
        """Read so many; the last that was sent waits for the next one's time."""
        while len(self.cards) < self.at - 1 and n > 0:
            self.cards.append(self.next_card())
            n -= 1


class Admission(Case):
    def wait_for_refusal(self, core, reason):
        while True:
            line = core.wait_for("peer.refused")
            if reason in line["why"]:
                return line

    def test_a_key_is_refused_then_allowed_then_revoked_while_both_run(self):
        core, edge = self.start("core"), self.start("edge")
        self.send("a", "b", "c")
        line = self.wait_for_refusal(core, "nobody has the key")
        self.assertIn(self.public("edge"), line["why"])

        self.command("node", "allow", "edge", "edge.pub", "--send", "txn", "--config", "core.node")
        self.assertEqual(core.wait_for("peer.allowed")["peer"], "edge")
        self.assertEqual(self.next_cards(2), ["a", "b"])

        self.command("node", "revoke", "edge", "--config", "core.node")
        core.wait_for("peer.revoked")
        edge.wait_for("peer.disconnected")
        self.send("d", "e")
        self.wait_for_refusal(core, "was revoked")

        # Only what is allowed again comes, and nothing was lost meanwhile.
        self.command("node", "allow", "edge", self.public("edge"), "--send", "any", "--config", "core.node")
        self.assertEqual(self.next_cards(2), ["c", "d"])

    def test_an_allowed_peer_may_send_only_what_it_was_permitted(self):
        core, edge = self.start("core"), self.start("edge")
        self.command("node", "allow", "edge", "edge.pub", "--send", "other", "--config", "core.node")
        self.send("a", "b")
        self.assertIn("txn", json.dumps(edge.wait_for("link.refused")) + json.dumps(core.log))
        self.command("node", "allow", "edge", "edge.pub", "--send", "other", "--send", "txn", "--config", "core.node")
        self.assertEqual(self.next_card(), "a")

    def test_a_flood_of_strangers_does_not_disturb_a_link(self):
        self.write("core.node", self.core("edge"))
        self.start("core")
        edge = self.start("edge")
        edge.wait_for("link.open")
        flood, n = [], 300
        for i in range(n):
            stranger = socket.create_connection(("127.0.0.1", self.port))
            self.addCleanup(stranger.close)
            with contextlib.suppress(OSError):  # some say nothing, some nonsense, some half a greeting
                stranger.sendall((b"", b"GET / HTTP/1.0\r\n\r\n", b"\xff" + b"\0" * 8 + b"\x7f\x03")[i % 3])
            flood.append(stranger)
            self.send(*("%d.%d" % (i, k) for k in range(5)))
            self.read_some(5)
        self.send("last", "end")
        while self.cards[-1] != "last":
            self.read_some(1)
        self.assertEqual(self.cards[:-1], ["%d.%d" % (i, k) for i in range(n) for k in range(5)])
        edge.process.terminate()
        self.assertEqual(edge.wait(), 0)
        self.assertEqual(edge.events_of("peer.disconnected", "link.lost"), [])

    def test_the_list_is_found_by_the_next_start(self):
        core = self.start("core")
        self.command("node", "allow", "edge", "edge.pub", "--send", "txn", "--config", "core.node")
        core.process.terminate()
        self.assertEqual(core.wait(), 0)
        self.start("core")
        self.start("edge")
        self.send("a", "b")
        self.assertEqual(self.next_card(), "a")

    def test_what_is_refused_is_not_found_by_the_next_start_either(self):
        self.write("core.node", self.core("edge"))
        core = self.start("core")
        for name, reason in (("other", "another peer's"), ("core", "own name")):
            done = self.command("node", "allow", name, "edge.pub", "--send", "txn", "--config", "core.node", status=65)
            self.assertIn(reason, done.stderr)
        self.assertFalse(os.path.exists(self.path("core.allow")))
        core.process.terminate()
        self.assertEqual(core.wait(), 0)
        self.start("core")

    def test_a_node_that_does_not_run_finds_the_change_when_it_begins(self):
        done = self.command("node", "allow", "edge", "edge.pub", "--send", "txn", "--config", "core.node")
        self.assertIn("the node does not run", done.stderr)
        self.assertIn("allow edge %s send txn" % self.public("edge"), self.read("core.allow"))
        self.assertEqual(stat.S_IMODE(os.stat(self.path("core.allow")).st_mode), 0o600)
        core = self.start("core")
        self.start("edge")
        self.send("a", "b")
        self.assertEqual(self.next_card(), "a")
        core.process.kill()
        core.wait()
        self.command("node", "revoke", "edge", "--config", "core.node")
        core = self.start("core")
        self.wait_for_refusal(core, "nobody has the key")  # the file has the one before
        self.command("node", "allow", "edge", "edge.pub", "--send", "txn", "--config", "core.node")
        self.send("c", "d")
        while self.next_card() != "c":  # what the killed node had not acknowledged comes again
            pass

    def test_what_a_file_says_is_revoked_by_the_list(self):
        self.write("core.node", self.core("edge"))
        self.command("node", "revoke", "edge", "--config", "core.node")
        core = self.start("core")
        self.start("edge")
        self.wait_for_refusal(core, "was revoked")
        with subprocess.Popen([WEIR, "node", "status", "--config", "core.node"], cwd=self.folder,
                              stdout=subprocess.PIPE, text=True) as status:
            self.assertIn("revoked", status.stdout.read())

    def test_a_list_with_garbage_in_it_is_not_run_with(self):
        self.write("core.allow", "allow edge not-a-key send txn\n")
        node = self.begin("core")
        self.assertEqual(node.wait(), 65)
        self.assertIn("core.allow', line 1", json.dumps(node.log))

    def test_mistakes_are_named(self):
        for arguments, message in ((("allow", "edge"), "whom?"), (("revoke",), "whom?"),
                                   (("allow", "edge", "nothing.pub"), "neither a key"),
                                   (("allow", "a b", "edge.pub"), "no name of a node")):
            done = self.command("node", *arguments, "--config", "core.node", status=2)
            self.assertIn(message, done.stderr)
        self.assertFalse(os.path.exists(self.path("core.allow")))


class Keys(Case):
    def test_a_pair_is_made_that_only_its_owner_can_read(self):
        done = self.command("keygen", "other")
        self.assertEqual(done.stdout.strip(), self.public("other"))
        self.assertEqual(len(self.public("other")), 40)
        self.assertNotEqual(self.public("other"), self.read("other.key").strip())
        self.assertEqual(stat.S_IMODE(os.stat(self.path("other.key")).st_mode), 0o600)

    def test_nothing_is_overwritten_whichever_of_both_is_there(self):
        for missing in ("other.pub", "other.key"):
            with self.subTest(missing=missing):
                self.command("keygen", "other")
                os.remove(self.path(missing))
                there = "other.key" if missing.endswith("pub") else "other.pub"
                before = self.read(there)
                self.assertIn("is there already", self.command("keygen", "other", status=2).stderr)
                self.assertEqual(self.read(there), before)
                self.assertFalse(os.path.exists(self.path(missing)))
                os.remove(self.path(there))

    def test_a_node_whose_key_others_may_read_does_not_begin(self):
        os.chmod(self.path("core.key"), 0o640)
        node = self.begin("core")
        self.assertEqual(node.wait(), 2)
        self.assertIn("chmod 600", json.dumps(node.log))


if __name__ == "__main__":
    unittest.main()
