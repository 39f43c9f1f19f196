"""Facts of the decision log: why a fee moved or stayed, and what moved in a time."""

from collections import Counter
from collections.abc import Iterator, Sequence

from nodes.models.channel import Channel
from nodes.models.decision import Decision
from nodes.selectors.decision import DecisionFilter, filter_decisions
from rag.engine.evidence import Evidence
from recommendations.pipeline.facts.asked import MAX_LISTED, Asked, name_span
from recommendations.pipeline.facts.channel import tell_channel
from recommendations.pipeline.facts.run import tell_held, tell_run
from recommendations.pipeline.facts.told_decision import measure_move, tell_decision

MAX_OPENED = 500  # of one channel
MAX_READ = 5_000  # of the node, for one question


def tell_why(asked: Asked) -> Iterator[Evidence]:
    """Of each named channel; without one, what moved."""
    if not asked.named:
        yield from tell_changes(asked)
    for channel in asked.named:
        yield from _tell_why_of(channel, asked)


def _tell_why_of(channel: Channel, asked: Asked) -> Iterator[Evidence]:
    """The newest decision that moved its fee as asked, and the newest move where that is another. Where none did, the
    newest move, else the newest decision, with what is wrong in the question said first.
    """
    direction, scid = asked.intent.direction, channel.state.short_channel_id
    rows = _list_of(channel, asked)
    moved = [row for row in rows if row.outcome.direction != "keep"]
    if asked.intent.span and not moved:
        yield asked.fact(f"changes:{name_span(asked.span)}:{scid}", _tell_stillness(channel, asked))
        rows = _list_of(channel, asked, is_any_time=True)
        moved = [row for row in rows if row.outcome.direction != "keep"]
    wanted = [row for row in moved if direction in {None, row.outcome.direction}]
    newest = [row for row in moved[:1] if wanted and row.id != wanted[0].id]
    yield from (tell_decision(row, asked) for row in (*wanted[:1], *newest))
    for row in (moved or rows)[:1] if not wanted else ():
        yield tell_decision(row, asked, before=asked.tell(f"not_{direction}_{row.outcome.direction}"))


def _tell_stillness(channel: Channel, asked: Asked) -> str:
    span = asked.span
    return asked.tell("still", channel=asked.name(channel.state), since=span.since, until=span.until)


def _list_of(channel: Channel, asked: Asked, *, is_any_time: bool = False) -> list[Decision]:
    """Newest first, of the time asked about."""
    span = None if is_any_time else asked.intent.span
    chosen = DecisionFilter(channel=channel.state.short_channel_id, since=span.since if span else None)
    rows = filter_decisions(chosen)[:MAX_OPENED]
    return [row for row in rows if span is None or row.decided_at < span.until]


def tell_comparison(asked: Asked) -> Iterator[Evidence]:
    """What each charges now, and the decision behind it."""
    for channel in asked.named[:MAX_LISTED]:
        yield tell_channel(channel, asked)
        rows = _list_of(channel, asked)
        moved = [row for row in rows if row.outcome.direction != "keep"]
        yield from (tell_decision(row, asked) for row in (moved or rows)[:1])


def tell_changes(asked: Asked) -> Iterator[Evidence]:
    """How many fees moved in the time, and the largest moves; of the newest run too where no time is named."""
    if asked.intent.span is None and asked.intent.direction is None:
        yield from tell_run(asked)
    rows = list(filter_decisions(DecisionFilter(since=asked.span.since))[:MAX_READ])
    named = set(asked.intent.channels)
    moved = [
        row
        for row in rows
        if row.decided_at < asked.span.until
        and row.outcome.direction != "keep"
        and (not named or row.inputs.channel.short_channel_id in named)
    ]
    yield _count_changes(moved, asked, is_cut=len(rows) == MAX_READ)
    wanted = [row for row in moved if asked.intent.direction in {None, row.outcome.direction}]
    largest = sorted(wanted, key=lambda row: (-measure_move(row), -row.id))
    yield from (tell_decision(row, asked) for row in largest[:MAX_LISTED])


def _count_changes(moved: Sequence[Decision], asked: Asked, *, is_cut: bool) -> Evidence:
    span = {"since": asked.span.since, "until": asked.span.until}
    counts = Counter(row.outcome.direction for row in moved)
    wanted = counts[asked.intent.direction] if asked.intent.direction else len(moved)
    key = "moved" if moved else "no_changes"
    text = asked.tell(
        key, **span, count=len(moved), raised=counts["raise"], lowered=counts["lower"], changed=counts["change"]
    )
    text += asked.tell("listed_moves", shown=MAX_LISTED, count=wanted) if wanted > MAX_LISTED else ""
    text += asked.tell("cut", count=MAX_READ) if is_cut else ""
    return asked.fact(f"changes:{name_span(asked.span)}", text)


def tell_unchanged(asked: Asked) -> Iterator[Evidence]:
    """Of each named channel the newest decision; else what the newest run held."""
    for channel in asked.named:
        rows = _list_of(channel, asked)[:1]
        for row in rows:
            before = asked.tell(f"not_keep_{row.outcome.direction}")
            yield tell_decision(row, asked, before=before)
    if not asked.named:
        yield from tell_run(asked)
        yield from tell_held(asked)
