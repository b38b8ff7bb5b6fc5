"""What the generators of the examples share. A generator imports it from the folder above:

    sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
"""

import datetime
import os
import sys


class Random:
    """SplitMix64 (Steele, Lea and Flood, OOPSLA 2014): the same numbers everywhere."""

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
        """An integer from 0 on, n not included."""
        return self.next() % n

    def between(self, low, high):
        """An integer, low and high included."""
        return low + self.next() % (high - low + 1)

    def one_of(self, items):
        return items[self.below(len(items))]


def instant(begin, second):
    """A time as Weir reads and writes it."""
    return (begin + datetime.timedelta(seconds=second)).strftime("%Y-%m-%dT%H:%M:%SZ")


def length(seconds):
    """A duration as Weir writes it."""
    parts = [(seconds // 3600, "h"), (seconds % 3600 // 60, "m"), (seconds % 60, "s")]
    return "".join(f"{n}{unit}" for n, unit in parts if n) or "0s"


def write(name, lines):
    """A file in the folder that the command line names; without one, how it is used."""
    if len(sys.argv) != 2:
        sys.exit(sys.modules["__main__"].__doc__)
    path = os.path.join(sys.argv[1], name)
    with open(path, "w", encoding="utf-8", newline="\n") as out:
        out.write("".join(line + "\n" for line in lines))
