"""What a policy is shown at each decision, and what it answers."""

from collections.abc import Callable, Mapping

from nodes.engine.prepare import NodeFacts
from nodes.engine.report import ChannelPolicy

# A policy under test. It is shown what a run of the real pipeline is shown (with the default fee policy and no
# memories: a document has its own), and answers the whole new policy of the channels it wants to change, by
# short_channel_id. It may keep a memory: each run gets a fresh one.
Pricer = Callable[[NodeFacts], Mapping[str, ChannelPolicy]]
PricerFactory = Callable[[], Pricer]


def leave_as_is(facts: NodeFacts) -> Mapping[str, ChannelPolicy]:
    """B0: the fees of the graph."""
    return {}
