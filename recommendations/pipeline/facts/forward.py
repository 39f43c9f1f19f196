"""Facts of the payments the node passed on, over exactly the time asked about, as far back as they are known."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from nodes.engine.report import Forward
from nodes.selectors.forward import load_forwards
from nodes.selectors.node import read_own_node
from rag.engine.evidence import Evidence
from rag.engine.intent.value import Span
from recommendations.engine.telling import tell_sat
from recommendations.pipeline.facts.asked import MAX_LISTED, Asked, name_span


def find_known_span(asked: Asked) -> Span | None:
    """The part of it that the node reported; None where it reported nothing of it: that is no zero."""
    known_since = read_own_node().history_since
    if known_since is None or known_since >= asked.span.until:
        return None
    return Span(max(known_since, asked.span.since), asked.span.until)


def tell_earnings(asked: Asked) -> Iterator[Evidence]:
    """Of the node; of each named channel what left by it."""
    span = find_known_span(asked)
    if span is None:
        return
    settled = _list_settled(span)
    yield asked.fact(f"forwards:{name_span(span)}", _tell_sum("earned", settled, span=span, asked=asked))
    for channel in asked.named:
        scid = channel.state.short_channel_id
        mine = [one for one in settled if one.outgoing_scid == scid]
        told = asked.tell("earned_channel", channel=asked.name(channel.state), **_sum_up(mine, asked))
        yield asked.fact(f"forwards:{name_span(span)}:{scid}", told)


def tell_best_earner(asked: Asked) -> Iterator[Evidence]:
    """The channels by what left by them, the best first."""
    span = find_known_span(asked)
    if span is None:
        return
    settled = _list_settled(span)
    by_channel: defaultdict[str, list[Forward]] = defaultdict(list)
    for one in settled:
        by_channel[one.outgoing_scid].append(one)
    text = _tell_sum("earned", settled, span=span, asked=asked)
    yield asked.fact(f"forwards:{name_span(span)}", text + asked.tell_listed(len(by_channel)))
    best = sorted(by_channel, key=lambda scid: (-sum(one.fee_msat for one in by_channel[scid]), scid))
    for scid in best[:MAX_LISTED]:
        mine = by_channel[scid]
        told = asked.tell("earned_channel", channel=asked.name_id(scid), **_sum_up(mine, asked))
        yield asked.fact(f"forwards:{name_span(span)}:{scid}", told)


def tell_failed_payments(asked: Asked) -> Iterator[Evidence]:
    """Those the node could not pass on, by the channel they were to leave by."""
    span = find_known_span(asked)
    if span is None:
        return
    named = set(asked.intent.channels)
    failed = [one for one in load_forwards(since=span.since, until=span.until) if one.status != "settled"]
    failed = [one for one in failed if not named or one.outgoing_scid in named]
    by_channel = Counter(one.outgoing_scid for one in failed)
    text = _tell_sum("failed_payments" if failed else "no_failed_payments", failed, span=span, asked=asked)
    yield asked.fact(f"forwards:{name_span(span)}:failed", text + asked.tell_listed(len(by_channel)))
    for scid, count in by_channel.most_common(MAX_LISTED):
        here = sum(one.status == "local_failed" for one in failed if one.outgoing_scid == scid)
        told = asked.tell("failed_channel", channel=asked.name_id(scid), payments=_count(count, asked), here=here)
        yield asked.fact(f"forwards:{name_span(span)}:{scid}:failed", told)


def _list_settled(span: Span) -> list[Forward]:
    return [one for one in load_forwards(since=span.since, until=span.until) if one.status == "settled"]


def _tell_sum(key: str, forwards: Sequence[Forward], *, span: Span, asked: Asked) -> str:
    text = asked.tell(key, since=span.since, until=span.until, **_sum_up(forwards, asked))
    return text + (asked.tell("known_since") if span.since > asked.span.since else "")


def _sum_up(forwards: Sequence[Forward], asked: Asked) -> dict[str, object]:
    msat = sum(one.fee_msat for one in forwards)
    return {"payments": _count(len(forwards), asked), "earned": tell_sat(msat, asked.language), "msat": msat}


def _count(payments: int, asked: Asked) -> str:
    return asked.tell("one_payment" if payments == 1 else "payments", count=payments)
