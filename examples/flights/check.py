#!/usr/bin/env python3
"""What flights.weir must find, worked out without Weir and compared with what it printed.

    check.py OUTPUT.jsonl        and, to see the answer itself:  check.py --print
"""

import collections
import csv
import datetime
import gzip
import json
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
HOUR = datetime.timedelta(hours=1)


def flights():
    with gzip.open(os.path.join(HERE, "flights.csv.gz"), "rt", encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            row["date"] = datetime.datetime.strptime(row["date"], "%Y-%m-%d %H:%M")
            row["delay"] = int(row["delay"])
            yield row


def text(time):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")


def pile_ups(rows):
    """Eight in half an hour; then counting starts anew."""
    found = []
    recent = collections.defaultdict(list)
    for row in rows:
        if row["delay"] < 120:
            continue
        airport = row["origin"]
        kept = [r for r in recent[airport] if row["date"] - r["date"] <= HOUR / 2] + [row]
        recent[airport] = kept
        if len(kept) >= 8:
            delays = [r["delay"] for r in kept]
            found.append({
                "airport": airport, "since": text(kept[0]["date"]), "till": text(row["date"]),
                "flights": len(kept), "average": sum(delays) / len(delays), "worst": max(delays)})
            recent[airport] = []
    return found


def knock_ons(rows):
    """The first late way back after a late way out. All ways out that a way back answers
    are settled by it; a way back that was used is no way out itself."""
    found = []
    waiting = []
    for row in rows:
        waiting = [out for out in waiting if row["date"] - out["date"] <= 5 * HOUR]
        answered = [
            out for out in waiting
            if row["delay"] >= 120
            and row["origin"] == out["destination"] and row["destination"] == out["origin"]
            and row["date"] >= out["date"] + HOUR]
        if answered:
            out = answered[0]
            found.append({
                "route": out["origin"] + "-" + out["destination"],
                "left": text(out["date"]), "late": out["delay"],
                "left_again": text(row["date"]), "late_again": row["delay"]})
            waiting = [out for out in waiting if out not in answered]
        elif row["delay"] >= 180:
            waiting.append(row)
    return found


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    rows = list(flights())
    expected = {"airport": pile_ups(rows), "route": knock_ons(rows)}
    if sys.argv[1] == "--print":
        for found in expected.values():
            for alert in found:
                print(json.dumps(alert, separators=(",", ":")))
        return 0
    with open(sys.argv[1], encoding="utf-8") as lines:
        given = [json.loads(line) for line in lines]
    failed = False
    for key, wanted in expected.items():
        got = [alert for alert in given if key in alert]
        print(f"{key}: {len(wanted)} expected, {len(got)} found")
        failed = failed or got != wanted or not wanted
    if sum(map(len, expected.values())) != len(given):
        print(f"{len(given)} lines, which is not their sum")
        failed = True
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
