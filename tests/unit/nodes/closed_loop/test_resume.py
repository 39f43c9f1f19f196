"""`manage.py simulate --out`: what was found stays found."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from nodes.simulator.closed_loop.campaign import Campaign
from nodes.simulator.closed_loop.contender import find_contender
from nodes.simulator.closed_loop.loop import Terms
from nodes.simulator.closed_loop.outcome import Outcome
from nodes.simulator.closed_loop.store import OutcomeStore, StoreError
from tests.unit.nodes.closed_loop.worlds import small_networks


def simulate(out: Path, **changed: Any) -> str:
    """What it wrote to the screen while it ran."""
    screen = io.StringIO()
    options = {"nodes": 1, "sizes": [5], "seeds": 1, "days": 1, "policies": ["as-is"], "competitors": ["frozen"]}
    call_command("simulate", out=out, workers=1, stdout=io.StringIO(), stderr=screen, **{**options, **changed})
    return screen.getvalue()


def list_runs(out: Path) -> list[tuple[int, str, str]]:
    return [
        (outcome["seed"], outcome["competitors"], outcome["policy"])
        for outcome in json.loads((out / "outcomes.json").read_text())
    ]


def test_a_second_call_adds_its_policies_and_competitors_and_runs_nothing_twice(tmp_path: Path) -> None:
    simulate(tmp_path)
    screen = simulate(tmp_path, policies=["flat-100", "as-is"], competitors=["drifting", "frozen"])
    assert "3 runs are done already; 2 worlds are left" in screen
    assert list_runs(tmp_path) == [
        (1, "frozen", "as-is"), (1, "frozen", "flat-100"), (1, "frozen", "x0.75"), (1, "frozen", "x1.5"),
        (1, "drifting", "as-is"), (1, "drifting", "flat-100"),
    ]  # fmt: skip
    assert "0 worlds are left" in simulate(tmp_path, policies=["flat-100"])


def make_campaign(**changed: Any) -> Campaign:
    given = {
        "networks": small_networks()[:1],
        "contenders": [find_contender("as-is")],
        "seeds": [1],
        "competitors": ["frozen"],
        "terms": Terms(days=3),
    }
    return Campaign(**{**given, **changed})


def make_outcome(campaign: Campaign, seed: int) -> Outcome:
    network = campaign.networks[0]
    return Outcome(
        policy="as-is", pubkey=network.pubkeys[network.own], seed=seed, competitors="frozen", days=[], channels={},
        amounts_sat=[], effective_ppm=[],
    )  # fmt: skip


def test_a_line_that_was_cut_off_is_run_again_and_the_ones_before_it_are_not(tmp_path: Path) -> None:
    campaign = make_campaign(seeds=[1, 2])
    store = OutcomeStore.open(tmp_path, campaign)
    for seed in (1, 2):
        store.keep([make_outcome(campaign, seed)])
    store.close()
    path = tmp_path / "outcomes.jsonl"
    path.write_bytes(path.read_bytes()[:-5])
    store = OutcomeStore.open(tmp_path, campaign)
    assert {key.seed for key in store.done} == {1}
    store.keep([make_outcome(campaign, 2)])
    store.close()
    store = OutcomeStore.open(tmp_path, campaign)
    assert {key.seed for key in store.done} == {1, 2}
    store.close()


def test_a_folder_of_another_setting_is_refused_with_what_differs(tmp_path: Path) -> None:
    simulate(tmp_path)
    with pytest.raises(CommandError, match=r"another setting: days 1 \(now 2\)\. Give another folder"):
        simulate(tmp_path, days=2)


def test_a_document_that_changed_under_its_name_is_another_setting(tmp_path: Path) -> None:
    path = tmp_path / "mine.json"

    def write_document(fee_rate_ppm: int) -> Campaign:
        rule = {"name": "all", "strategy": {"strategy": "static"}, "values": {"fee_rate_ppm": fee_rate_ppm}}
        path.write_text(json.dumps({"rules": [rule]}))
        return make_campaign(contenders=[find_contender(str(path))])

    OutcomeStore.open(tmp_path / "out", write_document(100)).close()
    with pytest.raises(StoreError, match="the document of mine"):
        OutcomeStore.open(tmp_path / "out", write_document(200))


def test_two_simulations_do_not_write_into_one_folder(tmp_path: Path) -> None:
    store = OutcomeStore.open(tmp_path, make_campaign())
    with pytest.raises(StoreError, match="in use by another simulation"):
        OutcomeStore.open(tmp_path, make_campaign())
    store.close()
