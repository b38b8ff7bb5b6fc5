"""Esper's data windows and Siddhi's window queries as Weir rules: the corpus windows.jsonl.

A query is one stream, a filter, at most one window, columns that are fields or aggregates,
`group by` and `having`. Where a query asks for what comes and for what leaves (`irstream`,
`all events`), what comes is compared. What these engines give because an event leaves a
window has no counterpart here; what a batch gives of each of its events hasn't either.
"""

import copy
import re

import statement
from statement import Untranslated

TOKEN = re.compile(r"""\s*('[^']*'|"[^"]*"|\d+\.?\d*[LlFfDd]?\b|==|!=|<>|<=|>=|[A-Za-z_]\w*|\S)""")
UNITS = {"msec": 1, "millisec": 1, "milliseconds": 1, "millisecond": 1, "sec": 1000,
         "second": 1000, "seconds": 1000, "min": 60_000, "minute": 60_000, "minutes": 60_000,
         "hour": 3_600_000, "hours": 3_600_000}
AGGREGATES = {"sum", "avg", "min", "max", "count", "median", "first", "last", "window",
              "distinctCount", "firstever", "lastever", "countever", "minever", "maxever",
              "minForever", "maxForever", "fmin", "fmax", "stddev", "stdDev", "avedev", "rate",
              "nth", "sorted", "maxby", "minby", "maxbyever", "minbyever", "maxbyever", "prev",
              "prior", "prevtail", "prevcount", "prevwindow", "unionSet"}
RENAMED = {"window": "collect", "distinctCount": "distinct", "firstever": "first",
           "lastever": "last", "countever": "count", "minever": "min", "maxever": "max",
           "minForever": "min", "maxForever": "max", "fmin": "min", "fmax": "max",
           "stdDev": "stddev"}
PLAIN = {"sum", "avg", "min", "max", "count", "median", "first", "last"}
EVER = {"firstever", "lastever", "countever", "minever", "maxever", "minForever", "maxForever"}
LEFT = "output because an event leaves a window"
RATE = "output at a rate, from the statement's beginning"
EACH = "each event of a batch when it closes"


def tokens_of(text):
    return [token for token in TOKEN.findall(text) if token]


def split(tokens, mark=","):
    """Parts between marks that stand in no parentheses."""
    out, depth = [[]], 0
    for token in tokens:
        depth += (token in "([{") - (token in ")]}")
        if token == mark and depth == 0:
            out.append([])
        else:
            out[-1].append(token)
    return [part for part in out if part]


class Joined(Exception):
    """The query has several streams; the text is where it begins."""


class Query:
    """The parts of one query as lists of tokens."""

    def __init__(self):
        self.stream = ""
        self.filter = []
        self.views = []  # (name, arguments)
        self.items = []  # (tokens, name)
        self.where = []
        self.group = []
        self.having = []
        self.partition = []
        self.wants_old = False
        self.rate = None  # (word, amount)


def milliseconds(tokens, unit=1):
    """`unit`: what a bare number counts."""
    total = 0
    rest = list(tokens)
    while rest:
        number = re.sub(r"[LlFfDd]$", "", rest.pop(0))
        if not re.fullmatch(r"\d*\.?\d+", number):
            raise Untranslated("a window of a calendar's unit, or a computed length")
        if rest and not re.match(r"[\d.]", rest[0]):
            if rest[0] not in UNITS:
                raise Untranslated("a window of a calendar's unit, or a computed length")
            total += float(number) * UNITS[rest.pop(0)]
        else:
            total += float(number) * unit
    if total != int(total) or total <= 0:
        raise Untranslated("a window of a fraction of a millisecond")
    return int(total)


def name_of(tokens):
    """(value, name) of a column. A name that is not written is the text itself."""
    if len(tokens) > 2 and tokens[-2].lower() == "as":
        return tokens[:-2], tokens[-1]
    text = ""
    for i, token in enumerate(tokens):
        text += token
        if i + 1 < len(tokens) and re.match(r"\w", token[-1]) and re.match(r"\w", tokens[i + 1]):
            text += " "
    return tokens, text


class Reader:
    def __init__(self, tokens):
        self.tokens = tokens
        self.at = 0

    def peek(self):
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def next(self):
        self.at += 1
        return self.tokens[self.at - 1] if self.at <= len(self.tokens) else ""

    def take(self, *words):
        if self.peek().lower() in words:
            return self.next()
        return None

    def until(self, *words):
        out, depth = [], 0
        while self.at < len(self.tokens):
            token = self.peek()
            if depth == 0 and token.lower() in words:
                break
            depth += (token in "([{") - (token in ")]}")
            if depth < 0:
                break
            out.append(self.next())
        return out

    def parenthesised(self):
        self.next()
        inner = self.until()
        if self.next() != ")":
            raise Untranslated("another statement or a variable is needed")
        return inner


