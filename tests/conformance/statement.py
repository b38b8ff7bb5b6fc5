"""What the translations of esper.py and siddhi.py share: a case's events as files, its
rules as text, and what is expected as lines."""

import json
import re
import struct

STREAM = "stream %s {\n  at  time unit us\n  idx int\n%s}\nsource %s from file(\"%s.jsonl\")\n"

# A statement begins where the case says: an event of its own. After the last event a
# second stream moves time on, as the other engine's clock does.
CLOCK = """stream start { at time unit us%s }
source start from file("start.jsonl")
stream tick { at time unit us }
source tick from file("tick.jsonl")
rule ticks { from tick emit ticked { at } }
sink ticked to file("ticked.jsonl")
"""

TYPES = {"int": "int?", "long": "int?", "short": "int?", "double": "float?",
         "float": "float?", "string": "string?", "bool": "bool?"}


class Untranslated(Exception):
    """The case has a meaning that the language lacks; the text names it."""


class Job:
    """Files to run, and the lines expected of them. `is_single`: numbers are compared with
    32 bits."""

    def __init__(self, files, expected, is_single=False):
        self.files = files
        self.expected = expected
        self.is_single = is_single

    def given(self, read):
        """The lines that came out of all rules; `read` gives the rows of a file."""
        sinks = re.findall(r"sink m\d* to file\(\"(.*?)\"\)", self.files["case.weir"])
        return given_of([row for name in sinks for row in read(name)], self.is_single)


class Times:
    """Times in microseconds. Events of the same millisecond follow each other by one, so
    that their order is the same in every stream; a bound then lies half a millisecond
    below the one given, and not one."""

    def __init__(self, case):
        self.begin = case["clock0"] * 1000
        self.of_event = []
        last, ties = case["clock0"], 0
        for index, event in enumerate(case["events"]):
            ties = ties + 1 if event["ts"] == last else 0
            last = event["ts"]
            self.of_event.append(event["ts"] * 1000 + ties)
            if index == case.get("deploy_after_event"):
                self.begin = self.of_event[-1]
        self.has_ties = any(time % 1000 for time in self.of_event)
        self.end = max([self.begin] + self.of_event +
                       [step["ts"] * 1000 for step in case.get("advance", [])])
        self.deploys_late = case.get("deploy_after_event", -1) >= 0

    def below(self, milliseconds):
        """The longest duration shorter than this many milliseconds."""
        return "%dus" % (milliseconds * 1000 - 500) if self.has_ties \
            else "%dms" % (milliseconds - 1)

    def from_on(self, milliseconds):
        """The shortest duration that is no shorter."""
        return "%dus" % (milliseconds * 1000 - 500) if self.has_ties \
            else "%dms" % milliseconds

    def after_below(self):
        """Nanoseconds from a deadline made by `below` to the one meant."""
        return 500_000 if self.has_ties else 1_000_000


def events_of(case, times):
    """Lines of JSON by type."""
    out = {name: [] for name in case["types"]}
    for index, event in enumerate(case["events"]):
        line = {"at": times.of_event[index], "idx": index}
        line.update(event["attrs"])
        out.setdefault(event["type"], []).append(json.dumps(line) + "\n")
    return {name: "".join(lines) for name, lines in out.items()}


def streams_of(case, rules):
    text, read = "", words_of(rules)
    for name, fields in case["types"].items():
        if name not in read:
            continue
        if any(kind not in TYPES for kind in fields.values()):
            raise Untranslated("a field that is a list or an object")
        text += STREAM % (name, "".join(
            "  %s %s\n" % (field, TYPES[kind]) for field, kind in fields.items()),
            name, name)
    return text


def files_of(case, times, rules, keys=None):
    """`keys`: the field and the values of the partitions, each of which has a beginning
    of its own."""
    files = {"case.weir": streams_of(case, rules) + CLOCK % (", key %s" % keys[0] if keys else "")
             + rules}
    for name, text in events_of(case, times).items():
        files[name + ".jsonl"] = text
    begins = [{"at": times.begin, "key": key} for key in keys[1]] if keys \
        else [{"at": times.begin}]
    files["start.jsonl"] = "".join(json.dumps(begin) + "\n" for begin in begins)
    files["tick.jsonl"] = json.dumps({"at": times.end + 2000}) + "\n"
    return files


def value_text(value, single):
    """A value as it is compared: `single` rounds to 32 bits."""
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return json.dumps(value)
    if isinstance(value, (int, float)):
        value = float(value)
        if single:
            value = struct.unpack("f", struct.pack("f", value))[0]
        return "%.7g" % value
    if isinstance(value, list):
        return "[%s]" % ", ".join(value_text(item, single) for item in value)
    raise Untranslated("a column that is a whole event")


def line_of(time, columns, single=False):
    return "@%s %s" % (time, " ".join(
        "%s=%s" % (name, value_text(columns[name], single)) for name in sorted(columns)
        if columns[name] is not None and columns[name] != []))


def expected_of(case, times, single=False):
    lines = []
    for row in case["expected"]:
        if row["cause"] == "deploy":
            raise Untranslated("output at the deployment")
        if row.get("stream", "new") != "new":
            raise Untranslated("output of what leaves a window")
        time = times.of_event[row["after_event"]] if row["cause"] == "event" \
            else row["ts"] * 1000
        columns = row["row"] if "row" in row else \
            {tag: [index] if isinstance(index, int) else index
             for tag, index in row["match"].items()}
        lines.append(line_of(time, columns, single))
    return lines


def given_of(rows, single=False):
    lines = []
    for row in rows:
        time = row.pop("due") // 1_000_000 * 1000 if "due" in row \
            else row.pop("ended") // 1000
        for name in sorted(name for name in row if "__" in name):  # a list in pieces
            value, whole = row.pop(name), name.split("__")[0]
            value = value[0] if isinstance(value, list) and value else value
            if value is not None and value != []:
                row.setdefault(whole, []).append(value)
        lines.append(line_of(time, row, single))
    return lines


def words_of(text):
    return set(re.findall(r"[A-Za-z_]\w*", text))
