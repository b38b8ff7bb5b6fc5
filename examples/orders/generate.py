#!/usr/bin/env python3
"""Makes the files of a shop's three days: customers, rates, orders, payments.

    generate.py FOLDER

The same files to the byte each time: the random numbers are our own.
"""

import datetime
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from made import Random, instant, write

DAY = datetime.datetime(2026, 3, 2)
NAMES = ["Ada", "Bo", "Cleo", "Dov", "Esi", "Finn", "Gus", "Hana", "Ito", "Juno", "Kai", "Lea"]
COUNTRIES = ["AT", "DE", "GB", "US"]
CURRENCIES = {"AT": "EUR", "DE": "EUR", "GB": "GBP", "US": "USD"}


def main():
    random = Random(20260302)
    customers = [(f"c{i:02}", name, COUNTRIES[random.below(4)]) for i, name in enumerate(NAMES)]
    write("customers.csv", ["id,name,country,limit"]
          + [f"{id},{name},{country},{500 + 250 * random.below(8)}" for id, name, country in customers])
    write("rates.csv", ["day,currency,euros"]
          + [f"{instant(DAY, day * 86400)},{currency},{(base + random.below(60) - 30) / 1000}"
             for day in range(3) for currency, base in (("EUR", 1000), ("GBP", 1170), ("USD", 920))
             if currency != "EUR" or day == 0])
    orders, payments, second = ["at,id,customer,currency,price"], [], 7 * 3600
    n = 0
    while second < 3 * 86400:
        second += 1 + random.below(1500)
        id, _, country = customers[random.below(len(customers))]
        price = (500 + random.below(20000)) / 100
        n += 1
        order = f"o{n:04}"
        who = "c99" if random.below(40) == 0 else id
        currency = CURRENCIES[country]
        orders.append(f"{instant(DAY, second)},{order},{who},{currency},{price}")
        kind = random.below(20)
        if kind < 15:
            payments.append((second - 300 + random.below(7000), order, price))
        elif kind == 15:
            payments.append((second + 7200, order, price))
        elif kind == 16:
            payments.append((second + 7201, order, price))
        elif kind == 17:
            payments.append((second + 60, order, price - 1))
    write("orders.csv", orders)
    payments.sort()
    write("payments.csv", ["at,order,price"]
          + [f"{instant(DAY, second)},{order},{price}" for second, order, price in payments])


if __name__ == "__main__":
    main()
