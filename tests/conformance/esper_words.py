"""Esper's patterns read: tokens, expressions, and a tree of operators by Esper's precedence."""

import operator
import re

from statement import Untranslated

TOKEN = re.compile(r"""\s*('[^']*'|"[^"]*"|every-distinct\b|timer:\w+|[A-Za-z_]\w*
                       |\d+\.?\d*(?:[eE]-?\d+)?[LlFfDd]?|->|-\[|\]>|!=|<>|<=|>=|.)""", re.X)
COMPARE = {"==": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le,
           ">": operator.gt, ">=": operator.ge}
UNITS = {"milliseconds": 1, "millisecond": 1, "msec": 1, "seconds": 1000, "second": 1000,
         "sec": 1000, "minutes": 60_000, "minute": 60_000, "min": 60_000,
         "hours": 3_600_000, "hour": 3_600_000, "days": 86_400_000, "day": 86_400_000}
INVALID = {"-[": "-[n]>: a bound on the partial matches that drops the newer ones",
           "@": "@consume, @DiscardPartialsOnMatch or @SuppressOverlappingMatches",
           "timer:at": "timer:at: a calendar", "timer:schedule": "timer:schedule: a calendar"}


class Node:
    """kind: atom, seq, every, and, or, not, repeat, until, interval, within, while"""

    def __init__(self, kind, kids=(), **facts):
        self.kind = kind
        self.kids = list(kids)
        self.tag = self.type = self.condition = self.time = None
        self.low = self.high = self.count = None
        for name, value in facts.items():
            setattr(self, name, value)

    def walk(self):
        yield self
        for kid in self.kids:
            yield from kid.walk()


class Parser:
    """By Esper's precedence; from the loosest: ->, or, and, repeat, every and not, where."""

    def __init__(self, text):
        self.tokens = TOKEN.findall(text)
        self.at = 0

    def peek(self):
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def take(self, wanted=None):
        token = self.peek()
        if token in INVALID:
            raise Untranslated(INVALID[token])
        if not token or (wanted and token != wanted):
            raise Untranslated("not understood: %r before %r" % (wanted, token))
        self.at += 1
        return token

    def skip(self, wanted):
        if self.peek() in INVALID:
            raise Untranslated(INVALID[self.peek()])
        if self.peek() != wanted:
            return False
        self.at += 1
        return True

    def inside(self, closing):
        """Tokens to the closing bracket that fits, which is taken too."""
        out, depth = [], 0
        while depth or self.peek() != closing:
            token = self.take()
            depth += (token in "([") - (token in ")]")
            out.append(token)
        self.take()
        return out

    def several(self, word, kind, of):
        kids = [of()]
        while self.skip(word):
            kids.append(of())
        return kids[0] if len(kids) == 1 else Node(kind, kids)

    def pattern(self):
        return self.several("->", "seq", self.either)

    def either(self):
        return self.several("or", "or", self.both)

    def both(self):
        return self.several("and", "and", self.repeated)

    def repeated(self):
        low = high = None
        has_range = self.skip("[")
        if has_range:
            text = "".join(self.inside("]"))
            if not re.fullmatch(r"\d*:?\d*", text):
                raise Untranslated("a repetition whose count is an expression")
            low, _, high = text.partition(":")
            high = high if ":" in text else low
        node = self.unary()
        if self.skip("until"):
            return Node("until", [node, self.unary()], low=int(low or 0),
                        high=int(high) if high else None)
        if not has_range:
            return node
        return Node("repeat", [node], low=int(low), high=int(high or 0))

    def unary(self):
        if self.skip("every"):
            return Node("every", [self.repeated() if self.peek() == "[" else self.unary()])
        if self.skip("not"):
            return Node("not", [self.unary()])
        if self.skip("every-distinct"):
            self.take("(")
            keys = split(self.inside(")"))
            if any(key[-1] in UNITS for key in keys):
                raise Untranslated("every-distinct with a time: seen in the last so long")
            inner = self.repeated() if self.peek() == "[" else self.unary()
            return Node("distinct", [inner], condition=keys)
        node = self.primary()
        while self.peek() in ("where", "while"):
            node = self.guard(node)
        return node

    def guard(self, node):
        if self.skip("while"):
            self.take("(")
            return Node("while", [node], condition=self.inside(")"))
        self.take("where")
        name = self.take()
        if name not in ("timer:within", "timer:withinmax"):
            raise Untranslated("not understood: %r" % name)
        self.take("(")
        time, count = self.inside(")"), None
        if "," in time:
            time, count = time[:time.index(",")], int(time[time.index(",") + 1])
        return Node("within", [node], time=milliseconds(time), count=count)

    def primary(self):
        if self.skip("("):
            node = self.pattern()
            self.take(")")
            return node
        if self.peek() == "timer:interval":
            self.take()
            self.take("(")
            return Node("interval", time=milliseconds(self.inside(")")))
        name, tag = self.take(), None
        if self.skip("="):
            name, tag = self.take(), name
        condition = self.inside(")") if self.skip("(") else []
        return Node("atom", tag=tag, type=name, condition=condition)