def read_view(reader, query):
    name = reader.next()
    if reader.peek() == ".":
        reader.next()
        name = reader.next()
    arguments = split(reader.parenthesised()) if reader.peek() == "(" else []
    query.views.append((name, arguments))


def read_esper(text):
    if "reclaim_group" in text:
        raise Untranslated("a group that is forgotten after a time")
    reader = Reader(tokens_of(re.sub(r"@\w+\([^)]*\)\s*", "", text)))
    query = Query()
    if reader.take("select") is None:
        raise Untranslated("a statement that is no query")
    word = reader.take("irstream", "rstream", "istream")
    query.wants_old = word == "rstream"
    query.items = [name_of(part) for part in split(reader.until("from"))]
    reader.next()
    if reader.peek() == "pattern":
        raise Untranslated("a window of matches")
    query.stream = reader.next()
    if reader.peek() == "(":
        query.filter = reader.parenthesised()
    while reader.peek() in ("#", "."):
        reader.next()
        if reader.peek() == "win":
            reader.next()
            reader.next()
        read_view(reader, query)
    if reader.take("as"):
        reader.next()
    elif re.fullmatch(r"\w+", reader.peek()) and reader.peek().lower() not in (
            "where", "group", "having", "output", "order", "retain", "unidirectional"):
        reader.next()
    read_clauses(reader, query)
    return query


def read_rate(reader):
    """The last row of each span of time or number of rows, or a look at the window at
    each span's end."""
    word = reader.take("last", "snapshot")
    if word is None or reader.take("every") is None:
        raise Untranslated(RATE)
    return word, reader.until("order", "limit", "insert", "having")


def read_clauses(reader, query):
    while reader.peek():
        word = reader.next().lower()
        if word == "where":
            query.where = reader.until("group", "having", "output", "order")
        elif word == "group":
            reader.next()
            query.group = split(reader.until("having", "output", "order", "limit"))
        elif word == "having":
            query.having = reader.until("output", "order", "limit", "insert")
        elif word == "order":
            reader.until("output", "limit", "insert")  # rows are compared without order
        elif word == "output":
            query.rate = read_rate(reader)
        elif word in (",", "join", "left", "right", "full", "inner", "unidirectional"):
            raise Joined("")
        elif word == "retain":
            raise Untranslated("several windows of one stream together")
        elif word in ("limit", "offset"):
            raise Untranslated("the first few of a batch's events")
        else:
            raise Untranslated("another clause")


def read_siddhi(text):
    text = re.sub(r"@\w*:?\w+\s*\([^)]*\)\s*", "", text)
    if re.search(r"\bdefine (table|window|trigger|aggregation|function)\b", text):
        raise Untranslated("a table or a named window")
    query = Query()
    found = re.search(r"partition with ?\((.*?)\)\s*begin(.*?)end\s*;?\s*$", text)
    if found:
        query.partition = [part.split() for part in found.group(1).split(",")]
        if any(len(part) != 3 or part[1] != "of" for part in query.partition):
            raise Untranslated("a partition by a range")
    queries = [part for part in (found.group(2) if found else text).split(";")
               if re.match(r"\s*from\b", part)]
    outside = text[:found.start()].split(";") if found else []
    if len(queries) != 1 or any(re.match(r"\s*from\b", part) for part in outside):
        raise Untranslated("several queries")
    reader = Reader(tokens_of(queries[0]))
    reader.next()
    query.stream = reader.next()
    while reader.peek() in ("[", "#"):
        if reader.next() == "[":
            query.filter = (["("] + query.filter + [")", "and"] if query.filter else []) \
                + reader.until()
            reader.next()
        else:
            if reader.next() != "window":
                raise Untranslated("a function over a stream")
            reader.next()
            read_view(reader, query)
    if reader.peek().lower() in ("join", "left", "right", "full", "inner", "as",
                                 "unidirectional", ","):
        raise Joined(queries[0])
    read_selection(reader, query)
    return query


