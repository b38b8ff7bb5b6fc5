"""Cases of Siddhi's patterns and sequences as Weir rules: the corpus siddhi.jsonl.

What matches once is a rule that wants its first event to be the first of its kind, or one
that begins with the event `start`; see esper.py.
"""

import re

import statement
from statement import Untranslated

TOKEN = re.compile(r"""\s*('[^']*'|"[^"]*"|\d+\.?\d*[LlFfDd]?|->|==|!=|<=|>=|\#?[A-Za-z_]\w*|.)""",
                   re.X)
UNITS = {"millisec": 1, "milliseconds": 1, "millisecond": 1, "sec": 1000, "second": 1000,
         "seconds": 1000, "min": 60_000, "minute": 60_000, "minutes": 60_000,
         "hour": 3_600_000, "hours": 3_600_000}
BY_CLOCK = "every of an absence: a clock begins it anew"


class Atom:
    def __init__(self, name, stream, condition, is_absent):
        self.name = name
        self.stream = stream
        self.condition = condition
        self.is_absent = is_absent
        self.time = None
        self.low = self.high = 1

    def is_counted(self):
        return (self.low, self.high) != (1, 1)


class Part:
    """An element: atoms with `and` or `or` between them, or a group of elements."""

    def __init__(self, atoms, word=None, group=None, is_every=False):
        self.atoms = atoms
        self.word = word
        self.group = group  # a Chain
        self.is_every = is_every

    def names(self):
        if self.group:
            return [name for part in self.group.parts for name in part.names()]
        return [atom.name for atom in self.atoms if atom.name and not atom.is_absent]

    def is_simple(self):
        return not self.group and len(self.atoms) == 1 and not self.atoms[0].is_absent


class Chain:
    def __init__(self, parts, is_sequence):
        self.parts = parts
        self.is_sequence = is_sequence
        self.within = None

    def atoms(self):
        for part in self.parts:
            yield from part.group.atoms() if part.group else part.atoms


class Parser:
    def __init__(self, text):
        self.tokens = TOKEN.findall(text)
        self.at = 0

    def peek(self):
        return self.tokens[self.at].strip() if self.at < len(self.tokens) else ""

    def take(self, wanted=None):
        token = self.peek()
        if not token or (wanted and token != wanted):
            raise Untranslated("not understood: %r before %r" % (wanted, token))
        self.at += 1
        return token

    def skip(self, wanted):
        if self.peek() != wanted:
            return False
        self.at += 1
        return True

    def inside(self, closing):
        out, depth = [], 0
        while depth or self.peek() != closing:
            token = self.take()
            depth += (token in "([") - (token in ")]")
            out.append(token)
        self.take()
        return out

    def milliseconds(self):
        total = 0
        while re.match(r"\d", self.peek()):
            number = int(self.take())
            total += number * UNITS[self.take()]
        return total

    def query(self):
        chain = self.chain()
        if self.peek():
            raise Untranslated("not understood: %r" % self.peek())
        if len(chain.parts) == 1 and chain.parts[0].group and not chain.parts[0].is_every:
            inner = chain.parts[0].group
            inner.within = chain.within if inner.within is None else inner.within
            return inner
        return chain

    def chain(self):
        parts, is_sequence = [self.part()], False
        while self.peek() in ("->", ","):
            is_sequence = self.take() == ","
            parts.append(self.part())
        chain = Chain(parts, is_sequence)
        if self.skip("within"):
            chain.within = self.milliseconds()
        return chain

    def part(self):
        is_every = self.skip("every")
        if self.skip("("):
            group = self.chain()
            self.take(")")
            if len(group.parts) == 1 and group.within is None and not group.parts[0].is_every:
                one = group.parts[0]
                return Part(one.atoms, one.word, one.group, is_every)
            return Part([], group=group, is_every=is_every)
        atoms, word = [self.atom()], None
        while self.peek() in ("and", "or"):
            word = self.take()
            atoms.append(self.atom())
        return Part(atoms, word, is_every=is_every)

    def atom(self):
        is_absent, name = self.skip("not"), None
        stream = self.take()
        if self.skip("="):
            name, stream = stream, self.take()
        if not re.fullmatch(r"[A-Za-z_]\w*", stream):
            raise Untranslated("an inner stream or another part of the language: " + stream)
        condition = self.inside("]") if self.skip("[") else []
        atom = Atom(name, stream, condition, is_absent)
        if self.skip("for"):
            atom.time = self.milliseconds()
        if self.skip("<"):
            text = "".join(self.inside(">"))
            low, _, high = text.partition(":")
            high = high if ":" in text else low
            atom.low, atom.high = int(low or 0), int(high) if high else None
        elif self.peek() in ("+", "*", "?"):
            atom.low, atom.high = {"+": (1, None), "*": (0, None), "?": (0, 1)}[self.take()]
        return atom


