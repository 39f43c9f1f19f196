"""Texts that take a regular expression long, made from the expression itself: a sample of every part that may be
repeated, and of the whole, to be said again and again before an end that does not fit.
"""

import re
import re._constants as op
import re._parser as parser
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

FEW, MANY = 8, 80  # repetitions
MOST = 6  # of the shortest samples, and of the longest
REPEATS = {op.MAX_REPEAT, op.MIN_REPEAT, op.POSSESSIVE_REPEAT}
GENERIC = (
    "a",
    "1",
    " ",
    "\n",
    "<",
    "<a ",
    "a.",
    "1 ",
    "1.",
    "1,",
    "a_",
    "0:",
    "![",
    "[a](",
    "(a",
    "-",
    "é",
    "<!--",
    "\\",
)


def list_samples(parts: Iterable[Any], groups: dict[int, str]) -> Iterator[str]:
    """A text that each part by itself matches, and each run of parts: with what may be missing, and without."""
    full = bare = ""
    for part in parts:
        for inner in _inner(part):
            yield from list_samples(inner, groups)
        full += _sample([part], groups)
        bare += "" if part[0] in REPEATS and not part[1][0] else _sample([part], groups)
        yield from (full, bare)


def _inner(part: Any) -> list[Any]:
    kind, value = part
    if kind in REPEATS:
        return [value[2]]
    if kind is op.SUBPATTERN:
        return [value[3]]
    if kind is op.BRANCH:
        return list(value[1])
    return [value] if kind is op.ATOMIC_GROUP else [value[1]] if kind in {op.ASSERT, op.ASSERT_NOT} else []


def _sample(parts: Iterable[Any], groups: dict[int, str]) -> str:
    return "".join(_sample_one(part, groups) for part in parts)


def _sample_one(part: Any, groups: dict[int, str]) -> str:
    kind, value = part
    if kind is op.LITERAL:
        return chr(value)
    if kind is op.IN:
        return _sample_set(value)
    if kind in REPEATS:
        return _sample(value[2], groups) * min(max(value[0], 1), MANY)
    if kind is op.SUBPATTERN:
        return groups.setdefault(value[0] or 0, _sample(value[3], groups))
    return _sample_rare(kind, value, groups=groups)


def _sample_rare(kind: Any, value: Any, *, groups: dict[int, str]) -> str:
    if kind is op.BRANCH:
        return _sample(value[1][0], groups)
    if kind is op.ATOMIC_GROUP:
        return _sample(value, groups)
    if kind is op.GROUPREF:
        return groups.get(value, "")
    if kind is op.NOT_LITERAL:
        return "b" if value == ord("a") else "a"
    return "a" if kind is op.ANY else ""


def _sample_set(members: Sequence[Any]) -> str:
    classes = {
        op.CATEGORY_DIGIT: "1",
        op.CATEGORY_SPACE: " ",
        op.CATEGORY_WORD: "a",
        op.CATEGORY_NOT_SPACE: "a",
        op.CATEGORY_NOT_WORD: "-",
        op.CATEGORY_NOT_DIGIT: "a",
    }
    if members[0][0] is op.NEGATE:
        shut = re.compile("[^" + "".join(_spell(one) for one in members[1:]) + "]", re.DOTALL)
        return next((one for one in "a1 .-~" if shut.match(one)), "\u00b6")
    kind, value = members[-1]
    return chr(value) if kind is op.LITERAL else chr(value[0]) if kind is op.RANGE else classes[value]


def _spell(member: Any) -> str:
    kind, value = member
    if kind is op.RANGE:
        return f"{re.escape(chr(value[0]))}-{re.escape(chr(value[1]))}"
    names = {
        op.CATEGORY_DIGIT: r"\d",
        op.CATEGORY_SPACE: r"\s",
        op.CATEGORY_WORD: r"\w",
        op.CATEGORY_NOT_SPACE: r"\S",
        op.CATEGORY_NOT_WORD: r"\W",
        op.CATEGORY_NOT_DIGIT: r"\D",
    }
    return names[value] if kind is op.CATEGORY else re.escape(chr(value))


def list_repeated(parts: Iterable[Any]) -> Iterator[Any]:
    """The parts that may stand there more than a few times, outer before inner."""
    for part in parts:
        if part[0] in REPEATS and part[1][1] > FEW:
            yield part
        for inner in _inner(part):
            yield from list_repeated(inner)


def list_pumps(pattern: re.Pattern[Any]) -> list[tuple[str, str]]:
    """What is said once, what is said again and again. Nothing where no part repeats."""
    text = pattern.pattern if isinstance(pattern.pattern, str) else pattern.pattern.decode("latin-1")
    parsed = parser.parse(text, pattern.flags)
    repeated = list(list_repeated(parsed))
    if not repeated:
        return []
    bodies = [one for part in repeated for one in list_samples(part[1][2], {})]
    whole = list(list_samples(parsed, {}))
    again = dict.fromkeys((*_choose(bodies), *_choose(whole), *GENERIC))
    longest = max(whole, key=len, default="")
    return [(first, one) for first in dict.fromkeys(("", longest[:-1])) for one in again]


def _choose(samples: Iterable[str]) -> list[str]:
    ordered = sorted({one for one in samples if one}, key=len)
    return ordered[:MOST] + ordered[MOST:][-MOST:]
