"""Lets the product's own engine price a simulated node: the same preparation, the same decision, a document."""

from collections.abc import Mapping
from dataclasses import replace

from nodes.engine.backtest import merge_memories
from nodes.engine.cycle import Memories, NodeDecision
from nodes.engine.decision import decide_node
from nodes.engine.document import FeePolicy
from nodes.engine.prepare import NodeFacts, prepare_run
from nodes.engine.report import ChannelPolicy


class DocumentPricer:
    """One run of the engine at each decision, with the memories of the run before. `last` is its whole answer."""

    def __init__(self, document: FeePolicy) -> None:
        self._document = document
        self._memories = Memories()
        self.last: NodeDecision | None = None

    def __call__(self, facts: NodeFacts) -> Mapping[str, ChannelPolicy]:
        cycle, inputs = prepare_run(replace(facts, policy=self._document, memories=self._memories))
        self.last = decide_node(cycle, inputs)
        self._memories = merge_memories(self._memories, self.last.memories)
        return {
            given.channel.short_channel_id: decision.proposed_policy
            for given, decision in zip(inputs, self.last.decisions, strict=True)
            if decision.direction != "keep" or decision.proposed_policy != given.channel.own_policy
            if decision.proposed_policy is not None
        }
