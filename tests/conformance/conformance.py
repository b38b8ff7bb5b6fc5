#!/usr/bin/env python3
"""Run cases of other engines through the `weir` command and compare what comes out.

Each case becomes a file of rules and files of events, as a user would write them. What
comes out is compared without regard to order, but with regard to how often it comes. A
case that differs on purpose is recognised by what it holds and by how it differs
(flink.DIFFERENCES), and is printed with the reason; differences.txt lists those of the
public half of the corpus, and --listed checks that these and no others differ.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import textwrap
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import families
import flink

CORPORA = ("flink_cep.jsonl", "flink_cep_oracle.jsonl", "esper_patterns.jsonl",
           "esper_fuzz_patterns.jsonl", "esper_other.jsonl", "siddhi.jsonl", "windows.jsonl")
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
            elif not line:
                is_open = False
            else:
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
    """What one case gave. `problem` is None where it is what was expected; `reason` says
    why it is another on purpose."""

    def __init__(self, case_id, rules, problem, reason=None):
        self.case_id = case_id
        self.rules = rules
        self.problem = problem
        self.reason = reason


def lines(title, counter):
    return "".join("  %s %s\n" % (title, item) for item in sorted(counter.elements()))


def describe(expected, given):
    return (lines("missing   ", expected - given) + lines("unexpected", given - expected)
            + lines("as should ", expected & given))


def run_rules(weir, translator, job):
    """(lines that came out as a Counter or None, what went wrong)"""
    with tempfile.TemporaryDirectory(prefix="weir-case-") as folder:
        for name, text in job.files.items():
            write(folder, name, text)
        try:
            done = subprocess.run([weir, "run", "--quiet", "case.weir"], cwd=folder,
                                  capture_output=True, text=True, timeout=60, check=False)
        except subprocess.TimeoutExpired:
            return None, "  did not end\n"
        if done.returncode != 0:
            return None, "  exit status %d\n%s" % (done.returncode, done.stderr)
        return Counter(translator.given(job, lambda name: read_output(folder, name))), None


def reason_of(weir, translator, case, expected, given):
    def run(other):
        return run_rules(weir, translator, translator.translate(other))[0]
    for reason, explains in translator.DIFFERENCES:
        if explains(case, expected, given, run):
            return reason
    return None


def run_case(weir, translator, case):
    try:
        job = translator.translate(case)
    except (KeyError, ValueError, IndexError, TypeError) as error:
        return Outcome(case.get("id", "?"), "", "  not translated: %r\n" % error)
    expected = Counter(job.expected)
    given, problem = run_rules(weir, translator, job)
    outcome = Outcome(case["id"], job.files["case.weir"], problem)
    if given is not None and given != expected:
        outcome.problem = describe(expected, given)
        outcome.reason = reason_of(weir, translator, case, expected, given)
    return outcome


def check_list(outcomes, listed):
    """What differs and what is said to differ is the same."""
    ok = True
    for outcome in outcomes:
        if outcome.reason != listed.get(outcome.case_id):
            print("FAILED %s: differs because: %s\n  listed: %s"
                  % (outcome.case_id, outcome.reason, listed.get(outcome.case_id)))
            ok = False
    return ok


def run_file(weir, path, options):
    cases = [case for case in read_cases(path)
             if not options.only or case["id"] in options.only]
    with ThreadPoolExecutor(options.jobs) as pool:
        outcomes = list(pool.map(lambda c: run_case(weir, flink, c), cases))
    known = [o for o in outcomes if o.reason is not None]
    failed = [o for o in outcomes if o.problem is not None and o.reason is None]
    for outcome in known:
        print("known difference %s: %s" % (outcome.case_id, outcome.reason))
        if options.verbose:
            print(outcome.rules + outcome.problem)
    for outcome in failed:
        print("FAILED %s\n%s%s" % (outcome.case_id, outcome.rules, outcome.problem))
    print("%s: %d passed, %d failed, %d known differences"
          % (os.path.basename(path), len(cases) - len(failed) - len(known), len(failed),
             len(known)))
    return outcomes


def write_differences(path, outcomes):
    with open(path, "w", encoding="utf-8") as file:
        file.write("# Written by conformance.py --write from what differs. What is not translated\n"
                   "# at all is in untranslated.txt.\n\n")
        for reason, _ in flink.DIFFERENCES:
            ids = sorted(o.case_id for o in outcomes if o.reason == reason)
            file.write("".join("# %s\n" % line for line in textwrap.wrap(reason, 88)))
            file.write("".join(case_id + "\n" for case_id in ids) + "\n")


def files_of(path):
    """The corpora of a folder, or the file itself."""
    if not os.path.isdir(path):
        return [path]
    return [os.path.join(path, name) for name in CORPORA
            if os.path.exists(os.path.join(path, name))]


def run_flink(weir, paths, options):
    """The exit status."""
    outcomes = [outcome for path in paths for outcome in run_file(weir, path, options)]
    known = sum(o.reason is not None for o in outcomes)
    failed = sum(o.problem is not None and o.reason is None for o in outcomes)
    passed = len(outcomes) - known - failed
    ok = passed > 0 and failed == 0
    if options.write:
        write_differences(options.differences, outcomes)
    if options.listed:
        ok = check_list(outcomes, read_differences(options.differences)) and ok
    print("%d passed, %d failed (%d known differences)" % (passed, failed, known))
    return 0 if ok else 1


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weir", required=True, help="the command")
    parser.add_argument("--differences", default=os.path.join(HERE, "differences.txt"))
    parser.add_argument("--listed", action="store_true",
                        help="what differs must be what --differences lists")
    parser.add_argument("--untranslated", default=os.path.join(HERE, "untranslated.txt"))
    parser.add_argument("--write", action="store_true",
                        help="write --differences and --untranslated anew")
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
    missing = [path for path in paths if not os.path.exists(path)]
    if missing or not paths:
        print("skipped: no", " ".join(missing or options.cases))
        return 77
    theirs = [path for path in paths if families.is_theirs(path)]
    status = 0 if len(theirs) == len(paths) else run_flink(
        weir, [path for path in paths if path not in theirs], options)
    return max(status, families.run_files(weir, theirs, options)) if theirs else status


if __name__ == "__main__":
    sys.exit(main())
