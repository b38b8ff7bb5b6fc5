"""Patterns of single events, joined by ->, and, or, not, repetition, as an automaton: what is
waited for, and what is left when an event comes."""

from esper_words import Node
from statement import Untranslated


# A state is an atom that waits, or (kind, …).

def unrolled(node):
    """Repetitions of single events as sequences of them."""
    if node.kind == "repeat" and node.low == node.high and node.kids[0].kind == "atom":
        atom = node.kids[0]
        return Node("seq", [Node("atom", type=atom.type, condition=atom.condition,
                                 tag=atom.tag and "%s__%d" % (atom.tag, i))
                            for i in range(node.low)])
    if node.kind in ("seq", "and", "or"):
        node.kids = [unrolled(kid) for kid in node.kids]
    return node


def begin(node):
    if any(kid.kind == "not" for kid in node.kids) and node.kind != "and":
        raise Untranslated("not that is true when it begins, outside of an and")
    if node.kind == "atom":
        return node
    if node.kind == "seq":
        return ("seq", begin(node.kids[0]), node.kids[1:], ())
    if node.kind == "not":
        if node.kids[0].kind != "atom":
            raise Untranslated("not of a pattern")
        return ("not", node.kids[0])
    return (node.kind, tuple(begin(kid) for kid in node.kids), ())


def pending(state):
    if isinstance(state, Node):
        return [state]
    if state[0] in ("seq", "not"):
        return pending(state[1])
    return [atom for kid in state[1] for atom in pending(kid)]


def fire(state, fired):
    """The state after it and, if that is its end, the tags it has; (None, None) where it
    can hold no more."""
    if isinstance(state, Node):
        return (None, [state.tag]) if state in fired else (state, None)
    if state[0] == "not":
        return (None, None) if state[1] in fired else (state, None)
    if state[0] == "seq":
        following, tags = fire(state[1], fired)
        if tags is None:
            return (None, None) if following is None else \
                (("seq", following, state[2], state[3]), None)
        taken = state[3] + tuple(tags)
        if not state[2]:
            return None, list(taken)
        return ("seq", begin(state[2][0]), state[2][1:], taken), None
    return fire_several(state, fired)


def fire_several(state, fired):
    kind, kids, taken = state
    alive = []
    for kid in kids:
        following, tags = fire(kid, fired)
        if tags is not None:
            if kind == "or":
                return None, tags
            taken += tuple(tags)
        elif following is not None:
            alive.append(following)
        elif kind == "and":
            return None, None
    if kind == "and" and all(isinstance(kid, tuple) and kid[0] == "not" for kid in alive):
        return None, list(taken) or [None]
    return ((kind, tuple(alive), taken), None) if alive else (None, None)


def is_never(fired, others):
    """Whether what fits the one atom fits another too, of which it is said that it does
    not."""
    return any(one.type == other.type and
               (not other.condition or other.condition == one.condition)
               for one in fired for other in others)


def subsets_of(atoms):
    """Sets of waiting atoms that one event may fit."""
    out = []
    for i, first in enumerate(atoms):
        same = [atom for atom in atoms[i + 1:] if atom.type == first.type]
        groups = [[first]]
        for atom in same:
            groups += [group + [atom] for group in groups]
        out += groups
    return out
