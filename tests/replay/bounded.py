#!/usr/bin/env python3
"""A run over a long stretch of event time, with state, keeps memory and files bounded.

    bounded.py WEIR [--events N] [--hours H]

N events, evenly over H hours, by a pipe; most keys are new, and all are forgotten in the end.
Fails if memory, state or journal are larger in the last third of the run than they were in the
second by more than a little, or if what it finds is not what was put in. Prints a JSON object
with the figures.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time

RULES = """stream payment {
  at    time unit s
  card  string
  shop  int
  cents int
}

source payment from stdin()
sink tested to file("tested.jsonl")
sink busy   to file("busy.jsonl")

rule tested "Three small payments of a card, then a large one" {
  match  small: payment(cents < 500){3} -> large: payment(cents > 20000)
  by     card
  within 10m
  emit   tested { card, cents: large.cents }
}

rule busy {
  from   payment
  by     shop
  window tumbling 1h
  emit   busy { shop, n: count(), sum: sum(cents) }
}
"""

BEGIN = 1_700_000_000
SLACK = 1.25  # of the file or memory
SLACK_BYTES = 16 << 20


def second_of(n):
    """The events of a second, with @ for its time; the first four are of one card."""
    rows = [(f"@-{max(0, i - 3)}", i % 50, 100) for i in range(n)]
    if n > 3:
        rows[3] = ("@-0", 3, 25000)
    return "".join(
        '{"at":@,"card":"%s","shop":%d,"cents":%d}\n' % row for row in rows
    )


def resident(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        return next(int(line.split()[1]) << 10 for line in status if line.startswith("VmRSS"))


def sizes(folder, pid):
    files = {}
    for name in ("state", "journal"):
        try:
            files[name] = os.path.getsize(f"{folder}/state/{name}/data.mdb")
        except FileNotFoundError:
            files[name] = 0
    return {"memory": resident(pid), **files}


def run(weir, folder, n_events, n_seconds):
    with open(f"{folder}/rules.weir", "w", encoding="utf-8") as rules:
        rules.write(RULES)
    command = [weir, "run", "rules.weir", "--state", "state", "--checkpoint", "200ms", "--quiet"]
    process = subprocess.Popen(command, cwd=folder, stdin=subprocess.PIPE)
    block = second_of(n_events // n_seconds)
    every = max(1, n_seconds // 300)
    samples = []
    for second in range(n_seconds):
        process.stdin.write(block.replace("@", str(BEGIN + second)).encode())
        if second % every == every - 1:
            process.stdin.flush()
            samples.append(sizes(folder, process.pid))
    process.stdin.close()
    return process.wait(), samples


def lines_of(name):
    with open(name, "rb") as file:
        return sum(1 for _ in file)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("weir")
    parser.add_argument("--events", type=int, default=600_000)
    parser.add_argument("--hours", type=float, default=6)
    request = parser.parse_args()
    n_seconds = int(request.hours * 3600)
    folder = tempfile.mkdtemp(prefix="weir-bounded-")
    begun = time.monotonic()
    try:
        status, samples = run(os.path.abspath(request.weir), folder, request.events, n_seconds)
        seconds = time.monotonic() - begun
        n_found = lines_of(f"{folder}/tested.jsonl")
    finally:
        shutil.rmtree(folder)
    n_events = request.events // n_seconds * n_seconds
    third = len(samples) // 3
    grown = []
    figures = {"events": n_events, "hours": request.hours, "events_per_s": round(n_events / seconds)}
    for name in ("memory", "state", "journal"):
        early = max(sample[name] for sample in samples[third : 2 * third])
        late = max(sample[name] for sample in samples[2 * third :])
        figures[f"{name}_mb"] = round(max(early, late) / 2**20, 1)
        if late > SLACK * early + SLACK_BYTES:
            grown.append(f"{name} grew from {early} to {late} bytes")
    print(json.dumps(figures))
    if status != 0:
        grown.append(f"exit status {status}")
    if n_found != n_seconds:
        grown.append(f"{n_found} found, not {n_seconds}")
    for what in grown:
        print(f"FAILED: {what}")
    return 1 if grown else 0


if __name__ == "__main__":
    sys.exit(main())
