"""Cases of engines whose operators are not ours one by one: esper.py, siddhi.py and
windows.py say which of them our language can mean, and what it lacks for the others. A table by family says how
many were translated and passed, and why the rest were not."""

import json
import os
import subprocess
import tempfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import esper
import siddhi
import windows
from statement import Untranslated

TRANSLATORS = {"esper-epl": esper, "siddhiql": siddhi}  # by a record's `lang`
OTHER = ("epl", "join")  # patterns are among them
ROW = "%-24s %10s %6s %6s  %s"


def translator_of(case):
    """Queries over windows are read alike, whoever's they are."""
    kind = case["id"].split(".")[1]
    is_query = kind in ("win", "agg") or (kind in OTHER and "pattern" not in case["epl"])
    return windows if is_query else TRANSLATORS[case["lang"]]


def read_lines(path):
    if not os.path.exists(path):
        return []
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file if line.strip()]


def is_theirs(path):
    """Whether the records of a file are of such an engine."""
    if not os.path.isfile(path):
        return False
    with open(path, encoding="utf-8") as file:
        first = file.readline().strip()
    return bool(first) and json.loads(first).get("lang") in TRANSLATORS


def family_of(case):
    """PatternOperatorAnd of esper.pat.PatternOperatorAnd.SimpleAnd.01"""
    parts = case["id"].split(".")
    return "generated" if parts[0] == "fuzz" else parts[2]


class Outcome:
    """`problem` is None where the case gave what was expected, `lacking` what the language
    lacks for it, in which case it was not run."""

    def __init__(self, case, rules="", problem=None, lacking=None):
        self.case_id = case["id"]
        self.family = family_of(case)
        self.rules = rules
        self.problem = problem
        self.lacking = lacking


def listed(title, lines):
    return "".join("  %s %s\n" % (title, line) for line in sorted(lines.elements()))


def compare(expected, given):
    if expected == given:
        return None
    return listed("missing   ", expected - given) + listed("unexpected", given - expected) \
        + listed("as should ", expected & given)


def run_case(weir, case):
    translator = translator_of(case)
    try:
        job = translator.translate(case)
    except Untranslated as reason:
        return Outcome(case, lacking=str(reason))
    with tempfile.TemporaryDirectory(prefix="weir-case-") as folder:
        for name, text in job.files.items():
            with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
                file.write(text)
        done = subprocess.run([weir, "run", "--quiet", "case.weir"], cwd=folder,
                              capture_output=True, text=True, timeout=60, check=False)
        if done.returncode != 0:
            problem = "  exit status %d\n%s" % (done.returncode, done.stderr)
        else:
            given = job.given(lambda name: read_lines(os.path.join(folder, name)))
            problem = compare(Counter(job.expected), Counter(given))
    return Outcome(case, job.files["case.weir"], problem)


def print_families(outcomes):
    families = {}
    for outcome in outcomes:
        families.setdefault(outcome.family, []).append(outcome)
    print(ROW % ("family", "translated", "passed", "failed", "not translated"))
    for family, members in sorted(families.items()):
        reasons = Counter(o.lacking for o in members if o.lacking is not None)
        failed = sum(o.problem is not None for o in members)
        translated = len(members) - sum(reasons.values())
        texts = ["%d %s" % (n, reason) for reason, n in reasons.most_common()] or [""]
        print((ROW % (family, translated, translated - failed, failed, texts[0])).rstrip())
        for text in texts[1:]:
            print(ROW % ("", "", "", "", text))


def reasons_of(outcomes):
    """What is not translated, by reason, the most frequent first."""
    return sorted(Counter(o.lacking for o in outcomes if o.lacking is not None).items(),
                  key=lambda item: (-item[1], item[0]))


def write_untranslated(path, files):
    with open(path, "w", encoding="utf-8") as file:
        file.write("# Cases of other engines that are not translated: how many, and what they ask\n"
                   "# for that the language does not say, or says in another way. Written by\n"
                   "# conformance.py --write.\n")
        for name, outcomes in files:
            passed = sum(o.lacking is None and o.problem is None for o in outcomes)
            file.write("\n%s: %d of %d pass\n" % (name, passed, len(outcomes)))
            file.write("".join("%6d %s\n" % (n, reason) for reason, n in reasons_of(outcomes)))


def run_file(weir, path, options):
    cases = [case for case in read_lines(path)
             if not options.only or case["id"] in options.only]
    with ThreadPoolExecutor(options.jobs) as pool:
        outcomes = list(pool.map(lambda case: run_case(weir, case), cases))
    if options.verbose:
        for outcome in outcomes:
            print("%s\n%s" % (outcome.case_id, outcome.lacking or outcome.rules))
    for outcome in outcomes:
        if outcome.problem is not None:
            print("FAILED %s\n%s%s" % (outcome.case_id, outcome.rules, outcome.problem))
    print_families(outcomes)
    return outcomes


def run_files(weir, paths, options):
    """The exit status. Fewer passed than --least is a failure, too."""
    files = [(os.path.basename(path), run_file(weir, path, options)) for path in paths]
    outcomes = [outcome for _, part in files for outcome in part]
    if options.write:
        write_untranslated(options.untranslated, files)
    print("not translated, by reason:")
    for reason, n in reasons_of(outcomes):
        print("%6d %s" % (n, reason))
    untranslated = sum(o.lacking is not None for o in outcomes)
    failed = sum(o.problem is not None for o in outcomes)
    passed = len(outcomes) - untranslated - failed
    if passed < options.least:
        print("fewer passed than %d" % options.least)
    print("%d passed, %d failed (%d not translated)" % (passed, failed, untranslated))
    return 1 if failed or passed < options.least or not passed else 0
