"""Joins of windows as Weir rules, for windows.py.

A window of Esper's or Siddhi's is what a side of a join remembers: an event that comes is put
to what the other side's window holds at that moment. Here events are joined by how far they are
apart, so a window of a time is a bound on that, and what is kept for ever is no bound. A window
of a number of events is a bound on places: each event is given its number in its stream and, by
an as-of join, the number that the other stream had come to. An outer row is given at once
there, when the event comes and its counterpart is not in the window; here that is an as-of left
join which finds none.
"""

import re

import statement
import windows
from statement import Untranslated

EVER = "36500d"
OUTER = ("left", "right", "full")
TWO = "aggregates of pairs, of which the one side leaves before the other"


class Side:
    """One stream of a join: its filter, what its window keeps."""

    def __init__(self, stream):
        self.stream = stream
        self.alias = stream
        self.filter = []
        self.views = []
        self.is_alone = False  # unidirectional: only its events make pairs
        self.time = None  # milliseconds that its window keeps; None: no bound
        self.length = None  # events; None: no bound


class JoinQuery(windows.Query):
    def __init__(self, is_siddhi):
        super().__init__()
        self.is_siddhi = is_siddhi
        self.sides = []
        self.on = []
        self.outer = None  # left, right, full


END = ("where", "group", "having", "output", "order", "on", "select", "left", "right", "full",
       "inner", "join", "unidirectional", "as", "insert", ",")


def read_side(reader, query):
    side = Side(reader.next())
    while reader.peek() in ("(", "[", "#", "."):
        mark = reader.peek()
        if mark == "(":
            side.filter = reader.parenthesised()
            continue
        reader.next()
        if mark == "[":
            side.filter = reader.until()
            reader.next()
            continue
        if reader.peek() in ("win", "window"):
            reader.next()
            reader.next()
        name = reader.next()
        arguments = windows.split(reader.parenthesised()) if reader.peek() == "(" else []
        side.views.append((name, arguments))
    for _ in range(2):
        if reader.take("unidirectional"):
            side.is_alone = True
        elif reader.take("as"):
            side.alias = reader.next()
        elif re.fullmatch(r"[A-Za-z_]\w*", reader.peek()) and reader.peek().lower() not in END:
            side.alias = reader.next()
    query.sides.append(side)


def read_sides(reader, query):
    read_side(reader, query)
    while True:
        word = reader.peek().lower()
        if word in OUTER:
            query.outer = reader.next().lower()
            reader.take("outer")
        reader.take("inner")
        if not reader.take("join", ","):
            break
        read_side(reader, query)
        if reader.take("on"):
            query.on += (["and"] if query.on else []) + reader.until(*END)
    if len(query.sides) != 2:
        raise Untranslated("a join of more than two streams")


def read_esper(text):
    query = JoinQuery(False)
    reader = windows.Reader(windows.tokens_of(re.sub(r"@\w+\([^)]*\)\s*", "", text)))
    reader.next()
    query.wants_old = reader.take("irstream", "rstream", "istream") == "rstream"
    query.items = [windows.name_of(part) for part in windows.split(reader.until("from"))]
    reader.next()
    read_sides(reader, query)
    windows.read_clauses(reader, query)
    return query


def read_siddhi(text):
    query = JoinQuery(True)
    reader = windows.Reader(windows.tokens_of(text))
    reader.next()
    read_sides(reader, query)
    windows.read_selection(reader, query)
    return query


