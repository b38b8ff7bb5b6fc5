"""Cases of Esper's patterns as Weir rules: the corpus esper_patterns.jsonl.

A pattern of Esper begins when its statement does. That is an event here, `start`; where
the beginning does not matter, because every first event begins a match, the rule does
without it. What can end in several ways that no one pattern says becomes several rules
that emit the same stream.
"""

import re

import statement
from esper_ways import begin, fire, is_never, pending, subsets_of, unrolled
from esper_words import (INVALID, TOKEN, Node, Parser, core_of, excludes, expression,
                         is_finite)
from statement import Untranslated

MANY_TIMES = "every of a pattern that does not end: the same match several times"
RESTARTS = "every of a pattern with a time: a clock begins it anew"


class Place:
    """Where an element stands: the arrow before it, what must not come before it, how
    long after the event before it at most and at least."""

    def __init__(self, arrow="->", nots=(), most=None, least=None, before=None,
                 limits=()):
        self.arrow = arrow
        self.limits = tuple(limits)  # times after a step
        self.before = before  # the step before it, if it is known
        self.nots = tuple(nots)
        self.most = most
        self.least = least

    def but(self, **changes):
        out = Place(self.arrow, self.nots, self.most, self.least, self.before,
                    self.limits)
        for name, value in changes.items():
            setattr(out, name, value)
        return out


class Path:
    """One way through an element: its text, the tags that are set, those of them in a
    loop, and whether it ends at a deadline."""

    def __init__(self, text="", tags=(), looped=(), is_late=False, wait=None, where=None,
                 within=None, alias=()):
        self.text = text
        self.tags = list(tags)
        self.looped = dict(looped)  # events of a repetition by tag
        self.is_late = is_late
        self.wait = wait  # time until the next element may come
        self.where = where  # holds at its end
        self.within = within  # of the whole
        self.count = None  # events of a repetition
        self.alias = dict(alias)  # a step by another tag that the same event has

    def then(self, other):
        return Path(self.text + other.text, self.tags + other.tags,
                    {**self.looped, **other.looped}, other.is_late, other.wait,
                    other.where or self.where, other.within,
                    {**self.alias, **other.alias})


