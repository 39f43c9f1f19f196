"""What a fee policy would decide on the newest snapshot. Nothing is stored."""

from dataclasses import dataclass

from nodes.engine.cycle import ChannelInput
from nodes.engine.decision import decide_node
from nodes.engine.document import FeePolicy
from nodes.engine.prepare import prepare_run
from nodes.engine.summary import NodeSummary, summarise_node
from nodes.engine.types import ChannelDecision
from nodes.pipeline.ingest import load_facts


@dataclass(frozen=True, slots=True)
class Preview:
    """One decision a channel, as a run would make it now."""

    snapshot_seq: int
    summary: NodeSummary
    pairs: list[tuple[ChannelInput, ChannelDecision]]


def preview_policy(document: FeePolicy | None) -> Preview | None:
    """`document` None: the policy in force. None before the first report of the box: there is nothing to decide on."""
    facts = load_facts(document)
    if facts is None:
        return None
    cycle, inputs = prepare_run(facts)
    decisions = decide_node(cycle, inputs).decisions
    return Preview(facts.snapshot.seq, summarise_node(inputs, decisions), list(zip(inputs, decisions, strict=True)))
