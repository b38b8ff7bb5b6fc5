#!/usr/bin/env python3
"""Makes checkouts.csv: a day in a shop whose payments fail twice.

    generate.py FOLDER

The same file to the byte each time: the random numbers are our own.
"""

import datetime
import os
import sys

DAY = datetime.datetime(2026, 5, 8)
ARTICLES = [("lamp", 4900), ("kettle", 3500), ("teapot", 2200), ("cup", 650), ("tray", 1800),
            ("candle", 450), ("vase", 2900), ("clock", 5900)]
OUTAGES = [(11 * 3600 + 1200, 11 * 3600 + 2400), (19 * 3600, 19 * 3600 + 500)]


class Random:
    """SplitMix64 (Steele, Lea and Flood, OOPSLA 2014)."""

    def __init__(self, seed):
        self.state = seed

    def next(self):
        mask = (1 << 64) - 1
        self.state = (self.state + 0x9E3779B97F4A7C15) & mask
        z = self.state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & mask
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & mask
        return z ^ (z >> 31)

    def below(self, n):
        return self.next() % n


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    random = Random(20260508)
    second = 8 * 3600
    visitor = None  # who was refused, and tries again
    with open(os.path.join(sys.argv[1], "checkouts.csv"), "w", encoding="utf-8", newline="\n") as out:
        out.write("at,visitor,article,cents,outcome\n")
        while second < 21 * 3600:
            second += random.below(50)
            visitor = visitor or f"v{random.below(900):03}"
            article, cents = ARTICLES[random.below(1 + random.below(len(ARTICLES)))]
            is_out = any(begin <= second < end for begin, end in OUTAGES)
            refused = random.below(100) < (70 if is_out else 7)
            outcome = ("timeout" if is_out else "refused") if refused else "paid"
            at = (DAY + datetime.timedelta(seconds=second)).strftime("%Y-%m-%dT%H:%M:%SZ")
            out.write(f"{at},{visitor},{article},{cents},{outcome}\n")
            visitor = visitor if refused and random.below(100) < 75 else None


if __name__ == "__main__":
    main()
