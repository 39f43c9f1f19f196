"""The strategies against observed decisions of the programs they follow.

Every file of the folder FEE_VECTORS names (default: fee-vectors of the shared data) is read, by its prefix.
"""

import configparser
import csv
import json
import math
import os
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nodes.engine.balance import Balance
from nodes.engine.document import Values
from nodes.engine.policies.flow import PeerFlow, choose_step, price_flow, wish_flow
from nodes.engine.policies.proportional import prepare_proportional, price_proportional
from nodes.engine.strategies import FlowStrategy, ProportionalStrategy
from nodes.engine.types import FlowTotals, LargeFlow
from tests.reference_data import FEE_VECTORS
from tests.unit.nodes.engine_builders import make_channel, make_cycle, make_input, make_policy

UNBUILT_KEYS = ("sum_peer_chans", "chan.", "node.", "onchain.")  # a peer's channels together, and matchers

Row = dict[str, str]


def list_files(pattern: str) -> list[Any]:
    """The files of a prefix, or one skipped case that says what is left out."""
    missing = pytest.mark.skip(reason=f"no {pattern} in {FEE_VECTORS}: not compared with the original program")
    return sorted(FEE_VECTORS.glob(pattern)) or [pytest.param(FEE_VECTORS / pattern, marks=missing)]


def read_proportional(config: str) -> tuple[int, int] | None:
    """(min, max) of a charge-lnd file whose only section is a proportional default; None: something not built yet."""
    parser = configparser.ConfigParser()
    parser.read_string(config)
    section = parser["default"] if parser.sections() == ["default"] else {}
    if section.get("strategy") != "proportional" or any(key.startswith(UNBUILT_KEYS) for key in section):
        return None
    return int(section["min_fee_ppm"]), int(section["max_fee_ppm"])


def measure_lnd_balance(channel: dict[str, Any]) -> Balance:
    """charge-lnd's balance from LND's own field names, where the commitment fee is reported."""
    local_sat, remote_sat = channel["local_balance"], channel["remote_balance"]
    for htlc in channel.get("pending_htlcs", []):
        local_sat += 0 if htlc["incoming"] else htlc["amount"]
        remote_sat += htlc["amount"] if htlc["incoming"] else 0
    opener_sat = channel["commit_fee"]
    return Balance(
        capacity_sat=channel["capacity"],
        local_sat=local_sat + (opener_sat if channel["initiator"] else 0),
        remote_sat=remote_sat + (0 if channel["initiator"] else opener_sat),
    )


def iterate_configs(path: Path) -> Iterator[tuple[dict[str, Any], dict[str, Any], tuple[int, int]]]:
    world = json.loads(path.read_text(encoding="utf-8"))
    for name, config in world["configs"].items():
        limits = read_proportional(config)
        if limits is None:
            print(f"{path.name}: configuration {name} left out, its strategy is not built yet")
            continue
        yield world, world["results"][name], limits


def test_vectors_are_found_in_the_folder_where_they_are_looked_for() -> None:
    if os.getenv("FEE_VECTORS") is None and not FEE_VECTORS.is_dir():
        pytest.skip(f"there is no {FEE_VECTORS}: equality with the original programs is not tested")
    assert list(FEE_VECTORS.glob("charge_lnd_*.json")) + list(FEE_VECTORS.glob("lndg_autofees_*.csv"))


@pytest.mark.parametrize("path", list_files("charge_lnd_*.json"), ids=lambda path: path.name)
def test_vectors_of_charge_lnd_proportional_give_the_same_ppm(path: Path) -> None:
    compared, mismatches = 0, []
    for world, results, (low_ppm, high_ppm) in iterate_configs(path):
        for channel in world["channels"]:
            ratio = measure_lnd_balance(channel).local_ratio
            assert ratio is not None
            ppm = price_proportional(ratio, min_fee_rate_ppm=low_ppm, max_fee_rate_ppm=high_ppm)
            expected = results[str(channel["chan_id"])]["fee_ppm"]
            compared += 1
            if ppm != expected:
                mismatches.append((channel["chan_id"], ppm, expected))
    if not compared:
        pytest.skip(f"{path.name} has no configuration of a strategy we have")
    assert mismatches == []


@pytest.mark.parametrize("path", list_files("charge_lnd_*.json"), ids=lambda path: path.name)
def test_vectors_of_charge_lnd_give_the_same_ppm_from_a_channel_as_a_snapshot_reports_it(path: Path) -> None:
    """Without a reported commitment fee: for channels whose capacity is all in balances, HTLCs and that fee."""
    compared, mismatches = 0, []
    for world, results, (low_ppm, high_ppm) in iterate_configs(path):
        strategy = ProportionalStrategy(min_fee_rate_ppm=low_ppm, max_fee_rate_ppm=high_ppm)
        for channel in world["channels"]:
            balance = measure_lnd_balance(channel)
            if channel.get("pending_htlcs") or balance.local_sat + balance.remote_sat != balance.capacity_sat:
                continue
            state = make_channel(
                capacity_sat=channel["capacity"],
                local_balance_sat=channel["local_balance"],
                remote_balance_sat=channel["remote_balance"],
                initiator=channel["initiator"],
            )
            wish = prepare_proportional(strategy, Values())(make_input(state))
            expected = results[str(channel["chan_id"])]["fee_ppm"]
            compared += 1
            if wish.fee_rate_ppm != expected:
                mismatches.append((channel["chan_id"], wish.fee_rate_ppm, expected))
    if not compared:
        pytest.skip(f"{path.name} has no such channel, or no configuration of a strategy we have")
    assert mismatches == []


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


@pytest.mark.parametrize("path", list_files("lndg_autofees_*.csv"), ids=lambda path: path.name)
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


@pytest.mark.parametrize("path", list_files("lndg_autofees_*.csv"), ids=lambda path: path.name)
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
