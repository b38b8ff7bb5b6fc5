#!/usr/bin/env python3
"""Makes payments.jsonl, with fraud planted in it, and expected.jsonl: the planted fraud.

    generate.py FOLDER

The same files to the byte each time: the random numbers are our own. What is expected is
written down as it is planted; nothing looks for it in the payments afterwards.
"""

import datetime
import json
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from made import Random, instant, length, write

START = datetime.datetime(2026, 3, 2)
MINUTE, HOUR, DAY = 60, 3600, 86400
CARDS, DAYS = 300, 5
COUNTRIES = ["AT", "DE", "ES", "FR", "IT", "NL", "PL", "PT"]
SHOPS = ["bakery", "books", "cinema", "fuel", "garden", "grocer", "pharmacy", "shoes", "trains"]


class World:
    def __init__(self):
        self.random = Random(2026)
        self.payments = []
        self.expected = []
        self.homes = [self.random.one_of(COUNTRIES) for _ in range(CARDS)]

    def card(self, n):
        return f"4929-{n:04d}"

    def pay(self, second, n, cents, country=None, merchant=None):
        merchant = merchant or self.random.one_of(SHOPS)
        self.payments.append({
            "at": instant(START, second), "card": self.card(n), "cents": cents,
            "country": country or self.homes[n], "merchant": merchant, "second": second})
        return self.payments[-1]

    def abroad(self, n):
        return self.random.one_of([c for c in COUNTRIES if c != self.homes[n]])

    def live(self, n, quiet):
        """An honest card: at home, small and large payments, now and then, but never two
        within 20 minutes, so that they are not part of any fraud by accident."""
        second = self.random.between(0, 12 * HOUR)
        while second < DAYS * DAY:
            if not quiet[0] <= second <= quiet[1]:
                small = self.random.between(1, 5) == 1
                self.pay(second, n, self.random.between(60, 199 if small else 24000))
            second += self.random.between(20 * MINUTE, 22 * HOUR)

    def trials(self, second, n, count, step, cents_after, pause):
        """`count` small payments `step` seconds apart, and after a pause a large one."""
        first = second
        spent = 0
        for i in range(count):
            cents = self.random.between(30, 199)
            spent += cents
            self.pay(second, n, cents, merchant="donation")
            if i + 1 < count:
                second += step
        big = self.pay(second + pause, n, cents_after, merchant="electronics")
        return {"card": self.card(n), "trials": count, "since": instant(START, first),
                "spent": spent + cents_after, "at": big["at"], "merchant": big["merchant"]}

    def tested(self, second, n, *how):
        found = self.trials(second, n, *how)
        self.expected.append((self.payments[-1]["second"], found))

    def journey(self, second, n, gap, is_fraud):
        abroad = self.abroad(n)
        self.pay(second, n, self.random.between(500, 9000))
        self.pay(second + gap, n, self.random.between(500, 9000), country=abroad)
        if is_fraud:
            self.expected.append((second + gap, {
                "card": self.card(n), "from": self.homes[n], "to": abroad,
                "left": instant(START, second), "after": length(gap)}))


def plant(world, n, second):
    """The n-th card's story. Every other one is innocent by a hair."""
    random = world.random
    story = n % 12
    large = random.between(15000, 90000)
    if story == 0:  # plain fraud
        world.tested(second, n, random.between(3, 7), random.between(15, 60), large, random.between(20, 150))
    elif story == 1:  # just in time: ten minutes from first to last, and exactly 150 euros
        world.tested(second, n, 4, 2 * MINUTE, 15000, 4 * MINUTE)
    elif story == 2:  # one second too late
        world.trials(second, n, 3, 2 * MINUTE, large, 6 * MINUTE + 1)
    elif story == 3:  # two trials only
        world.trials(second, n, 2, 30, large, 45)
    elif story == 4:  # never large: one cent less
        world.trials(second, n, 5, 20, 14999, 30)
    elif story == 5:  # late for the first trial, in time for the other three
        found = world.trials(second, n, 4, 3 * MINUTE, large, 3 * MINUTE)
        small = [p for p in world.payments if p["card"] == world.card(n)][-4:-1]
        found.update(trials=3, since=small[0]["at"], spent=sum(p["cents"] for p in small) + large)
        world.expected.append((world.payments[-1]["second"], found))
    elif story == 6:  # other payments between the trials do not hide them
        world.pay(second + 5, n, 4000)
        world.tested(second, n, 4, 40, large, 90)
    elif story == 7:  # not possible
        world.journey(second, n, random.between(60, 50 * MINUTE), True)
    elif story == 8:  # an hour to the second
        world.journey(second, n, HOUR, True)
    elif story == 9:  # a short flight
        world.journey(second, n, HOUR + 1, False)
    # 10 and 11: nothing happens to this card


def main():
    world = World()
    for n in range(CARDS):
        at = world.random.between(6 * HOUR, (DAYS - 1) * DAY)
        world.live(n, (at - 3 * HOUR, at + 3 * HOUR))
        plant(world, n, at)
    # Payments of one second stand in the order of their cards, and so does what they complete.
    world.payments.sort(key=lambda p: (p["second"], p["card"]))
    world.expected.sort(key=lambda found: (found[0], found[1]["card"]))
    for payment in world.payments:
        del payment["second"]
    write("payments.jsonl", (json.dumps(p, separators=(",", ":")) for p in world.payments))
    write("expected.jsonl", (json.dumps(found, separators=(",", ":"), ensure_ascii=False)
                             for _, found in world.expected))


if __name__ == "__main__":
    main()