class Path:
    def __init__(self, text="", is_late=False, wait=None, within=None, before=None):
        self.text = text
        self.is_late = is_late
        self.wait = wait  # milliseconds that have to pass after the step before
        self.within = within
        self.before = before  # the step before, if it has a name and is one event
        self.is_from_before = False  # whether `wait` is counted from `before`
        self.begin = None  # what the rule begins with


class Translation:
    def __init__(self, case, chain, keys):
        self.case = case
        self.chain = chain
        self.keys = keys  # field by stream
        self.times = statement.Times(case)
        self.atoms = {atom.name: atom for atom in chain.atoms() if atom.name}
        self.arrow = "=>" if chain.is_sequence else "->"
        self.skip = "none"
        self.is_once = False
        self.before = ""  # rules that others read
        self.is_closed = False  # whether a repetition must not go on past what follows
        self.types = {}  # by column

    # Expressions.

    def read(self, tokens, own=None):
        out, i = [], 0
        while i < len(tokens):
            token = tokens[i]
            if token in self.atoms and i + 1 < len(tokens) and tokens[i + 1] in (".", "["):
                text, i = self.reference(tokens, i, own)
                out.append(text)
                continue
            if re.match(r"\d", token):
                out.append(token.rstrip("LlFfDd"))
            elif token[0] in "'\"":
                out.append('"%s"' % token[1:-1])
            elif token.startswith("instanceOf"):
                raise Untranslated("instanceOf: a question about a type")
            else:
                out.append(token)
            i += 1
        return re.sub(r" ?\. ?(?=[A-Za-z_])", ".", " ".join(out))

    def reference(self, tokens, i, own):
        """e.x, e[2].x, e[last].x, e[last - 1].x"""
        name = tokens[i]
        atom = self.atoms[name]
        if tokens[i + 1] == ".":
            return (tokens[i + 2] if name == own else
                    "%s.%s" % (name, tokens[i + 2])), i + 3
        end = tokens.index("]", i)
        index = "".join(tokens[i + 2:end]).replace("last", "-1").replace("-1-", "-1 -")
        index = sum(int(number) for number in index.replace("--", "-").split())
        field = tokens[end + 2]
        if not atom.is_counted():
            return "%s.%s" % (name, field), end + 3
        if index >= (atom.high or index + 1):
            return "(%s[0].%s ?? null)" % (name, field), end + 3
        text = "%s[%d].%s" % (name, index, field)
        if index < 0 and atom.high is not None and own is None:
            # what comes after the highest number is not collected by the other engine
            text = "if(count(%s) > %d, %s[%d].%s, %s)" % (
                name, atom.high, name, atom.high + index, field, text)
        return text, end + 3

    # Steps.

    def step(self, atom, extra=(), name=None):
        terms = ["(%s)" % self.read(atom.condition, atom.name)] if atom.condition else []
        terms += extra
        if len(terms) == 1 and not extra:
            terms = [terms[0][1:-1]]
        name = atom.name if name is None else name
        return "%s%s%s" % (name + ": " if name else "", atom.stream,
                           "(%s)" % " and ".join(terms) if terms else "")

    def since(self, path, sign, time, own=""):
        """That much time after the step before."""
        return "at - %s %s %s" % (self.time_of(own or "prev"), sign,
                                  self.times.from_on(time))

    def time_of(self, step):
        return "(%s)" % " ?? ".join(name + ".at" for name in step.split(" or ")) \
            if " or " in step else step + ".at"

    def waited(self, atom, time, extra=()):
        """An absence at the end."""
        return "not %s within %s of previous" % (
            self.step(atom, extra, name=""), self.times.below(time))

    def waited_both(self, atoms, time):
        """Two at the end: only the last `not` of a row waits, so what breaks either is
        made one stream."""
        if self.keys or any(name in atom.condition for atom in atoms for name in self.atoms
                            if name != atom.name):
            raise Untranslated("two absences at the end that ask about earlier events")
        self.before = "".join(
            "rule either%d {\n  from   %s where %s\n  emit   either { at }\n}\n" % (
                i, atom.stream, self.read(atom.condition, atom.name) or "true")
            for i, atom in enumerate(atoms))
        return "not either within %s of previous" % self.times.below(time)

    def absent(self, atom, path, own=""):
        if atom.name:
            raise Untranslated("an absence with a name")
        extra = [self.since(path, "<", atom.time, own)] if atom.time else []
        return "not " + self.step(atom, extra)

    def lasting(self, atom, path, is_last):
        """`not X for T`"""
        lead = " -> " if is_last or not self.chain.is_sequence else " => "
        if is_last:
            return Path(path.text + lead + self.waited(atom, atom.time), True, within=path.within)
        return Path(path.text + lead + self.absent(atom, path), wait=atom.time,
                    before=path.before)

    def place(self, part, path, is_last, following):
        if path.is_late:
            raise Untranslated("a deadline in the middle of a pattern")
        if path.wait is not None and any(atom.is_absent for atom in part.atoms):
            raise Untranslated("an absence after an absence")
        if part.group:
            if not is_last:
                raise Untranslated("every of a pattern before something else")
            return [self.grouped(part, path)]
        extra = [] if path.wait is None else [self.since(
            path, ">=", path.wait, path.before if path.is_from_before else "")]
        arrow = " ->> " if part.is_every else " %s " % self.arrow
        absent = [atom for atom in part.atoms if atom.is_absent]
        if len(part.atoms) == 1:
            atom = part.atoms[0]
            if atom.is_absent:
                if part.is_every:
                    raise Untranslated(BY_CLOCK)
                return [self.lasting(atom, path, is_last)]
            if atom.is_counted():
                extra = ["(count(%s) > 0 or %s)" % (atom.name, term) for term in extra]
                return [self.counted(atom, path, arrow, is_last, following, extra)]
            return [Path(path.text + arrow + self.step(atom, extra), before=atom.name)]
        if any(atom.is_counted() for atom in part.atoms) or len(part.atoms) != 2:
            raise Untranslated("a choice or conjunction of repetitions, or of three")
        if absent:
            if part.is_every:
                raise Untranslated(BY_CLOCK)
            return self.with_absence(part, path, is_last)
        if part.word == "and" and extra:
            if path.before is None:
                raise Untranslated("a time before a conjunction")
            extra = [self.since(path, ">=", path.wait, path.before)]
        return [Path(path.text + arrow + "(%s)" % (" %s " % part.word).join(
            self.step(atom, extra + self.apart(atom, part)) for atom in part.atoms))]

    def apart(self, atom, part):
        """In a choice the first alternative that fits is taken."""
        first = part.atoms[0]
        if atom is first or first.stream != atom.stream or part.word == "and":
            if part.word == "and" and len({a.stream for a in part.atoms}) < 2 and \
                    atom is first:
                raise Untranslated("one event on both sides of an and")
            return []
        return ["not ((%s) ?? false)" % (self.read(first.condition, first.name) or "true")]

    def counted(self, atom, path, arrow, is_last, following, extra):
        if is_last:
            if not atom.low:
                raise Untranslated("a repetition at the end that may be empty")
            return Path(path.text + arrow + self.step(atom, extra) +
                        "{%d}%s" % (atom.low, " next" if self.chain.is_sequence else ""))
        if not following.is_simple() or following.atoms[0].is_counted():
            if any(other.is_counted() or other.stream == atom.stream
                   for other in following.atoms) or following.group:
                raise Untranslated("a repetition before another or before a choice")
        extra = list(extra)
        for other in following.atoms:
            if other.stream == atom.stream and not other.is_absent:
                # what fits both goes to the later one, once there are enough
                fits = self.read(other.condition, other.name) or "true"
                enough = "count(%s) >= %d and " % (atom.name, atom.low) if atom.low else ""
                extra.append("not ((%s(%s)) ?? false)" % (enough, fits))
        text = path.text + arrow + self.step(atom, extra)
        if self.chain.is_sequence:
            counts = {(0, None): "*", (1, None): "+", (0, 1): "?"}
            count = counts.get((atom.low, atom.high)) or \
                "{%d,%s}" % (atom.low, "" if atom.high is None else atom.high)
            return Path(text + count + (" next greedy" if atom.high != 1 else ""))
        if not self.is_closed:
            return Path(text + "{%d,} greedy" % atom.low)
        if following is not self.chain.parts[-1] or not following.is_simple() or \
                not atom.low or following.is_every:
            raise Untranslated("every, then a repetition that would go on past its end")
        other = following.atoms[0]
        return Path(text + "{%d,} greedy -> not %s" % (atom.low, self.step(
            other, ["count(%s) >= %d" % (atom.name, atom.low)], name="")))

    def with_absence(self, part, path, is_last):
        absent = [atom for atom in part.atoms if atom.is_absent]
        other = next((atom for atom in part.atoms if not atom.is_absent), None)
        if path.wait is not None:
            raise Untranslated("an absence after an absence")
        lead = " %s " % self.arrow
        if other is None:
            if part.word == "and" and is_last and absent[0].time == absent[1].time:
                one, two = absent
                # the later of the two, both being as long
                return [Path(path.text + " -> " + self.waited_both(part.atoms, one.time),
                             True)]
            return self.only_absences(part, path, is_last)
        if part.word == "and" and absent[0].time is None:
            return [Path(path.text + lead + self.absent(absent[0], path) + lead +
                         self.step(other), before=other.name)]
        if path.before is None or self.chain.is_sequence and part.word == "and":
            raise Untranslated("a time and an event together, after a choice or in a sequence")
        time, begun = absent[0].time, path.before
        early = self.since(path, "<", time, begun)
        late = self.since(path, ">=", time, begun)
        gone = self.absent(absent[0], path, begun)
        before = "not " + self.step(other, [early], name="")
        if part.word == "and":
            out = [Path(path.text + " -> %s -> %s -> %s" % (
                gone, before, self.step(other, [late])), before=other.name)]
            if is_last and self.is_first_step(path):
                out.append(Path(path.text + " -> %s -> %s -> not %s" % (
                    gone, self.step(other, [early]), self.step(absent[0])), True,
                    within=time))
            elif is_last:
                raise Untranslated("a deadline counted from an event before the last")
            else:
                out.append(Path(path.text + " -> %s -> %s -> %s" % (
                    gone, self.step(other, [early]), gone), wait=time, before=begun))
                out[-1].is_from_before = True
            return out
        event = Path(path.text + lead + self.step(other, [early]), before=other.name)
        broken = Path(path.text + " -> %s -> %s%s%s -> %s" % (
            before, self.step(absent[0], [early], name="x"), " -> ", before,
            self.step(other, [late])), before=other.name)
        if is_last:
            silent = Path(path.text + " -> " + self.waited_both(part.atoms, time), True)
        else:
            silent = Path(path.text + " -> %s -> %s" % (before, gone), wait=time,
                          before=begun)
        return [event, silent] + ([] if self.chain.is_sequence else [broken])

    def only_absences(self, part, path, is_last):
        """`not X for T and not Y for T`; with `or` each is a way by itself, and the first
        of all is taken."""
        one, two = part.atoms
        if one.time != two.time or one.time is None:
            raise Untranslated("absences that last differently long")
        if part.word == "or":
            if any(other.is_every for other in self.chain.parts):
                raise Untranslated(BY_CLOCK)
            if self.chain.is_sequence and is_last:
                raise Untranslated("a choice of absences that one event breaks together")
            self.is_once = True
            return [self.lasting(atom, path, is_last) for atom in part.atoms]
        return [Path(path.text + " -> %s -> %s" % (
            self.absent(one, path, path.before or ""),
            self.absent(two, path, path.before or "")), wait=one.time, before=path.before)]

    def is_first_step(self, path):
        return path.text.count("->") + path.text.count("=>") == 1

    def grouped(self, part, path):
        """`every (…)` before something else, or in the middle."""
        if not part.is_every or part.group.within is not None or path.wait is not None or \
                self.chain.within is not None:
            raise Untranslated("a group with a time")
        inner = Path()
        for i, kid in enumerate(part.group.parts):
            last = i == len(part.group.parts) - 1
            if kid.is_every or any(atom.is_absent for atom in kid.atoms) or kid.group:
                raise Untranslated("every of a pattern with an absence or every")
            following = None if last else part.group.parts[i + 1]
            if last and kid.is_simple() and kid.atoms[0].is_counted():
                raise Untranslated("every of a pattern that ends with a repetition")
            if any(atom.is_counted() for atom in kid.atoms) or kid.word == "or":
                raise Untranslated("every of a repetition or a choice, before something else")
            inner = self.place(kid, inner, last, following)[0]
        text = inner.text.split(" ", 2)[2]
        return Path(path.text + " %s (%s)+" % (self.arrow, text))

    # The whole.

    def emits(self, path=None):
        """Columns; with a path, those of which it has the step."""
        found = re.search(r"\bselect (.*?)(?: having .*| group by .*)?\s*insert ",
                          self.case["epl"])
        if " having " in self.case["epl"] or " group by " in self.case["epl"]:
            raise Untranslated("having or group by")
        columns = []
        for item in found.group(1).split(","):
            tokens = [token.strip() for token in TOKEN.findall(item) if token.strip()]
            name = tokens[-1]
            if len(tokens) > 2 and tokens[-2] == "as":
                tokens = tokens[:-2]
            if "(" in tokens or "*" in tokens:
                raise Untranslated("a column that is an aggregate, or all columns")
            if len(tokens) == 3 and tokens[1] == "." and tokens[0] in self.atoms and \
                    self.atoms[tokens[0]].is_counted():
                columns.append("%s: collect(%s.%s)" % (name, tokens[0], tokens[2]))
                continue
            value = self.read(tokens)
            if "?? null" in value:
                continue  # never there
            if path and re.match(r"[\w(]+", value) and tokens[0] in self.atoms and \
                    not re.search(r"\b%s: " % tokens[0], path.text):
                if self.is_once:
                    columns.append("%s: null" % name)
                continue
            columns.append("%s: %s" % (name, value))
            if tokens[0] in self.atoms:
                self.types[name] = statement.TYPES[
                    self.case["types"][self.atoms[tokens[0]].stream][tokens[-1]]]
        return columns

    def keyed(self, uses_start):
        if not self.keys:
            return ""
        streams = list(dict.fromkeys(atom.stream for atom in self.chain.atoms()))
        if any(stream not in self.keys for stream in streams):
            raise Untranslated("a stream without a key in a partition")
        names = ["%s.%s" % (stream, self.keys[stream]) for stream in streams]
        if uses_start:
            names.append("start.key")
        if len(names) == 1:
            return "  by     %s\n" % self.keys[streams[0]]
        return "  by     %s\n" % " = ".join(names)

    def rule(self, name, path, prefix, uses_start):
        text = prefix + path.text
        columns = self.emits(path)
        ended = "due: nanos(match.end) + %d" % (
            self.times.after_below() + (1_000_000 if self.keys else 0)) if path.is_late \
            else "ended: nanos(match.end)"
        out = "sink m%s to file(\"m%s.jsonl\")\nrule %s {\n  match  %s\n" % (
            name[5:], name[5:], name, text)
        out += self.keyed(uses_start)
        limits = [time for time in (self.chain.within,) if time is not None]
        if path.within is not None:
            out += "  within %s\n" % self.times.below(path.within)
        elif limits:
            out += "  within %dms\n" % limits[0]
        return out + "  skip   %s\n  emit   m%s { %s }\n}\n" % (
            self.skip, name[5:], ", ".join(columns + [ended]))

    def paths(self, parts, path):
        out = [path]
        for i, part in enumerate(parts):
            last = i == len(parts) - 1
            following = None if last else parts[i + 1]
            grown = []
            for one in out:
                grown += self.place(part, one, last, following)
            out = grown
        return out

    def text(self):
        chain, first = self.chain, self.chain.parts[0]
        parts, prefix, uses_start, is_natural = chain.parts, "", False, False
        if first.is_every and len(parts) == 1 and first.group:
            inner = first.group
            self.check_group(inner)
            if inner.within is not None:
                chain.within = inner.within
            parts, self.skip, is_natural = inner.parts, "overlaps", True
        elif first.is_every and first.group:
            uses_start = True
        elif first.is_every:
            if any(atom.is_absent for atom in first.atoms):
                raise Untranslated(BY_CLOCK)
            is_natural = True
            self.every_first(first)
        elif first.is_simple() and not first.atoms[0].is_counted():
            prefix = "not %s -> " % self.step(first.atoms[0], name="")
            is_natural = True
            self.skip = "none" if any(part.is_every for part in parts) else "overlaps"
        else:
            uses_start, self.skip = True, "overlaps"
        if uses_start and chain.is_sequence:
            self.arrow = "=>"
        begin = Path()
        begin.before = "begin" if uses_start else None
        if uses_start and any(atom.is_absent for atom in first.atoms):
            return self.begin_with_absence(parts)
        paths = self.paths(parts, begin)
        if uses_start:
            prefix = "begin: start"
        elif is_natural:
            for path in paths:
                path.text = path.text.split(" ", 2)[2]
        return self.rules(paths, prefix, uses_start)

    def rules(self, paths, prefix, uses_start):
        if any(path.wait is not None for path in paths):
            raise Untranslated("a silence that ends the pattern from its beginning")
        rules = "".join(
            self.rule("found%d" % i if len(paths) > 1 else "found", path,
                      path.begin or prefix, uses_start) for i, path in enumerate(paths))
        if not self.is_once:
            return self.before + rules
        if self.keys:
            raise Untranslated("an absence first in a partition")
        names = [column.split(":")[0] for column in self.emits()]
        kind = "due" if paths[0].is_late else "ended"
        if any(path.is_late != paths[0].is_late for path in paths):
            raise Untranslated("the first of an event and a deadline")
        declared = "stream wide {\n  at time\n%s  %s int?\n}\n" % ("".join(
            "  %s %s\n" % (name, self.types.get(name, "int?")) for name in names), kind)
        return self.before + declared + re.sub(r"sink .*\n", "", re.sub(r"emit   m\d* {", "emit   wide { at: match.end,",
                                                        rules)) + \
            "sink m to file(\"m.jsonl\")\nrule once {\n  match  not wide -> f: wide\n" \
            "  emit   m { %s }\n}\n" % ", ".join(
                "%s: f.%s" % (name, name) for name in names + [kind])

    def every_first(self, first):
        if self.chain.is_sequence:
            last = self.chain.parts[-1]
            if last.is_simple():
                self.skip = "to last %s" % last.atoms[0].name
        elif first.is_simple() and first.atoms[0].is_counted():
            self.skip = "overlaps"
        elif first.word == "and":
            if len(self.chain.parts) > 1:
                raise Untranslated("every of a conjunction before something else")
            self.skip = "overlaps"
        if not self.chain.is_sequence and self.skip == "none" and any(
                atom.is_counted() for part in self.chain.parts[1:-1] for atom in part.atoms):
            self.is_closed = True

    def check_group(self, inner):
        first = inner.parts[0]
        for atom in inner.atoms():
            if atom.is_absent and not first.is_simple():
                raise Untranslated(BY_CLOCK)
            if atom.is_absent and atom.stream == first.atoms[0].stream:
                raise Untranslated("every of a pattern that what breaks it might begin")

    def begin_with_absence(self, parts):
        """`not X for T` first: an event that fits X begins the wait anew in a pattern and
        ends it in a sequence."""
        first = parts[0]
        absent = [atom for atom in first.atoms if atom.is_absent]
        if self.keys:
            raise Untranslated("an absence first in a partition")
        if any(part.is_every for part in parts):
            raise Untranslated("every after an absence")
        self.is_once = True
        self.arrow, arrow = "->", self.arrow
        either = first.word == "or" and len(absent) == 2
        ways = [[atom] for atom in absent] if either else [absent]
        out = []
        for atoms in ways:
            begin = Path(before="begin")
            begin.begin = "begin: start"
            again = [atom for atom in atoms if atom.time is not None]
            if again and arrow == "->":
                names = ["again%d" % i for i in range(len(again))]
                begin.before = " or ".join(["begin"] + names)
                begin.begin = "(begin: start or %s)" % " or ".join(
                    self.step(atom, name=name) for atom, name in zip(again, names))
            part = Part(atoms) if either else first
            following = parts[1] if len(parts) > 1 else None
            for path in self.place(part, begin, len(parts) == 1, following):
                path.begin = begin.begin
                out.append(path)
        grown = []
        for i, part in enumerate(parts[1:], 1):
            self.arrow = "->" if i == 1 and any(path.wait for path in out) else arrow
            grown = []
            for path in out:
                for way in self.place(part, path, i == len(parts) - 1,
                                      parts[i + 1] if i + 1 < len(parts) else None):
                    way.begin = path.begin
                    grown.append(way)
            out = grown
        return self.rules(out, "begin: start", True)


