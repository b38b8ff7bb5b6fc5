#!/usr/bin/env python3
"""Three nodes, edge-1 and edge-2 -> core, whose output is that of one node, whatever happens
to them: kills, stops, restarts, cut ways.

    links.py WEIR [--rounds N] [--seed N] [CASE...]

The edges read what this program feeds them; it is told by their state directories from
which byte on to feed them again. Ways are cut by a proxy between the nodes, which holds
bytes back or ends connections. Nothing depends on how long anything takes.
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
SILENCE = "300ms"

EDGE = """stream txn { at time unit ms, card string, amount float, note string? }
source txn from stdin() format json
sink txn to node("core", silence: %s)
""" % SILENCE

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
""" % SILENCE

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

    def begin(self):
        log = open(self.world.path(self.name + ".log"), "ab")
        self.process = subprocess.Popen(
            [self.world.weir, "node", "--config", self.world.path("nodes.weir"), "--node", self.name],
            stdin=subprocess.PIPE, stdout=log, stderr=log, cwd=self.world.folder)
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
        try:
            for at in range(0, len(data), 4096):
                process.stdin.write(data[at:at + 4096])
                process.stdin.flush()
            process.stdin.close()
        except (OSError, ValueError):
            pass

    def start(self):
        self.from_byte = self.committed() if self.name in self.world.inputs else 0
        self.begin()

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


class World:
    def __init__(self, weir, folder, seed):
        self.weir = weir
        self.folder = folder
        self.random = random.Random(seed)
        self.inputs = {}
        for edge in ("edge-1", "edge-2"):
            self.inputs[edge] = self.events(edge).encode()
        self.expected = self.run_one()
        core_port = free_port()
        self.proxies = {edge: Proxy(core_port) for edge in self.inputs}
        self.write("edge.weir", EDGE)
        self.write("core.weir", CORE + RULES + SINKS % ("core", "core"))
        self.write("nodes.weir", self.node_file(core_port))
        self.nodes = {name: Node(self, name) for name in ("core", "edge-1", "edge-2")}

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

    def node_file(self, port):
        edges = "".join("""node "%s" {
  rules "edge.weir"
  state "state.%s" checkpoint every 100ms
  insecure
  peer "core" at "tcp://127.0.0.1:%d" may read txn
}
""" % (edge, edge, self.proxies[edge].port) for edge in self.inputs)
        return """node "core" {
  rules "core.weir"
  state "state.core" checkpoint every 100ms
  listen "tcp://127.0.0.1:%d"
  insecure
  peer "edge-1" may send txn
  peer "edge-2" may send txn
}
%s""" % (port, edges)

    def size(self):
        """How far the core is, about."""
        try:
            return os.path.getsize(self.path("core.hot.jsonl"))
        except OSError:
            return 0

    def check(self):
        found = [self.read("core.%s.jsonl" % stream) for stream in ("hot", "much")]
        return found == self.expected

    def close(self):
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
    proxy = world.proxies[world.random.choice(list(world.proxies))]
    ways = world.random.choice([[0], [1], [0, 1]])
    for way in ways:
        proxy.held[way] = True
    wait(1.0)
    if world.random.random() < 0.5:
        world.nodes["core"].end(signal.SIGKILL)
        world.nodes["core"].start()
    for way in ways:
        proxy.held[way] = False


def stop(world):
    """one stands still for longer than every time-out"""
    node = world.nodes[world.random.choice(list(world.nodes))]
    if node.is_running():
        node.process.send_signal(signal.SIGSTOP)
        wait(1.0)
        node.process.send_signal(signal.SIGCONT)


CASES = {case.__name__: case for case in (nothing, kill, restart, cut, partition, stop)}


def wait(seconds):
    """Time that has to pass because time-outs do; nothing is concluded from it."""
    threading.Event().wait(seconds)


def settle(world, case):
    """Until all have ended by themselves; who fell over an accident is started again."""
    end = time.monotonic() + LIMIT
    while time.monotonic() < end:
        running = [node for node in world.nodes.values() if node.is_running()]
        if not running:
            return True
        core = world.nodes["core"]
        if not core.is_running():  # it ended before an edge heard of it, and is asked again
            core.start()
        wait(0.02)
    for node in world.nodes.values():
        print("%s: %s" % (node.name, "running" if node.is_running() else "ended"), file=sys.stderr)
    print("%s: not at its end after %d s" % (case, LIMIT), file=sys.stderr)
    return False


def play(weir, case, seed):
    with tempfile.TemporaryDirectory(prefix="weir-links-") as folder:
        world = World(weir, folder, seed)
        try:
            for node in world.nodes.values():
                node.start()
            goal = world.random.randint(0, len(world.expected[0]) // 2)
            end = time.monotonic() + LIMIT
            while world.size() < goal and time.monotonic() < end:
                wait(0.002)
            CASES[case](world)
            is_well = settle(world, case) and world.check()
            codes = [node.process.poll() for node in world.nodes.values()]
            is_well = is_well and codes == [0, 0, 0]
            if not is_well:
                print("%s, seed %d: differs, %s" % (case, seed, codes), file=sys.stderr)
                for name in world.nodes:
                    sys.stderr.write(world.read(name + ".log").decode()[-3000:])
            return is_well
        finally:
            world.close()


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
