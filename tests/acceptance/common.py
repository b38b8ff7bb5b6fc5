"""What all cases use: running a rule file, reading the data sets, comparing."""

import calendar
import csv
import functools
import gzip
import hashlib
import io
import json
import os
import subprocess
import sys
import tempfile
import time

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

    def run(self, name, *options):
        """What rule file `name` prints, line by line, parsed."""
        with open(os.path.join(HERE, name + ".weir"), encoding="utf-8") as file:
            rules = file.read().replace("@DATA@", self.data).replace("@HERE@", HERE)
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, name + ".weir")
            with open(path, "w", encoding="utf-8") as file:
                file.write(rules)
            outputs = [subprocess.run([self.weir, "run", "--shards", shards, path, *options],
                                      stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, check=True).stdout
                       for shards in ("1", "3")]
        same("output on three shards is that on one", outputs[0] == outputs[1], True)
        return [json.loads(line) for line in outputs[0].splitlines()]

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


def digest(lines):
    return hashlib.sha256("".join(line + "\n" for line in lines).encode()).hexdigest()


def instant(text):
    """The data sets write times as they like, weir as RFC 3339."""
    return text.replace(" ", "T") + ("" if text.endswith("Z") else "Z")


def milliseconds(text):
    return calendar.timegm(time.strptime(text[:19], "%Y-%m-%dT%H:%M:%S")) * 1000 \
        + (int(text[20:-1].ljust(3, "0")) if "." in text else 0)


def machine(case):
    file = "nab/machine_temperature_system_failure.csv"
    case.need(file)
    with open(os.path.join(case.data, file), encoding="utf-8") as rows:
        return list(csv.reader(rows))[1:]


def rows_of(case, path):
    """The rows of a CSV file, packed or not, as dicts."""
    case.need(path)
    path = os.path.join(case.data, path)
    if path.endswith(".zst"):
        text = subprocess.run(["zstd", "-dcq", path], stdout=subprocess.PIPE, check=True).stdout
        return csv.DictReader(io.StringIO(text.decode("utf-8")))
    return csv.DictReader(gzip.open(path, "rt", encoding="utf-8") if path.endswith(".gz")
                          else open(path, encoding="utf-8"))


@functools.lru_cache(None)
def seconds(text):
    return calendar.timegm(time.strptime(text.replace("T", " ")[:19], "%Y-%m-%d %H:%M:%S"))


def near(what, got, expected):
    """Rows alike, numbers to nine digits."""
    def text(row):
        return [f"{value:.9g}" if isinstance(value, float) else value for value in row]
    same(what, [text(row) for row in got], [text(row) for row in expected])


def quantile_of(values, p):
    values = sorted(values)
    place = p * (len(values) - 1)
    low, part = int(place), place - int(place)
    high = values[min(low + 1, len(values) - 1)]
    return values[low] * (1 - part) + high * part
