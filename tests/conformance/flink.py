"""Cases of Flink CEP as Weir rules: the corpora flink_cep*.jsonl.

What is written otherwise in the two languages is translated here:
- Flink's window and gaps exclude their end.
- The first item of a group has the group's inner contiguity in Flink; here `next` and
  `any` belong to what they are written after.
- The gap of a quantifier is between its own events, and becomes a condition.
- "Fail if the skip target is missing" is checked on the matches that come out.

Where a defect of Flink is mended, DIFFERENCES says how that shows in a case.
"""

import copy
import json
import re
from collections import Counter

FIELDS = """stream e {
  at    time unit ms
  idx   int
  %s
}
"""

# A second stream moves time on after the last event, as a watermark does.
TICKS = """stream tick { at time unit ms }
source tick from file("tick.jsonl")
rule ticks { from tick emit ticked { at } }
sink ticked to file("ticked.jsonl")
"""

ARROWS = {"first": "", "next": " => ", "followedBy": " -> ", "followedByAny": " ->> ",
          "notNext": " => ", "notFollowedBy": " -> "}
INNER = {"relaxed": "", "consecutive": " next", "combinations": " any"}
SKIPS = {"no_skip": "none", "past_last": "past last", "to_next": "to next",
         "to_first": "to first", "to_last": "to last"}
FUNCTIONS = {"startsWith": "starts_with", "endsWith": "ends_with"}
AGGREGATES = {"sum", "avg", "min", "max", "count"}
TOKEN = re.compile(r"\s*('[^']*'|[A-Za-z_][A-Za-z_0-9]*|[0-9.]+|&&|\|\||[=!<>]=|.)")
TYPES = {bool: "bool?", int: "float?", float: "float?", str: "string?"}


class Job:
    """Files to run, and the lines expected of them."""

    def __init__(self, files, expected, steps, with_timeouts, target):
        self.files = files
        self.expected = expected
        self.steps = steps  # variable by step name
        self.with_timeouts = with_timeouts
        self.target = target  # (which, variable) that each match needs, or None


class Rule:
    """Builds the text of one rule; variables become steps s0, s1, …"""

    def __init__(self, case):
        self.case = case
        self.steps = {}  # step by variable
        self.taken = []  # steps that take events
        self.repeated = set()  # those that may take several
        self.name_steps(case["pattern"], False)

    def name_steps(self, pattern, is_repeated):
        for item in pattern["items"]:
            quant = item.get("quant")
            repeats = is_repeated or (quant is not None and quant["max"] != 1)
            if "group" in item:
                self.name_steps(item["group"], repeats)
                continue
            step = self.steps.setdefault(item["var"], "s%d" % len(self.steps))
            if repeats:
                self.repeated.add(step)
            if not item["contiguity"].startswith("not"):
                self.taken.append(step)

    def condition(self, text, own=None):
        """`own`: the step whose condition it is. It has no event yet if it is not
        repeated: sums and counts over it are 0."""
        tokens = TOKEN.findall(text)
        out, i = [], 0
        while i < len(tokens):
            token, after = tokens[i], tokens[i + 1:i + 2]
            if token.startswith("'"):
                out.append(json.dumps(token[1:-1]))
            elif token in ("first", "last") and after == ["("]:
                # first(V).a
                out.append("%s(%s.%s)"
                           % (token, self.steps[tokens[i + 2]], tokens[i + 5]))
                i += 5
            elif token in AGGREGATES and after == ["("]:
                step, end = self.steps[tokens[i + 2]], tokens.index(")", i)
                if step == own and step not in self.repeated and \
                        token in ("sum", "count"):
                    out.append("0")
                else:
                    out.append("%s(%s)" % (token, step + "".join(tokens[i + 3:end])))
                i = end
            elif token == "ts":
                out.append("millis(at)")
            else:
                out.append({"&&": "and", "||": "or", "!": "not"}.get(
                    token, FUNCTIONS.get(token, token)))
            i += 1
        return " ".join(out).replace("( ", "(").replace(" )", ")").replace(" (", "(") \
            .replace("and(", "and (").replace("or(", "or (").replace("not(", "not (")

    def quantifier(self, text, quant, inner):
        low, high = quant["min"], quant["max"]
        is_wrapped = quant["optional"] and low > 1
        if quant["optional"] and low == 1:
            low = 0
        count = {(0, 1): "?", (0, None): "*", (1, None): "+", (1, 1): ""}.get((low, high))
        if count is None:
            count = "{%d}" % low if low == high else \
                "{%d,%s}" % (low, "" if high is None else high)
        text += count
        if high != 1:
            text += INNER[inner]
            text += " greedy" if quant["greedy"] and low != high else ""
        if quant.get("until"):
            text += " until (%s)" % self.condition(quant["until"])
        return "(%s)?" % text if is_wrapped else text

    def step(self, item):
        name = self.steps[item["var"]]
        condition = self.condition(item["cond"], name)
        quant = item.get("quant")
        gap = quant.get("gap_ms") if quant else None
        if gap:  # between its own events
            bound = "(count(%s) == 0 or millis(at) - millis(last(%s.at)) < %d)" \
                % (name, name, gap)
            condition = "(%s) and %s" % (condition, bound)
        text = "%s: e(%s)" % (name, condition)
        if item.get("gap_ms"):
            text += " within %dms of previous" % (item["gap_ms"] - 1)
        return text

    def pattern(self, pattern, group_inner=None):
        text = ""
        for i, item in enumerate(pattern["items"]):
            text += ARROWS[item["contiguity"]]
            if item["contiguity"].startswith("not"):
                text += "not "
            quant = item.get("quant")
            inner = quant["inner"] if quant else "relaxed"
            one = "(%s)" % self.pattern(item["group"], inner) if "group" in item \
                else self.step(item)
            if i == 0 and group_inner is not None:
                inner = group_inner
            text += self.quantifier(one, quant, inner) if quant else one
        return text

    def emits(self):
        return ", ".join("%s: collect(%s.idx)" % (step, step) for step in self.taken)

    def text(self, with_timeouts):
        case = self.case
        mode, _, target = case["skip"].partition(":")
        skip = SKIPS[mode] + (" " + self.steps[target] if target else "")
        out = "rule found {\n  match  %s\n" % self.pattern(case["pattern"])
        if case["within_ms"] is not None:
            out += "  within %dms\n" % (case["within_ms"] - 1)
        out += "  skip   %s\n  emit   m { %s }\n" % (skip, self.emits())
        if with_timeouts:
            out += "  on timeout emit t { %s, ended: millis(match.end) }\n" % self.emits()
        return out + "}\n"


