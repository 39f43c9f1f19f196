"""Regular expressions that texts of strangers meet: none of them takes ever so long, whatever it is given.

What is given is made from each pattern itself: a sample of every part of it, again and again, with an end that does not
fit. A pattern that can be read in two ways takes then twice as long for each repetition more, one that looks ahead from
every place the square; `re` holds every thread of the process up meanwhile.
"""

import importlib
import pkgutil
import re
import signal
import time
from collections.abc import Iterator
from types import FrameType, ModuleType
from typing import Any, NamedTuple

import pytest

import mcp_saas.api
import mcp_saas.kit
import nodes.engine
import nodes.sources
import rag.engine
import rag.sources
import recommendations.engine
from tests.pattern_pumps import list_pumps

PACKAGES = (mcp_saas.api, mcp_saas.kit, nodes.engine, nodes.sources, rag.engine, rag.sources, recommendations.engine)
NOTHING_S = 0.02  # of CPU
PATIENCE_S = 2.0  # of CPU


class Growth(NamedTuple):
    """Characters, and how much longer the long text may take than the short one."""

    short: int
    long: int
    most: float


SQUARE = Growth(700, 2_100, 3.0 * 3.0 * 1.5)
LINEAR = Growth(20_000, 40_000, 2.0 * 1.5)
# They meet whole documents; all others no more than a chunk, a question or an answer.
UNBOUNDED = ("rag.engine.clean", "rag.engine.chunk", "rag.sources.parser.html")


def list_patterns() -> list[Any]:
    found: dict[tuple[str, int], Any] = {}
    for module in _load_modules():
        for name, value in vars(module).items():
            for pattern in _patterns_in(value):
                found.setdefault(
                    (pattern.pattern, pattern.flags),
                    pytest.param(module.__name__, pattern, id=f"{module.__name__}:{name}"),
                )
    return list(found.values())


def _load_modules() -> Iterator[ModuleType]:
    for package in PACKAGES:
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not found.name.endswith("__main__"):
                yield importlib.import_module(found.name)


def _patterns_in(value: object) -> Iterator[re.Pattern[Any]]:
    if isinstance(value, re.Pattern):
        yield value
    elif isinstance(value, dict):
        for one in value.values():
            yield from _patterns_in(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _patterns_in(one)


def measure_s(pattern: re.Pattern[Any], text: str) -> float:
    """CPU of this thread to take everything the pattern matches out of the text."""
    given: Any = text if isinstance(pattern.pattern, str) else text.encode("utf-8", "replace")
    started_s = time.thread_time()
    pattern.sub(pattern.pattern[:0], given)
    pattern.fullmatch(given)
    return time.thread_time() - started_s


def grow(first: str, again: str, *, length: int) -> str:
    return first + again * (length // len(again)) + "\x00"


def find_slow(pattern: re.Pattern[Any], growth: Growth) -> tuple[str, str] | None:
    """What takes the pattern longer than its length accounts for, three times over: said once, said again and again."""

    def is_always_slow(pump: tuple[str, str]) -> bool:
        return all(_is_slow(pattern, pump, growth=growth) for _ in range(3))

    before = signal.signal(signal.SIGVTALRM, _give_up)
    try:
        return next((pump for pump in list_pumps(pattern) if is_always_slow(pump)), None)
    finally:
        signal.signal(signal.SIGVTALRM, before)


def _is_slow(pattern: re.Pattern[Any], pump: tuple[str, str], *, growth: Growth) -> bool:
    signal.setitimer(signal.ITIMER_VIRTUAL, PATIENCE_S)
    try:
        long_s = measure_s(pattern, grow(*pump, length=growth.long))
        if long_s <= NOTHING_S:
            return False
        short_s = min(measure_s(pattern, grow(*pump, length=growth.short)) for _ in range(2))
        return long_s > growth.most * short_s
    except TimeoutError:
        return True
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)


def _give_up(_signal: int, _frame: FrameType | None) -> None:
    raise TimeoutError


@pytest.mark.parametrize(("module", "pattern"), list_patterns())
def test_a_longer_text_takes_no_pattern_ever_so_long(module: str, pattern: re.Pattern[Any]) -> None:
    is_unbounded = module.startswith(UNBOUNDED)
    assert find_slow(pattern, LINEAR if is_unbounded else SQUARE) is None


@pytest.mark.parametrize(
    ("text", "growth"),
    [
        (r"\s*(?:<!--.*?-->\s*|<\?xml[^>]*>\s*)*<html", SQUARE),
        (r"(?<![\w.])\d+(?:[., ]?\d+)*\s?sats", SQUARE),
        (r"\w+(?:[._/]\w+)+", SQUARE),
        (r"<(script|style)\b[^<>]*>.*?</\1\s*>", LINEAR),
    ],
)
def test_patterns_that_once_held_a_process_up_are_found_out(text: str, growth: Growth) -> None:
    assert find_slow(re.compile(text, re.DOTALL), growth) is not None
