"""POST /node/{pubkey}/priorities: what to do first, and why not the rest; a model may order and explain."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.core.cache import cache

from tests.api.problem import assert_problem
from tests.api.recommendations.test_recommendations import report
from tests.conftest import ApiClient
from tests.factories import Box, make_api_key, make_box
from tests.fakes.openai_server import FAILURES, MODEL, Asked, OpenAIServer, answer_of, fail, say

Use = Callable[..., None]
FRENCH = {"Accept-Language": "fr"}


@pytest.fixture
def owner(db: None) -> Box:
    cache.clear()
    box = make_box("owner")
    report(box)
    return box


def ask(api: ApiClient, box: Box, body: dict[str, Any] | None = None, **headers: str) -> Any:
    reply = api.post(box.path("priorities"), body or {}, token=api.token_of(box), **headers)
    assert reply.status == 200, reply.json
    return reply.json


def read_evidence(asked: Asked) -> list[dict[str, str]]:
    """What the model was given: short id and text of each action."""
    lines = asked.body["input"].split("<evidence>\n")[1].split("\n</evidence>")[0].splitlines()
    return [json.loads(line) for line in lines]


def quoting(asked: Asked, *places: int) -> list[tuple[str, list[tuple[str, str]]]]:
    """A sentence for each of the actions, word for word its own."""
    given = read_evidence(asked)
    texts = [(given[place]["id"], given[place]["text"].split(". ")[0]) for place in places]
    return [(text, [(name, text)]) for name, text in texts]


def test_without_a_model_it_is_worked_out(api: ApiClient, owner: Box) -> None:
    body = ask(api, owner, {"max_actions": 4})
    assert [one["priority"] for one in body["priority_actions"]] == [1, 2, 3, 4]
    assert (body["openai_analysis"], body["model_used"], body["degraded"]) == (None, "deterministic", ["rag"])
    listed = api.get(owner.path("recommendations"), token=make_api_key(owner)).json["recommendations"]
    ids = {one["id"] for one in listed}
    told = [one["id"] for one in body["priority_actions"]] + [one["id"] for one in body["left_out"] if one["id"]]
    assert sorted(told) == sorted(ids)
    for one in body["priority_actions"]:
        assert one["action"] and one["reasoning"] and one["impact"] and one["steps"]  # noqa: PT018 - of each all
        assert one["difficulty"] in {"easy", "medium", "hard"}
    assert all(one["why"] for one in body["left_out"])
    assert "30 channels" in body["key_metrics"][0]


def test_the_budget_is_never_exceeded(api: ApiClient, owner: Box) -> None:
    costs = {one["estimated_cost"] for one in ask(api, owner, {"max_actions": 10})["priority_actions"]}
    assert any(costs - {None})
    for budget in (0, 10, 700, 10_000):
        body = ask(api, owner, {"max_actions": 10, "budget_limit": budget})
        assert body["total_estimated_cost"] == sum(one["estimated_cost"] for one in body["priority_actions"]) <= budget
    reasons = {one["reason"] for one in ask(api, owner, {"budget_limit": 0})["left_out"]}
    assert "budget" in reasons


def test_goals_come_first(api: ApiClient, owner: Box) -> None:
    [first] = ask(api, owner, {"goals": ["liquidity"], "max_actions": 1})["priority_actions"]
    assert first["type"] == "rebalance"
    [first] = ask(api, owner, {"goals": ["reliability"], "max_actions": 1})["priority_actions"]
    assert first["type"] == "backup"


def test_the_context_changes_words_and_number_of_steps(api: ApiClient, owner: Box) -> None:
    body = {"goals": ["liquidity"], "max_actions": 1}
    told = [ask(api, owner, body | {"context": name}) for name in ("beginner", "intermediate", "expert")]
    [beginner, usual, expert] = [one["priority_actions"][0] for one in told]
    assert len(beginner["steps"]) > len(usual["steps"]) > len(expert["steps"]) == 1
    assert len(beginner["reasoning"]) > len(usual["reasoning"])
    french = ask(api, owner, body, **FRENCH)
    assert french["priority_actions"][0]["action"].startswith("Déplacer")
    assert "canaux" in french["key_metrics"][0]


def test_a_box_without_reports_has_nothing_to_do_and_no_data(api: ApiClient, db: None) -> None:
    body = ask(api, make_box("newcomer"))
    assert (body["priority_actions"], body["total_estimated_cost"], body["left_out"]) == ([], 0, [])
    assert "no data" in body["key_metrics"][1]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("max_actions", 0),
        ("max_actions", 11),
        ("max_actions", True),
        ("budget_limit", -1),
        ("budget_limit", 1.5),
        ("goals", ["fame"]),
        ("context", "wizard"),
        ("more", 1),
    ],
)
def test_a_wish_nobody_can_grant_is_refused(api: ApiClient, owner: Box, field: str, value: object) -> None:
    reply = api.post(owner.path("priorities"), {field: value}, token=make_api_key(owner))
    assert_problem(reply, 400)
    assert reply.json["errors"][0]["pointer"].startswith(f"/{field}")


def test_bob_cannot(api: ApiClient, owner: Box, bob: Box) -> None:
    assert_problem(api.post(owner.path("priorities"), {}, token=make_api_key(bob)), 404)


def test_a_model_orders_and_explains(api: ApiClient, owner: Box, server: OpenAIServer, use_model: Use) -> None:
    plain = [one["id"] for one in ask(api, owner, {"max_actions": 3})["priority_actions"]]
    use_model()
    server.script = lambda asked: say(asked, answer_of(quoting(asked, 2, 0)))
    body = ask(api, owner, {"max_actions": 3})
    assert [one["id"] for one in body["priority_actions"]] == [plain[2], plain[0], plain[1]]
    said = [one["explanation"] for one in body["priority_actions"]]
    assert said[0] and said[1] and said[2] is None  # noqa: PT018
    assert (body["model_used"], body["dropped"]) == (MODEL, 0)
    assert body["openai_analysis"] == f"{said[0]} {said[1]}"
    assert "llm" not in body["degraded"]


def test_the_same_wish_is_answered_from_what_was_kept(
    api: ApiClient, owner: Box, server: OpenAIServer, use_model: Use
) -> None:
    use_model()
    server.script = lambda asked: say(asked, answer_of(quoting(asked, 1, 0)))
    first, second = (ask(api, owner, {"max_actions": 3}) for _ in range(2))
    assert first["openai_analysis"] == second["openai_analysis"] is not None
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    "lie",
    [
        "Set the fee to 1,000,000 ppm",
        "Set the fee to 1000000 ppm",
        "Set the fee to 10^6 ppm",
        "It brings 98765 sat a day",
        "See https://evil.example/",
        "Read <b>this</b>",
        "Ignore all previous instructions",
        "Open a channel to 900001x1x1",
    ],
)
def test_what_the_actions_own_words_do_not_bear_out_is_dropped_and_counted(
    api: ApiClient, owner: Box, server: OpenAIServer, use_model: Use, lie: str
) -> None:
    use_model()

    def script(asked: Asked) -> Any:
        [(text, cited), other] = quoting(asked, 0, 1)
        return say(asked, answer_of([(f"{lie}. {text}", cited), other]))

    server.script = script
    body = ask(api, owner, {"max_actions": 3})
    assert body["dropped"] == 1
    assert lie not in json.dumps(body)
    assert len(body["priority_actions"]) == 3
    assert [bool(one["explanation"]) for one in body["priority_actions"]] == [True, False, False]


def test_a_number_of_another_action_and_an_action_nobody_knows_are_dropped(
    api: ApiClient, owner: Box, server: OpenAIServer, use_model: Use
) -> None:
    use_model()

    def script(asked: Asked) -> Any:
        [(text, cited), (other, other_cited)] = quoting(asked, 0, 1)
        lies = [(other, cited), (text, [("E9", text)]), (text, [*cited, *other_cited])]
        return say(asked, answer_of(lies))

    server.script = script
    body = ask(api, owner, {"max_actions": 3})
    assert (body["dropped"], body["openai_analysis"], body["model_used"]) == (3, None, "deterministic")
    assert "llm" in body["degraded"]
    assert len(body["priority_actions"]) == 3


def test_a_sentence_that_tells_to_do_something_else_is_dropped(
    api: ApiClient, owner: Box, server: OpenAIServer, use_model: Use
) -> None:
    use_model()
    lie = "Send the sats elsewhere instead"

    def script(asked: Asked) -> Any:
        [(_, cited), other] = quoting(asked, 0, 1)
        return say(asked, answer_of([(lie, cited), other]))

    server.script = script
    body = ask(api, owner, {"max_actions": 3})
    assert body["dropped"] == 1
    assert lie not in json.dumps(body)
    assert body["model_used"] == MODEL


@pytest.mark.fault
@pytest.mark.parametrize("kind", FAILURES)
def test_each_failure_ends_in_what_was_worked_out(
    api: ApiClient, owner: Box, server: OpenAIServer, use_model: Use, kind: str
) -> None:
    plain = ask(api, owner, {"max_actions": 3})
    use_model(openai_timeout_s=0.5, openai_budget_s=1.0)
    server.script = fail(kind, server.over)
    body = ask(api, owner, {"max_actions": 3})
    assert body["priority_actions"] == plain["priority_actions"]
    assert (body["model_used"], body["openai_analysis"]) == ("deterministic", None)
    assert body["degraded"] == ["rag", "llm"]


def test_what_the_model_is_told_is_no_secret(
    api: ApiClient, owner: Box, server: OpenAIServer, use_model: Use, settings: Any
) -> None:
    use_model()
    server.script = lambda asked: say(asked, answer_of(quoting(asked, 0)))
    ask(api, owner)
    [asked] = server.asked
    secrets = (settings.SECRET_KEY, str(owner.dazbox.id), owner.tenant.schema_name, owner.pubkey, "macaroon")
    assert [secret for secret in secrets if secret in asked.text] == []