def partition_of(epl):
    found = re.search(r"partition with ?\((.*?)\) begin (.*?) ?end", epl)
    if not found:
        return {}
    keys = {}
    for item in found.group(1).split(","):
        parts = item.split()
        if len(parts) != 3 or parts[1] != "of":
            raise Untranslated("a partition by a range")
        keys[parts[2]] = parts[0]
    return keys


def translate(case):
    if case.get("setup"):
        raise Untranslated("another statement or a variable is needed")
    epl = case["epl"]
    if epl.count(" from ") + epl.startswith("from ") != 1 or "#window" in epl:
        raise Untranslated("windows, or several queries")
    keys = partition_of(epl)
    found = re.search(r"\bfrom (.*?)\s*\bselect ", re.sub(r"\]\s*select ", "] select ", epl))
    chain = Parser(found.group(1)).query()
    names = [atom.name for atom in chain.atoms() if atom.name]
    if len(names) != len(set(names)):
        raise Untranslated("one name for two events")
    if any(atom.name is None and not atom.is_absent for atom in chain.atoms()):
        for i, atom in enumerate(chain.atoms()):
            if atom.name is None and not atom.is_absent:
                atom.name = "u%d" % i
    translation = Translation(case, chain, keys)
    rules = translation.text()
    starts = None
    if keys and "start.key" in rules:
        field = next(iter(keys.items()))
        values = list(dict.fromkeys(event["attrs"][keys[event["type"]]]
                                    for event in case["events"] if event["type"] in keys))
        starts = (statement.TYPES[case["types"][field[0]][field[1]]], values)
    files = statement.files_of(case, translation.times, rules, starts)
    return statement.Job(files, statement.expected_of(case, translation.times, True), True)
