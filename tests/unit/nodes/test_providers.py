"""Providers of data are all alike, and read what they document: lists of one, text for numbers, errors under 200."""

import ast
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest

from mcp_saas.kit.cache import TTL_S
from nodes.engine.credential import Service
from nodes.pipeline.provide import BUDGETS, STALE_S
from nodes.selectors.provided import QUESTIONS as LISTED
from nodes.sources.amboss.question import ask_node
from nodes.sources.amboss.value import FeesTowards, NodeName
from nodes.sources.driver.errors import Fault
from nodes.sources.lnbits.value import Wallet
from nodes.sources.provider.protocol import Provider, ProviderError, ProviderName, Question
from nodes.sources.provider.reading import MAX_ITEMS, Lack, Reading
from nodes.sources.providers import PROVIDERS
from nodes.sources.sparkseer.question import ask_network_view
from nodes.sources.sparkseer.value import LiquidityValue, SuggestedChannel, SuggestedFee
from tests.api.case import cases
from tests.fakes.provider_server import (
    AMBOSS_NODE,
    ANSWERS,
    FEES,
    KEY,
    OWN,
    PEERS,
    VIEW,
    refuse_query,
)
from tests.unit.nodes.providing import QUESTIONS, make_way, put, serving

SOURCES = Path(__file__).resolve().parents[3] / "nodes" / "sources"
GROUND = ("mcp_saas.kit.", "nodes.sources.provider.", "nodes.sources.driver.errors", "nodes.sources.driver.text")
STANDARD = {"collections", "functools", "typing", "urllib", "msgspec"}
SHAPE = {"__init__.py", "value.py", "question.py", "provider.py"}
HEADERS = {"sparkseer": ("api-key", KEY), "amboss": ("Authorization", f"Bearer {KEY}"), "lnbits": ("X-Api-Key", KEY)}


@cases({name: name for name in PROVIDERS})
def test_a_provider_is_a_folder_of_the_same_shape(case: ProviderName) -> None:
    folder = SOURCES / case
    assert {path.name for path in folder.glob("*.py")} == SHAPE
    imported = {
        node.module or ""
        for path in folder.glob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom)
    }
    own = (f"nodes.sources.{case}.", *GROUND)
    assert {
        module for module in imported if not module.startswith(own) and module.split(".")[0] not in STANDARD
    } == set()


def test_every_table_of_providers_names_them_all() -> None:
    names = set(get_args(ProviderName))
    assert set(PROVIDERS) == set(BUDGETS) == set(STALE_S) == set(LISTED) == set(ANSWERS) == names
    assert names <= set(TTL_S)
    assert names <= {service.value for service in Service}
    asked = {(question.provider, question.name) for question in QUESTIONS.values()}
    assert {(provider, name) for provider, all_ in LISTED.items() for name in all_} == asked
    providers: list[Provider] = list(PROVIDERS.values())
    assert [provider.name for provider in providers] == list(PROVIDERS)


@cases(QUESTIONS)
def test_a_documented_answer_lacks_nothing_and_survives_the_cache(case: Question[Any]) -> None:
    with serving(case) as server:
        given = put(case, make_way(server))
    assert given.lacks == ()
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(given.value), type=case.shape) == given.value
    name, key = HEADERS[case.provider]
    [call] = server.calls
    assert call.headers[name] == key
    assert call.headers["Accept-Encoding"] == "identity"


def test_sparkseer_says_where_a_node_stands() -> None:
    with serving(QUESTIONS["network_view"]) as server:
        view: Any = put(QUESTIONS["network_view"], make_way(server)).value
    assert (view.alias, view.capacity_sat, view.channel_count) == ("Feustey", 46_150_000, 16)
    assert (view.betweenness_rank, view.weighted_eigenvector_rank) == (1834, 4400)
    assert (view.mean_outbound_fee_rate_ppm, view.median_inbound_base_fee_msat) == (151.25, 1000)


def test_sparkseers_lists_of_one_are_one_value_each() -> None:
    values = {}
    for name in ("suggested_fees", "channel_candidates", "liquidity_value"):
        with serving(QUESTIONS[name]) as server:
            values[name] = put(QUESTIONS[name], make_way(server)).value
    assert values == {
        "suggested_fees": (
            SuggestedFee(pubkey=PEERS[0], passive_fee_rate_ppm=28, active_fee_rate_ppm=339),
            SuggestedFee(pubkey=PEERS[1], passive_fee_rate_ppm=72, active_fee_rate_ppm=502),
        ),
        "channel_candidates": (
            SuggestedChannel(
                pubkey=PEERS[0],
                gain_in_betweenness_rank=324,
                gain_in_closeness_rank=268,
                gain_in_eigenvector_rank=0,
                minimum_viable_capacity_sat=1_000_000,
                ideal_capacity_sat=5_000_000,
                passive_fee_ppm=10,
                active_fee_ppm=165,
            ),
        ),
        "liquidity_value": (
            LiquidityValue(
                pubkey=PEERS[0],
                current_outbound_fee_ppm=100,
                passive_strategy_ppm_percentile=77.8,
                active_strategy_ppm_percentile=60.0,
            ),
        ),
    }


def test_ambosss_capacities_and_rates_in_text_are_numbers() -> None:
    with serving(QUESTIONS["node"]) as server:
        node: Any = put(QUESTIONS["node"], make_way(server)).value
    assert (node.channels.channel_count, node.channels.capacity_sat) == (16, 46_150_000)
    assert node.fees_towards == FeesTowards(
        max_ppm=2500, mean_ppm=612.5, median_ppm=400, weighted_ppm=350.1, weighted_corrected_ppm=301.7
    )


