#!/usr/bin/env python3
"""Three nodes, edge-1 and edge-2 -> core, whose output is that of one node, whatever happens
to them: kills, stops, restarts, cut ways, other rules, other permissions.

    links.py WEIR [--rounds N] [--seed N] [CASE...]

The edges read what this program feeds them; it is told by their state directories from
which byte on to feed them again. Ways are cut by a proxy between the nodes, which holds
bytes back or ends connections. An accident happens when half of the input has been fed, and
is over when what must come of it has come: it stands in a log, or in a node's status. Nothing
depends on how long anything takes.
"""

import argparse
import json
import os
import random
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

EVENTS = 3000
LIMIT = 120.0  # s, after which something hangs
SILENCE = "500ms"

EDGE = """stream txn { at time unit ms, card string, amount float, note string? }
source txn from stdin() format json
sink txn to node("core", silence: %s)
"""

RULES = """rule hot {
  match a: txn(amount > 400) -> b: txn(amount > a.amount)
  by card
  within 1m
  emit hot { card, first: a.amount, second: b.amount, note: b.note }
}
rule much {
  from txn
  by card
  window tumbling 10s
  emit much { card, n: count(), sum: sum(amount) }
}
"""

SINKS = """sink hot to file("%s.hot.jsonl")
sink much to file("%s.much.jsonl")
"""

CORE = """stream txn { at time unit ms, card string, amount float, note string? }
source txn from node("edge-*", silence: %s)
"""

# What `weir apply` adds.
MORE = """rule none {
  from txn where amount > 1000000
  emit none { card }
}
"""

ONE = """stream txn { at time unit ms, card string, amount float, note string? }
source txn from file("edge-1.jsonl")
source txn from file("edge-2.jsonl")
"""


class Proxy:
    """Carries connections to a port; may hold either way, or end all."""

    def __init__(self, target):
        self.target = target
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind(("127.0.0.1", 0))
        self.listener.listen(16)
        self.port = self.listener.getsockname()[1]
        self.held = [False, False]  # to the target, from it
        self.lock = threading.Lock()
        self.pairs = []
        self.is_over = False
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while not self.is_over:
            try:
                one, _ = self.listener.accept()
            except OSError:
                return
            other = socket.socket()
            try:
                other.connect(("127.0.0.1", self.target))
            except OSError:
                one.close()
                continue
            with self.lock:
                self.pairs.append((one, other))
            for i, (a, b) in enumerate(((one, other), (other, one))):
                threading.Thread(target=self.carry, args=(a, b, i), daemon=True).start()

    def carry(self, a, b, way):
        try:
            while True:
                while self.held[way] and not self.is_over:
                    select.select([], [], [], 0.01)
                if not select.select([a], [], [], 0.05)[0]:
                    continue
                data = a.recv(65536)
                if not data:
                    break
                while self.held[way] and not self.is_over:
                    select.select([], [], [], 0.01)
                b.sendall(data)
        except (OSError, ValueError):
            pass
        for end in (a, b):
            try:
                end.close()
            except OSError:
                pass

    def cut(self):
        with self.lock:
            pairs, self.pairs = self.pairs, []
        for pair in pairs:
            for end in pair:
                try:
                    end.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

    def close(self):
        self.is_over = True
        self.listener.close()
        self.cut()


