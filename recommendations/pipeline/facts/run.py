"""Facts of the newest run and of the mode that runs are in."""

from collections import Counter
from collections.abc import Iterator

from nodes.selectors.decision import DecisionFilter, filter_decisions, latest_run
from nodes.selectors.node import read_own_node
from nodes.selectors.release import Release
from rag.engine.evidence import Evidence
from recommendations.pipeline.facts.asked import MAX_LISTED, Asked
from recommendations.pipeline.facts.told_decision import tell_decision

COUNTS = ("channels", "raised", "lowered", "changed", "kept")


def tell_run(asked: Asked) -> Iterator[Evidence]:
    run = latest_run()
    if run is not None:
        numbers = {name: getattr(run.summary, name) for name in COUNTS}
        yield asked.fact(f"run:{run.id}", asked.tell("run", at=run.finished_at, mode=run.mode, **numbers))


def tell_held(asked: Asked) -> Iterator[Evidence]:
    """Of the newest run: how many each guard held, and some of them."""
    run = latest_run()
    if run is None:
        return
    named = set(asked.intent.channels)
    rows = [
        row
        for row in filter_decisions(DecisionFilter(run="latest"))
        if row.outcome.held_by and (not named or row.inputs.channel.short_channel_id in named)
    ]
    if not rows:
        yield from tell_run(asked)
        return
    counts = Counter(row.outcome.held_by for row in rows)
    holds = ", ".join(f"{guard} ({count})" for guard, count in counts.most_common())
    yield asked.fact(f"run:{run.id}:held", asked.tell("holds", holds=holds) + asked.tell_listed(len(rows)))
    yield from (tell_decision(row, asked) for row in rows[:MAX_LISTED])


def tell_mode(asked: Asked) -> Iterator[Evidence]:
    release = Release(read_own_node())
    meaning = asked.tell(release.mode, share=release.rung.share_percent)
    yield asked.fact("node:mode", asked.tell("mode", mode=str(release.mode), meaning=meaning))


def tell_synced(asked: Asked) -> Iterator[Evidence]:
    """As the node said itself in its newest report."""
    node = read_own_node()
    if node.state is not None:
        key = "synced" if node.state.synced_to_chain else "not_synced"
        height = str(node.state.block_height)
        yield asked.fact("node:synced", asked.tell(key, at=node.last_taken_at, height=height))