class Translation:
    def __init__(self, case, skip="none"):
        self.case = case
        self.skip = skip
        self.times = statement.Times(case)
        self.is_first = True  # whether nothing but `start` stands before
        self.from_end = {}  # events of a repetition in a loop, by tag

    # What stands before an element.

    def lead(self, place):
        return "".join(" -> not %s" % text for text in place.nots) + " %s " % place.arrow

    def read(self, tokens, own=None):
        """An expression; of a repetition in a loop the last events are meant."""
        text = expression(tokens, own)
        for tag, count in self.from_end.items():
            text = re.sub(r"\b%s\[(\d+)\]" % tag, lambda found, of=(tag, count): "%s[%d]"
                          % (of[0], int(found.group(1)) - of[1]), text)
        return text

    def step(self, atom, place, extra=(), name=None):
        terms = [self.read(atom.condition, atom.tag)] if atom.condition else []
        if len(terms) == 1 and (place.least is not None or place.limits or extra):
            terms = ["(%s)" % terms[0]]
        if place.least is not None:
            terms.append("at - prev.at >= %s" % self.times.from_on(place.least))
        terms += extra
        terms += ["at - %s.at < %s" % (name, self.times.from_on(time))
                  for name, time in place.limits]
        name = atom.tag if name is None else name
        return "%s%s%s%s" % (
            name + ": " if name else "", atom.type,
            "(%s)" % " and ".join(terms) if terms else "",
            " within %s of previous" % self.times.below(place.most + (place.least or 0))
            if place.most is not None else "")

    def negated(self, node):
        if node.kind != "atom":
            raise Untranslated("not of a pattern")
        return self.step(node, Place(), name="")

    # Elements. Each gives the ways through it.

    def place(self, node, place, is_last):
        if node.kind == "within" and node.count is not None:
            return self.counted(node, place)
        node, time = core_of(node)
        if time is not None:
            place = place.but(most=time if place.most is None else min(time, place.most))
        if place.most is not None and place.most <= 0:
            raise Untranslated("a time of zero")
        return getattr(self, node.kind)(node, place, is_last)

    def counted(self, node, place):
        """`withinmax`: the first so many."""
        inner, count = core_of(node.kids[0])[0], node.count
        if inner.kind == "atom" and count:
            return self.place(Node("within", [inner], time=node.time), place, False)
        if inner.kind != "every" or inner.kids[0].kind != "atom" or not count or \
                place.least is not None or place.nots or not place.before:
            raise Untranslated("timer:withinmax with no matches, or of a pattern")
        atom = inner.kids[0]
        path = Path(self.lead(place) + self.step(atom, Place(), [
            "at - %s.at < %s" % (place.before, self.times.from_on(node.time))]) +
            "{1,%d}" % count, [atom.tag], {atom.tag: 1})
        return [path]

    def atom(self, node, place, _):
        return [Path(self.lead(place) + self.step(node, place),
                     [node.tag] if node.tag else [])]

    def seq(self, node, place, is_last):
        if place.most is not None:
            if place.before is None:
                raise Untranslated("within over a sequence after a choice")
            place = place.but(most=None,
                              limits=place.limits + ((place.before, place.most),))
        paths = [Path()]
        for i, kid in enumerate(node.kids):
            last = is_last and i == len(node.kids) - 1
            grown = []
            self.is_first = self.is_first and i == 0
            for path in paths:
                if path.is_late:
                    raise Untranslated("a deadline in the middle of a pattern")
                here = place.but(least=path.wait if i else place.least,
                                 before=self.step_before(node, i, place))
                grown += [path.then(way) for way in self.place(kid, here, last)]
            paths = grown
        return paths

    def step_before(self, node, i, place):
        """The name of what the i-th kid comes after, if it is one event."""
        if not i:
            return place.before
        kid = core_of(node.kids[i - 1])[0]
        if kid.kind == "every":
            kid = core_of(kid.kids[0])[0]
        return kid.tag if kid.kind == "atom" else None

    def every(self, node, place, is_last):
        inner, time = core_of(node.kids[0])
        if inner.kind == "every":
            raise Untranslated(MANY_TIMES)
        if inner.kind == "atom" or (inner.kind == "or" and self.is_plain(inner)):
            # it begins anew at once, whatever its time
            return self.place(inner, place.but(arrow="->>"), is_last)
        if inner.kind == "and":
            self.check_absences(inner)
        if inner.kind == "and" and sum(kid.kind != "not" for kid in inner.kids) == 1:
            atom = next(kid for kid in inner.kids if kid.kind != "not")
            if atom.kind == "atom" and all(kid.kids[0].kind == "atom" for kid in inner.kids
                                           if kid.kind == "not"):
                # it begins anew at once when the absence is broken, too
                return self.place(self.without(atom, inner), place.but(arrow="->>"), is_last)
        if time is not None or any(kid.kind == "within" for kid in inner.walk()):
            raise Untranslated(RESTARTS)
        if any(kid.kind == "every" for kid in inner.walk()):
            raise Untranslated(MANY_TIMES)
        if any(kid.kind == "not" for kid in inner.walk()):
            raise Untranslated("every of a pattern with an absence: begins anew if broken")
        if place.most is not None or place.least is not None or place.arrow == "->>":
            raise Untranslated("a time over the repetitions of a pattern")
        if not is_last:
            raise Untranslated("every of a pattern before something else")
        out = []
        for path in self.place(inner, Place(nots=place.nots), False):
            if path.is_late or path.wait is not None or path.where:
                raise Untranslated("a deadline in the middle of a pattern")
            if path.text.startswith(" -> not"):
                raise Untranslated("every of a pattern that begins with an absence")
            if inner.kind not in ("repeat", "seq", "and"):
                raise Untranslated("every of a repetition")
            if any(part.kind in ("repeat", "until", "or") for part in inner.walk()
                   if part is not inner):
                raise Untranslated("every of a repetition")
            repeat = {tag: path.count or 1 for tag in path.tags}
            self.from_end.update({tag: n for tag, n in repeat.items() if n > 1})
            if inner.kind == "or":
                raise Untranslated("every of a choice of patterns")
            out.append(Path(" -> (%s)+" % path.text[4:], path.tags, repeat,
                            alias=path.alias))
        if len(out) != 1:
            raise Untranslated("every of a pattern that ends in several ways")
        return out

    def guarded(self, node, place, is_last):
        """`while`: the first event for which it is false ends all."""
        inner = node.kids[0]
        atom = inner.kids[0] if inner.kind == "every" else inner
        if atom.kind != "atom" or place.arrow == "->>":
            raise Untranslated("while over a pattern")
        end = self.step(atom, Place(), ["not (%s)" % self.read(node.condition, atom.tag)],
                        name="")
        atom = Node("atom", tag=atom.tag, type=atom.type, condition=atom.condition + (
            ["and"] if atom.condition else []) + ["("] + node.condition + [")"])
        inner = Node("every", [atom]) if inner.kind == "every" else atom
        return self.place(inner, place.but(nots=place.nots + (end,)), is_last)

    def is_plain(self, node):
        """Atoms of different types, so that no event fits two."""
        atoms = [core_of(kid)[0] for kid in node.kids]
        return all(kid.kind == "atom" for kid in atoms) and \
            len({kid.type for kid in atoms}) == len(atoms) == \
            len({kid.tag or id(kid) for kid in atoms})

    def either_text(self, node, word, place):
        items, tags = [], []
        for kid in node.kids:
            kid, time = core_of(kid)
            most = [t for t in (time, place.most) if t is not None]
            if most and word == "and":
                if place.before is None:
                    raise Untranslated("within of one side of an and")
                here = place.but(most=None, limits=place.limits + (
                    (place.before, min(most)),))
            else:
                here = place.but(most=min(most) if most else None)
            items.append(self.step(kid, here))
            tags += [kid.tag] if kid.tag else []
        return Path(self.lead(place) + "(%s)" % (" %s " % word).join(items), tags)

    def or_(self, node, place, is_last):
        if any(kid.kind == "interval" for kid in node.kids):
            return self.or_interval(node, place, is_last)
        if all(kid.kind == "every" and core_of(kid.kids[0])[0].kind == "atom"
               for kid in node.kids):
            node = Node("or", [kid.kids[0] for kid in node.kids])
            place = place.but(arrow="->>")
        if self.is_plain(node):
            return [self.either_text(node, "or", place)]
        if len(node.kids) == 2 and node.kids[0].kind == "atom" and \
                node.kids[1].kind == "every":
            once, other = node.kids[0], core_of(node.kids[1].kids[0])[0]
            if other.kind == "atom" and other.type != once.type:
                never = place.but(nots=place.nots + (self.negated(once),), arrow="->>")
                return self.atom(once, place, False) + self.atom(other, never, False)
        return self.ways(node, place)

    def or_interval(self, node, place, is_last):
        others = [kid for kid in node.kids if kid.kind != "interval"]
        time = min(kid.time for kid in node.kids if kid.kind == "interval")
        if len(others) != 1 or others[0].kind != "atom" or not is_last or place.nots or \
                place.most is not None or place.least is not None:
            raise Untranslated("a choice between patterns and a time")
        return self.atom(others[0], place.but(most=time), False) + \
            [Path(" -> not %s" %
                  self.step(others[0], Place(most=time), name=""), is_late=True)]

    def and_(self, node, place, is_last):
        self.check_absences(node)
        nots = [self.negated(kid.kids[0]) for kid in node.kids if kid.kind == "not"]
        times = [kid.time for kid in node.kids if kid.kind == "interval"]
        rest = [kid for kid in node.kids if kid.kind not in ("not", "interval")]
        if times and not rest:
            return self.silence(node, nots, max(times), place, is_last)
        if times:
            return self.later(rest, nots, max(times), place, is_last)
        if nots and self.share_a_type(node):
            one = rest[0] if len(rest) == 1 else node
            atom = core_of(one.kids[0])[0] if one.kind == "every" else one
            if atom.kind != "atom" or one.kind == "atom":
                return self.ways(node, place)
            here = place.but(arrow="->>", nots=place.nots + tuple(nots))
            return self.atom(self.without(atom, node), here, False)
        if nots and len(rest) == 1:
            return self.place(rest[0], place.but(nots=place.nots + tuple(nots)), is_last)
        if nots and not rest:
            raise Untranslated("and of absences without an event")
        if not nots and self.is_plain(node):
            return [self.either_text(node, "and", place)]
        if any(core_of(kid)[0].kind == "every" for kid in rest):
            return self.every_pair(rest, nots, place)
        return self.ways(node, place)

    def check_absences(self, node):
        """Of an event that fits what must and what must not come Esper takes the one or
        the other first; the cases agree only where the absence has a condition."""
        positive = {part.type for kid in node.kids if kid.kind != "not"
                    for part in kid.walk() if part.kind == "atom"}
        if any(kid.kind == "not" and kid.kids[0].type in positive and
               not kid.kids[0].condition for kid in node.kids):
            raise Untranslated("an absence of what has to come")

    def without(self, atom, node):
        """The atom, but for events that must not come."""
        condition = list(atom.condition)
        for kid in node.kids:
            if kid.kind == "not" and kid.kids[0].type == atom.type:
                absent = kid.kids[0].condition
                condition += (["and"] if condition else []) + \
                    ["not", "(", "("] + absent + [")", "??", "false", ")"]
        return Node("atom", tag=atom.tag, type=atom.type, condition=condition)

    def share_a_type(self, node):
        """Whether one event may fit what must and what must not come."""
        absent = {kid.kids[0].type for kid in node.kids if kid.kind == "not"}
        return any(part.kind == "atom" and part.type in absent
                   for kid in node.kids if kid.kind != "not" for part in kid.walk())

    def later(self, rest, nots, time, place, is_last):
        """At the later of an event and a time, counted from the beginning."""
        if len(rest) != 1 or rest[0].kind != "atom" or nots or place.nots or not is_last or \
                place.most is not None or place.least is not None or not self.is_first:
            raise Untranslated("and with a time: the later of an event and a clock")
        early = self.step(rest[0], Place(), ["at - prev.at < %s" % self.times.from_on(time)],
                          name="")
        late = self.atom(rest[0], Place(nots=[early], least=time), False)
        return late + [self.atom(rest[0], Place(), False)[0].then(
            Path(" -> not start", is_late=True, within=time))]

    def silence(self, node, nots, time, place, is_last):
        if place.most is not None or place.least is not None or len(nots) > 1:
            raise Untranslated("several absences with a time")
        if time <= 0:
            raise Untranslated("a time of zero")
        if not nots:
            raise Untranslated("several times together")
        if place.nots:
            raise Untranslated("several absences with a time")
        if is_last:
            kid = next(kid for kid in node.kids if kid.kind == "not").kids[0]
            step = self.step(kid, Place(most=time), name="")
            return [Path(" -> not " + step, is_late=True)]
        kid = next(kid for kid in node.kids if kid.kind == "not").kids[0]
        early = ["at - prev.at < %s" % self.times.from_on(time)]
        return [Path(" -> not " + self.step(kid, Place(), early, name=""), wait=time)]

    def interval(self, node, place, is_last):
        if place.most is not None:
            raise Untranslated("within of a time")
        if not is_last:
            if place.nots:
                raise Untranslated("a time in the middle with an absence")
            return [Path(wait=node.time + (place.least or 0))]
        if place.least is not None or place.nots or node.time <= 0:
            raise Untranslated("two times in a row, or a time of zero")
        return [Path(" -> not start within %s of previous" % self.times.below(node.time),
                     is_late=True)]

    def every_pair(self, kids, nots, place):
        """Both in either order, each match of one with each of the other."""
        atoms, limits = [], []
        for kid in kids:
            kid, time = core_of(kid)
            if time is not None:  # ends the whole
                limits.append((place.before, time))
            is_every = kid.kind == "every"
            atoms.append((core_of(kid.kids[0]) if is_every else (kid, None), is_every))
            if not is_every and time is not None:
                raise Untranslated("within of one side of an and")
        place = place.but(limits=place.limits + tuple(limits))
        if len(atoms) != 2 or any(atom.kind != "atom" for (atom, _), _ in atoms) or \
                atoms[0][0][0].type == atoms[1][0][0].type or \
                limits and place.before is None:
            raise Untranslated("and of patterns that begin anew")
        if place.most is not None or place.least is not None or place.arrow == "->>":
            raise Untranslated("a time over both sides of an and")
        out = []
        for i in (0, 1):
            ((one, _), one_every), ((two, _), two_every) = atoms[i], atoms[1 - i]
            before = nots + ([] if two_every else [self.negated(two)])
            first = place.but(nots=place.nots + tuple(before),
                              arrow="->>" if one_every else "->")
            second = place.but(nots=place.nots + tuple(nots),
                               arrow="->>" if two_every else "->")
            out.append(self.atom(one, first, False)[0].then(
                self.atom(two, second, False)[0]))
        return out

    def repeat(self, node, place, _):
        if node.low != node.high:
            raise Untranslated("a range without until")
        inner = core_of(node.kids[0])[0]
        if place.most is not None or place.least is not None or place.nots or \
                node.kids[0].kind == "within":
            raise Untranslated("a time or an absence over a repetition")
        if inner.kind == "or" and self.is_plain(inner):
            path = self.either_text(inner, "or", place)
        elif inner.kind == "atom":
            path = self.atom(inner, place, False)[0]
        else:
            raise Untranslated("a repetition of a pattern")
        path.text += "{%d}" % node.low
        path.count = node.low if inner.kind == "atom" else None
        return [path]

    def until(self, node, place, is_last):
        items, end = node.kids
        if end.kind == "atom":
            ends = [end]
        elif end.kind == "or" and self.is_plain(end):
            ends = end.kids
        else:
            raise Untranslated("until of a pattern or a time")
        if items.kind == "atom":
            items = Node("or", [items])
        if items.kind != "or" or not self.is_plain(items):
            raise Untranslated("a repetition of a pattern")
        if place.most is not None or place.least is not None or place.nots or \
                place.arrow == "->>":
            raise Untranslated("until with a time or an absence")
        if node.low and node.low == node.high:
            return self.exactly(items.kids[0], ends, node.low, place)
        steps, tags = [], []
        for item in items.kids:
            # an event that fits both is the end
            both = [one for one in ends if one.type == item.type]
            if any(not one.condition for one in both):
                raise Untranslated("a repetition that nothing fits")
            steps.append(self.step(item, place, [
                "not ((%s) ?? false)" % self.read(one.condition, one.tag) for one in both]))
            tags += [item.tag] if item.tag else []
        if len(steps) > 1 and (node.low or node.high is not None):
            raise Untranslated("a range over a choice")
        if not is_last or self.skip == "none":
            raise Untranslated("until in a pattern that goes on: so would the repetition")
        last = [self.step(one, place) for one in ends]
        text = " -> %s* greedy -> %s" % (
            "(%s)" % " or ".join(steps) if len(steps) > 1 else steps[0],
            "(%s)" % " or ".join(last) if len(last) > 1 else last[0])
        where = "count(%s) >= %d" % (tags[0], node.low) if node.low else None
        return [Path(text, tags + [one.tag for one in ends if one.tag],
                     {} if node.high is None else {tags[0]: -node.high}, where=where)]

    def exactly(self, item, ends, count, place):
        """So many before the end, which is then not waited for."""
        nots, text = [self.negated(one) for one in ends], ""
        if any(one.type == item.type for one in ends):
            raise Untranslated("an end that fits the repetition")
        for i in range(count):
            text += self.lead(place.but(nots=nots)) + self.step(
                item, place, name="%s__%d" % (item.tag, i))
        return [Path(text, ["%s__%d" % (item.tag, i) for i in range(count)])]

    # Patterns of single events, joined in every way, as all ways through them.

    def ways(self, node, place):
        node = unrolled(node)
        if not is_finite(node) or place.most is not None or place.least is not None or \
                place.arrow == "->>":
            raise Untranslated("a choice or conjunction of patterns that begin anew")
        out = []
        self.grow(begin(node), Path(), place, 0, out)
        if len(out) > 64:
            raise Untranslated("more than 64 ways")
        return out

    def grow(self, state, path, place, depth, out):
        waiting = [atom for atom in pending(state)]
        for fired in subsets_of(waiting):
            others = [atom for atom in waiting if atom not in fired]
            if is_never(fired, others):
                continue
            name = next((atom.tag for atom in fired if atom.tag), None)
            if name in path.tags:
                raise Untranslated("one name for two events")
            extra = ["(%s)" % self.read(atom.condition, atom.tag) for atom in fired[1:]
                     if atom.condition and atom.condition != fired[0].condition]
            alias = {atom.tag: name for atom in fired if atom.tag and atom.tag != name}
            for atom in others:
                if atom.type == fired[0].type:
                    extra.append("not ((%s) ?? false)"
                                 % self.read(atom.condition, atom.tag))
            following, done = fire(state, fired)
            if following is None and not done:
                continue  # an absence is broken
            texts = [self.negated(atom) for atom in others] + self.fewer(fired)
            here = place.but(nots=place.nots + tuple(dict.fromkeys(texts)))
            step = Path(self.lead(here) + self.step(fired[0], Place(), extra, name or ""),
                        [name] if name else [], alias=alias)
            grown = path.then(step)
            if done:
                grown.tags = [tag for tag in grown.tags + list(grown.alias) if tag in done]
                out.append(grown)
            else:
                self.grow(following, grown, place, depth + 1, out)

    def fewer(self, fired):
        """Steps that an event fits which fits some of these, and not all."""
        whole = " and ".join(dict.fromkeys("(%s)" % self.read(atom.condition, atom.tag)
                                           for atom in fired if atom.condition))
        out = []
        for atom in fired:
            own = "(%s)" % self.read(atom.condition, atom.tag) if atom.condition else ""
            if own != whole:
                out.append("%s(%s%snot ((%s) ?? false))" % (
                    atom.type, own, " and " if own else "", whole))
        return out

    # The whole.

    def columns(self, path):
        match = next((row for row in self.case["expected"]), {})
        if "row" in match:
            return self.selected(path)
        columns = []
        for tag in path.tags:
            count = path.looped.get(tag)
            if count is None:
                columns.append("%s: collect(%s.idx)" % (tag, path.alias.get(tag, tag)))
            else:  # the first so many, or the last
                columns += ["%s__%d: %s[%d].idx" % (
                    tag, i, path.alias.get(tag, tag), i if count < 0 else i - count)
                            for i in range(abs(count))]
        return columns

    def selected(self, path):
        text = re.match(r"\s*select (.*?) from pattern", self.case["epl"]).group(1)
        columns = []
        for item in text.split(","):
            parts = re.fullmatch(r"\s*(\S+) as (\w+)\s*", item) or \
                re.fullmatch(r"\s*((?:\w+)(?:\[\d+\])?\.(\w+))\s*", item)
            if not parts:
                raise Untranslated("a column that is a whole event or an expression")
            value = self.read(TOKEN.findall(parts.group(1)))
            names = re.findall(r"^(\w+)(?:\[|\.)", value)
            if not names:
                raise Untranslated("a column that is a whole event or an expression")
            name = parts.group(2) if " as " in item else value.replace("[", "__").replace(
                "].", "__").replace(".", "__")
            if names[0] in path.tags:
                columns.append("%s: %s" % (name, value))
            elif names[0] in path.alias:
                raise Untranslated("one event in two places of a match")
        return columns

    def fresh(self, root):
        """`every-distinct` first: the first event of each key is an event of its own."""
        first = root.kids[0]
        if first.kind != "distinct" or first.kids[0].kind != "atom" or \
                not first.kids[0].tag:
            return ""
        atom, fields = first.kids[0], self.case["types"][first.kids[0].type]
        step = self.step(Node("atom", type=atom.type, tag=atom.tag,
                              condition=atom.condition), Place(), name="")
        keys = [expression(key, atom.tag) for key in first.condition]
        root.kids[0] = Node("every", [Node("atom", tag=atom.tag, type="fresh",
                                           condition=[])])
        return "rule fresh {\n  match  not %s -> x: %s\n  by     %s\n" \
            "  emit   fresh { %s }\n}\n" % (step, step, ", ".join(keys), ", ".join(
                "%s: x.%s" % (name, name) for name in ["at", "idx"] + list(fields)))

    def distinct_end(self, root):
        """`every-distinct` last: the first of each key for what came before it."""
        last = root.kids[-1]
        if last.kind != "distinct" or last.kids[0].kind != "atom":
            return None
        parts = [part for kid in root.kids[:-1] for part in kid.walk()]
        if any(part.kind == "atom" and not part.tag for part in parts) or \
                any(part.kind == "or" for part in parts):
            raise Untranslated("every-distinct after an event without a name")
        tags = [part.tag for part in parts if part.tag]
        root.kids[-1] = Node("every", last.kids)
        return [[tag, ".", "idx"] for tag in tags] + last.condition

    def distinct(self, paths, keys):
        """The first of each key."""
        names = [column.split(":")[0] for column in self.columns(paths[0])]
        return "sink m to file(\"m.jsonl\")\nrule new {\n  match  not wide -> f: wide\n" \
            "  by     %s\n  emit   m { %s, ended: f.ended }\n}\n" % (
                ", ".join("k%d" % i for i in range(len(keys))),
                ", ".join("%s: f.%s" % (name, name) for name in names))

    def rule(self, name, path, is_natural, keys=None):
        text = path.text
        for tag, step in path.alias.items():
            text = re.sub(r"\b%s(?=[.\[])" % tag, step, text)
        begins = re.match(r" (->>?) (?!not)", text)
        if is_natural and begins:
            text = text[begins.end():]
        else:
            text = ("begin: start" if "begin.at" in text else "start") + text
        columns = self.columns(path)
        ended = "ended: nanos(match.end)"
        if path.is_late:
            ended = "due: nanos(match.end) + %d" % self.times.after_below()
        stream = "m" + name[5:] if path.where is None else "wide"
        more = []
        if keys:
            if path.where or path.is_late:
                raise Untranslated("every-distinct of such a pattern")
            stream, name = "wide", "all"
            more = ["k%d: %s" % (i, self.read(key)) for i, key in enumerate(keys)]
        if path.where:
            more = ["n: " + path.where.split(" >=")[0]]
        if path.within is not None:
            text += "\n  within " + self.times.below(path.within)
        out = "" if keys else "sink m%s to file(\"m%s.jsonl\")\n" % (name[5:], name[5:])
        out += "rule %s {\n  match  %s\n  skip   %s\n  emit   %s { %s }\n}\n" % (
            name, text, self.skip, stream, ", ".join(columns + more + [ended]))
        if path.where:  # counted when it has ended
            names = [column.split(":")[0] for column in columns]
            out += "rule enough {\n  from   wide where n >= %s\n  emit   m { %s }\n}\n" % (
                path.where.split(">= ")[1], ", ".join(names + ["ended"]))
        return out

    def text(self, root):
        is_late = self.times.deploys_late
        keys, before = None, ""
        if root.kind == "distinct":
            keys, root = root.condition, Node("every", root.kids)
        elif root.kind == "seq" and not is_late:
            before = self.fresh(root)
            keys = self.distinct_end(root)
        if any(part.kind == "distinct" for part in root.walk()):
            raise Untranslated("every-distinct within a pattern")
        is_natural = False
        first = root.kids[0] if root.kind == "seq" else root
        if first.kind == "every" and not is_late:
            inner = core_of(first.kids[0])[0]
            is_natural = inner.kind in ("atom", "or")
        if root.kind == "every" and not is_late and self.is_one_at_a_time(root.kids[0]):
            root, self.skip, is_natural = root.kids[0], "overlaps", True
        if root.kind == "until" and self.skip == "none":
            self.skip = "overlaps"
        paths = self.place(root, Place(before="begin"), True)
        if is_natural and self.skip == "overlaps" and (
                len(paths) != 1 or paths[0].text.startswith(" -> not")):
            raise Untranslated("every of a pattern that ends in several ways")
        if keys:
            if len(paths) > 1:
                raise Untranslated("every-distinct of a pattern that ends in several ways")
            return before + self.rule("found", paths[0], is_natural, keys) + \
                self.distinct(paths, keys)
        return before + "".join(
            self.rule("found%d" % i if len(paths) > 1 else "found", path, is_natural)
            for i, path in enumerate(paths))

    def is_one_at_a_time(self, node):
        """Whether `every (node)` is `skip overlaps`: of several that are under way the
        one that began first is never overtaken."""
        if node.kind not in ("seq", "and", "repeat", "until"):
            return False
        parts = list(node.walk())
        if any(part.kind in ("every", "within", "or") for part in parts) or \
                node.kind == "seq" and node.kids[0].kind == "interval":
            return False
        absent = [part.kids[0] for part in parts if part.kind == "not"]
        if absent and (node.kind != "seq" or node.kids[0].kind != "atom" or not all(
                kid.kind == "atom" and excludes(kid, node.kids[0]) for kid in absent)):
            return False  # what breaks it might begin it
        tags = {part.tag for part in parts if part.tag}
        return not any(tags & set(part.condition) for part in parts
                       if part.kind == "atom")


