#!/usr/bin/env python3
"""Makes quotes.csv and trades.csv: ten minutes of four symbols.

    generate.py FOLDER

The same files to the byte each time: the random numbers are our own.
"""

import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from made import Random, write

BEGIN = 1772440200000  # 2026-03-02T08:30:00Z
SYMBOLS = ["ABC", "DEF", "GHI", "JKL"]


def main():
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
        write(name, lines)


if __name__ == "__main__":
    main()
