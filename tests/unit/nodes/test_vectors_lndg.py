"""The flow strategy against observed decisions of LNDg's autofees."""

import csv
import math
from collections import defaultdict
from pathlib import Path

import pytest

from nodes.engine.policies.flow import PeerFlow, choose_step, price_flow, wish_flow
from nodes.engine.strategies import FlowStrategy
from nodes.engine.types import FlowTotals, LargeFlow
from tests.reference_data import list_vectors
from tests.unit.nodes.engine_builders import make_channel, make_cycle, make_input, make_policy

PREFIX = "lndg_autofees_"
Row = dict[str, str]


def group_peers(path: Path) -> list[tuple[PeerFlow, list[Row]]]:
    """The rows of a file by peer, each with the sums LNDg's rule looks at."""
    peers: dict[str, list[Row]] = defaultdict(list)
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            peers[row["remote_pubkey"]].append(row)
    return [(sum_rows(rows), rows) for rows in peers.values()]


def sum_rows(rows: list[Row]) -> PeerFlow:
    def total(column: str) -> int:
        return sum(int(float(row[column])) for row in rows)

    return PeerFlow(
        capacity_sat=total("capacity"),
        local_sat=total("local_balance"),
        in_1d_sat=total("amt_routed_in_1day"),
        in_7d_sat=total("amt_routed_in_7day"),
        out_7d_sat=total("amt_routed_out_7day"),
        revenue_7d_msat=round(sum(float(row["revenue_7day"]) for row in rows) * 1000),
        assist_7d_msat=round(sum(float(row["revenue_assist_7day"]) for row in rows) * 1000),
        failed_out_1d=total("failed_out_1day"),
    )


def read_rates(row: Row) -> tuple[int, int]:
    return int(float(row["local_fee_rate"])), int(float(row["local_inbound_fee_rate"]))


@pytest.mark.parametrize("path", list_vectors(PREFIX), ids=lambda path: path.name)
def test_vectors_of_lndg_autofees_give_the_same_rates_and_adjustments(path: Path) -> None:
    mismatches = []
    peers = group_peers(path)
    assert peers
    for peer, rows in peers:
        for row in rows:
            strategy = FlowStrategy(inbound_max_cost_percent=int(float(row["ar_max_cost"])))
            rate, inbound_rate = read_rates(row)
            price = price_flow(
                choose_step(peer, strategy), strategy, fee_rate_ppm=rate, inbound_fee_rate_ppm=inbound_rate
            )
            ours = (price.fee_rate_ppm, price.fee_rate_ppm - rate)
            expected = (int(float(row["new_rate"])), int(float(row["adjustment"])))
            ours_in = (price.inbound_fee_rate_ppm, price.inbound_fee_rate_ppm - inbound_rate)
            expected_in = (float(row["new_inbound_rate"]), float(row["inbound_adjustment"]))
            is_same_in = all(math.isclose(a, b, rel_tol=1e-9) for a, b in zip(ours_in, expected_in, strict=True))
            if ours != expected or not is_same_in:
                mismatches.append((row["chan_id"], ours, expected, ours_in, expected_in))
    assert mismatches == []


@pytest.mark.parametrize("path", list_vectors(PREFIX), ids=lambda path: path.name)
def test_vectors_of_lndg_autofees_give_the_same_wish_from_a_decision_input(path: Path) -> None:
    """What LNDg writes: the inbound rate cut to an integer, and its base fee mirrored while there is a discount."""
    mismatches = []
    for peer, rows in group_peers(path):
        large = LargeFlow(
            in_1d_sat=peer.in_1d_sat,
            in_7d_sat=peer.in_7d_sat,
            out_7d_sat=peer.out_7d_sat,
            revenue_7d_msat=peer.revenue_7d_msat,
            assist_7d_msat=peer.assist_7d_msat,
        )
        flow = FlowTotals(days_observed=7.0, failed_out_1d=peer.failed_out_1d, large=large)
        for row in rows:
            rate, inbound_rate = read_rates(row)
            present = make_policy(fee_rate_ppm=rate, inbound_fee_rate_ppm=inbound_rate)
            given = make_input(
                channel=make_channel(own_policy=present),
                peer={"capacity_sat": peer.capacity_sat, "local_sat": peer.local_sat, "flow": flow},
            )
            strategy = FlowStrategy(inbound_max_cost_percent=int(float(row["ar_max_cost"])), set_inbound=True)
            wish = wish_flow(make_cycle(), given, strategy=strategy)
            inbound_ppm = int(float(row["new_inbound_rate"]))
            expected = (int(float(row["new_rate"])), inbound_ppm, -present.base_fee_msat if inbound_ppm else 0)
            ours = (wish.fee_rate_ppm, wish.inbound_fee_rate_ppm, wish.inbound_base_fee_msat)
            if ours != expected:
                mismatches.append((row["chan_id"], ours, expected))
    assert mismatches == []
