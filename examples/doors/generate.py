#!/usr/bin/env python3
"""Makes auth.log and web.jsonl, with break-ins planted in them, and expected.jsonl: the break-ins.

    generate.py FOLDER

The same files to the byte each time: the random numbers are our own. What is expected is
written down as it is planted; nothing looks for it in the logs afterwards.
"""

import datetime
import json
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from made import Random, instant, write

START = datetime.datetime(2025, 12, 31)  # and on into the new year, which auth.log does not say
MINUTE, HOUR, DAY = 60, 3600, 86400
USERS = ["ann", "bob", "cem", "dee", "eve", "fay", "gil"]


class World:
    def __init__(self):
        self.random = Random(31)
        self.logins = []  # (second, number, door, ip, user, is it a success, times)
        self.expected = []

    def login(self, second, door, ip, user, is_ok, times=1):
        self.logins.append((second, len(self.logins), door, ip, user, is_ok, times))

    def honest(self, n):
        """Somebody who mistypes now and then, three times at most, and then gets in."""
        ip, user = f"192.0.2.{n}", self.random.one_of(USERS)
        second = self.random.between(0, 2 * HOUR)
        while second < 2 * DAY:
            door = self.random.one_of(["ssh", "web"])
            for _ in range(self.random.below(4)):
                self.login(second, door, ip, user, False)
                second += self.random.between(3, 20)
            self.login(second, door, ip, user, True)
            second += self.random.between(HOUR, 9 * HOUR)

    def guesses(self, second, ip, tries, then):
        """Failures (pause, door, times), and a login (pause, door, user), if any."""
        first = second
        for n, (pause, door, times) in enumerate(tries):
            second += pause
            first = second if n == 0 else first
            user = self.random.one_of(["root", "admin", "guest", "oracle"])
            self.login(second, door, ip, user, False, times)
        if then:
            pause, door, user = then
            second += pause
            self.login(second, door, ip, user, True)
        return first, second

    def breaks_in(self, second, ip, tries, then):
        first, last = self.guesses(second, ip, tries, then)
        self.expected.append((last, {
            "ip": ip, "user": then[2], "door": then[1], "failures": sum(t[2] for t in tries),
            "doors": len({t[1] for t in tries}), "since": instant(START, first),
            "at": instant(START, last)}))


def plant(world):
    world.breaks_in(3 * HOUR, "203.0.113.1", [(9, "ssh", 1)] * 7, (40, "web", "eve"))
    world.breaks_in(5 * HOUR, "203.0.113.2", [(9, "ssh", 1), (2, "ssh", 5)], (60, "ssh", "bob"))
    # Around midnight: the year ends between the guesses and the login.
    world.breaks_in(DAY - 200, "203.0.113.3", [(30, "web", 1)] * 4 + [(30, "ssh", 1)],
                    (10 * MINUTE, "web", "gil"))
    # Half an hour to the second, and one second more.
    world.breaks_in(30 * HOUR, "203.0.113.4", [(0, "web", 1)] + [(60, "web", 1)] * 4,
                    (26 * MINUTE, "ssh", "cem"))
    world.guesses(31 * HOUR, "203.0.113.5", [(0, "web", 1)] + [(60, "web", 1)] * 4,
                  (26 * MINUTE + 1, "ssh", "cem"))
    # Four are too few, and a login between two halves ends the first.
    world.guesses(33 * HOUR, "203.0.113.6", [(5, "ssh", 4)], (5, "web", "dee"))
    world.guesses(35 * HOUR, "203.0.113.7", [(5, "web", 1)] * 3, (5, "web", "fay"))
    world.guesses(35 * HOUR + 60, "203.0.113.7", [(5, "ssh", 1)] * 3, (5, "ssh", "fay"))
    # Many who never get in.
    for n in range(20):
        world.guesses(world.random.below(2 * DAY - HOUR), f"198.51.100.{n}",
                      [(world.random.between(1, 30), "ssh", 1)] * world.random.between(5, 40), None)


def line_of(n, login):
    second, _, _, ip, user, is_ok, times = login
    at = (START + datetime.timedelta(seconds=second)).strftime("%b %e %H:%M:%S")
    known = "" if user in USERS else "invalid user "
    text = f"{'Accepted' if is_ok else 'Failed'} password for {known}{user} from {ip} port {40000 + n} ssh2"
    text = text if times == 1 else f"message repeated {times} times: [ {text}]"
    return f"{at} gate sshd[{1000 + n}]: {text}"


def main():
    world = World()
    for n in range(40):
        world.honest(n)
    plant(world)
    world.logins.sort()
    ssh = [login for login in world.logins if login[2] == "ssh"]
    write("auth.log", [line_of(n, login) for n, login in enumerate(ssh)])
    write("web.jsonl", (json.dumps(
        {"time": instant(START, second), "request": {"user": user, "remote": ip},
         "response": {"status": 200 if is_ok else 401}}, separators=(",", ":"))
        for second, _, door, ip, user, is_ok, _ in world.logins if door == "web"))
    write("expected.jsonl", (json.dumps(found, separators=(",", ":"))
                             for _, found in sorted(world.expected, key=lambda e: e[0])))


if __name__ == "__main__":
    main()
