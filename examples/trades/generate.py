#!/usr/bin/env python3
"""Makes quotes.csv and trades.csv: ten minutes of four symbols.

    generate.py FOLDER

The same files to the byte each time: the random numbers are our own.
"""

import os
import sys

BEGIN = 1772440200000  # 2026-03-02T08:30:00Z
SYMBOLS = ["ABC", "DEF", "GHI", "JKL"]


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
    random = Random(42)
    cents = {sym: 5000 + 1000 * i for i, sym in enumerate(SYMBOLS)}
    quotes, trades, ms = ["at,sym,bid,ask"], ["at,sym,side,price,size"], BEGIN
    while ms < BEGIN + 600000:
        ms += random.below(400)
        sym = SYMBOLS[random.below(4)]
        if random.below(4) > 0 and not (sym == "JKL" and ms % 120000 < 15000):
            cents[sym] += random.below(7) - 3
            bid = 0 if random.below(50) == 0 else cents[sym] - 1
            quotes.append(f"{ms},{sym},{bid / 100},{(cents[sym] + 1) / 100}")
        if random.below(4) == 0:
            side = "buy" if random.below(2) else "sell"
            price = cents[sym] + random.below(13) - 6
            trades.append(f"{ms},{sym},{side},{price / 100},{100 * (1 + random.below(5))}")
    for name, lines in (("quotes.csv", quotes), ("trades.csv", trades)):
        with open(os.path.join(sys.argv[1], name), "w", encoding="utf-8", newline="\n") as out:
            out.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
