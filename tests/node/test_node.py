"""Nodes: run by their files, asked, stopped, killed, and given other rules while events flow.

    test_node.py WEIR [ROUNDS]

ROUNDS is how often rules are changed in the long test. Nothing waits for a time: a test goes
on when the log or an answer says what it needs.
"""

import contextlib
import json
import os
import queue
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import unittest

WEIR = os.path.abspath(sys.argv.pop(1))
ROUNDS = int(sys.argv.pop(1)) if len(sys.argv) > 1 and sys.argv[1].isdigit() else 1000
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
HAS_POINTS = os.environ.get("WEIR_FAULT_POINTS") == "1"

STREAM = """stream txn {
  at time unit ms
  card int
  amount int
}
source txn from file("in") format json lateness 20ms
"""
# Conditions, a pattern by key, a pattern over all, an absence, a window, and a rule over a rule.
STAYING = """
sink big to file("big.jsonl")
sink rise to file("rise.jsonl")
sink quiet to file("quiet.csv")
sink total to file("total.jsonl")
sink bigs to file("bigs.jsonl")

rule big { from txn where amount > 700 emit big { card, amount } }
rule rise {
  match a: txn -> b: txn(amount > a.amount + 300)
  by card
  within 400ms
  emit rise { card: a.card, from: a.amount, to: b.amount }
}
rule quiet {
  match a: txn(amount > 900) -> not txn(amount > 400)
  by card
  within 60ms
  emit quiet { card: a.card, amount: a.amount }
}
rule total {
  from txn
  by card
  window tumbling 100ms
  emit total { card, n: count(), sum: sum(amount) }
}
rule bigs {
  match a: big -> b: big
  within 50ms
  emit bigs { first: a.card, second: b.card }
}
"""
OUTPUTS = ("big.jsonl", "rise.jsonl", "quiet.csv", "total.jsonl", "bigs.jsonl")
COMING = """
sink small to file("small.jsonl")
rule small {
  match a: txn(amount < 100) -> b: txn(amount < 100)
  by card
  within 1s
  emit small { card: a.card, amount: a.amount }
}
"""


def events(first, n):
    """Lines of events, a few of them out of order."""
    lines = []
    for i in range(first, first + n):
        draw = random.Random(i)
        at = 1767225600000 + 3 * i - draw.choice((0, 0, 0, 7, 15))
        lines.append('{"at":%d,"card":%d,"amount":%d}\n' % (at, draw.randrange(20), draw.randrange(1000)))
    return "".join(lines).encode()


