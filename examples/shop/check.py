#!/usr/bin/env python3
"""Works out what the rules have to find, each result from all of its events anew.

    check.py OUTPUT
"""

import csv
import datetime
import json
import os
import sys


def seconds(text):
    return int(datetime.datetime.strptime(text + "+0000", "%Y-%m-%dT%H:%M:%SZ%z").timestamp())


def text(second):
    return datetime.datetime.fromtimestamp(second, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def best_sellers(rows):
    for hour in sorted({row["second"] // 3600 for row in rows}):
        sold = {}
        for row in rows:
            if row["second"] // 3600 == hour and row["outcome"] == "paid":
                sold.setdefault(row["article"], []).append(int(row["cents"]))
        for article in sorted(sold, key=lambda a: (-sum(sold[a]), a))[:3]:
            yield (hour + 1) * 3600, {"hour": text(hour * 3600), "article": article,
                                      "sold": len(sold[article]), "earned": sum(sold[article])}


def payments_fail(rows):
    was_true = False
    for i, row in enumerate(rows):
        window = [other for other in rows[:i + 1] if other["second"] >= row["second"] - 600]
        failed = [other for other in window if other["outcome"] != "paid"]
        is_true = len(window) >= 20 and 4 * len(failed) > len(window)
        if is_true and not was_true:
            yield row["second"], {
                "at": row["at"], "failed": len(failed), "of": len(window),
                "lost": sum(int(other["cents"]) for other in failed),
                "visitors": len({other["visitor"] for other in window})}
        was_true = is_true


def nothing_bought(rows):
    visits = []
    for row in rows:
        for visit in visits:
            if visit[0]["visitor"] == row["visitor"] and row["second"] - visit[-1]["second"] < 1800:
                visit.append(row)
                break
        else:
            visits.append([row])
    for visit in visits:
        if len(visit) >= 3 and all(row["outcome"] != "paid" for row in visit):
            yield visit[-1]["second"] + 1800, {
                "visitor": visit[0]["visitor"], "came": visit[0]["at"], "tries": len(visit),
                "last": visit[-1]["outcome"]}


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    with open(sys.argv[1], encoding="utf-8") as file:
        found = [json.loads(line) for line in file]
    data = os.path.join(os.path.dirname(os.path.abspath(__file__)), "checkouts.csv")
    with open(data, encoding="utf-8") as file:
        rows = [{**row, "second": seconds(row["at"])} for row in csv.DictReader(file)]
    # Of one moment, the rules speak in their order, and sorting keeps it.
    expected = [*best_sellers(rows), *payments_fail(rows), *nothing_bought(rows)]
    expected = [result for _, result in sorted(expected, key=lambda pair: pair[0])]
    if found != expected:
        sys.exit(f"shop: {len(found)} results, worked out otherwise they are {len(expected)}: "
                 f"{next((pair for pair in zip(found, expected) if pair[0] != pair[1]), None)}")
    for kind in ("article", "failed", "tries"):
        if not any(kind in result for result in found):
            sys.exit(f"shop: no result has '{kind}'")
    print(f"shop: {len(found)} results, worked out otherwise they are the same")


if __name__ == "__main__":
    main()
