"""Facts of what is to come: when our side of a channel will be empty, by its forecast."""

from collections.abc import Iterator

from rag.engine.evidence import Evidence
from recommendations.engine.outlook import UNSAID, Outlook
from recommendations.engine.words.outlook import tell_outlook
from recommendations.pipeline.facts.asked import MAX_LISTED, Asked
from recommendations.pipeline.outlook import find_outlooks


def tell_depletion(asked: Asked) -> Iterator[Evidence]:
    """Of the named channels; else of those that will be empty first, or that no forecast says so of any."""
    outlooks = find_outlooks(asked.now)
    if asked.named:
        for row in asked.named:
            scid = row.state.short_channel_id
            yield _tell(scid, outlooks.get(scid, UNSAID), asked=asked)
        return
    coming = {scid: one.days.mean for scid, one in outlooks.items() if one.days and scid in asked.channels}
    first = sorted(coming, key=lambda scid: (coming[scid], scid))
    if not first:
        yield asked.fact("node:forecast", asked.tell("no_depletion" if outlooks else "no_forecast"))
    for scid in first[:MAX_LISTED]:
        yield _tell(scid, outlooks[scid], asked=asked)


def _tell(scid: str, outlook: Outlook, *, asked: Asked) -> Evidence:
    return asked.fact(f"forecast:{scid}", f"{asked.name_id(scid)}. {tell_outlook(outlook, asked.language)}")
