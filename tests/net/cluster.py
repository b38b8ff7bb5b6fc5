#!/usr/bin/env python3
"""The nodes of a cluster, whose output is that of one node, whatever happens to them.

    cluster.py WEIR [--rounds N] [--seed N] [CASE...]

Rules are drawn from a seed. Each node writes what is its part: together that is what one
node with all sources writes, and what each writes stands in that order there. The nodes
read what this program feeds them; it is told by their state directories from which byte
on to feed them again. Nothing depends on how long anything takes.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time

from links import LIMIT, Node, Proxy, free_port, wait

# Where a node of a development build can be killed on its way out.
STEPS = ["move.begun", "move.promised", "move.saved", "move.given", "move.taken"]
POINTS = ["end.told", "end.waiting", "trimmed", "journal.committed", "checkpoint.committed"]

STREAMS = """stream txn { at time unit ms, card string, ip string, amount float, note string? }
stream login { at time unit ms, card string, ip string, ok bool }
"""


def draw_rules(r):
    """Rules of every kind of placement; those that others read come with their readers."""
    more = r.randint(100, 400)
    kinds = [
        """rule rise {
  match a: txn(amount > %d) -> b: txn(amount > a.amount)
  by card
  within %ds
  emit rise { card, first: a.amount, second: b.amount, note: b.note }
}
""" % (more, r.randint(1, 5)),
        """rule stolen {
  match l: login(ok == false) -> t: txn(amount > %d)
  by card
  within %ds
  emit stolen { card, from: l.ip, to: t.ip, amount: t.amount }
}
""" % (more, r.randint(1, 5)),
        """rule silent {
  match l: login -> not txn within %ds
  by ip
  emit silent { ip, card: l.card }
}
""" % r.randint(1, 3),
        """rule big {
  from txn where amount > %d
  emit big { card, ip, amount, note }
}
""" % (450 - more // 4),
        """rule much {
  from txn
  by %s
  window tumbling %ds
  emit much { %s, n: count(), sum: sum(amount) }
}
""" % (("card", 2, "card") if r.random() < 0.5 else ("ip", 3, "ip")),
        """rule every {
  from login
  window tumbling 1s
  emit every { n: count() }
}
""",
        """rule whole {
  match a: txn(amount > 490) -> b: txn(amount > a.amount)
  within 1s
  emit whole { x: a.card, y: b.card }
}
""",
        """rule hot {
  match a: txn(amount > %d) -> b: txn(amount > a.amount)
  by card
  within 1s
  emit hot { card, ip: b.ip, second: b.amount }
}
rule spot {
  match a: hot -> b: hot(second >= a.second)
  by ip
  within %ds
  emit spot { ip, x: a.card, y: b.card }
}
rule seen {
  match a: hot -> l: login
  by card
  within 2s
  emit seen { card, ip: l.ip, second: a.second }
}
""" % (more + 50, r.randint(1, 8)),
        """rule drop {
  from txn where amount < %d
  emit drop { card, ip, amount }
}
rule drops {
  from drop
  by card
  window tumbling 2s
  emit drops { card, n: count(), low: min(amount) }
}
""" % r.randint(20, 100),
        """rule joined {
  from t: txn join l: login on t.card == l.card within 1s
  emit joined { card: t.card, amount: t.amount, ok: l.ok }
}
""",
    ]
    return "".join(r.sample(kinds, r.randint(3, len(kinds))))


def sinks_of(rules):
    return [line.split()[1] for line in rules.splitlines() if line.startswith("  emit ")]


class World:
    def __init__(self, weir, folder, seed, n_nodes, n_events):
        self.weir = weir
        self.folder = folder
        self.random = random.Random(seed)
        self.names = ["node-%c" % c for c in "abcdefgh"[:n_nodes]]
        self.rules = draw_rules(self.random)
        self.streams = sinks_of(self.rules)
        self.n_events = n_events
        self.is_fed, self.is_through = threading.Event(), threading.Event()
        self.is_fed.set()  # inputs go to their ends at once
        self.is_through.set()
        self.inputs = {}
        for name in self.names:
            self.write(name + ".login.jsonl", self.events(False))
            self.inputs[name] = self.events(True).encode()
            self.write(name + ".txn.jsonl", self.inputs[name].decode())
        self.expected = self.run_one()
        self.ports = {name: free_port() for name in self.names}
        self.proxies = {name: Proxy(self.ports[name]) for name in self.names}
        cluster = "".join('  node "%s" at "tcp://127.0.0.1:%d"\n' % (name, self.proxies[name].port)
                          for name in self.random.sample(self.names, n_nodes))
        self.write("plant.weir", 'cluster "plant" {\n  insecure\n%s}\n' % cluster)
        for name in self.names:
            self.write(name + ".weir", STREAMS + 'source txn from stdin() format json\nsource login from file("%s.login.jsonl")\n' % name
                       + self.rules + self.sinks(name))
        self.write("nodes.weir", "".join(self.node_file(name) for name in self.names))
        self.nodes = {name: Node(self, name) for name in self.names}
        self.n_kills = 0  # to come

    def place(self, name):
        """Words before the command of a node."""
        del name
        return []

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(text)

    def read(self, name):
        try:
            with open(self.path(name), "rb") as file:
                return file.read()
        except OSError:
            return b""

    def sinks(self, name):
        return "".join('sink %s to file("%s.%s.jsonl")\n' % (stream, name, stream) for stream in self.streams)

    def node_file(self, name):
        return """node "%s" {
  rules "%s.weir"
  state "state.%s" checkpoint every 100ms
  listen "tcp://127.0.0.1:%d"
  control "%s.sock"
  insecure
  shards %d
  cluster "plant.weir"
}
""" % (name, name, name, self.ports[name], name, self.random.randint(1, 3))

    def events(self, is_txn):
        """Many have the same time."""
        lines = []
        at = 1767225600000
        for i in range(self.n_events if is_txn else self.n_events // 3):
            at += self.random.choice([0, 0, 1, 1, 7, 60] if is_txn else [0, 1, 10, 60, 120])
            event = {"at": at, "card": "c%d" % self.random.randint(1, 30), "ip": "i%d" % self.random.randint(1, 9)}
            if is_txn:
                event["amount"] = self.random.randint(1, 1000) / 2
                if i % 3 == 0:
                    event["note"] = "ä %d" % i
            else:
                event["ok"] = self.random.random() < 0.5
            lines.append(json.dumps(event))
        return "\n".join(lines) + "\n"

    def run_one(self):
        sources = "".join('source txn from file("%s.txn.jsonl")\nsource login from file("%s.login.jsonl")\n' % (name, name)
                          for name in self.names)
        self.write("one.weir", STREAMS + sources + self.rules + self.sinks("one"))
        subprocess.run([self.weir, "run", "--quiet", self.path("one.weir")], check=True, cwd=self.folder)
        return {stream: self.read("one.%s.jsonl" % stream).splitlines() for stream in self.streams}

    def size(self):
        """How far the nodes are, about."""
        return sum(len(self.read("%s.%s.jsonl" % (name, stream))) for name in self.names for stream in self.streams)

    def check(self, is_ordered=True):
        """Keys that have moved stand behind those that were there, where times are equal."""
        is_well = True
        for stream, lines in self.expected.items():
            parts = [self.read("%s.%s.jsonl" % (name, stream)).splitlines() for name in self.names]
            if sorted(sum(parts, [])) != sorted(lines):
                missing = [line for line in lines if line not in set(sum(parts, []))]
                print("%s: %d lines, not %d; missing %r" % (stream, sum(map(len, parts)), len(lines), missing[:3]),
                      file=sys.stderr)
                is_well = False
            for name, part in zip(self.names, parts if is_ordered else []):
                rest = iter(lines)
                if not all(line in rest for line in part):
                    print("%s of %s is in another order" % (stream, name), file=sys.stderr)
                    is_well = False
        return is_well

    def close(self):
        for node in self.nodes.values():
            if node.process is not None:
                node.end(signal.SIGKILL)
        for proxy in self.proxies.values():
            proxy.close()

    def revive(self):
        """Those that run, when who was killed has been started again."""
        running = [node for node in self.nodes.values() if node.is_running()]
        for node in self.nodes.values():
            if node.process.poll() == -signal.SIGKILL:
                self.begin_again(node)
                running.append(node)
        return running

    def placements(self):
        """How many moves each node knows to be done, by the file of what it has promised."""
        return {name: self.read("state.%s/moves" % name)[7] for name in self.names}

    def begin_again(self, node):
        """After it was killed; perhaps not for the last time."""
        if self.n_kills > 0 and self.random.random() < 0.5:
            self.n_kills -= 1
            node.crash_at = self.draw_point()
        node.start()

    def draw_point(self):
        return "%s:%d" % (self.random.choice(POINTS), self.random.randint(1, 4))

    def trouble(self, running):
        """Now and then, when all has been written, kill one of those that still run."""
        if self.n_kills > 0 and self.random.random() < 0.2 and self.size() >= self.total():
            self.n_kills -= 1
            self.random.choice(running).end(signal.SIGKILL)

    def total(self):
        return sum(len(line) + 1 for lines in self.expected.values() for line in lines)

    def any_node(self):
        return self.nodes[self.random.choice(self.names)]


def nothing(world):
    """nodes do together what one does"""
    del world


def kill(world):
    """nodes are killed"""
    for _ in range(3):
        node = world.any_node()
        node.end(signal.SIGKILL)
        node.start()


def restart(world):
    """each is restarted in turn"""
    for node in world.nodes.values():
        node.end(signal.SIGTERM)
        node.start()


def cut(world):
    """connections end"""
    for proxy in world.proxies.values():
        proxy.cut()


def partition(world):
    """a node is cut off for longer than every time-out, in one direction or both"""
    proxy = world.proxies[world.random.choice(world.names)]
    ways = world.random.choice([[0], [1], [0, 1]])
    for way in ways:
        proxy.held[way] = True
    wait(1.0)
    if world.random.random() < 0.5:
        node = world.any_node()
        node.end(signal.SIGKILL)
        node.start()
    for way in ways:
        proxy.held[way] = False


def begin_move(world):
    """Have some node give some of its key groups to another; until it can, or has ended."""
    r = world.random
    name, other = r.sample(world.names, 2)
    what = r.choice(["all", "50%", "0-511", "100-900", None])
    words = ["move", what, "from", name, "to", other] if what else ["drain", name]
    end = time.monotonic() + LIMIT
    while time.monotonic() < end:
        world.revive()
        if not world.nodes[name].is_running():  # it has come to its end
            return
        done = subprocess.run([world.weir, "cluster"] + words + ["--config", world.path("nodes.weir"), "--node", name],
                              cwd=world.folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        if done.returncode == 0 or b"could" in done.stdout or b"end of its inputs" in done.stdout:
            return
        wait(0.02)


def move(world):
    """key groups move from node to node"""
    for half in (world.is_fed, world.is_through):
        for _ in range(world.random.randint(1, 3)):
            begin_move(world)
            wait(world.random.random() / 5)
        half.set()


def move_kill(world):
    """nodes are killed at steps of moves"""
    move(world)


def end(world):
    """nodes are killed while they end"""
    world.n_kills = 6
    for node in world.nodes.values():
        node.end(signal.SIGKILL)
        node.crash_at = world.draw_point()
        node.start()


CASES = {case.__name__: case for case in (nothing, kill, restart, cut, partition, end, move, move_kill)}


def settle(world):
    """Until all have ended by themselves; who was killed on the way is started again."""
    end = time.monotonic() + LIMIT
    while time.monotonic() < end:
        running = world.revive()
        if not running:
            return True
        world.trouble(running)
        wait(0.02)
    print("not at their ends after %d s: %s" % (LIMIT, [node.name for node in running]), file=sys.stderr)
    return False


def play(weir, case, seed):
    with tempfile.TemporaryDirectory(prefix="weir-cluster-") as folder:
        n_nodes = 1 + seed % 3 if case == "nothing" else 3
        world = World(weir, folder, seed, n_nodes, 400 if case == "nothing" else 12000 if case.startswith("move") else 2000)
        try:
            if case.startswith("move"):
                world.is_fed.clear()
                world.is_through.clear()
            for node in world.nodes.values():
                if case == "move_kill" and world.random.random() < 0.7:
                    node.crash_at = "%s:%d" % (world.random.choice(STEPS), world.random.randint(1, 3))
                node.start()
            goal = world.random.randint(0, world.total() // 2)
            limit = time.monotonic() + LIMIT
            while case != "nothing" and not case.startswith("move") and world.size() < goal and time.monotonic() < limit:
                wait(0.002)
            CASES[case](world)
            is_well = settle(world) and world.check(not case.startswith("move"))
            codes = [node.process.poll() for node in world.nodes.values()]
            is_well = is_well and not any(codes)
            if case.startswith("move"):
                placements = world.placements()  # done on all or on none
                is_well = is_well and len(set(placements.values())) == 1
            if not is_well:
                print("%s, seed %d: differs, %s" % (case, seed, codes), file=sys.stderr)
                for name in world.names:
                    sys.stderr.write(world.read(name + ".log").decode()[-2000:])
                print(world.rules, file=sys.stderr)
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
