#!/usr/bin/env python3
"""Looks for the quote of each trade among all quotes.

    check.py OUTPUT
"""

import collections
import csv
import datetime
import json
import math
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))


def read(name):
    with open(os.path.join(HERE, name), encoding="utf-8") as rows:
        return list(csv.DictReader(rows))


def text(ms):
    at = datetime.datetime.fromtimestamp(ms // 1000, datetime.timezone.utc)
    fraction = f".{ms % 1000:03}".rstrip("0").rstrip(".") if ms % 1000 else ""
    return at.strftime("%Y-%m-%dT%H:%M:%S") + fraction + "Z"


def main():
    quotes, trades = read("quotes.csv"), read("trades.csv")
    expected, came = collections.Counter(), collections.Counter()
    for trade in trades:
        at = int(trade["at"])
        seen = [q for q in quotes if q["sym"] == trade["sym"] and float(q["bid"]) > 0
                and at - 5000 <= int(q["at"]) <= at]
        if not seen:
            expected[text(at), trade["sym"], None] += 1
            continue
        price = float(trade["price"])
        loss = price - float(seen[-1]["ask"]) if trade["side"] == "buy" else float(seen[-1]["bid"]) - price
        if loss > 0.05:
            expected[text(at), trade["sym"], math.floor(loss * 100 + 0.5) / 100] += 1
    with open(sys.argv[1], encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            if "minute" not in row:
                came[row["at"], row["sym"], row.get("loss")] += 1
    if came != expected:
        print("missing:", list((expected - came).items())[:5], file=sys.stderr)
        print("too many:", list((came - expected).items())[:5], file=sys.stderr)
        sys.exit("trades: not what looking at every quote gives")


if __name__ == "__main__":
    main()
