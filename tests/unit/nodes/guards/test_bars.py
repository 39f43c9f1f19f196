import pytest

from nodes.engine.document import Bars
from nodes.engine.guards.bars import NodeStanding, find_bar
from nodes.engine.report import ChannelState, PendingHtlc
from tests.unit.nodes.guards.cases import POLICY

NODE = NodeStanding(block_height=900_000, synced_to_chain=True)
ALL_OPEN = Bars(unsynced=False, private=False, unannounced=False, inactive=False, empty=False)


def make_channel(**changes: object) -> ChannelState:
    fields = {"short_channel_id": "800000x1x0", "peer_pubkey": "02" + "ab" * 32, "capacity_sat": 1_000_000}
    fields |= {"local_balance_sat": 500_000, "remote_balance_sat": 400_000, "active": True, "own_policy": POLICY}
    return ChannelState(**fields | changes)  # type: ignore[arg-type]


def name_bar(channel: ChannelState, node: NodeStanding = NODE, *, bars: Bars | None = None) -> str | None:
    bar = find_bar(channel, node, bars=bars or Bars())
    return bar.held_by if bar else None


@pytest.mark.parametrize(
    ("changes", "held_by"),
    [
        ({}, None),
        ({"own_policy": None, "active": False, "private": True}, "unknown_policy"),
        ({"active": False, "private": True}, "private"),
        ({"active": False}, "inactive"),
        ({"short_channel_id": "0x0x7"}, None),  # a graph of running numbers tells no block
        ({"short_channel_id": "900001x1x0"}, "pending"),
        ({"short_channel_id": "16000000x1x0"}, "pending"),
        ({"short_channel_id": "16000000x1x0", "private": True}, "private"),
        ({"short_channel_id": "899996x1x0"}, "unannounced"),
        ({"short_channel_id": "899995x1x0"}, None),
        ({"local_balance_sat": 0, "remote_balance_sat": 0}, "no_balance"),
        ({"local_balance_sat": 0}, None),
        (
            {
                "local_balance_sat": 0,
                "remote_balance_sat": 0,
                "pending_htlcs": [PendingHtlc(incoming=True, amount_sat=9)],
            },
            None,
        ),
    ],
)
def test_channels_that_cannot_or_should_not_be_priced_are_kept_out(
    changes: dict[str, object], held_by: str | None
) -> None:
    assert name_bar(make_channel(**changes)) == held_by


def test_nothing_is_priced_on_a_node_that_has_not_caught_up_with_the_chain() -> None:
    behind = NodeStanding(block_height=900_000, synced_to_chain=False)

    assert name_bar(make_channel(), behind) == "not_synced"
    assert name_bar(make_channel(own_policy=None), behind) == "not_synced"


@pytest.mark.parametrize(
    "changes",
    [{"private": True}, {"active": False}, {"short_channel_id": "899999x1x0"}, {"private": True, "active": False}],
)
def test_an_owner_may_open_a_bar(changes: dict[str, object]) -> None:
    behind = NodeStanding(block_height=900_000, synced_to_chain=False)

    assert name_bar(make_channel(**changes), behind, bars=ALL_OPEN) is None


def test_no_bar_can_be_opened_to_a_channel_without_a_policy() -> None:
    assert name_bar(make_channel(own_policy=None), bars=ALL_OPEN) == "unknown_policy"
    assert name_bar(make_channel(short_channel_id="900001x1x0")) == "pending"
    assert name_bar(make_channel(short_channel_id="900001x1x0"), bars=ALL_OPEN) is None
