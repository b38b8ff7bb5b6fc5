#!/usr/bin/env python3
"""Makes checkouts.csv: a day in a shop whose payments fail twice.

    generate.py FOLDER

The same file to the byte each time: the random numbers are our own.
"""

import datetime
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from made import Random, instant, write

DAY = datetime.datetime(2026, 5, 8)
ARTICLES = [("lamp", 4900), ("kettle", 3500), ("teapot", 2200), ("cup", 650), ("tray", 1800),
            ("candle", 450), ("vase", 2900), ("clock", 5900)]
OUTAGES = [(11 * 3600 + 1200, 11 * 3600 + 2400), (19 * 3600, 19 * 3600 + 500)]


def main():
    random = Random(20260508)
    second = 8 * 3600
    visitor = None  # who was refused, and tries again
    lines = ["at,visitor,article,cents,outcome"]
    while second < 21 * 3600:
        second += random.below(50)
        visitor = visitor or f"v{random.below(900):03}"
        article, cents = ARTICLES[random.below(1 + random.below(len(ARTICLES)))]
        is_out = any(begin <= second < end for begin, end in OUTAGES)
        refused = random.below(100) < (70 if is_out else 7)
        outcome = ("timeout" if is_out else "refused") if refused else "paid"
        lines.append(f"{instant(DAY, second)},{visitor},{article},{cents},{outcome}")
        visitor = visitor if refused and random.below(100) < 75 else None
    write("checkouts.csv", lines)


if __name__ == "__main__":
    main()