def split(tokens):
    """At the commas that stand in no brackets."""
    out, depth = [[]], 0
    for token in tokens:
        depth += (token in "([") - (token in ")]")
        if token == "," and not depth:
            out.append([])
        else:
            out[-1].append(token)
    return out


def milliseconds(tokens):
    total, number = 0, None
    for token in tokens:
        if re.match(r"\d", token):
            number = float(token)
        elif token in UNITS and number is not None:
            total, number = total + number * UNITS[token], None
        else:
            raise Untranslated("a time that is an expression or of the calendar")
    total += (number or 0) * 1000
    return round(total)


def expression(tokens, own=None):
    """`own`: the tag whose fields are bare."""
    out, i, depth = [], 0, 0
    while i < len(tokens):
        token, after = tokens[i], tokens[i + 1:i + 2]
        depth += (token in "([") - (token in ")]")
        if token == "," and not depth:
            token = "and"
        if token == own and after == ["."]:
            i += 2
            continue
        if token == "in" and (after == ["["] or (after == ["("] and ":" in tokens)):
            colon = tokens.index(":", i)
            end = next(j for j in range(colon, len(tokens)) if tokens[j] in ")]")
            out[-1:] = ["(", out[-1], ">=" if after == ["["] else ">",
                        expression(tokens[i + 2:colon]), "and", out[-1],
                        "<=" if tokens[end] == "]" else "<",
                        expression(tokens[colon + 1:end]), ")"]
            i = end
        elif token[0] in "'\"":
            out.append('"%s"' % token[1:-1])
        elif re.match(r"\d", token):
            out.append(token.rstrip("LlFfDd"))
        else:
            out.append({"=": "==", "<>": "!="}.get(token, token))
        i += 1
    text = " ".join(out)
    text = re.sub(r"(\w+) \[ (\d+) \]", r"\1[\2]", re.sub(r" ?\. ?(?=[A-Za-z_])", ".", text))
    return re.sub(r"\b(\w+)\[(\d+)\] ?\. ?", r"\1[\2].", text)


def is_finite(node):
    return node.kind in ("atom", "seq", "and", "or", "not") and \
        all(is_finite(kid) for kid in node.kids)


def excludes(one, other):
    """Whether no event fits both, as far as types and single comparisons tell."""
    if one.type != other.type:
        return True
    tests = []
    for atom in (one, other):
        found = re.fullmatch(r"(\w+) (==|<|>|<=|>=|!=) (\d+)", expression(atom.condition))
        if not found:
            return False
        tests.append((found.group(1), found.group(2), int(found.group(3))))
    bounds = {test[2] + shift for test in tests for shift in (-0.5, 0, 0.5)}
    return tests[0][0] == tests[1][0] and not any(
        all(COMPARE[sign](value, bound) for _, sign, bound in tests)
        for value in bounds)


def core_of(node):
    """What a `where timer:within` guards, and its time."""
    time = None
    while node.kind == "within" and node.count is None:
        time = node.time if time is None else min(time, node.time)
        node = node.kids[0]
    return node, time
