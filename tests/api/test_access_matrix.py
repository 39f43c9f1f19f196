"""Every operation of the OpenAPI document, for every kind of caller, answers exactly as the table of rules says."""

import uuid
from typing import Any

import pytest

from tenants.models.dazbox import Dazbox, DazboxState
from tests.api import lasting
from tests.api.access_rules import RULES, Caller
from tests.api.openapi_document import Operation, list_operations
from tests.api.problem import assert_problem
from tests.api.residents import BODIES, Resident, Town, found_town, knock
from tests.api.tables import read_tables
from tests.conftest import ApiClient

db = lasting.db
OPERATIONS = {str(operation): operation for operation in list_operations()}
READS = [name for name, operation in OPERATIONS.items() if operation.method == "GET" and name in RULES]
NESTED = {
    "key_id",
    "kid",
    "action_id",
    "run_id",
    "document_id",
    "recommendation_id",
}  # what an address names below a box
STAFF = {Caller.OPERATOR, Caller.WITH_LEAVE, Caller.SHOP}
Kept = dict[str, Any]


@pytest.fixture(scope="module")
def lasting_town(lasting_db: None, knowledge_url: str) -> Town:
    return found_town()


@pytest.fixture(scope="module")
def kept(lasting_town: Town) -> dict[str, Kept]:
    """What is stored of each box before anybody asks."""
    return {resident.box.name: read_stored(resident) for resident in lasting_town.residents}


@pytest.fixture
def town(lasting_town: Town, kept: dict[str, Kept], db: None) -> Town:
    return lasting_town


def read_stored(resident: Resident) -> Kept:
    row = Dazbox.objects.values().get(id=resident.box.dazbox.id)
    return {"account": row, "tables": {} if row["state"] == DazboxState.DELETED else read_tables(resident.box)}


def success_of(operation: Operation) -> int:
    """Of those the document names: what is new is 201."""
    known = {int(status) for status in operation.detail["responses"] if status < "300"}
    return 201 if 201 in known else min(known)


def test_the_table_has_a_rule_for_every_operation_of_the_document_and_no_other() -> None:
    assert sorted(OPERATIONS) == sorted(RULES)
    assert all(set(rule) == set(Caller) for rule in RULES.values())


def test_every_operation_with_a_body_is_sent_one() -> None:
    assert {name for name, operation in OPERATIONS.items() if "requestBody" in operation.detail} == set(BODIES)


@pytest.mark.parametrize("caller", Caller)
@pytest.mark.parametrize("name", RULES)
def test_each_caller_is_answered_as_the_table_says(
    api: ApiClient, town: Town, kept: dict[str, Kept], name: str, caller: Caller
) -> None:
    operation, visited, expected = OPERATIONS[name], town.visited_by(caller), RULES[name][caller]
    answer = knock(api, operation, visited.places, town.token_of(caller))
    if expected == "in":
        assert answer.status == success_of(operation), answer.raw
    else:
        status, problem = expected
        assert_problem(answer, status)
        assert answer.json["type"].rpartition("/")[2] == problem
        assert read_stored(visited) == kept[visited.box.name]
    if caller not in STAFF:
        foreign = [resident for resident in town.residents if resident.token != town.token_of(caller)]
        assert [trace for resident in foreign for trace in resident.traces if trace in answer.raw] == []


@pytest.mark.parametrize("name", [name for name in RULES if RULES[name][Caller.ANOTHER] == (404, "not-found")])
def test_what_belongs_to_others_and_what_is_not_there_look_the_same(api: ApiClient, town: Town, name: str) -> None:
    operation, token = OPERATIONS[name], town.bob.token
    nowhere = {key: str(uuid.uuid4()) for key in town.alice.places} | {"pubkey": "02" + "cd" * 32}
    answers = [knock(api, operation, places, token) for places in (town.alice.places, nowhere)]
    first, second = (answer.json | {"instance": ""} for answer in answers)
    assert first == second
    assert first["status"] == 404


@pytest.mark.parametrize("name", [name for name, operation in OPERATIONS.items() if NESTED & set(operation.places)])
def test_below_ones_own_box_anothers_things_are_not_found(
    api: ApiClient, town: Town, kept: dict[str, Kept], name: str
) -> None:
    mixed = town.bob.places | {place: town.alice.places[place] for place in NESTED}
    assert_problem(knock(api, OPERATIONS[name], mixed, town.bob.token), 404)
    assert read_stored(town.alice) == kept["alice"]


def test_each_box_reads_its_own_canary(api: ApiClient, town: Town) -> None:
    """Else the tests above would find no canary anywhere."""
    singing = {
        name
        for name in READS
        if town.bob.canary.encode() in knock(api, OPERATIONS[name], town.bob.places, town.bob.token).raw
    }
    assert singing >= {
        "list_channels",
        "get_channel",
        "list_decisions",
        "list_api_keys",
        "list_devices",
        "get_device",
        "get_device_authorization",
    }