def test_amboss_names_the_nodes_that_were_asked_for() -> None:
    with serving(QUESTIONS["names"]) as server:
        names = put(QUESTIONS["names"], make_way(server)).value
    assert names == tuple(NodeName(pubkey=pubkey, alias=f"node {pubkey[:6]}") for pubkey in sorted(PEERS))


def test_the_balance_of_lnbits_is_in_msat() -> None:
    with serving(QUESTIONS["wallet"]) as server:
        assert put(QUESTIONS["wallet"], make_way(server)).value == Wallet(name="LNbits wallet", balance_msat=21_000_123)


def test_a_field_of_a_wrong_type_is_that_field_missing_and_counted() -> None:
    broken = VIEW | {
        "total_capacity": "46150000",
        "num_channels": True,
        "mean_channel_capacity": [],
        "betweenness_rank": -3,
        "alias": 7,
        "median_channel_capacity": 2.2e15,
        "closeness_rank": None,
    }
    del broken["eigenvector_rank"]
    with serving(QUESTIONS["network_view"]) as server:
        server.say(broken)
        given = put(QUESTIONS["network_view"], make_way(server))
    view: Any = given.value
    assert (view.capacity_sat, view.channel_count, view.mean_channel_sat, view.alias) == (None,) * 4
    assert (view.betweenness_rank, view.closeness_rank, view.eigenvector_rank) == (None,) * 3
    assert view.median_outbound_fee_rate_ppm == 75
    unusable = {lack.field for lack in given.lacks if lack.why == "unusable"}
    assert unusable == {
        *("total_capacity", "num_channels", "mean_channel_capacity", "betweenness_rank", "alias"),
        "median_channel_capacity",
    }
    assert {lack.field for lack in given.lacks if lack.why == "missing"} == {"closeness_rank", "eigenvector_rank"}


def test_a_row_that_is_of_no_use_costs_itself_alone() -> None:
    rows = [
        *FEES["channel_peers"],
        {"pubkey": "not a pubkey", "suggested_fees": [{"passive_fee_rate": 1, "active_fee_rate": 2}]},
        {"suggested_fees": []},
        {"pubkey": OWN, "suggested_fees": {}},
        None,
        "row",
    ]
    with serving(QUESTIONS["suggested_fees"]) as server:
        server.say({"channel_peers": rows})
        given = put(QUESTIONS["suggested_fees"], make_way(server))
    value: Any = given.value
    assert [fee.pubkey for fee in value] == [*PEERS, OWN]
    assert value[-1] == SuggestedFee(pubkey=OWN)
    assert Lack("channel_peers[]", "unusable") in given.lacks
    assert {Lack("channel_peers[].pubkey", why) for why in ("missing", "unusable")} <= set(given.lacks)


def test_a_list_is_read_up_to_a_limit() -> None:
    reading = Reading()
    assert len(reading.read_list([0] * (MAX_ITEMS + 5), "rows") or []) == MAX_ITEMS
    assert reading.lacks == (Lack(f"rows[{MAX_ITEMS}:]", "unusable"),)


def test_text_of_strangers_is_one_tame_line() -> None:
    with serving(QUESTIONS["network_view"]) as server:
        server.say(VIEW | {"alias": "a\x1b[2J\u202eb\n" + "c" * 200})
        view: Any = put(QUESTIONS["network_view"], make_way(server)).value
    assert view.alias.startswith("a[2Jbc")
    assert len(view.alias) == 32


@cases({"network_view": ask_network_view(PEERS[0]), "node": ask_node(PEERS[0])})
def test_an_answer_about_another_node_is_none(case: Question[Any]) -> None:
    with serving(case) as server:
        server.say({**VIEW, "data": {"getNode": {"graph_info": AMBOSS_NODE}}})
        with pytest.raises(ProviderError) as caught:
            put(case, make_way(server))
    assert caught.value.fault is Fault.GARBLED


@cases({
    "no key": (refuse_query("Not authenticated", code="UNAUTHENTICATED"), Fault.FORBIDDEN),
    "its own trouble": (refuse_query("oops", code="INTERNAL_SERVER_ERROR"), Fault.UNAVAILABLE),
    "a question it does not know": (refuse_query("Cannot query field"), Fault.REFUSED),
    "errors in no shape": ({"data": None, "errors": "all of it"}, Fault.REFUSED),
    "neither": ({}, Fault.GARBLED),
})
def test_amboss_refuses_under_200(case: tuple[object, Fault]) -> None:
    body, fault = case
    with serving(QUESTIONS["node"]) as server:
        server.say(body)
        with pytest.raises(ProviderError) as caught:
            put(QUESTIONS["node"], make_way(server))
    assert caught.value.fault is fault


def test_amboss_may_answer_in_part() -> None:
    node = AMBOSS_NODE | {"channels": AMBOSS_NODE["channels"] | {"fee_info": None}}
    path = ["getNode", "graph_info", "channels", "fee_info"]
    with serving(QUESTIONS["node"]) as server:
        server.say({"data": {"getNode": {"graph_info": node}}, "errors": [{"message": "oops", "path": path}]})
        given = put(QUESTIONS["node"], make_way(server))
    value: Any = given.value
    assert value.channels.capacity_sat == 46_150_000
    assert value.fees_towards is None
    assert Lack("getNode.graph_info.channels.fee_info", "missing") in given.lacks


def test_what_amboss_calls_wrong_is_noted_within_bounds() -> None:
    errors = [{"message": "oops", "path": [f"field {number}\n" + "x" * 5000]} for number in range(500)]
    with serving(QUESTIONS["node"]) as server:
        server.say({"data": {"getNode": {"graph_info": AMBOSS_NODE}}, "errors": errors})
        lacks = put(QUESTIONS["node"], make_way(server)).lacks
    assert len(lacks) == 20
    assert all(len(lack.field) <= 128 and "\n" not in lack.field for lack in lacks)
