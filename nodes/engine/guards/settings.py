"""What an owner may set about guards: the section `guards` of the fee policy document."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from nodes.engine.report import Sat, Seconds

Count = Annotated[int, Meta(ge=0, le=100_000)]
GossipBudgetName = Literal["node", "lnd", "cln", "none"]


class GuardSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Defaults are those of a node nobody has told us anything about. docs/guards.md says where each comes from."""

    manual_hold_s: Seconds = 86_400  # how long another's change, or a rollback, is left alone; 0: not at all
    max_reversals: Count = 14  # how often the fee may turn round within the window
    reversal_window_s: Seconds = 604_800
    gossip: GossipBudgetName = "node"  # whose rule of accepting updates: "node" is that of the node's own kind
    max_changes_per_day_channel: Annotated[int, Meta(ge=0, le=64)] | None = 3  # ours, in any 24 hours
    max_changes_per_day_node: Count | None = None
    max_cost_per_day_sat: Sat | None = None  # expected loss a day of the changes of any 24 hours, at its low end
    allow_positive_inbound: bool = False  # LND refuses one unless it runs with accept-positive-inbound-fees
    allow_arbitrage: bool = False


# What a program without guards would write: for a configuration that must decide as it did there.
UNGUARDED = GuardSettings(
    manual_hold_s=0,
    max_reversals=100_000,
    gossip="none",
    max_changes_per_day_channel=None,
    allow_positive_inbound=True,
    allow_arbitrage=True,
)
