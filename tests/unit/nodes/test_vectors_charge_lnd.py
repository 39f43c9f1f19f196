"""Imported configurations against what charge-lnd itself decided, field by field, through import and decision."""

import json
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from nodes.engine.charge_lnd.reader import read_charge_lnd
from nodes.engine.decision import Priced, decide_node, price_node
from nodes.engine.prepare import prepare_run
from nodes.engine.report import ChannelPolicy
from nodes.engine.short_channel_id import scid_from_channel_id
from nodes.engine.strategies import IgnoreStrategy
from tests.reference_data import list_vectors
from tests.unit.nodes.charge_lnd_world import Json, find_flaws, make_facts

PREFIX = "charge_lnd_"
FIELDS = {
    "base_fee_msat": "base_fee_msat",
    "fee_ppm": "fee_rate_ppm",
    "inbound_base_fee_msat": "inbound_base_fee_msat",
    "inbound_fee_ppm": "inbound_fee_rate_ppm",
    "inbound_level_ppm": "inbound_level_ppm",
    "min_htlc_msat": "min_htlc_msat",
    "max_htlc_msat": "max_htlc_msat",
    "time_lock_delta": "time_lock_delta",
    "disabled": "disabled",
}


def read_world(path: Path) -> Json:
    """Fails with what is wrong with the file, where it cannot be compared."""
    world: Json = json.loads(path.read_text(encoding="utf-8"))
    flaws = find_flaws(world)
    if flaws:
        pytest.fail(f"{path.name} cannot be compared: " + "; ".join(flaws[:10]), pytrace=False)
    return world


def name_files(world: Json) -> dict[str, str]:
    """The configurations of a world under the names by which they include each other."""
    return {f"{name}.config": text for name, text in world["configs"].items()} | world.get("files", {})


def describe_wish(priced: Priced, incomplete: set[str]) -> Json | None:
    """As the vectors write a decision down; None: no rule prices the channel, or one whose list is missing."""
    if priced.site is None or priced.wish is None:
        return None
    wish = priced.wish
    if isinstance(priced.site.strategy, IgnoreStrategy) and priced.site.section in incomplete:
        return None
    return {"policy": priced.site.section, "strategy": wish.rule.split("/")[0]} | {
        theirs: getattr(wish, ours) for theirs, ours in FIELDS.items()
    }


def read_expected(result: Json | None) -> Json | None:
    if not result or result.get("policy") is None:
        return None
    return {name: result[name] for name in ("policy", "strategy", *FIELDS) if name in result}


def apply_change_rule(expected: Json | None, present: ChannelPolicy, *, deltas: tuple[int, int]) -> ChannelPolicy:
    """The rule as it is described, in other words than the engine's: what would stand on the node afterwards."""
    if expected is None:
        return present
    wanted = {ours: expected[theirs] for theirs, ours in FIELDS.items() if expected.get(theirs) is not None}
    ppm = wanted.get("fee_rate_ppm", present.fee_rate_ppm)
    switched = wanted.pop("disabled", present.disabled)
    moves = ppm != present.fee_rate_ppm and abs(ppm - present.fee_rate_ppm) >= deltas[0]
    level = wanted.pop("inbound_level_ppm", None)
    if level is not None:
        wanted["inbound_fee_rate_ppm"] = min(0, level - (ppm if moves else present.fee_rate_ppm))
    inbound = wanted.get("inbound_fee_rate_ppm", present.inbound_fee_rate_ppm)
    keeps_base = wanted.get("inbound_base_fee_msat", present.inbound_base_fee_msat) == present.inbound_base_fee_msat
    if keeps_base and inbound != 0 and abs(inbound - present.inbound_fee_rate_ppm) < deltas[1]:
        wanted["inbound_fee_rate_ppm"] = present.inbound_fee_rate_ppm
    after = replace(present, **wanted)
    is_written = moves or replace(after, fee_rate_ppm=present.fee_rate_ppm) != present
    return replace(after if is_written else present, disabled=switched)


@pytest.mark.parametrize("path", list_vectors(PREFIX), ids=lambda path: path.name)
def test_vectors_of_charge_lnd_are_decided_alike_in_every_field(path: Path) -> None:
    world = read_world(path)
    compared, mismatches = 0, []
    for name, text in world["configs"].items():
        results = world["results"][name]
        imported = read_charge_lnd(text, name_files(world))
        incomplete = {line.section for line in imported.sections if any("not given" in note for note in line.notes)}
        policy = imported.document
        priced, _ = price_node(*prepare_run(make_facts(world, policy)))
        for channel, one in zip(world["channels"], priced, strict=True):
            expected, ours = read_expected(results.get(str(channel["chan_id"]))), describe_wish(one, incomplete)
            compared += 1
            if expected is not None and ours is not None:
                ours = {key: ours[key] for key in expected}
            if ours != expected:
                mismatches.append((name, channel["chan_id"], ours, expected))
    assert compared
    assert mismatches == []


@pytest.mark.parametrize("path", list_vectors(PREFIX), ids=lambda path: path.name)
def test_vectors_of_charge_lnd_lead_to_the_policy_its_change_rule_writes(path: Path) -> None:
    world = read_world(path)
    mismatches: list[Any] = []
    for name, text in world["configs"].items():
        cycle, inputs = prepare_run(make_facts(world, read_charge_lnd(text, name_files(world)).document))
        priced, _ = price_node(cycle, inputs)
        for given, one, decision in zip(inputs, priced, decide_node(cycle, inputs).decisions, strict=True):
            present = given.channel.own_policy
            assert present is not None
            least = one.wish.min_change_ppm if one.wish else 0
            inbound = one.wish.min_inbound_change_ppm if one.wish else None
            result = world["results"][name].get(find_chan_id(world, given.channel.short_channel_id))
            expected = read_expected(result)
            if expected is not None and not given.channel.active:
                expected["disabled"] = None
            wanted = apply_change_rule(expected, present, deltas=(least, least if inbound is None else inbound))
            if decision.proposed_policy != wanted:
                mismatches.append((name, given.channel.short_channel_id, decision, wanted))
    assert mismatches == []


def find_chan_id(world: Json, short_channel_id: str) -> str:
    return next(str(c["chan_id"]) for c in world["channels"] if scid_from_channel_id(c["chan_id"]) == short_channel_id)
