#!/usr/bin/env python3
"""Works out what the rules have to find by looking at every order and every payment.

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


def seconds(text):
    return int(datetime.datetime.strptime(text + "+0000", "%Y-%m-%dT%H:%M:%SZ%z").timestamp())


def read(name):
    with open(os.path.join(HERE, name), encoding="utf-8") as rows:
        return list(csv.DictReader(rows))


def main():
    customers = {row["id"]: row for row in read("customers.csv")}
    rates, orders, payments = read("rates.csv"), read("orders.csv"), read("payments.csv")
    last = max(seconds(row["at"]) for row in orders + payments)
    expected = collections.Counter()
    spent = collections.defaultdict(lambda: [None, 0.0])

    def expect(**fields):
        expected[json.dumps(fields, sort_keys=True)] += 1

    for order in orders:
        at = seconds(order["at"])
        paid = [seconds(p["at"]) for p in payments if p["order"] == order["id"]
                and float(p["price"]) >= float(order["price"])
                and abs(seconds(p["at"]) - at) <= 7200]
        customer = customers.get(order["customer"])
        for moment in paid:
            expect(id=order["id"], after=moment - at)
        if not paid and at + 7200 < last:
            expect(id=order["id"], name=customer["name"] if customer else None)
        if customer is None:
            continue
        rate = [r for r in rates if r["currency"] == order["currency"] and seconds(r["day"]) <= at][-1]
        euros = math.floor(float(order["price"]) * float(rate["euros"]) * 100 + 0.5) / 100
        expect(id=order["id"], customer=customer["id"], name=customer["name"],
               country=customer["country"], euros=euros)
        before = spent[customer["id"]]
        if before[1] + euros > float(customer["limit"]):
            expect(id=order["id"], customer=customer["id"], before=before[0],
                   limit=float(customer["limit"]))
        before[0] = (before[0] or 0) + 1
        before[1] += euros

    came = collections.Counter()
    with open(sys.argv[1], encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            if "after" in row:
                row["after"] = duration(row["after"])
            came[json.dumps(row, sort_keys=True)] += 1
    if came != expected:
        print("missing:", list((expected - came).items())[:5], file=sys.stderr)
        print("too many:", list((came - expected).items())[:5], file=sys.stderr)
        sys.exit("orders: not what looking at everything gives")


def duration(text):
    sign, total, number = 1, 0, ""
    for c in text:
        if c == "-":
            sign = -1
        elif c in "dhms":
            total += int(number) * {"d": 86400, "h": 3600, "m": 60, "s": 1}[c]
            number = ""
        else:
            number += c
    return sign * total


if __name__ == "__main__":
    main()