def read_selection(reader, query):
    if reader.take("select") is None:
        raise Untranslated("another clause")
    query.items = [name_of(part) for part in split(
        reader.until("group", "having", "order", "limit", "offset", "output", "insert"))]
    while reader.peek().lower() != "insert":
        if not reader.peek():
            raise Untranslated("another clause")
        word = reader.next().lower()
        if word == "group":
            reader.next()
            query.group = split(reader.until("having", "order", "limit", "output", "insert"))
        elif word == "having":
            query.having = reader.until("order", "limit", "output", "insert")
        elif word == "order":
            reader.until("limit", "offset", "output", "insert")
        elif word in ("limit", "offset"):
            raise Untranslated("the first few of a batch's events")
        else:
            query.rate = read_rate(reader)
    reader.next()
    query.wants_old = reader.peek() == "expired"


class Translation:
    def __init__(self, case, query):
        self.case = case
        self.query = query
        self.is_siddhi = case["lang"] == "siddhiql"
        self.types = case["types"].get(query.stream)
        if self.types is None:
            raise Untranslated("another statement or a variable is needed")
        self.is_closed = False
        self.is_ever = False  # some aggregate is of all events ever
        self.has_aggregate = False
        self.keys = []
        self.shift = 0
        self.extra = ""  # a condition of results that the window makes

    # Expressions.

    def call(self, name, inner):
        if name not in AGGREGATES:
            raise Untranslated("a function that is not ours")
        self.has_aggregate = True
        arguments = split(inner)
        if name in EVER:
            self.is_ever = True
        new = RENAMED.get(name, name)
        condition = None
        if len(arguments) == 2 and arguments[1][:2] == ["filter", ":"]:
            condition = arguments.pop()[2:]
        elif len(arguments) == 2 and new in PLAIN | {"collect"} and not self.is_siddhi and \
                not re.fullmatch(r"\d+", arguments[1][0]):
            condition = arguments.pop()
        if new not in PLAIN | {"collect", "distinct"} or len(arguments) > 1:
            raise Untranslated("an aggregate that is not ours: %s" % name)
        argument = arguments[0] if arguments else []
        if argument[:1] == ["all"]:
            argument = argument[1:]
        if argument[:1] == ["distinct"]:
            argument = argument[1:]
            if new == "count":
                new = "distinct"
            elif new not in ("min", "max"):
                raise Untranslated("an aggregate of different values")
        if new in ("first", "last", "collect") and ("*" in argument or not argument):
            raise Untranslated("whole events in a column")
        if new == "count" and argument == ["*"]:
            argument = []
        text = "%s(%s)" % (new, self.expression(argument, is_inside=True))
        return text if condition is None else \
            "(%s where %s)" % (text, self.expression(condition, is_inside=True))

    def field(self, name, is_inside):
        kind = self.types.get(name)
        if kind is None:
            raise Untranslated("another statement or a variable is needed")
        if self.is_closed and not is_inside and name not in self.keys:
            return "last(%s)" % name
        return name

    def among(self, reader):
        """`in (a, b)`, or a range whose ends are in it: `in [a:b]`."""
        if reader.peek() == "(":
            return "in (%s)" % ", ".join(
                self.expression(part) for part in split(reader.parenthesised()))
        if reader.next() != "[":
            raise Untranslated("an operator that is not ours")
        ends = split(reader.until("]"), ":")
        if reader.next() != "]" or len(ends) != 2:
            raise Untranslated("an operator that is not ours")
        return "between %s and %s" % tuple(self.expression(end) for end in ends)

    def member(self, token, name, is_inside):
        if token != self.query.stream:
            raise Untranslated("a part of an event")
        return self.field(name, is_inside)

    def expression(self, tokens, is_inside=False):
        reader, out = Reader(tokens), []
        while reader.peek():
            token = reader.next()
            if re.fullmatch(r"[A-Za-z_]\w*", token):
                low = token.lower()
                if reader.peek() == "(" and low not in ("and", "or", "not", "in"):
                    out.append(self.call(token, reader.parenthesised()))
                elif low in ("and", "or", "not", "true", "false", "null"):
                    out.append(low)
                elif low == "is":
                    out.append("!=" if reader.take("not") else "==")
                elif low == "in":
                    out.append(self.among(reader))
                elif low in ("like", "between"):
                    out.append(low)
                elif low in ("regexp", "convert", "cast", "select"):
                    raise Untranslated("an operator that is not ours")
                elif token in self.names:
                    out.append(token)
                elif reader.peek() == ".":
                    reader.next()
                    out.append(self.member(token, reader.next(), is_inside))
                else:
                    out.append(self.field(token, is_inside))
            elif token[0] in "'\"":
                out.append('"%s"' % token[1:-1])
            elif token == "=":
                out.append("==")
            elif token == "<>":
                out.append("!=")
            elif token[0].isdigit():
                out.append(re.sub(r"[LlFfDd]$", "", token))
            elif token in ("[", "{", "?", ":"):
                raise Untranslated("an operator that is not ours")
            else:
                out.append(token)
        return " ".join(out)

    # Windows.

    def align(self, step, length=0):
        """Their windows begin with the first event: let it stand where ours end."""
        first = [event["ts"] for event in self.case["events"]
                 if event["type"] == self.query.stream][:1] or [0]
        self.shift = (length - first[0]) % step

    def window(self):
        views, query = list(self.query.views), self.query
        if views and views[0][0] == "groupwin":
            self.keys += [part[0] for part in views.pop(0)[1]]
            if [part[0] for part in query.group] != self.keys and any(
                    token in AGGREGATES for item, _ in query.items for token in item):
                raise Untranslated("one total of the windows of all groups")
        if len(views) > 1:
            raise Untranslated("several windows of one stream together")
        if not views or views[0][0] == "keepall":
            return "all"
        name, arguments = views[0]
        group = [part[0] for part in query.group]
        if name in ("length", "lengthBatch", "length_batch") and group and \
                [key for key in group if key not in self.keys]:
            raise Untranslated("a window of a number of events of all groups")
        if name == "length":
            return "last %s" % self.count(arguments)
        if name == "time":
            return "sliding %s" % self.times.below(milliseconds(arguments[0], self.unit()))
        if name in ("lengthBatch", "length_batch"):
            self.is_closed = True
            self.extra = "count() == %s" % self.count(arguments)
            return "tumbling %s" % self.count(arguments)
        if name in ("timeBatch", "time_batch"):
            return self.time_batch(arguments)
        if name in ("firstlength", "firstevent", "firstunique"):
            return self.first_few(name, arguments)
        raise Untranslated("a window that is not ours: %s" % name)

    def unit(self):
        return 1 if self.is_siddhi else 1000

    def count(self, arguments):
        if len(arguments) != 1 or not re.fullmatch(r"[1-9]\d*", "".join(arguments[0])):
            raise Untranslated("a window with a computed length, or with a mode")
        return arguments[0][0]

    def time_batch(self, arguments):
        width = milliseconds(arguments[0], self.unit())
        self.is_closed = True
        if len(arguments) == 1:
            self.align(width)
        elif len(arguments) == 2 and re.fullmatch(r"\d+[Ll]?", "".join(arguments[1])):
            self.shift = -int(re.sub("[Ll]", "", arguments[1][0])) % width
        else:
            raise Untranslated("a window with a computed length, or with a mode")
        return "tumbling %dms" % width

    def first_few(self, name, arguments):
        """Those that a window keeps which takes no more once it is full."""
        if name == "firstunique":
            self.keys += [part[0] for part in arguments]
        self.extra = "count() <= %s" % (self.count(arguments) if name == "firstlength" else "1")
        return "all"

    def rated(self, window):
        """(the rule's window, how the rows that it gives are thinned out)"""
        if self.query.rate is None:
            return window, None
        word, amount = self.query.rate
        is_total = all(part[0] in AGGREGATES or part in self.query.group
                       for part, _ in self.query.items)
        if amount[-1:] in (["events"], ["event"]):
            if word != "last" or len(amount) != 2 or self.query.group:
                raise Untranslated("output at a number of rows, of all groups")
            return window, "tumbling %s" % amount[0]
        width = milliseconds(amount, self.unit())
        self.align(width)
        if word == "last" and not (is_total and window.startswith("sliding")):
            return window, "tumbling %dms" % width
        views = self.query.views
        if word == "snapshot" and is_total and len(views) == 1 and views[0][0] == "time":
            self.is_closed = True
            length = milliseconds(views[0][1][0], self.unit())
            self.align(width, length)
            self.extra = "nanos(window.end) <= %d" % (
                (self.times.end + self.shift * 1000) * 1000)  # their clock stands still then
            return "hopping %dms every %dms%s" % (
                length, width, "" if self.query.group else " fill"), None
        raise Untranslated(RATE)

    # The whole.

    def shifted(self):
        case = copy.deepcopy(self.case)
        case["clock0"] += self.shift
        for part in case["events"] + case.get("advance", []) + case["expected"]:
            part["ts"] += self.shift
        return case

    def rename(self, names):
        for row in self.case["expected"]:
            if "row" in row:
                row["row"] = {names[name]: value for name, value in row["row"].items()
                              if name in names}
            elif "event" in row:
                row["row"] = {"idx": row["event"]}
            else:
                raise Untranslated("a column that is a whole event")

    def check(self):
        query = self.query
        if self.case.get("setup"):
            raise Untranslated("another statement or a variable is needed")
        if query.wants_old:
            raise Untranslated(LEFT)
        self.case["expected"] = [row for row in self.case["expected"]
                                 if row.get("stream", "new") == "new"]
        if any("batch" in event for event in self.case["events"]):
            raise Untranslated("events that arrive together")

    def columns(self):
        query, columns, renamed = self.query, [], {}
        if [value for value, _ in query.items] == [["*"]]:
            if self.is_closed:
                raise Untranslated(EACH)
            return ["idx"], {}
        for number, (value, name) in enumerate(query.items):
            column = "c%d" % number
            renamed[name] = column
            text = self.expression(value)
            if self.is_siddhi and len(value) == 1:
                renamed[value[0]] = column
            columns.append("%s: %s" % (column, text))
            self.names[name] = column
        return columns, renamed

    def text(self):
        query = self.query
        self.times = statement.Times(self.case)
        self.names = {}
        self.keys = [part[0] for part in query.partition if part[2] == query.stream]
        if query.partition and not self.keys:
            raise Untranslated("several queries")
        window, thinned = self.rated(self.window())
        self.keys += [part[0] for part in query.group if part[0] not in self.keys]
        if any(len(part) != 1 for part in query.group):
            raise Untranslated("a group that is computed, or a roll-up")
        columns, renamed = self.columns()
        having = self.expression([renamed.get(token, token) for token in query.having]) \
            if query.having else ""
        if self.is_closed and not self.has_aggregate:
            raise Untranslated(EACH)
        if self.is_closed and not self.is_siddhi and re.search(r"\blast\(", " ".join(columns)):
            raise Untranslated(EACH)
        if self.is_ever and window != "all":
            raise Untranslated("aggregates of a window and of all events in one query")
        if any(row["cause"] == "clock" for row in self.case["expected"]) and \
                not self.is_closed and not thinned:
            raise Untranslated(LEFT)
        conditions = [self.expression(part, is_inside=True)
                      for part in (query.filter, query.where) if part]
        out = "sink m to file(\"m.jsonl\")\nrule found {\n  from   %s%s\n" % (
            query.stream, " where " + " and ".join("(%s)" % text for text in conditions)
            if conditions else "")
        if self.keys:
            out += "  by     %s\n" % ", ".join(self.keys)
        out += "  window %s\n" % window
        held = " and ".join("(%s)" % text for text in (having, self.extra) if text)
        if held:
            out += "  having %s\n" % held
        ended = "nanos(window.end)" if self.is_closed else "nanos(time())"
        out += "  emit   %s { %s, ended: %s }\n}\n" % (
            "rows" if thinned else "m", ", ".join(columns), ended)
        return out + (self.thin(columns, thinned) if thinned else ""), renamed

    def thin(self, columns, window):
        names = [column.split(":")[0] for column in columns]
        keys = [name for name, column in zip(names, columns)
                if column.split(": ")[-1] in self.keys]
        if len(keys) != len(self.keys):
            raise Untranslated("the last row of a group that is no column")
        values = [name if name in keys else "%s: last(%s)" % (name, name) for name in names]
        return "rule thinned {\n  from   rows\n%s  window %s\n  %semit   m { %s, " \
            "ended: nanos(window.end) }\n}\n" % (
                "  by     %s\n" % ", ".join(keys) if keys else "", window,
                "" if window.endswith("ms") else "having count() == %s\n  "
                % window.split()[1], ", ".join(values))


def translation_of(case):
    import joins  # reads parts of queries by what stands above
    is_siddhi = case["lang"] == "siddhiql"
    try:
        return Translation(case, (read_siddhi if is_siddhi else read_esper)(case["epl"]))
    except Joined as found:
        query = joins.read_siddhi(str(found)) if is_siddhi else joins.read_esper(case["epl"])
        return joins.Translation(case, query)


def translate(case):
    case = copy.deepcopy(case)
    if case.get("clock_mode") == "jump":
        if "expected_stepwise" not in case:
            raise Untranslated("timers of which some are passed over")
        case["expected"] = case["expected_stepwise"]
    translation = translation_of(case)
    translation.check()
    rules, renamed = translation.text()
    translation.rename(renamed)
    moved = translation.shifted()
    times = statement.Times(moved)
    is_single = case["lang"] == "siddhiql"
    files = statement.files_of(moved, times, rules)
    return statement.Job(files, statement.expected_of(moved, times, is_single), is_single)