class Node:
    """A node that runs in a folder, fed by a named pipe."""

    def __init__(self, test, folder, *options, environment=None, config="core.node"):
        self.folder = folder
        self.log = []
        self.process = subprocess.Popen(
            [WEIR, "node", "--config", config, *options], cwd=folder, text=True,
            stderr=subprocess.PIPE, env={**os.environ, **(environment or {})})
        self.lines = queue.SimpleQueue()  # a node whose log nobody reads waits for who does
        self.reader = threading.Thread(target=self.read_lines)
        self.reader.start()
        test.addCleanup(self.end)

    def read_lines(self):
        for line in self.process.stderr:
            self.lines.put(line)
        self.lines.put(None)

    def end(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.reader.join()
        self.process.stderr.close()

    def read_log(self):
        """The next line of the log; None at its end."""
        line = self.lines.get()
        if line is None:
            self.lines.put(None)
            return None
        self.log.append(json.loads(line))
        return self.log[-1]

    def wait_for(self, event):
        while True:
            line = self.read_log()
            assert line is not None, "no '%s' in %s" % (event, self.log)
            if line["event"] == event:
                return line

    def wait(self):
        while self.read_log() is not None:
            pass
        return self.process.wait()

    def events_of(self, *names):
        return [line for line in self.log if line["event"] in names]


def ask(folder, request, raw=False):
    """What the node answers: whether it is ok, and the rest."""
    with socket.socket(socket.AF_UNIX) as client:
        where = os.getcwd()
        os.chdir(folder)
        try:
            client.connect("core.sock")
        finally:
            os.chdir(where)
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            client.sendall(request if raw else (request + "\n").encode())
            if raw:
                client.shutdown(socket.SHUT_WR)
        parts = []
        with contextlib.suppress(ConnectionResetError):
            while True:
                part = client.recv(65536)
                if not part:
                    break
                parts.append(part)
        head, _, body = b"".join(parts).decode().partition("\n")
        return head, body


class Case(unittest.TestCase):
    state = ""
    shards = ""

    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.folder)
        self.write("core.node", self.node_file())
        self.write("rules.weir", STREAM + STAYING)
        self.write("more.weir", STREAM + COMING + STAYING)
        os.mkfifo(self.path("in"))
        self.pipe = None

    def node_file(self, *lines):
        settings = ['rules "rules.weir"', 'control "core.sock"', "log json", self.state, self.shards, *lines]
        return 'node "core" {\n%s\n}\n' % "\n".join(settings)

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def write(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(text)

    def read(self, name):
        with open(self.path(name), encoding="utf-8") as file:
            return file.read()

    def start(self, *options, environment=None):
        node = Node(self, self.folder, *options, environment=environment)
        node.wait_for("running")
        if self.pipe is None:
            self.pipe = os.open(self.path("in"), os.O_RDWR)  # what a killed node did not read stays
            self.addCleanup(self.close_pipe)
        return node

    def close_pipe(self):
        if self.pipe is not None:
            os.close(self.pipe)
            self.pipe = None

    def feed(self, data):
        view = memoryview(data)
        while view:
            view = view[os.write(self.pipe, view[:4096]):]

    def status(self):
        head, body = ask(self.folder, "status\tformat=json")
        self.assertEqual(head, "ok", body)
        return [json.loads(line) for line in body.splitlines()]

    def wait_for_events(self, n):
        while self.status()[0]["events"] < n:
            pass

    def apply(self, *files, options=(), expected="ok"):
        fields = ["file=" + self.path(name) for name in files]
        head, body = ask(self.folder, "\t".join(["apply", "format=json", *options, *fields]))
        self.assertEqual(head, expected, body)
        return [json.loads(line) for line in body.splitlines() if line.startswith("{")]

    def command(self, *arguments):
        return subprocess.run([WEIR, *arguments], cwd=self.folder, capture_output=True, text=True, check=False)

    def undisturbed(self, n):
        """What the rules that stay write, over all events in one run."""
        folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, folder)
        with open(os.path.join(folder, "rules.weir"), "w", encoding="utf-8") as file:
            file.write(STREAM + STAYING)
        with open(os.path.join(folder, "in"), "wb") as file:
            file.write(events(0, n))
        subprocess.run([WEIR, "run", "rules.weir", "--quiet"], cwd=folder, check=True)
        out = {}
        for name in OUTPUTS:
            with open(os.path.join(folder, name), encoding="utf-8") as file:
                out[name] = file.read()
        return out

    def assert_undisturbed(self, n):
        """The end of input gives what it would have given; outputs are those of one run."""
        expected = self.undisturbed(n)
        for name in OUTPUTS:
            self.assertGreater(len(expected[name].splitlines()), 3)
            self.assertEqual(self.read(name), expected[name], name)

    def end_input(self, node):
        self.close_pipe()
        self.assertEqual(node.wait(), 0, node.log)


class Changes(Case):
    def change(self, rounds, per_round=15):
        node = self.start()
        for i in range(rounds):
            self.feed(events(i * per_round, per_round))
            becomes = {(line["part"], line["name"]): line["becomes"]
                       for line in self.apply("more.weir" if i % 2 == 0 else "rules.weir")}
            self.assertEqual(becomes["rule", "rise"], "kept")
            self.assertEqual(becomes["rule", "small"], "new" if i % 2 == 0 else "gone")
            if i % 50 == 0:
                self.wait_for_events(0)
        self.feed(events(rounds * per_round, per_round))
        self.end_input(node)
        self.assertEqual(len(node.events_of("rules.applied")), rounds)
        self.assert_undisturbed((rounds + 1) * per_round)

    def test_rules_that_stay_do_not_notice_that_others_come_and_go(self):
        self.change(ROUNDS)


