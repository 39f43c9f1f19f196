"""feelancer's controllers and lndmanage's demand against what the original programs answered.

Every file of the folder FEE_VECTORS names is read, by its prefix.
"""

import json
import math
from pathlib import Path
from typing import Any

import pytest

from nodes.engine.policies.lndmanage import PeerDemand, bound_demand, scale_rate
from nodes.engine.policies.pid.controller import PidGains, PidState, revert_margin, step_pid
from nodes.engine.policies.pid.error import ErrorScale, PeerLiquidity, measure_error
from nodes.engine.policies.pid.gate import RateGate, RateProposal, UpdateGate, gate_peer
from tests.reference_data import FEE_VECTORS

Case = dict[str, Any]


def list_files(pattern: str) -> list[Any]:
    """The files of a prefix, or one skipped case that says what is left out."""
    missing = pytest.mark.skip(reason=f"no {pattern} in {FEE_VECTORS}: not compared with the original program")
    return sorted(FEE_VECTORS.glob(pattern)) or [pytest.param(FEE_VECTORS / pattern, marks=missing)]


PID_FILES = pytest.mark.parametrize("path", list_files("feelancer_pid_*.json"), ids=lambda path: path.name)
LNDMANAGE_FILES = pytest.mark.parametrize("path", list_files("lndmanage_*.json"), ids=lambda path: path.name)


def read_cases(path: Path, part: str) -> list[Case]:
    cases: list[Case] = json.loads(path.read_text(encoding="utf-8")).get(part, [])
    if not cases:
        pytest.skip(f"{path.name} has no {part}")
    return cases


def is_same(ours: float, theirs: float) -> bool:
    return math.isclose(ours, theirs, rel_tol=1e-9)


@PID_FILES
def test_vectors_of_feelancer_give_the_same_spread_at_every_step(path: Path) -> None:
    mismatches = []
    for case in read_cases(path, "ewma"):
        state = PidState(spread=case["start"])
        for call in case["calls"]:
            state = step_pid(state, call["error"], dt_s=call["dt_s"], gains=PidGains(**case["params"]))
            if not is_same(state.spread, call["u"]):
                mismatches.append((case["params"], call, state.spread))
    assert mismatches == []


@PID_FILES
def test_vectors_of_feelancer_give_the_same_error(path: Path) -> None:
    mismatches = []
    for case in read_cases(path, "calc_error"):
        given = case["inp"]
        scale = ErrorScale(
            error_max=given["error_max"],
            error_min=given["error_min"],
            ratio_max=given["ratio_error_max"],
            ratio_min=given["ratio_error_min"],
        )
        liquidity = PeerLiquidity(remote_sat=given["liquidity_in"], local_sat=given["liquidity_out"])
        error = measure_error(liquidity, given["target"], scale=scale)
        if not is_same(error, case["error"]):
            mismatches.append((case, error))
    assert mismatches == []


@PID_FILES
def test_vectors_of_feelancer_give_the_same_margin(path: Path) -> None:
    mismatches = []
    for case in read_cases(path, "mean_reversion"):
        margin = case["start"]
        for call in case["calls"]:
            margin = revert_margin(margin, mean=case["k_m"], alpha=case["alpha"], dt_s=call["dt_s"])
            if not is_same(margin, call["m"]):
                mismatches.append((case, call, margin))
    assert mismatches == []


@PID_FILES
def test_vectors_of_feelancers_update_gate_give_the_same_writes(path: Path) -> None:
    mismatches = []
    for case in read_cases(path, "update_gate"):
        written = {
            channel: {"fee": rates.fee_rate_ppm, "inbound": rates.inbound_fee_rate_ppm}
            for channel, rates in gate_peer(read_proposals(case["proposals"]), read_gate(case["config"])).items()
        }
        if written != case["result"]:
            mismatches.append((case, written))
    assert mismatches == []


def read_gate(config: Case) -> UpdateGate:
    outbound, inbound = (
        RateGate(
            min_ppm=config[f"{side}fee_rate_min"],
            max_ppm=config[f"{side}fee_rate_max"],
            min_up_ppm=config[f"{side}fee_rate_ppm_min_up"],
            min_down_ppm=config[f"{side}fee_rate_ppm_min_down"],
        )
        for side in ("", "inbound_")
    )
    return UpdateGate(outbound=outbound, inbound=inbound, min_s=config["min_seconds"])


def read_proposals(proposals: list[Case]) -> list[RateProposal]:
    return [
        RateProposal(
            short_channel_id=proposal["chan"],
            fee_rate_ppm=proposal["cur"],
            inbound_fee_rate_ppm=proposal["cur_in"],
            new_fee_rate_ppm=proposal["new"],
            new_inbound_fee_rate_ppm=proposal["new_in"],
            age_s=proposal["age_s"],
            force=proposal["force"],
        )
        for proposal in proposals
    ]


@LNDMANAGE_FILES
def test_vectors_of_lndmanage_give_the_same_bound_and_factor(path: Path) -> None:
    mismatches = []
    for row in json.loads(path.read_text(encoding="utf-8")):
        bound = bound_demand(row["capacity"], row["local_balance"], compare_full_reserve=True)
        factor = scale_rate(read_demand(row), compare_full_reserve=True)
        if not (is_same(bound, row["delta_min"]) and is_same(factor, row["factor"])):
            mismatches.append((row, bound, factor))
    assert mismatches == []


@LNDMANAGE_FILES
def test_vectors_of_lndmanage_differ_from_ours_only_where_its_reserve_is_reduced(path: Path) -> None:
    for row in json.loads(path.read_text(encoding="utf-8")):
        has_full_reserve = row["capacity"] // 2 >= 500_000
        is_between = row["capacity"] // 3 <= row["local_balance"] < 500_000
        differs = not is_same(bound_demand(row["capacity"], row["local_balance"]), row["delta_min"])
        assert not differs or (is_between and not has_full_reserve)


def read_demand(row: Case) -> PeerDemand:
    return PeerDemand(
        capacity_sat=row["capacity"], local_sat=row["local_balance"], out_sat=row["amount_out_sat"], days=row["days"]
    )
