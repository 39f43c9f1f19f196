"""What a question asks about the asker's own node, in English or French: such questions are answered from records.

A topic of the table, the subject it is asked of, the channels it names and the time it speaks of make one value.
"""

import datetime as dt
from collections.abc import Sequence

from rag.engine.intent.name import Named, find_named, list_places, without_names
from rag.engine.intent.span import read_span
from rag.engine.intent.subject import is_general, is_of_others, is_order, is_own, is_subject
from rag.engine.intent.topic import Row, find_rows, is_comparing, read_direction
from rag.engine.intent.value import Gap, Intent, KnownChannel, Span, Topic

MIN_COMPARED = 2
_OF_A_NODE: frozenset[Topic] = frozenset({"earnings", "best_earner", "state", "fees", "failed_payments"})


def read_intent(question: str, channels: Sequence[KnownChannel], *, now: dt.datetime) -> Intent:
    """A question on a topic that records tell of, with a word of the asker's own (my, you, mon, vous ...), with one of
    the node's channels in it, or in words that ask of nobody else.
    """
    named = find_named(question, channels)
    asked = without_names(question, [one for one in channels if one.short_channel_id in named.channels])
    if is_order(asked):
        return Intent(gap="order")
    rows = [row for row in find_rows(asked) if named.channels or not row.is_of_channel]
    if is_of_others(asked) and not is_general(asked) and any(row.topic in _OF_A_NODE for row in rows):
        return Intent(gap="others")
    if _is_of_named(question, asked, named=named, rows=rows, channels=channels):
        return Intent(gap="others")
    if not _is_of_node(asked, rows, named=named):
        return Intent()
    span = read_span(asked, now)
    topics = _choose_topics(asked, rows, named=named)
    if "depletion" in topics and span == "forecast":
        span, topics = None, ("depletion",)  # the one thing to come that records tell of
    gap: Gap | None = span if isinstance(span, str) else "which" if named.is_crowded and not named.channels else None
    return Intent(
        topics=topics,
        channels=named.channels,
        shared=named.shared,
        unknown=named.unknown,
        direction=read_direction(asked),
        span=span if isinstance(span, Span) else None,
        gap=gap if topics or gap == "which" else None,
    )


def _is_of_node(asked: str, rows: Sequence[Row], *, named: Named) -> bool:
    if named.channels:
        return bool(rows) or not is_general(asked)
    if is_general(asked):
        return False
    if named.is_strict or named.is_crowded:
        return bool(rows) or named.is_strict
    return any(row.is_bare or is_own(asked) for row in rows)


def _is_of_named(
    question: str, asked: str, *, named: Named, rows: Sequence[Row], channels: Sequence[KnownChannel]
) -> bool:
    """How much did ACINQ earn: a peer that does it itself, with nobody of ours in the question."""
    if is_own(asked) or not any(row.topic == "earnings" for row in rows):
        return False
    aliases = [one.alias for one in channels if one.short_channel_id in named.channels and one.alias]
    return any(map(is_subject, list_places(question, [*aliases, *named.unknown])))


def _choose_topics(asked: str, rows: Sequence[Row], *, named: Named) -> tuple[Topic, ...]:
    if len(named.channels) >= MIN_COMPARED and is_comparing(asked):
        return ("compare",)
    topics = tuple(dict.fromkeys(row.topic for row in rows))
    return topics or (("state",) if named.channels else ())
