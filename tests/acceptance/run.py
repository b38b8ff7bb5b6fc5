#!/usr/bin/env python3
"""Rules over data that nobody here wrote, against answers that were not worked out with Weir.

    run.py WEIR CASE DATA_FOLDER

A case is a rule file CASE.weir beside this script and a function below. Where the data is
not there, ends with 77 and says so: the data sets are not part of the project.
"""

import hashlib
import io
import json
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))


class Case:
    def __init__(self, weir, data):
        self.weir = weir
        self.data = data

    def need(self, *files):
        for file in files:
            if not os.path.exists(os.path.join(self.data, file)):
                print(f"skipped: there is no {file} in {os.path.relpath(self.data)}")
                sys.exit(77)

    def run(self, name):
        """What rule file `name` prints, line by line, parsed."""
        with open(os.path.join(HERE, name + ".weir"), encoding="utf-8") as file:
            rules = file.read().replace("@DATA@", self.data).replace("@HERE@", HERE)
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, name + ".weir")
            with open(path, "w", encoding="utf-8") as file:
                file.write(rules)
            done = subprocess.run(
                [self.weir, "run", path], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, check=True)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def published(self, dataset, question):
        self.need(f"answers/{dataset}.json")
        with open(os.path.join(self.data, "answers", dataset + ".json"), encoding="utf-8") as file:
            questions = json.load(file)["questions"]
        return next(q["answer"] for q in questions if q["id"] == question)


def same(what, got, expected):
    if got != expected:
        print(f"{what}: expected {expected}")
        print(f"{what}: got      {got}")
        sys.exit(1)
    size = f"{len(got)} alerts" if isinstance(got, list) else got
    print(f"{what}: {size}, as expected")


def ssh(case, question, fields):
    case.need("ssh_auth/ssh_events.csv")
    answer = case.published("ssh_auth", question)
    expected = [{name: alert[name] for name in fields} for alert in answer["list"]]
    same(f"ssh {question}", case.run(f"ssh_{question.lower()}"), expected)
    same("number of alerts", len(expected), answer["alerts"])


def ssh_q1(case):
    ssh(case, "Q1", ["line", "ts", "ip", "failures"])


def ssh_q2(case):
    ssh(case, "Q2", ["line", "ts", "ip", "user", "failed_rows"])


def ssh_q4(case):
    """The published list is in order of the logins; alerts come when the hour is over, which
    is the same order."""
    ssh(case, "Q4", ["line", "ts", "ip", "port", "user"])


def flights_filter(case):
    data = "flights_3m/flights_3m.csv.zst"
    case.need(data)
    unpack = subprocess.Popen(["zstd", "-dcq", os.path.join(case.data, data)], stdout=subprocess.PIPE)
    rows = (line.rstrip("\n").split(",") for line in io.TextIOWrapper(unpack.stdout, encoding="utf-8"))
    next(rows)
    expected = [
        {"date": r[0].replace(" ", "T") + ":00Z", "delay": int(r[1]), "destination": r[4]}
        for r in rows if r[3] == "ORD" and int(r[1]) >= 300]
    same("unpacking", unpack.wait(), 0)
    same("flights", case.run("flights_filter"), expected)
    if not expected:
        sys.exit("nothing was expected")


def flights_q1(case):
    case.need("flights_3m/flights_3m.csv.zst")
    answer = case.published("flights_3m", "Q1")
    alerts = case.run("flights_q1")
    lines = [f"{a['date'][:16].replace('T', ' ')},{a['origin']}\n" for a in alerts]
    same("alerts", len(alerts), answer["alerts"])
    digest = hashlib.sha256("".join(lines).encode()).hexdigest()
    same("their SHA-256", digest, answer["sha256_of_lines_date_comma_origin"])


def until(case):
    """Address a: two failures, a login, one more failure, a login. Only without `until` are
    the failures on both sides of the login counted together. Address c: five minutes to the
    second are within five minutes."""
    b = {"ip": "b", "failures": 4, "at": "1970-01-01T00:00:42Z"}
    a = {"ip": "a", "failures": 3, "at": "1970-01-01T00:00:50Z"}
    c = {"ip": "c", "failures": 3, "at": "1970-01-01T00:06:00Z"}
    same("with until", case.run("until_with"), [b, c])
    same("without", case.run("until_without"), [b, a, c])


CASES = {f.__name__: f for f in (ssh_q1, ssh_q2, ssh_q4, flights_filter, flights_q1, until)}


def main():
    if len(sys.argv) != 4 or sys.argv[2] not in CASES:
        sys.exit(__doc__ + "\ncases: " + " ".join(CASES))
    CASES[sys.argv[2]](Case(sys.argv[1], os.path.abspath(sys.argv[3])))


if __name__ == "__main__":
    main()