def has_gap(pattern):
    return any(item.get("gap_ms") or ("group" in item and has_gap(item["group"]))
               for item in pattern["items"])


def fields_of(case):
    """A nullable field for each attribute that some event has or some condition reads."""
    types = {"type": "string?"}
    for event in case["events"]:
        for name, value in event.get("attrs", {}).items():
            if value is not None:
                types[name] = TYPES[type(value)]
    read = re.findall(r"[A-Za-z_]\w*", re.sub(r"'[^']*'", "", json.dumps(case["pattern"])))
    if "volume" in read:
        types.setdefault("volume", "float?")
    return "\n  ".join("%s %s" % item for item in types.items())


def events_of(case):
    """Lines of events, and the last watermark if it is after them."""
    out, mark, last, index = [], None, 0, 0
    for event in case["events"]:
        if "watermark" in event:
            mark = event["watermark"]
            continue
        line = {"at": event["ts"], "idx": index, "type": event["type"]}
        line.update(event["attrs"])
        out.append(json.dumps(line))
        index, last = index + 1, event["ts"]
    return "".join(line + "\n" for line in out), \
        mark if mark is not None and mark > last else None


def line_of(match, at=None):
    steps = " ".join("%s=%s" % (name, ",".join(map(str, match[name])))
                     for name in sorted(match) if match[name])
    return ("match " if at is None else "timeout@%d " % at) + steps


def expected_of(case):
    if case.get("expected_error"):
        return ["error"]
    out = [line_of(match) for match in case["expected"]]
    for timeout in case["expected_timeouts"] or []:
        out.append(line_of(timeout["match"], timeout["at"]))
    return out


def translate(case):
    rule = Rule(case)
    events, mark = events_of(case)
    with_timeouts = case["expected_timeouts"] is not None and (
        case["within_ms"] is not None or has_gap(case["pattern"]))
    rules = FIELDS % fields_of(case) + 'source e from file("e.jsonl")\n'
    rules += 'sink m to file("m.jsonl")\n'
    files = {"e.jsonl": events}
    if with_timeouts:
        rules += 'sink t to file("t.jsonl")\n'
    if mark is not None:
        rules += TICKS
        files["tick.jsonl"] = json.dumps({"at": mark}) + "\n"
    files["case.weir"] = rules + rule.text(with_timeouts)
    variables = {step: var for var, step in rule.steps.items()}
    return Job(files, expected_of(case), variables, with_timeouts, target_of(case))


def target_of(case):
    mode, _, variable = case["skip"].partition(":")
    return (mode, variable) if variable and case.get("skip_error_on_miss") else None


def misses(target, match):
    """The event to skip to is not in the match, or is its first."""
    mode, variable = target
    taken = match.get(variable)
    if not taken:
        return True
    return taken[0 if mode == "to_first" else -1] == min(sum(match.values(), []))


