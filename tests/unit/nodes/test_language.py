"""Every rule, guard and bar of the engine has French words, and a French sentence tells what the English one does."""

import ast
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

from nodes.engine.decision import decide_node
from nodes.engine.document import FeePolicy, LimitOverride, Limits
from nodes.engine.language import french
from nodes.engine.language.quoted import QUOTES, quote_rule
from nodes.engine.language.sentence import tell_decision
from nodes.engine.language.terms import TAGS, tell_terms
from nodes.engine.reason import AIMS
from nodes.engine.stateful_strategies import (
    ClbossStrategy,
    FeeAdjusterStrategy,
    LndmanageStrategy,
    MarginalStrategy,
    PidStrategy,
)
from nodes.engine.strategies import FlowStrategy, OnchainFeeStrategy
from nodes.engine.types import FlowTotals, LargeFlow
from tests.unit.nodes.engine_builders import (
    NODE,
    decide,
    make_channel,
    make_cycle,
    make_input,
    make_policy,
    make_policy_of,
)
from tests.unit.nodes.test_stateful_clboss import MARKET

ENGINE = Path(__file__).resolve().parents[3] / "nodes" / "engine"
BRANCH = re.compile(r"[a-z_]+/[a-z-]+")


def texts_of(folder: str) -> set[str]:
    """Every text in the code of a folder, docstrings and pieces of f-strings included."""
    nodes = (node for path in (ENGINE / folder).rglob("*.py") for node in ast.walk(ast.parse(path.read_text())))
    return {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}


def keywords_of(folder: str, name: str) -> set[str]:
    calls = (
        node
        for path in (ENGINE / folder).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
    )
    values = (keyword.value for call in calls for keyword in call.keywords if keyword.arg == name)
    return {value.value for value in values if isinstance(value, ast.Constant) and isinstance(value.value, str)}


def rules_of_the_engine() -> set[str]:
    branches = {text for text in texts_of("policies") if BRANCH.fullmatch(text)}
    return branches | keywords_of("policies", "rule")


def test_every_rule_of_every_strategy_has_french_words() -> None:
    rules = rules_of_the_engine()
    assert len(rules) > 40
    assert rules - set(french.RULES) == set()


def test_every_strategy_of_the_document_is_told_by_a_rule() -> None:
    schema = msgspec.json.schema(FeePolicy)
    tags = {
        tag
        for part in schema["$defs"].values()
        if (tag := part.get("properties", {}).get("strategy", {}).get("enum", [None])[0]) is not None
    }
    assert len(tags) > 10
    told = {rule.split("/")[0] for rule in french.RULES} | {"time_of_day"}
    assert tags - told == set()


def test_every_guard_and_bar_has_french_words() -> None:
    guards = keywords_of("guards", "held_by") | keywords_of("policies", "held_by")
    limits = {name for shape in (Limits, LimitOverride) for name in shape.__struct_fields__ if "_" in name}
    asked = guards | limits | {"min_change_ppm", "node_changes_per_day", "cost_per_day"}
    asked |= {"switches_on", "channel_bounds", "highest_rate"}
    assert len(guards) > 15
    assert asked - set(french.GUARDS) - set(french.BARS) == set()


@pytest.mark.parametrize("rule", sorted(french.RULES))
def test_a_french_sentence_can_be_told_of_every_rule(rule: str) -> None:
    given = make_input()
    outcome = msgspec.structs.replace(decide(given), rule=rule)
    sentence = tell_decision(given, outcome, language="fr")
    assert "{" not in sentence
    assert sentence.endswith(".")