setattr(Translation, "while", Translation.guarded)
setattr(Translation, "or", Translation.or_)
setattr(Translation, "and", Translation.and_)


def not_here(self, node, place, is_last):
    raise Untranslated("not that is true when it begins, outside of an and")


setattr(Translation, "not", not_here)


def translate(case):
    if case.get("setup"):
        raise Untranslated("another statement or a variable is needed")
    epl, skip = case["epl"], "none"
    if "@DiscardPartialsOnMatch @SuppressOverlappingMatches" in epl:
        epl, skip = re.sub(r"@\w+ ", "", epl), "used"
    for word, reason in INVALID.items():
        if word in TOKEN.findall(epl):
            raise Untranslated(reason)
    if case["clock_mode"] == "jump":
        raise Untranslated("a clock that jumps over its own deadlines")
    if re.search(r"\(\s*select\b", epl):
        raise Untranslated("a query inside a condition")
    found = re.fullmatch(r"\s*select .*? from pattern ?\[(.*)\](.*)", epl)
    if not found or found.group(2).strip() and "order by" not in found.group(2):
        raise Untranslated("a condition over the match")
    parser = Parser(found.group(1))
    root = parser.pattern()
    if parser.peek().strip():
        raise Untranslated("not understood: %r" % parser.peek())
    tags = [node.tag for node in root.walk() if node.tag]
    if len(tags) != len(set(tags)) and not is_finite(root):
        raise Untranslated("one name for two events")
    translation = Translation(case, skip)
    rules = translation.text(root)
    return statement.Job(statement.files_of(case, translation.times, rules),
                         statement.expected_of(case, translation.times))