class Translation(windows.Translation):
    """Two streams, each with the fields that it has there and its number."""

    def __init__(self, case, query):
        self.case = case
        self.query = query
        self.is_siddhi = query.is_siddhi
        self.types = {}
        self.is_closed = False
        self.is_ever = False
        self.has_aggregate = False
        self.keys = []
        self.shift = 0
        self.extra = ""
        for side in query.sides:
            if side.stream not in case["types"]:
                raise Untranslated("another statement or a variable is needed")
        if query.sides[0].alias == query.sides[1].alias:
            query.sides[0].alias, query.sides[1].alias = "l", "r"

    # Names: within a side's own rules bare, elsewhere after `a.` or `b.`.

    def field(self, name, is_inside):
        owners = [letter for letter, side in zip("ab", self.query.sides)
                  if name in self.case["types"][side.stream]]
        if len(owners) != 1:
            raise Untranslated("another statement or a variable is needed")
        return "%s.%s" % (owners[0], name)

    def member(self, token, name, is_inside):
        for letter, side in zip("ab", self.query.sides):
            if token == side.alias and name in self.case["types"][side.stream]:
                return "%s.%s" % (letter, name)
        raise Untranslated("a part of an event")

    def align(self, step, length=0):
        """Their clock begins with the first row, which the later side's first event gives."""
        first = max(min(self.events(side), default=0) for side in self.query.sides)
        self.shift = (length - first) % step

    def events(self, side):
        return [event["ts"] for event in self.case["events"] if event["type"] == side.stream]

    def measure(self, side):
        """What a side's window keeps, of the events that there are."""
        if len(side.views) > 1:
            raise Untranslated("several windows of one stream together")
        name, arguments = side.views[0] if side.views else ("", [])
        if name == "time":
            side.time = windows.milliseconds(arguments[0], self.unit())
        elif name in ("length", "lastevent"):
            side.length = int(self.count(arguments)) if arguments else 1
            if len(self.events(side)) <= side.length:
                side.length = None
        elif name == "":
            side.length = 0 if self.is_siddhi or not side.is_alone else None
            if not self.is_siddhi and not side.is_alone:
                raise Untranslated("a side of a join without a window")
        elif name != "keepall":
            raise Untranslated("a side of a join with a window that is not ours: %s" % name)

    # The rules.

    def numbered(self):
        """Each side's events with their number, and the number that the other had then."""
        out = ""
        for number, (letter, side) in enumerate(zip("ab", self.query.sides)):
            fields = ", ".join(self.case["types"][side.stream])
            where = " where %s" % self.bare(side) if side.filter else ""
            out += "rule number_%s {\n  from   %s%s\n  window all\n  emit   %s0 { %s, idx, " \
                "born: at, seq: count() }\n}\n" % (letter, side.stream, where, letter, fields)
            other = "ba"[number]
            out += "rule place_%s {\n  from %s: %s0 asof left join %s: %s0 on true\n" \
                "  emit %s1 { %s, idx: %s.idx, born: %s.born, seq: %s.seq, " \
                "seen: %s.seq ?? 0 }\n}\n" % (
                    letter, letter, letter, other, other, letter,
                    ", ".join("%s: %s.%s" % (name, letter, name)
                              for name in self.case["types"][side.stream]),
                    letter, letter, letter, other)
        return out

    def bare(self, side):
        text = self.expression(self.qualified(side), is_inside=True)
        return re.sub(r"\b[ab]\.", "", text)

    def qualified(self, side):
        """A filter's names with the side's before them."""
        out = []
        for i, token in enumerate(side.filter):
            is_field = token in self.case["types"][side.stream] and \
                (i == 0 or side.filter[i - 1] != ".")
            out += [side.alias, ".", token] if is_field else [token]
        return out

    def kept(self):
        """When the earlier of two is in its window as the later comes."""
        out = []
        for letter, other, side in zip("ab", "ba", self.query.sides):
            later = "%s.born > %s.born" % (letter, other)
            if side.length is not None:
                out.append("(%s or %s.seq > %s.seen - %d)" % (later, letter, other, side.length))
            if side.time is not None:
                out.append("(%s or %s.born - %s.born <= %s)" % (
                    later, other, letter, self.times.below(side.time)))
            if self.query.sides["ab".index(other)].is_alone:
                out.append("%s.born < %s.born" % (letter, other))
        return out

    def on(self):
        parts = [self.expression(part, is_inside=True)
                 for part in conjuncts(self.query.on)]
        return [part for part in parts if part]

    def lone(self, names, where):
        """Rules for events that come and find no counterpart."""
        out = ""
        alone = [side for side in self.query.sides if side.is_alone]
        for number, side in enumerate(self.query.sides):
            letter, other = "ab"[number], "ba"[number]
            if self.query.outer not in (OUTER[number], "full") or (alone and side not in alone):
                continue
            on = self.on()
            if not on or not all(re.fullmatch(r"[ab]\.\w+ == [ab]\.\w+", part) for part in on):
                raise Untranslated("an outer join on more than equalities")
            kept = [part.split(" or ")[1][:-1] for part in self.kept() if " or " in part
                    and part.split(" or ")[1].startswith(("%s.seq" % other,
                                                          "%s.born - %s" % (letter, other)))]
            found = "%s.seq is null" % other
            if kept:
                found += " or not (%s)" % " and ".join(kept)
            if where and kept:
                raise Untranslated("an outer join with a condition over windows")
            found = "(%s) and %s" % (found, where) if where else found
            columns = [column for column in names if not re.search(r": %s\.\w+$" % other, column)]
            out += "rule lone_%s {\n  from  %s: %s1 asof left join %s: %s1 on %s\n" \
                "  where %s\n  emit  m%s { %s, ended: nanos(%s.born) }\n}\n" \
                "sink m%s to file(\"m%s.jsonl\")\n" % (
                    letter, letter, letter, other, other, " and ".join(on), found, number,
                    ", ".join(columns), letter, number, number)
        return out

    def pairs_window(self):
        """The window of the pairs, which have the time of the later: where one side leaves
        after a time, its event has to be the later of every pair."""
        timed = [side for side in self.query.sides if side.time is not None]
        if any(side.length is not None for side in self.query.sides):
            raise Untranslated(TWO)
        if not timed:
            return "all"
        if len(timed) == 2:
            raise Untranslated(TWO)
        other = [side for side in self.query.sides if side.time is None][0]
        for born in self.events(timed[0]):
            if any(born < late < born + timed[0].time for late in self.events(other)):
                raise Untranslated(TWO)
        return "sliding %s" % self.times.below(timed[0].time)

    def text(self):
        query = self.query
        self.times = statement.Times(self.case)
        self.names = {}
        for side in query.sides:
            self.measure(side)
        if any(len(part) not in (1, 3) for part in query.group):
            raise Untranslated("a group that is computed, or a roll-up")
        columns, renamed = self.columns()
        having = self.expression([renamed.get(token, token) for token in query.having]) \
            if query.having else ""
        aggregates = self.has_aggregate
        if (query.group or query.having) and not aggregates:
            raise Untranslated("a group without an aggregate")
        window = self.pairs_window() if aggregates else None
        window, thinned = self.rated(window) if query.rate else (window, None)
        if query.rate and thinned is None:
            raise Untranslated(windows.RATE)
        if any(row["cause"] == "clock" for row in self.case["expected"]) and not thinned:
            raise Untranslated(windows.LEFT)
        if self.is_ever and window != "all":
            raise Untranslated("aggregates of a window and of all events in one query")
        self.keys = [self.expression(part) for part in query.group]
        if aggregates and query.outer:
            raise Untranslated("aggregates of an outer join")
        where = self.expression(query.where, is_inside=True) if query.where else ""
        on = self.on() + self.kept()
        if where and not query.outer:
            on = [self.expression(part, is_inside=True)
                  for part in conjuncts(query.where)] + on
            where = ""
        out = self.numbered()
        out += "sink m to file(\"m.jsonl\")\nrule found {\n  from   a: a1 join b: b1 on %s " \
            "within %s\n" % (" and ".join(on) or "true", EVER)
        if where:
            out += "  where  %s\n" % where
        if self.keys:
            out += "  by     %s\n" % ", ".join(self.keys)
        if window:
            out += "  window %s\n" % window
        if having:
            out += "  having %s\n" % having
        out += "  emit   %s { %s, ended: nanos(time()) }\n}\n" % (
            "rows" if thinned else "m", ", ".join(columns))
        out += self.lone(columns, where) if query.outer else ""
        return out + (self.thin(columns, thinned) if thinned else ""), renamed

    def whole(self):
        """Columns that are the events themselves."""
        columns, renamed = [], {}
        for number, (letter, side) in enumerate(zip("ab", self.query.sides)):
            for name in ("stream_%d" % number, side.alias):
                renamed[name] = "c%d" % number
            columns.append("c%d: %s.idx" % (number, letter))
        return columns, renamed

    def rename(self, names):
        for row in self.case["expected"]:
            if any(name not in names for name in row.get("match", ())):
                raise Untranslated("whole events in a column")
            if "match" in row:
                row["row"] = {names[name]: row["match"][name] for name in row["match"]}
        if not any("match" in row for row in self.case["expected"]):
            super().rename(names)

    def columns(self):
        if any("match" in row for row in self.case["expected"]):
            return self.whole()
        if [value for value, _ in self.query.items] == [["*"]]:
            items = []
            for side in self.query.sides:
                items += [([side.alias, ".", name], name)
                          for name in self.case["types"][side.stream]]
            self.query.items = items
        query, columns, renamed = self.query, [], {}
        for number, (value, name) in enumerate(query.items):
            column = "c%d" % number
            renamed[name] = column
            if self.is_siddhi:
                renamed[value[-1]] = column
            columns.append("%s: %s" % (column, self.expression(value)))
            self.names[name] = column
        return columns, renamed


def conjuncts(tokens):
    """The parts of a condition that all have to hold."""
    parts, depth, is_range = [[]], 0, False
    for token in tokens:
        depth += (token in "([{") - (token in ")]}")
        if depth == 0 and token.lower() == "or":
            return [tokens]
        if depth == 0 and token.lower() == "and" and not is_range:
            parts.append([])
            continue
        is_range = (is_range and token.lower() != "and") or token.lower() == "between"
        parts[-1].append(token)
    return [part for part in parts if part]
