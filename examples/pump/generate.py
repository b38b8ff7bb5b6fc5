#!/usr/bin/env python3
"""Makes readings.csv, with faults planted in it, and expected.jsonl: the planted faults.

    generate.py FOLDER

The same files to the byte each time: the random numbers are our own. What is expected is
written down as it is planted; nothing looks for it in the readings afterwards.
"""

import datetime
import json
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from made import Random, instant, write

START = datetime.datetime(2026, 5, 4, 6)
PUMPS, STEP, READINGS = 8, 30, 960  # eight hours, a reading every 30 s


def tenths(n):
    """A number of tenths that never ends in .0, so that it is written in one way only."""
    return n + 1 if n % 10 == 0 else n


class Pump:
    """Temperature in tenths of a degree, pressure in hundredths of a bar."""

    def __init__(self, random, n):
        self.random = random
        self.name = f"P{n + 1}"
        self.offset = n * 3  # pumps do not report in the same second
        # Sound: the temperature goes up and down by turns, so it never rises for long.
        self.temperature = []
        self.pressure = []
        for i in range(READINGS):
            swing = random.between(2, 9)
            self.temperature.append(tenths(550 + (swing if i % 2 else -swing)))
            self.pressure.append(random.between(601, 649))
        self.heard = [True] * READINGS
        self.found = []

    def second(self, i):
        return i * STEP + self.offset

    def warm(self, i, n):
        """n readings after reading i, each warmer than the one before; reading i is the
        coolest so far, and the one after the last is cooler again."""
        self.temperature[i] = tenths(541 - self.random.between(1, 8))
        for k in range(1, n + 1):
            self.temperature[i + k] = tenths(self.temperature[i + k - 1] + self.random.between(2, 15))
        self.temperature[i + n + 1] = tenths(self.temperature[i + n] - self.random.between(5, 60))

    def leak(self, i):
        """The pressure falls to between half and three quarters."""
        self.pressure[i] = self.random.between(310, 399)

    def fails(self, i, n):
        self.warm(i, n)
        self.leak(i + n + 1)
        self.found.append((self.second(i + n + 1), {
            "pump": self.name, "since": instant(START, self.second(i)), "readings": n,
            "from": self.temperature[i] / 10, "to": self.temperature[i + n] / 10,
            "pressure": self.pressure[i + n + 1] / 100, "at": instant(START, self.second(i + n + 1))}))

    def goes_silent(self, i, n):
        """Readings i .. i + n - 1 are missing. Known two minutes after the last heard."""
        for k in range(n):
            self.heard[i + k] = False
        last = self.second(i - 1)
        if (n + 1) * STEP > 120:
            self.found.append((last + 120, {"pump": self.name, "last_heard": instant(START, last)}))


def plant(pumps):
    pumps[0].fails(100, 7)
    pumps[0].fails(620, 19)        # ten minutes, to the second, from its first reading to the drop
    pumps[1].warm(200, 9)          # runs hot, but holds its pressure
    pumps[1].fails(400, 5)
    pumps[2].leak(300)             # leaks, but was never hot
    pumps[2].warm(500, 4)          # one reading too few
    pumps[2].leak(505)
    pumps[3].warm(150, 6)
    pumps[3].leak(159)             # the drop is not the very next reading
    pumps[3].fails(700, 11)
    pumps[4].goes_silent(240, 30)
    pumps[4].goes_silent(600, 3)   # four steps to the next: two minutes exactly, heard again
    pumps[5].goes_silent(333, 4)   # the shortest silence that counts
    pumps[5].fails(800, 6)
    pumps[6].fails(77, 8)
    pumps[6].goes_silent(500, 200)
    # The last pump is sound.


def main():
    random = Random(4711)
    pumps = [Pump(random, n) for n in range(PUMPS)]
    plant(pumps)
    write("readings.csv", ["at,pump,temperature,pressure"] + [
        f"{instant(START, pump.second(i))},{pump.name},{pump.temperature[i] / 10},{pump.pressure[i] / 100}"
        for i in range(READINGS) for pump in pumps if pump.heard[i]])
    found = sorted((f for pump in pumps for f in pump.found), key=lambda f: f[0])
    if len({second for second, _ in found}) != len(found):
        sys.exit("two faults are found in one second: their order would need a rule")
    write("expected.jsonl", (json.dumps(alert, separators=(",", ":")) for _, alert in found))


if __name__ == "__main__":
    main()
