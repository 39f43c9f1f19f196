"""Many nodes in one answer: our own in full, others by what everybody knows, and each with its own trouble."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from nodes.pipeline.graph import load_graph
from nodes.simulator.small_network import generate_network
from nodes.sources.describegraph.writer import write_graph
from recommendations.api.bulk_contract import BulkAnswer, NodeAnalysis
from tests.conftest import ApiClient
from tests.factories import Box, pubkey_of

pytestmark = pytest.mark.django_db
PATH = "/api/v1/nodes/bulk-analysis"


@pytest.fixture
def strangers(tmp_path: Path) -> list[str]:
    """Nodes of a loaded network."""
    graph = generate_network(seed=7, now_s=1_760_000_000)
    write_graph(graph, tmp_path / "graph.json")
    load_graph(tmp_path / "graph.json")
    return [node.pubkey for node in graph.nodes]


def ask(api: ApiClient, box: Box, pubkeys: list[str], *types: str) -> BulkAnswer:
    body: dict[str, Any] = {"pubkeys": pubkeys} | ({"analysis_types": list(types)} if types else {})
    answer = api.post(PATH, body, token=api.token_of(box))
    assert answer.status == 200, answer.json
    return msgspec.json.decode(answer.raw, type=BulkAnswer)


def code_of(one: NodeAnalysis) -> str:
    return one.problem.type.rpartition("/")[2] if one.problem else ""


def test_the_own_node_is_told_in_full_and_others_by_the_graph(api: ApiClient, alice: Box, strangers: list[str]) -> None:
    own, other = ask(api, alice, [alice.pubkey, strangers[0]], "basic", "network", "historical").results

    assert own.is_own
    assert own.basic is not None
    assert len(own.basic.channels or []) == 2
    assert len(own.basic.historical or []) == 30
    assert (own.network, own.withheld) == (None, [])  # it is not in this graph
    assert other.basic is not None
    assert (other.is_own, other.basic.source, other.basic.channels) == (False, "graph", None)
    assert other.basic.metrics.local_balance is None
    assert other.network is not None
    assert other.network == other.basic.network_position
    assert [one.analysis_type for one in other.withheld] == ["historical"]


def test_a_bad_key_fails_no_other_and_a_repeated_one_is_answered_once(
    api: ApiClient, alice: Box, strangers: list[str]
) -> None:
    asked = [strangers[1], "nonsense", strangers[0], "\x00", strangers[1], pubkey_of("nobody")]

    found = ask(api, alice, asked)

    assert [one.pubkey for one in found.results] == [asked[0], asked[1], asked[2], asked[3], asked[5]]
    assert [code_of(one) for one in found.results] == ["", "invalid-body", "", "invalid-body", "not-found"]
    assert (found.total_count, found.failed_count) == (5, 3)
    [error] = found.results[3].problem.errors or []  # type: ignore[union-attr]
    assert error.pointer == "/pubkeys/3"


def test_another_box_is_a_stranger_like_any_other(api: ApiClient, alice: Box, bob: Box, strangers: list[str]) -> None:
    [found] = ask(api, alice, [bob.pubkey]).results

    assert code_of(found) == "not-found"


@pytest.mark.parametrize(
    "body",
    [
        {"pubkeys": []},
        {"pubkeys": [pubkey_of("one")] * 51},
        {"pubkeys": ["x" * 201]},
        {"pubkeys": [pubkey_of("one")], "analysis_types": ["magic"]},
        {"pubkeys": [pubkey_of("one")], "analysis_types": []},
    ],
    ids=["none", "too many", "too long", "no such analysis", "no analysis"],
)
def test_what_is_no_such_question_is_refused(api: ApiClient, alice: Box, body: dict[str, Any]) -> None:
    assert api.post(PATH, body, token=api.token_of(alice)).status == 400


def test_the_own_node_is_advised_and_no_other(api: ApiClient, alice: Box, strangers: list[str]) -> None:
    own, other = ask(api, alice, [alice.pubkey, strangers[0]], "recommendations").results

    assert own.recommendations is not None
    assert own.recommendations.pubkey == alice.pubkey
    assert (own.basic, own.withheld) == (None, [])
    assert other.recommendations is None
    assert [one.analysis_type for one in other.withheld] == ["recommendations"]