class Node:
    def __init__(self, world, name):
        self.world = world
        self.name = name
        self.process = None
        self.feeder = None
        self.crash_at = None  # the point at which its next life ends

    def begin(self):
        log = open(self.world.path(self.name + ".log"), "ab")
        environment = dict(os.environ, **({"WEIR_CRASH_AT": self.crash_at} if self.crash_at else {}))
        self.crash_at = None
        self.process = subprocess.Popen(
            self.world.place(self.name)
            + [self.world.weir, "node", "--config", self.world.path("nodes.weir"), "--node", self.name],
            stdin=subprocess.PIPE, stdout=log, stderr=log, cwd=self.world.folder, env=environment)
        log.close()
        if self.name in self.world.inputs:
            self.feeder = threading.Thread(target=self.feed, args=(self.process,), daemon=True)
            self.feeder.start()

    def committed(self):
        """The byte from which whoever feeds the node goes on."""
        shown = subprocess.run(
            [self.world.weir, "state", "show", "--format", "json", self.world.path("state." + self.name)],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
        for line in shown.stdout.decode().splitlines():
            part = json.loads(line)
            if "committed" in part:
                return part["committed"]
        return 0

    def feed(self, process):
        data = self.world.inputs[self.name][self.from_byte:]
        half = len(self.world.inputs[self.name]) // 2 - self.from_byte
        try:
            for at in range(0, len(data), 4096):
                while at >= half and process.poll() is None and not self.world.is_fed.wait(0.01):
                    pass
                process.stdin.write(data[at:at + 4096])
                process.stdin.flush()
            while process.poll() is None and not self.world.is_through.wait(0.01):
                pass
            process.stdin.close()
        except (OSError, ValueError):
            pass

    def start(self):
        self.from_byte = self.committed() if self.name in self.world.inputs else 0
        self.begin()

    def ask(self, *words):
        """What `weir node` or `weir apply` prints; fails when it does."""
        verb = list(words[:1]) if words[0] == "apply" else ["node"] + list(words)
        done = subprocess.run(
            [self.world.weir] + verb + ["--config", self.world.path("nodes.weir"), "--node", self.name]
            + ([] if words[0] != "apply" else list(words[1:])), cwd=self.world.folder,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        if done.returncode != 0:
            raise Failure("%s: %s: %s" % (self.name, words, done.stdout.decode()))
        return done.stdout.decode()

    def refused(self, *words):
        """What it says when it does not do it; "" when it does."""
        try:
            self.ask(*words)
        except Failure as failure:
            return str(failure)
        return ""

    def links(self):
        """Its links, as the status shows them."""
        parts = [json.loads(line) for line in self.ask("status", "--format", "json").splitlines()]
        return [part for part in parts if part["part"] == "link"]

    def n_logged(self, *events):
        """How many lines of its log say that one of these has happened."""
        text = self.world.read(self.name + ".log").decode(errors="replace")
        return sum(text.count(" %s " % event) for event in events)

    def is_running(self):
        return self.process.poll() is None

    def end(self, number):
        if self.is_running():
            self.process.send_signal(number)
        self.process.wait(LIMIT)
        if self.feeder is not None:
            self.feeder.join(LIMIT)
        try:
            self.process.stdin.close()
        except OSError:
            pass


LOST = ("link.lost", "peer.disconnected")


class Failure(Exception):
    """What had to come has not come."""


class World:
    def __init__(self, weir, folder, seed, silence=SILENCE):
        self.silence = silence
        self.weir = weir
        self.folder = folder
        self.random = random.Random(seed)
        self.inputs = {}
        for edge in ("edge-1", "edge-2"):
            self.inputs[edge] = self.events(edge).encode()
        self.expected = self.run_one()
        self.is_fed = threading.Event()  # that is fed which is behind the half, from now on
        self.is_through = threading.Event()  # and the inputs end
        self.keys = {name: self.make_key(name) for name in ("core", "edge-1", "edge-2")}
        self.write("edge.weir", EDGE % self.silence)
        self.write("core.weir", CORE % self.silence + RULES + SINKS % ("core", "core"))
        self.proxies = {}
        self.write("nodes.weir", self.node_file(*self.addresses()))
        self.nodes = {name: Node(self, name) for name in ("core", "edge-1", "edge-2")}

    def addresses(self):
        """Where the core listens, and where each edge goes."""
        port = free_port()
        self.proxies = {edge: Proxy(port) for edge in self.inputs}
        return ("tcp://127.0.0.1:%d" % port,
                {edge: "tcp://127.0.0.1:%d" % proxy.port for edge, proxy in self.proxies.items()})

    def place(self, name):
        """Words before the command of a node."""
        del name
        return []

    def make_key(self, name):
        subprocess.run([self.weir, "keygen", name], cwd=self.folder, check=True, stdout=subprocess.DEVNULL)
        return self.read(name + ".pub").decode().split()[-1]

    def feed(self, is_end=True):
        """Let the rest of the inputs go, and their ends."""
        self.is_fed.set()
        if is_end:
            self.is_through.set()

    def until(self, what, is_so):
        """Until something that must come has come."""
        end = time.monotonic() + LIMIT
        while not is_so():
            if time.monotonic() > end:
                raise Failure("after %d s not yet: %s" % (LIMIT, what))
            wait(0.005)

    def until_lost(self, names, before):
        """Until each of these has given the other up."""
        for name in names:
            self.until("%s gives a peer up" % name,
                       lambda name=name: self.nodes[name].n_logged(*LOST) > before[name])

    def n_lost(self):
        return {name: node.n_logged(*LOST) for name, node in self.nodes.items()}

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(text)

    def read(self, name):
        with open(self.path(name), "rb") as file:
            return file.read()

    def events(self, edge):
        lines = []
        at = 1767225600000 + (edge == "edge-2")
        for i in range(EVENTS):
            at += 2 * self.random.randint(1, 60)
            event = {"at": at, "card": "c%d" % self.random.randint(1, 40),
                     "amount": self.random.randint(1, 100000) / 100}
            if i % 3 == 0:
                event["note"] = "%s says ä %d" % (edge, i)
            lines.append(json.dumps(event))
        text = "\n".join(lines) + "\n"
        self.write(edge + ".jsonl", text)
        return text

    def run_one(self):
        self.write("one.weir", ONE + RULES + SINKS % ("one", "one"))
        subprocess.run([self.weir, "run", "--quiet", self.path("one.weir")], check=True, cwd=self.folder)
        return [self.read("one.%s.jsonl" % stream) for stream in ("hot", "much")]

    def node_file(self, listen, ways):
        blocks = ["""node "core" {
  rules "core.weir"
  state "state.core" checkpoint every 100ms
  control "core.sock"
  listen "%s"
  key "core.key"
  silence %s
%s}
""" % (listen, self.silence, "".join(
            """  peer "%s" key "%s" may send txn
""" % (edge, self.keys[edge]) for edge in self.inputs))]
        for edge in self.inputs:
            blocks.append("""node "%s" {
  rules "edge.weir"
  state "state.%s" checkpoint every 100ms
  control "%s.sock"
  key "%s.key"
  silence %s
  peer "core" at "%s" key "%s" may read txn
}
""" % (edge, edge, edge, edge, self.silence, ways[edge], self.keys["core"]))
        return "".join(blocks)

    def size(self):
        """How far the core is, about."""
        try:
            return os.path.getsize(self.path("core.hot.jsonl"))
        except OSError:
            return 0

    def check(self):
        try:
            return [self.read("core.%s.jsonl" % stream) for stream in ("hot", "much")] == self.expected
        except FileNotFoundError:
            return False

    def close(self):
        self.feed()
        for node in self.nodes.values():
            if node.process is not None:
                node.end(signal.SIGKILL)
        for proxy in self.proxies.values():
            proxy.close()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def nothing(world):
    """three nodes do what one does"""
    del world


def kill(world):
    """each is killed in turn"""
    for _ in range(3):
        node = world.nodes[world.random.choice(list(world.nodes))]
        node.end(signal.SIGKILL)
        node.start()


def restart(world):
    """each is restarted in turn"""
    for name in world.nodes:
        world.nodes[name].end(signal.SIGTERM)
        world.nodes[name].start()


def cut(world):
    """connections end"""
    for proxy in world.proxies.values():
        proxy.cut()


def partition(world):
    """a way is cut for longer than every time-out, in one direction or both"""
    edge = world.random.choice(list(world.proxies))
    ways = world.random.choice([[0], [1], [0, 1]])
    before = world.n_lost()
    for way in ways:
        world.proxies[edge].held[way] = True
    world.until_lost(["core" if ways == [0] else edge], before)
    if world.random.random() < 0.5:
        world.nodes["core"].end(signal.SIGKILL)
        world.nodes["core"].start()
    for way in ways:
        world.proxies[edge].held[way] = False


def stop(world):
    """one stands still for longer than every time-out"""
    name = world.random.choice(list(world.nodes))
    before = world.n_lost()
    world.nodes[name].process.send_signal(signal.SIGSTOP)
    world.until_lost(list(world.inputs) if name == "core" else ["core"], before)
    world.nodes[name].process.send_signal(signal.SIGCONT)


def apply(world):
    """nodes get other rules: a link keeps its backlog and its place"""
    edge = world.nodes["edge-1"]
    world.proxies["edge-1"].held = [True, True]
    world.feed(is_end=False)
    world.until("events wait at edge-1", lambda: edge.links()[0]["backlog_bytes"] > 0)
    before = edge.links()[0]
    world.write("edge.weir", EDGE % world.silence + MORE)
    world.write("core.weir", CORE % world.silence + RULES + SINKS % ("core", "core") + MORE)
    for node in world.nodes.values():
        node.ask("apply")
    after = edge.links()[0]
    if after["backlog_bytes"] < before["backlog_bytes"] or after["events"] < before["events"]:
        raise Failure("the link has forgotten something: %s, %s" % (before, after))
    world.feed()
    world.until("edge-1 waits for the core alone", lambda: "ended" in edge.refused("checkpoint"))
    world.until("the link is given up", lambda: edge.links()[0]["is"] != "open")
    if {(link["name"], link["from"]) for link in world.nodes["core"].links()} != {("txn", "edge-1"), ("txn", "edge-2")}:
        raise Failure("the core has other links than before")
    world.proxies["edge-1"].held = [False, False]


def permit(world):
    """what is not allowed any more ends at once, and goes on when it is allowed again"""
    core, edge = world.nodes["core"], world.nodes["edge-1"]
    world.until("the link is open", lambda: edge.links()[0]["is"] == "open")
    for node, peer, way, why in ((core, "edge-1", "--send", "'edge-1' may not send 'txn' to 'core'"),
                                 (edge, "core", "--read", "'core' may not read 'txn' from 'edge-1'")):
        node.ask("allow", peer, peer + ".pub", way, "other")
        world.until(why, lambda why=why: edge.links()[0].get("why") == why)
        before = edge.links()[0]["acknowledged"]
        if edge.links()[0]["is"] != "refused" or edge.links()[0]["acknowledged"] != before:
            raise Failure("the link is not refused: %s" % edge.links())
        node.ask("allow", peer, peer + ".pub", way, "txn")
        world.until("the link is open again", lambda: edge.links()[0]["is"] == "open")


def late(world):
    """who receives stays until its last acknowledgement is heard"""
    core = world.nodes["core"]
    for edge in world.inputs:
        world.until("a link is open", lambda edge=edge: world.nodes[edge].links()[0]["is"] == "open")
        world.proxies[edge].held[1] = True
    world.feed()
    world.until("the core has everything", world.check)
    if not core.is_running():
        raise Failure("the core has left, and nobody heard it")
    for proxy in world.proxies.values():
        proxy.held[1] = False


CASES = {case.__name__: case for case in (nothing, kill, restart, cut, partition, stop, apply, permit, late)}
SILENCES = {"late": "20s"}  # in which a way that is held is not given up
KILLERS = ("kill", "restart", "partition")  # after which an edge may ask a core again that has ended


def wait(seconds):
    """Time that has to pass because time-outs do; nothing is concluded from it."""
    threading.Event().wait(seconds)


def settle(world, case):
    """Until all have ended by themselves."""
    end = time.monotonic() + LIMIT
    while time.monotonic() < end:
        running = [node for node in world.nodes.values() if node.is_running()]
        if not running:
            return True
        core = world.nodes["core"]
        if not core.is_running() and case in KILLERS:  # one that was killed asks again
            core.start()
        wait(0.02)
    for node in world.nodes.values():
        print("%s: %s" % (node.name, "running" if node.is_running() else "ended"), file=sys.stderr)
    print("%s: not at its end after %d s" % (case, LIMIT), file=sys.stderr)
    return False


def play(weir, case, seed, kind=World, cases=None):
    """One round of a case. Whether it went well."""
    with tempfile.TemporaryDirectory(prefix="weir-links-") as folder:
        world = kind(weir, folder, seed, SILENCES.get(case, SILENCE))
        try:
            for node in world.nodes.values():
                node.start()
            goal = world.random.randint(0, len(world.expected[0]) // 4)
            world.until("the core gets half of the input", lambda: world.size() >= goal)
            (cases or CASES)[case](world)
            world.feed()
            is_well = settle(world, case) and world.check()
            codes = [node.process.poll() for node in world.nodes.values()]
            is_well = is_well and codes == [0, 0, 0]
            if not is_well:
                print("%s, seed %d: differs, %s" % (case, seed, codes), file=sys.stderr)
        except Failure as failure:
            is_well = False
            print("%s, seed %d: %s" % (case, seed, failure), file=sys.stderr)
        finally:
            world.close()
        if not is_well:
            for name in world.nodes:
                sys.stderr.write(world.read(name + ".log").decode()[-3000:])
        return is_well


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("weir")
    parser.add_argument("cases", nargs="*", default=list(CASES))
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    weir = os.path.abspath(args.weir)
    n_failed = 0
    for i in range(args.rounds):
        for case in args.cases:
            is_well = play(weir, case, args.seed + i)
            n_failed += not is_well
            print("%s %s, seed %d" % ("ok" if is_well else "FAILED", CASES[case].__doc__, args.seed + i), flush=True)
    return 1 if n_failed else 0


if __name__ == "__main__":
    sys.exit(main())