def test_a_raised_fee_is_told_with_its_numbers_and_its_hold() -> None:
    given = make_input(channel=make_channel(local_balance_sat=100_000, remote_balance_sat=900_000))
    outcome = decide(given, limits=Limits(max_fee_rate_ppm=850))
    assert outcome.held_by == "max_fee_rate_ppm"
    assert tell_decision(given, outcome, language="en") == outcome.reason
    assert tell_decision(given, outcome, language="fr") == (
        "Le solde local est de 10 % du canal, donc les frais montent de 800 à 850 ppm, et non à 905 ppm ; le taux est "
        "au plus haut permis (proportional, 50..1000 ppm)."
    )


def test_a_channel_below_its_rate_is_told_what_it_asks_for_whichever_way_the_fee_goes() -> None:
    """Little on our side alone is no cause for a lower fee: the rate that it asks for is."""
    channel = make_channel(
        local_balance_sat=60_000, remote_balance_sat=940_000, own_policy=make_policy(fee_rate_ppm=1500)
    )
    outcome = decide(make_input(channel=channel))
    assert outcome.reason == (
        "Local balance is 6 % of the channel, which asks for 943 ppm, so the fee goes down from 1500 to 943 ppm "
        "(proportional, 50..1000 ppm)."
    )
    assert tell_decision(make_input(channel=channel), outcome, language="fr") == (
        "Le solde local est de 6 % du canal, ce qui demande 943 ppm, donc les frais baissent de 1500 à 943 ppm "
        "(proportional, 50..1000 ppm)."
    )


def test_a_wish_that_is_held_whole_is_told_with_but() -> None:
    given = make_input(channel=make_channel(local_balance_sat=100_000, remote_balance_sat=900_000))
    outcome = decide(given, limits=Limits(min_change_ppm=500))
    assert "which asks for 905 ppm, but the fee stays at 800 ppm" in outcome.reason
    assert "ce qui demande 905 ppm, mais les frais restent à 800 ppm ; " in tell_decision(given, outcome, language="fr")


def test_a_step_is_told_with_what_it_is_for_in_both_languages() -> None:
    assert set(french.AIMS) == set(AIMS)
    assert set(AIMS) <= set(french.RULES)
    given = make_input(channel=make_channel(**AT_HALF), peer={"flow": flowing(**DRAINED)})
    [outcome] = decide_node(make_cycle(make_policy_of(FlowStrategy(increment_ppm=1))), [given]).decisions
    assert outcome.reason.split(" (flow")[0].endswith(" ppm to sell what flows out for more")
    told = tell_decision(given, outcome, language="fr")
    assert told.split(" (flow")[0].endswith(" ppm pour vendre plus cher ce qui sort")


@pytest.mark.parametrize(
    ("changes", "words"),
    [({"private": True}, "privé"), ({"active": False}, "n'est pas actif"), ({"own_policy": None}, "sans comparaison")],
)
def test_a_channel_kept_out_is_told_why(changes: dict[str, Any], words: str) -> None:
    given = make_input(channel=make_channel(**changes))
    assert words in tell_decision(given, decide(given), language="fr")


NUMBER = re.compile(r"\d+(?:\.\d+)?")
DRAINED = {"in_7d_sat": 0, "out_7d_sat": 2_400_000, "revenue_7d_msat": 900_000}
ASSISTING = {"in_7d_sat": 800_000, "out_7d_sat": 1_000, "revenue_7d_msat": 3_000, "assist_7d_msat": 45_000}
AT_HALF = {"local_balance_sat": 500_000, "remote_balance_sat": 500_000}


def flowing(**sums: int) -> FlowTotals:
    return FlowTotals(days_observed=6.5, out_7d_msat=70_000_000, out_forwards_7d=9, large=LargeFlow(**sums))


