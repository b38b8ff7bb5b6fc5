"""Makes readings.csv: two pumps, 600 readings each, four of them planted.

Usage: generate.py FOLDER
"""

import os
import sys


def numbers(seed):
    """A multiplicative congruential generator: the same numbers everywhere."""
    while True:
        seed = seed * 48271 % 2147483647
        yield seed / 2147483647


def main():
    random = numbers(12345)
    planted = {("b", 350): (20.0, 9.5), ("a", 420): (40.0, 0.5),
               ("b", 480): (95.0, 6.0), ("b", 580): (20.0, 1.0)}
    with open(os.path.join(sys.argv[1], "readings.csv"), "w", encoding="utf-8") as file:
        file.write("at,pump,celsius,bar\n")
        for i in range(600):
            for pump, celsius, bar in (("a", 40.0, 3.0), ("b", 60.0, 6.0)):
                noise = [sum(next(random) for _ in range(6)) - 3 for _ in range(2)]
                celsius, bar = planted.get(
                    (pump, i), (celsius + 2 * noise[0], bar + 0.3 * noise[1]))
                file.write("2024-05-01T%02d:%02d:%02dZ,%s,%.2f,%.3f\n"
                           % (i // 60, i % 60, 0 if pump == "a" else 30, pump, celsius, bar))


if __name__ == "__main__":
    main()