class ChangesOfState(Changes):
    state = 'state "var" checkpoint every 20ms'

    def test_rules_that_stay_do_not_notice_that_others_come_and_go(self):
        self.change(max(20, ROUNDS // 20))


class ChangesOnShards(Changes):
    shards = "shards 2"

    def test_rules_that_stay_do_not_notice_that_others_come_and_go(self):
        self.change(max(20, ROUNDS // 10))


class ChangesOfStateOnShards(Changes):
    state = 'state "var" checkpoint every 20ms'
    shards = "shards 2"

    def test_rules_that_stay_do_not_notice_that_others_come_and_go(self):
        self.change(max(20, ROUNDS // 20))


class Applied(Case):
    def test_a_mistake_is_shown_with_its_place_and_nothing_changes(self):
        node = self.start()
        self.feed(events(0, 300))
        self.wait_for_events(300)
        before = self.status()[0]["rules"]
        self.write("bad.weir", STREAM + STAYING + "rule x { from nope emit y { card } }\n")
        done = self.command("apply", "--config", "core.node", "bad.weir")
        self.assertEqual(done.returncode, 65)
        self.assertIn("bad.weir:38:15: error[E0301]: there is no stream 'nope'", done.stderr)
        self.assertEqual(self.status()[0]["rules"], before)
        self.feed(events(300, 300))
        self.end_input(node)
        self.assert_undisturbed(600)

    def test_a_source_that_is_missing_changes_nothing(self):
        node = self.start()
        self.feed(events(0, 300))
        self.write("lost.weir", STREAM + STAYING.replace(
            "sink big ", 'stream other { at time }\nsource other from file("lost.jsonl")\nsink big '))
        done = self.command("apply", "--config", "core.node", "lost.weir")
        self.assertEqual(done.returncode, 66)
        self.assertIn("lost.jsonl", done.stderr)
        self.feed(events(300, 300))
        self.end_input(node)
        self.assert_undisturbed(600)

    def test_a_source_cannot_become_another_under_its_rules(self):
        node = self.start()
        self.write("other.jsonl", "")
        self.write("moved.weir", (STREAM + STAYING).replace('file("in")', 'file("other.jsonl")'))
        done = self.command("apply", "--control", "core.sock", "moved.weir")
        self.assertEqual(done.returncode, 2)
        self.assertIn("the source of 'txn'", done.stderr)
        self.feed(events(0, 300))
        self.end_input(node)
        self.assert_undisturbed(300)

    def test_columns_of_a_file_that_has_a_header_stay(self):
        node = self.start()
        self.feed(events(0, 300))
        self.wait_for_events(300)
        self.write("wide.weir", (STREAM + STAYING).replace("emit quiet { card: a.card,", "emit quiet { who: a.card,"))
        done = self.command("apply", "--config", "core.node", "wide.weir")
        self.assertEqual(done.returncode, 2, done.stdout + done.stderr)
        self.assertIn("quiet.csv", done.stderr)
        self.feed(events(300, 300))
        self.end_input(node)
        self.assert_undisturbed(600)

    def test_a_rule_that_remembers_something_else_is_refused_or_discarded(self):
        node = self.start()
        self.feed(events(0, 300))
        self.wait_for_events(300)
        self.write("other.weir", (STREAM + STAYING).replace("a.amount + 300", "a.amount + 301"))
        done = self.command("apply", "--config", "core.node", "other.weir")
        self.assertEqual(done.returncode, 65)
        self.assertIn("rule rise: has changed so that its state cannot be used", done.stderr)
        done = self.command("apply", "--config", "core.node", "other.weir", "--discard", "rise")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn("rule rise: is discarded, begins empty\n", done.stdout)
        self.assertIn("rule total: goes on\n", done.stdout)
        self.end_input(node)

    def test_a_dry_run_says_what_would_be_and_changes_nothing(self):
        node = self.start()
        before = self.status()[0]["rules"]
        done = self.command("apply", "--config", "core.node", "--dry-run", "more.weir")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("rule small: is new, begins empty\n", done.stdout)
        self.assertFalse(os.path.exists(self.path("small.jsonl")))
        self.assertEqual(self.status()[0]["rules"], before)
        self.feed(events(0, 300))
        self.end_input(node)
        self.assert_undisturbed(300)

    def test_a_field_that_no_rule_read_before_is_there_for_one_that_comes(self):
        self.write("rules.weir", STREAM + 'sink n to file("n.jsonl")\nrule n { from txn where amount > 900 emit n { amount } }\n')
        self.write("cards.weir", STREAM + 'sink n to file("n.jsonl")\nrule n { from txn where amount > 900 emit n { amount } }\n'
                   'sink c to file("c.jsonl")\nrule c { from txn where card >= 0 emit c { card } }\n')
        node = self.start()
        self.feed(events(0, 50))
        self.wait_for_events(50)
        self.apply("cards.weir")
        self.end_input(node)
        self.assertNotIn("null", self.read("c.jsonl"))
        self.assertGreater(len(self.read("c.jsonl").splitlines()), 2)  # those that waited

    def test_a_new_source_begins_at_the_watermark(self):
        node = self.start()
        self.feed(events(0, 300))
        self.wait_for_events(300)
        last = 1767225600000 + 3 * 299
        self.write("new.jsonl", "".join('{"at":%d,"id":%d}\n' % (at, at - last) for at in (last - 500, last)))
        self.write("both.weir", STREAM + STAYING + """
stream other {
  at time unit ms
  id int
}
source other from file("new.jsonl")
sink seen to file("seen.jsonl")
sink missed to file("missed.jsonl")
rule seen { from other where id > -1000 emit seen { id } }
rule missed { from late.other where id > -1000 emit missed { id } }
""")
        self.apply("both.weir")
        self.end_input(node)
        self.assertEqual(self.read("seen.jsonl"), '{"id":0}\n')
        self.assertEqual(self.read("missed.jsonl"), '{"id":-500}\n')
        self.assert_undisturbed(300)

    def test_sighup_has_the_rules_read_again(self):
        node = self.start()
        self.feed(events(0, 100))
        self.wait_for_events(100)
        self.write("rules.weir", self.read("more.weir"))
        node.process.send_signal(signal.SIGHUP)
        node.wait_for("rules.applied")
        self.assertIn("small", [line["name"] for line in self.status() if line["part"] == "rule"])
        self.write("rules.weir", "nonsense")
        node.process.send_signal(signal.SIGHUP)
        node.wait_for("rules.refused")
        self.assertIn("small", [line["name"] for line in self.status() if line["part"] == "rule"])
        self.feed(events(100, 200))
        self.end_input(node)
        self.assert_undisturbed(300)

    def test_parameters_are_read_again_too(self):
        self.write("rules.weir", "param least int\n" + STREAM + 'sink n to file("n.jsonl")\nrule n { from txn where amount > least emit n { amount } }\n')
        self.write("core.node", self.node_file("set least = 2000"))
        node = self.start()
        self.feed(events(0, 100))
        self.wait_for_events(100)
        self.assertEqual(self.read("n.jsonl"), "")
        self.write("core.node", self.node_file("set least = -1"))
        self.apply(options=("discard=n",))
        self.feed(events(100, 100))
        self.end_input(node)
        self.assertGreaterEqual(len(self.read("n.jsonl").splitlines()), 100)


class Durable(Case):
    state = 'state "var" checkpoint every 1h'

    def test_sigterm_keeps_what_is_remembered(self):
        for first in (0, 200, 400):
            node = self.start()
            self.feed(events(first, 200))
            self.wait_for_events(first + 200)
            if first < 400:
                node.process.send_signal(signal.SIGTERM)
                self.assertEqual(node.wait(), 0)
                self.assertEqual(node.log[-1]["event"], "stopped")
        self.end_input(node)
        self.assert_undisturbed(600)

    def test_stop_answers_when_all_is_kept(self):
        node = self.start()
        self.feed(events(0, 200))
        self.wait_for_events(200)
        done = self.command("node", "stop", "--config", "core.node")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(node.wait(), 0)
        self.assertFalse(os.path.exists(self.path("core.sock")))
        node = self.start()
        self.feed(events(200, 200))
        self.end_input(node)
        self.assert_undisturbed(400)

    def test_a_checkpoint_that_was_asked_for_survives(self):
        node = self.start()
        self.feed(events(0, 200))
        self.wait_for_events(200)
        done = self.command("node", "checkpoint", "--config", "core.node")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        shown = self.command("state", "show", "var", "--format", "json").stdout
        self.assertIn('"events":200,', shown)
        node.process.kill()
        node.wait()
        node = self.start()
        self.feed(events(200, 200))
        self.end_input(node)
        self.assert_undisturbed(400)

    def test_applied_rules_stay_in_force_until_the_node_s_own_change(self):
        node = self.start()
        own = self.status()[0]["rules"]
        self.apply("more.weir")
        applied = self.status()[0]["rules"]
        self.assertNotEqual(own, applied)
        node.process.kill()
        node.wait()
        os.unlink(self.path("more.weir"))  # the state has its text
        node = self.start()
        self.assertEqual((node.log[-1]["version"], node.log[-1]["from"]), (applied, "apply"))
        self.feed(events(0, 200))
        self.wait_for_events(200)
        node.process.send_signal(signal.SIGTERM)
        self.assertEqual(node.wait(), 0)
        self.write("rules.weir", self.read("rules.weir") + "# Changed.\n")
        node = self.start()
        self.assertEqual(node.log[-1]["from"], "files")
        self.assertIn("small", " ".join(line["what"] for line in node.events_of("state.gone")))
        self.feed(events(200, 200))
        self.end_input(node)
        self.assert_undisturbed(400)

    def killed(self, point, is_applied):
        node = self.start(environment={"WEIR_CRASH_AT": point + ":1"})
        own = self.status()[0]["rules"]
        self.feed(events(0, 200))
        self.wait_for_events(200)
        head, _ = ask(self.folder, "apply\tfile=" + self.path("more.weir"))
        self.assertEqual(head, "")
        self.assertEqual(node.wait(), -signal.SIGKILL)
        node = self.start()
        self.assertEqual(node.log[-1]["from"], "apply" if is_applied else "files")
        self.assertEqual(self.status()[0]["rules"] != own, is_applied)
        self.feed(events(200, 200))
        self.wait_for_events(400)
        self.apply("rules.weir" if is_applied else "more.weir")
        self.feed(events(400, 200))
        self.end_input(node)
        self.assert_undisturbed(600)

    @unittest.skipUnless(HAS_POINTS, "built without fault points")
    def test_killed_around_an_apply_it_is_done_or_not(self):
        for point, is_applied in (("apply.begun", False), ("apply.activated", False), ("apply.durable", True)):
            with self.subTest(point=point):
                self.killed(point, is_applied)
                self.close_pipe()
                shutil.rmtree(self.path("var"))
                for name in (*OUTPUTS, "small.jsonl"):
                    os.unlink(self.path(name))


class DurableOnShards(Durable):
    shards = "shards 2"


class Asked(Case):
    def test_health_and_status_say_how_it_is(self):
        node = self.start()
        self.feed(events(0, 300))
        self.wait_for_events(300)
        done = self.command("node", "health", "--config", "core.node")
        self.assertEqual(done.returncode, 0)
        health = json.loads(done.stdout)
        self.assertEqual((health["phase"], health["ready"]), ("running", True))
        parts = self.status()
        self.assertEqual((parts[0]["part"], parts[0]["name"], parts[0]["events"]), ("node", "core", 300))
        self.assertEqual(parts[0]["pid"], node.process.pid)
        sources = [line for line in parts if line["part"] == "source"]
        self.assertEqual([(line["name"], line["events"]) for line in sources], [("txn", 300)])
        self.assertEqual({line["name"] for line in parts if line["part"] == "rule"},
                         {"big", "rise", "quiet", "total", "bigs"})
        self.end_input(node)
        done = self.command("node", "health", "--config", "core.node")
        self.assertEqual(done.returncode, 66)
        self.assertIn("no node listens at", done.stderr)

    def test_every_line_of_its_log_has_a_time_a_level_and_an_event(self):
        node = self.start()
        self.end_input(node)
        self.assertEqual([line["event"] for line in node.log], ["starting", "running", "stopping", "stopped"])
        for line in node.log:
            self.assertRegex(line["time"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
            self.assertEqual((line["level"], line["node"]), ("info", "core"))

    def test_a_log_for_people_has_the_same(self):
        self.write("core.node", self.node_file().replace("log json", "log text level warn"))
        self.write("rules.weir", "nonsense")
        done = self.command("node", "--config", "core.node")
        self.assertEqual(done.returncode, 65)
        for line in done.stderr.splitlines():
            self.assertRegex(line, r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z error [a-z.]+ node=core ")
        self.assertIn('rules.error node=core code=E0202', done.stderr)

    def test_a_socket_is_no_one_else_s_to_open_nor_another_node_s_to_take(self):
        node = self.start()
        self.assertEqual(os.stat(self.path("core.sock")).st_mode & 0o777, 0o600)
        done = self.command("node", "--config", "core.node")
        self.assertEqual(done.returncode, 2)
        self.assertIn("is in use by another node", done.stderr)
        self.end_input(node)

    def test_a_node_that_was_killed_leaves_a_socket_that_the_next_one_replaces(self):
        node = self.start()
        node.process.kill()
        node.wait()
        self.assertTrue(os.path.exists(self.path("core.sock")))
        self.end_input(self.start())

    def test_garbage_on_the_socket_is_refused_and_bounded(self):
        node = self.start()
        draw = random.Random(1)
        for i in range(300):
            size = draw.choice((0, 1, 10, 300, 9000, 100000))
            data = bytes(draw.randrange(256) for _ in range(min(size, 300)))
            data = (data * (size // max(1, len(data)) + 1))[:size]
            if i % 3 == 0:
                data = draw.choice((b"status", b"apply", b"health", b"\t", b"stop\0")) + b"\t" * (i % 90) + data.replace(b"\n", b"") + b"\n"
            if b"stop\n" in data or b"stop\t" in data:
                continue
            head, _ = ask(self.folder, data, raw=True)
            self.assertTrue(head in ("", "ok") or head.startswith("error "), head)
        self.feed(events(0, 300))
        self.wait_for_events(300)
        self.end_input(node)
        self.assert_undisturbed(300)

    def test_a_request_of_as_many_names_as_there_can_be_is_answered(self):
        node = self.start()
        for field in ("file=a", "file", "discard=b"):
            head, body = ask(self.folder, "apply" + ("\t" + field) * 64)
            self.assertTrue(head.startswith("error "), head)
            self.assertTrue(body)
        head, body = ask(self.folder, "apply" + "\tfile=a" * 65)
        self.assertIn("at most 64 fields", body)
        self.end_input(node)

    def test_clients_that_say_nothing_do_not_keep_others_out(self):
        node = self.start()
        with contextlib.ExitStack() as stack:
            where = os.getcwd()
            os.chdir(self.folder)
            self.addCleanup(os.chdir, where)
            for _ in range(100):
                client = stack.enter_context(socket.socket(socket.AF_UNIX))
                client.connect("core.sock")
                client.sendall(b"sta")
            os.chdir(where)
            self.assertEqual(self.status()[0]["name"], "core")
        self.end_input(node)

    def test_the_service_manager_is_told(self):
        told = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(told.close)
        told.bind(self.path("notify"))
        node = self.start(environment={"NOTIFY_SOCKET": self.path("notify"), "WATCHDOG_USEC": "3"})
        said = [told.recv(4096).decode()]
        while "WATCHDOG=1" not in said:
            said.append(told.recv(4096).decode())
        self.assertEqual(said[0], "READY=1")
        node.process.send_signal(signal.SIGHUP)
        while "READY=1" not in said[1:]:
            said.append(told.recv(4096).decode())
        self.assertTrue(any(text.startswith("RELOADING=1\nMONOTONIC_USEC=") for text in said))
        node.process.send_signal(signal.SIGTERM)
        told.setblocking(True)
        while said[-1] != "STOPPING=1":
            said.append(told.recv(4096).decode())
        self.assertEqual(node.wait(), 0)

    def test_of_several_nodes_in_a_file_one_is_named(self):
        self.write("core.node", self.node_file() + 'node "other" { rules "rules.weir" }\n')
        done = self.command("node", "--config", "core.node")
        self.assertEqual(done.returncode, 2)
        self.assertIn("'core', 'other'", done.stderr)
        done = self.command("node", "status", "--config", "core.node", "--node", "other")
        self.assertEqual(done.returncode, 65)
        self.assertIn("has no control socket", done.stderr)


class Service(unittest.TestCase):
    @unittest.skipUnless(shutil.which("systemd-analyze"), "there is no systemd-analyze")
    def test_the_unit_is_one_that_systemd_understands(self):
        with tempfile.TemporaryDirectory() as folder:
            with open(os.path.join(ROOT, "packaging", "systemd", "weir-node@.service"), encoding="utf-8") as file:
                text = file.read()
            self.assertIn("/usr/bin/weir node ", text)
            path = os.path.join(folder, "weir-node@.service")
            with open(path, "w", encoding="utf-8") as file:
                file.write(text.replace("/usr/bin/weir", WEIR).replace("Documentation=man:weir(1)\n", ""))
            done = subprocess.run(["systemd-analyze", "verify", "--man=no", path], capture_output=True, text=True, check=False)
            said = [line for line in done.stderr.splitlines() if "weir" in line]
            self.assertEqual((done.returncode, said), (0, []), done.stderr)


if __name__ == "__main__":
    unittest.main()