def given(job, read):
    """What came out, as lines. The window of these cases excludes its end: what times out
    at T there is seen at T - 1 ms here."""
    out = []
    for row in read("m.jsonl"):
        match = {job.steps[s]: row[s] for s in row}
        if job.target and misses(job.target, match):
            return ["error"]
        out.append(line_of(match))
    for row in read("t.jsonl") if job.with_timeouts else []:
        ended = row.pop("ended")
        out.append(line_of({job.steps[s]: row[s] for s in row}, ended + 1))
    return out


# ---- differences on purpose ----

def is_once(expected, given):
    """The same matches, each of them once here and some of them more often there."""
    return expected != given and set(expected) == set(given) \
        and max(given.values(), default=1) == 1


def groups_of(pattern):
    for item in pattern["items"]:
        if "group" in item:
            yield item["group"]
            yield from groups_of(item["group"])


def is_open_end(group):
    return group["items"][-1]["contiguity"] == "notFollowedBy"


def is_group_not(case, expected, _, run):
    """A group ends in `-> not`, and without these negations Flink's result comes out."""
    bare = copy.deepcopy(case)
    groups = [group for group in groups_of(bare["pattern"]) if is_open_end(group)]
    for group in groups:
        while is_open_end(group):
            group["items"].pop()
    if not groups:
        return False
    without = run(bare)
    return without is not None and (without == expected or is_once(expected, without))


def quantifier_gaps(pattern):
    """Gap by variable."""
    gaps = {}
    for item in pattern["items"]:
        if "group" in item:
            gaps.update(quantifier_gaps(item["group"]))
        elif item.get("quant") and item["quant"].get("gap_ms"):
            gaps[item["var"]] = item["quant"]["gap_ms"]
    return gaps


def honours(line, gaps, times):
    for part in line.split()[1:]:
        name, _, taken = part.partition("=")
        at = [times[int(index)] for index in taken.split(",")]
        if name in gaps and any(b - a >= gaps[name] for a, b in zip(at, at[1:])):
            return False
    return True


def is_loop_gap(case, expected, given, run):
    """A quantifier has a gap: what comes out is what honours it, and what Flink gives
    comes out when there is none. Told of `skip none` only, where matches are alone."""
    gaps = quantifier_gaps(case["pattern"])
    if not gaps or case["skip"] != "no_skip":
        return False
    free = copy.deepcopy(case)
    for pattern in [free["pattern"], *groups_of(free["pattern"])]:
        for item in pattern["items"]:
            if item.get("quant"):
                item["quant"].pop("gap_ms", None)
    every = run(free)
    times = [event["ts"] for event in case["events"] if "watermark" not in event]
    return every is not None and set(expected) <= set(every) and given == Counter(
        {line: n for line, n in every.items() if honours(line, gaps, times)})


def item_gaps(pattern):
    """Gap since the event before, by variable."""
    gaps = {}
    for item in pattern["items"]:
        if "group" in item:
            gaps.update(item_gaps(item["group"]))
        elif item.get("gap_ms"):
            gaps[item["var"]] = item["gap_ms"]
    return gaps


def keeps_gaps(line, gaps, times):
    taken = []
    for part in line.split()[1:]:
        name, _, indexes = part.partition("=")
        taken += [(int(index), name) for index in indexes.split(",")]
    taken.sort()
    return all(name not in gaps or times[index] - times[before] < gaps[name]
               for (before, _), (index, name) in zip(taken, taken[1:]))


def is_missed_gap(case, expected, given, _):
    """An item has a gap. Every match that comes out keeps it, all that Flink gives and
    that keep it come out, and what else differs are timeouts."""
    gaps = item_gaps(case["pattern"])
    times = [event["ts"] for event in case["events"] if "watermark" not in event]
    def kept(lines):
        return {line for line in lines
                if line.startswith("match") and keeps_gaps(line, gaps, times)}
    matches = {line for line in given if line.startswith("match")}
    return bool(gaps) and matches == kept(given) == kept(expected) \
        and max(given.values(), default=1) == 1


# (reason, whether it explains the difference between what is expected and given, as
# Counters of lines; `run` gives those of another case, None if it fails)
DIFFERENCES = (
    ("No match is given twice (semantics 4.5).",
     lambda case, expected, given, run: is_once(expected, given)),
    ("A `-> not` that ends a group is ignored by Flink. Here it holds until what follows "
     "the group takes an event, or is an absence where the group is last (semantics 3.3).",
     is_group_not),
    ("The gap of a loop: Flink checks it between the wrong repetitions. Here it holds "
     "between all of them (semantics 4.3).",
     is_loop_gap),
    ("The gap of a step after one that could go on or be left out: Flink does not look at "
     "it on the way there. Here it holds on every way, and so does the timeout (semantics "
     "4.3).",
     is_missed_gap),
)
