#!/usr/bin/env python3
"""The three nodes of links.py, each in a network of its own (network namespaces of Linux, joined
by virtual cables), so that what is cut is the kernel's and no proxy answers for anybody.

    netns.py WEIR [--rounds N] [--seed N] [CASE...]

Exit status 77, and a word why, where such networks cannot be made.
"""

import argparse
import os
import signal
import subprocess
import sys

import links

SKIPPED = 77
NOBODY = "02:00:00:00:00:99"  # no card has this address: what is sent to it is lost on the way


def ip(*words):
    subprocess.run(("ip",) + words, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


class World(links.World):
    def __init__(self, weir, folder, seed, silence=links.SILENCE):
        self.mark = "weir%d" % os.getpid()
        self.made = []
        try:
            super().__init__(weir, folder, seed, silence)
        except BaseException:
            self.unmake()
            raise

    def space(self, name):
        return "%s-%s" % (self.mark, name)

    def place(self, name):
        return ["ip", "netns", "exec", self.space(name)]

    def addresses(self):
        for name in ("core",) + tuple(self.inputs):
            ip("netns", "add", self.space(name))
            self.made.append(self.space(name))
        ways = {}
        for i, edge in enumerate(self.inputs):
            near, far = "core%d" % i, "edge%d" % i
            ip("-n", self.space("core"), "link", "add", near, "type", "veth",
               "peer", "name", far, "netns", self.space(edge))
            for space, card, last in ((self.space("core"), near, 1), (self.space(edge), far, 2)):
                ip("-n", space, "addr", "add", "10.77.%d.%d/24" % (i, last), "dev", card)
                ip("-n", space, "link", "set", card, "up")
            ways[edge] = "tcp://10.77.%d.1:7000" % i
        return "tcp://*:7000", ways

    def cable(self, edge):
        """The core's end of the cable to an edge: its number, its space, its card."""
        i = list(self.inputs).index(edge)
        return i, self.space("core"), "core%d" % i

    def unmake(self):
        while self.made:
            subprocess.run(("ip", "netns", "del", self.made.pop()), check=False, stderr=subprocess.DEVNULL)

    def close(self):
        super().close()
        self.unmake()


def some_edge(world):
    return world.random.choice(list(world.inputs))


def cut(world):
    """a cable is pulled out until both have given the other up"""
    edge = some_edge(world)
    before = world.n_lost()
    _, space, card = world.cable(edge)
    ip("-n", space, "link", "set", card, "down")
    world.until_lost([edge, "core"], before)
    ip("-n", space, "link", "set", card, "up")


def one_way(world):
    """what one says is lost on the way, and it hears the other"""
    edge = some_edge(world)
    before = world.n_lost()
    i, space, card = world.cable(edge)
    if world.random.random() < 0.5:  # the core is not heard by the edge
        address = "10.77.%d.2" % i
        deaf = edge
    else:
        space, card, address = world.space(edge), "edge%d" % i, "10.77.%d.1" % i
        deaf = "core"
    ip("-n", space, "neigh", "replace", address, "lladdr", NOBODY, "dev", card, "nud", "permanent")
    world.until_lost([deaf], before)
    ip("-n", space, "neigh", "del", address, "dev", card)


def restart(world):
    """each is restarted while a cable is out"""
    edge = some_edge(world)
    _, space, card = world.cable(edge)
    for name in world.nodes:
        ip("-n", space, "link", "set", card, "down")
        world.nodes[name].end(signal.SIGTERM)
        world.nodes[name].start()
        ip("-n", space, "link", "set", card, "up")


def kill(world):
    """each is killed while a cable is out"""
    edge = some_edge(world)
    _, space, card = world.cable(edge)
    for name in world.nodes:
        ip("-n", space, "link", "set", card, "down")
        world.nodes[name].end(signal.SIGKILL)
        world.nodes[name].start()
        ip("-n", space, "link", "set", card, "up")


def slow(world):
    """the cables are slow, and drop what does not fit"""
    for edge in world.inputs:
        _, space, card = world.cable(edge)
        subprocess.run(["ip", "netns", "exec", space, "tc", "qdisc", "add", "dev", card, "root"] + SLOW,
                       check=True, stderr=subprocess.PIPE)
        subprocess.run(["ip", "netns", "exec", world.space(edge), "tc", "qdisc", "add", "dev",
                        card.replace("core", "edge"), "root"] + SLOW, check=True, stderr=subprocess.PIPE)


CASES = {case.__name__: case for case in (cut, one_way, restart, kill, slow)}
CASES["stop"] = links.stop

# The first that this kernel knows.
SLOW_WAYS = (["netem", "delay", "40ms", "10ms", "loss", "2%", "rate", "8mbit"],
             ["tbf", "rate", "8mbit", "burst", "8kb", "latency", "10ms"])
SLOW = None


def probe(is_slow):
    """Why this cannot be done here, or None."""
    global SLOW
    space = "weir%d-probe" % os.getpid()
    try:
        ip("netns", "add", space)
    except (OSError, subprocess.CalledProcessError) as error:
        reason = getattr(error, "stderr", b"") or str(error).encode()
        return "no network namespaces can be made: %s" % reason.decode().strip()
    try:
        ip("-n", space, "link", "add", "one", "type", "veth", "peer", "name", "other")
        for way in SLOW_WAYS:
            if SLOW is None and subprocess.run(
                    ["ip", "netns", "exec", space, "tc", "qdisc", "add", "dev", "one", "root"] + way,
                    check=False, stderr=subprocess.DEVNULL).returncode == 0:
                SLOW = way
    except (OSError, subprocess.CalledProcessError) as error:
        return "no virtual cable can be made: %s" % error
    finally:
        subprocess.run(("ip", "netns", "del", space), check=False)
    return "no cable can be made slow: neither netem nor tbf is in this kernel" if is_slow and SLOW is None else None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("weir")
    parser.add_argument("cases", nargs="*", default=list(CASES))
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    weir = os.path.abspath(args.weir)
    why = probe("slow" in args.cases)
    if why is not None:
        print("skipped: %s" % why)
        return SKIPPED
    n_failed = 0
    for i in range(args.rounds):
        for case in args.cases:
            is_well = links.play(weir, case, args.seed + i, World, CASES)
            n_failed += not is_well
            print("%s %s, seed %d" % ("ok" if is_well else "FAILED", CASES[case].__doc__, args.seed + i), flush=True)
    return 1 if n_failed else 0


if __name__ == "__main__":
    sys.exit(main())