@pytest.mark.parametrize(
    ("rule", "strategy", "changes"),
    [
        ("clboss", ClbossStrategy(), {"market": MARKET}),
        ("pid", PidStrategy(), {}),
        ("lndmanage/demand", LndmanageStrategy(initialise=False), {"peer": {"flow": flowing()}}),
        ("flow/low/steady", FlowStrategy(), {"channel": {"local_balance_sat": 10_000, "remote_balance_sat": 990_000}}),
        ("flow/middle/draining", FlowStrategy(), {"channel": AT_HALF, "peer": {"flow": flowing(**DRAINED)}}),
        ("flow/excess/assisting", FlowStrategy(excess_liquidity_percent=90), {"peer": {"flow": flowing(**ASSISTING)}}),
        ("onchain_fee", OnchainFeeStrategy(), {}),
        ("fee_adjuster", FeeAdjusterStrategy(), {"market": MARKET}),
        ("marginal", MarginalStrategy(), {"market": MARKET}),
    ],
)
def test_french_names_every_number_that_english_names(rule: str, strategy: Any, changes: dict[str, Any]) -> None:
    changes = dict(changes)
    given = make_input(make_channel(**changes.pop("channel", {})), **changes)
    node = msgspec.structs.replace(NODE, onchain_fees={"6": 12.5})
    [outcome] = decide_node(make_cycle(make_policy_of(strategy), node=node), [given]).decisions
    assert outcome.rule.startswith(rule)
    clause = re.split(r", (?:so|which asks for|but) ", outcome.reason)[0]
    told = tell_decision(given, outcome, language="fr")
    assert NUMBER.findall(clause) != []
    assert set(NUMBER.findall(clause)) <= set(NUMBER.findall(told))
    assert quote_rule(outcome.rule, outcome.reason) is not None


def test_words_of_another_engine_are_told_without_their_numbers() -> None:
    outcome = msgspec.structs.replace(decide(make_input()), rule="clboss", reason="Something else altogether.")
    given = make_input(market=MARKET)
    assert "Les autres demandent 400 ppm vers ce pair en médiane, ajustés" in tell_decision(
        given, outcome, language="fr"
    )


def test_both_halves_of_a_quote_name_the_same_numbers() -> None:
    for rule, pairs in QUOTES.items():
        assert rule in french.RULES
        for english, told in pairs:
            assert set(re.findall(r"\{(\w+)\}", english)) == set(re.findall(r"\{(\w+)\}", told)), rule


@pytest.mark.parametrize(
    ("terms", "told"),
    [
        ("static, 250 ppm", "static, 250 ppm"),
        ("proportional", "proportional"),
        ("flow, steps of 25 ppm, 0..5000 ppm", "flow, par pas de 25 ppm, 0..5000 ppm"),
        ("clboss, zero base fee: True", "clboss, frais de base nuls"),
        ("clboss, zero base fee: False", "clboss, frais de base libres"),
        ("onchain_fee, 0.01 BTC in 6 blocks", "onchain_fee, 0.01 BTC en 6 blocs"),
        ("cost, 1.2 times", "cost, 1.2 fois"),
        ("use_config weekend (old)", "use_config weekend (old)"),
        (
            "time_of_day, no slot; flow, steps of 5 ppm, 1..9 ppm",
            "time_of_day, aucune plage ; flow, par pas de 5 ppm, 1..9 ppm",
        ),
        (
            "time_of_day, 22:00 to 06:00 Europe/Paris, times 0.5; static",
            "time_of_day, de 22:00 à 06:00, Europe/Paris, fois 0.5 ; static",
        ),
    ],
)
def test_the_strategy_is_named_in_french_as_in_english(terms: str, told: str) -> None:
    assert tell_terms(f"Local balance is 6 % (no data), so the fee stays at 5 ppm ({terms}).") == f" ({told})"


def test_a_sentence_without_a_strategy_names_none() -> None:
    assert tell_terms("The channel is closed (for good).") == ""


def test_every_strategy_of_the_engine_ends_its_sentence_with_its_name() -> None:
    """So the French one finds it there."""
    pieces = {text.split(",")[0].split(" ")[0] for text in keywords_of("policies", "terms")}
    assert pieces <= set(TAGS)
    assert {rule.split("/")[0] for rule in rules_of_the_engine()} <= set(TAGS)
