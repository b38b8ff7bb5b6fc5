#!/usr/bin/env python3
"""Run cases of other engines through the `weir` command and compare what comes out.

Each case becomes a file of rules and files of events, as a user would write them. What
comes out is compared without regard to order. A match is given once, so an expected
match that is listed twice counts once. Cases in which we differ on purpose are listed
in differences.txt with the reason; they are run, too, and must still differ.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor

import families
import flink

CORPORA = ("flink_cep.jsonl", "flink_cep_oracle.jsonl")
HERE = os.path.dirname(os.path.abspath(__file__))


def read_cases(path):
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file if line.strip()]


def read_differences(path):
    """Reason by case id: a line that begins with '#' is the reason of the ids below."""
    reasons, reason, is_open = {}, "", False
    with open(path, encoding="utf-8") as file:
        for line in map(str.strip, file):
            if line.startswith("#"):
                reason = (reason + " " if is_open else "") + line.lstrip("# ")
                is_open = True
            elif line:
                reasons.update((case_id, reason) for case_id in line.split())
                is_open = False
    return reasons


def write(folder, name, text):
    with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
        file.write(text)


def read_output(folder, name):
    path = os.path.join(folder, name)
    if not os.path.exists(path):
        return []
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file if line.strip()]


class Outcome:
    """What one case gave: `problem` is None where it gave what was expected."""

    def __init__(self, case_id, rules, problem, repeated):
        self.case_id = case_id
        self.rules = rules
        self.problem = problem
        self.repeated = repeated


def lines(title, items):
    return "".join("  %s %s\n" % (title, item) for item in sorted(items))


def difference(expected, given):
    missing, extra = expected - given, given - expected
    if not missing and not extra:
        return None
    return (lines("missing   ", missing) + lines("unexpected", extra)
            + lines("as should ", expected & given))


def run_case(weir, translator, case):
    job = translator.translate(case)
    with tempfile.TemporaryDirectory(prefix="weir-case-") as folder:
        for name, text in job.files.items():
            write(folder, name, text)
        done = subprocess.run([weir, "run", "--quiet", "case.weir"], cwd=folder,
                              capture_output=True, text=True, timeout=60, check=False)
        repeated = len(job.expected) != len(set(job.expected))
        if done.returncode != 0:
            problem = "  exit status %d\n%s" % (done.returncode, done.stderr)
        else:
            given = translator.given(job, lambda name: read_output(folder, name))
            problem = difference(set(job.expected), set(given))
            if problem is None and len(given) != len(set(given)):
                problem = lines("given twice", given)
    return Outcome(case["id"], job.files["case.weir"], problem, repeated)


def run_file(weir, path, differences, options):
    cases = [case for case in read_cases(path)
             if not options.only or case["id"] in options.only]
    with ThreadPoolExecutor(options.jobs) as pool:
        outcomes = list(pool.map(lambda c: run_case(weir, flink, c), cases))
    failed, known, repeated = [], [], 0
    for case, outcome in zip(cases, outcomes):
        repeated += outcome.repeated
        if outcome.case_id in differences:
            known.append(outcome)
            if outcome.problem is None:
                outcome.problem = "  listed as a difference, but there is none\n"
                failed.append(outcome)
        elif outcome.problem is not None:
            failed.append(outcome)
    for outcome in failed:
        print("FAILED %s\n%s%s" % (outcome.case_id, outcome.rules, outcome.problem))
    if options.verbose:
        for outcome in known:
            print("known difference %s: %s"
                  % (outcome.case_id, differences[outcome.case_id]))
    n_passed = len(cases) - len(failed) - len(
        [o for o in known if o not in failed])
    print("%s: %d passed, %d failed, %d known differences, "
          "%d that list a match more than once"
          % (os.path.basename(path), n_passed, len(failed), len(known), repeated))
    return n_passed, len(failed), len(known)


def files_of(path):
    """The corpora of a folder, or the file itself."""
    if not os.path.isdir(path):
        return [path]
    return [os.path.join(path, name) for name in CORPORA
            if os.path.exists(os.path.join(path, name))]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weir", required=True, help="the command")
    parser.add_argument("--differences", default=os.path.join(HERE, "differences.txt"))
    parser.add_argument("--only", action="append", help="the case with this id")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("-v", "--verbose", action="store_true")
    parser.add_argument("--least", type=int, default=1,
                        help="how many have to pass, of cases that not all can be translated")
    parser.add_argument("cases", nargs="+",
                        help="files of cases, a JSON object a line, or folders of them")
    options = parser.parse_args()
    weir = os.path.abspath(options.weir)
    paths = [path for name in options.cases for path in files_of(name)]
    if paths and all(map(families.is_theirs, paths)):
        return families.run_files(weir, paths, options)
    missing = [path for path in paths if not os.path.exists(path)]
    if missing or not paths:
        print("skipped: no", " ".join(missing or options.cases))
        return 77
    differences = read_differences(options.differences)
    totals = [run_file(weir, path, differences, options) for path in paths]
    passed, failed, known = (sum(column) for column in zip(*totals))
    print("%d passed, %d failed (%d known differences)" % (passed, failed, known))
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
