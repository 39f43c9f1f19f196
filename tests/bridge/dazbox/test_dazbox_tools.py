"""The tools of a node, asked over a real socket with the token of a box: they see that box and no other."""

import asyncio
from collections.abc import Iterator
from typing import Any

import jsonschema
import msgspec
import pytest
from mcp_types import CallToolResult, DiscoverResult, ListToolsResult

from bridge.sources.connection import Answer
from bridge.sources.dazbox.connection import open_dazbox
from bridge.sources.dazbox.tool import TOOLS
from tenants.tokens.access import mint_access_token
from tests.committed import committed_database
from tests.conftest import ApiClient, fill_box
from tests.factories import make_box, pubkey_of
from tests.faults.web_process import web_process

pytestmark = pytest.mark.fault
SCID = "800000x1x0"
CALLS: dict[str, dict[str, Any]] = {
    "list_channels": {"limit": 1},
    "node_info": {"use_cache": False},
    "explain_fee": {"short_channel_id": SCID, "language": "fr"},
    "recommendations": {"level": "beginner"},
    "ask_knowledge": {"question": "What is the capacity of my channels?"},
    "preview_policy": {"document": {}},
    "propose_action": {"short_channel_id": SCID, "base_fee_msat": 777},
}


class Town:
    def __init__(self, url: str) -> None:
        self.url = url
        self.ours, self.others = (fill_box(make_box(name), forwards=2) for name in ("tool owner", "tool neighbour"))
        self.token = ApiClient().token_of(self.ours)

    def ask(self, method: str, params: dict[str, Any], *, token: str | None = "", timeout_s: float = 60) -> Answer:
        """With the owner's token, unless another is given; None: unbound."""

        async def ask() -> Answer:
            connection = open_dazbox(self.url)
            caller = connection if token is None else connection.bind(token or self.token)
            try:
                return await caller.request(method, msgspec.json.encode(params), timeout_s=timeout_s)
            finally:
                await connection.close()

        return asyncio.run(ask())

    def call(self, tool: str, arguments: dict[str, Any], **more: Any) -> dict[str, Any]:
        answer = self.ask("tools/call", {"name": tool, "arguments": arguments}, **more)
        assert not answer.is_error, answer.body
        CallToolResult.model_validate_json(answer.body)
        return dict(msgspec.json.decode(answer.body))


@pytest.fixture(scope="module")
def town(django_db_setup: None, django_db_blocker: Any) -> Iterator[Town]:
    with committed_database(django_db_blocker), web_process() as web:
        yield Town(web.url)


def refuse(answer: Answer) -> tuple[int, str]:
    assert answer.is_error
    error = msgspec.json.decode(answer.body)
    return error["code"], error["message"]


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.name)
def test_each_tool_answers_as_its_schema_says(town: Town, tool: Any) -> None:
    shown = tool.describe()
    jsonschema.Draft202012Validator(shown["inputSchema"]).validate(CALLS[tool.name])

    result = town.call(tool.name, CALLS[tool.name])

    assert result["isError"] is False, result
    jsonschema.Draft202012Validator(shown["outputSchema"]).validate(result["structuredContent"])
    assert msgspec.json.decode(result["content"][0]["text"]) == result["structuredContent"]


def test_a_proposal_is_a_planned_action_and_nothing_more(town: Town) -> None:
    action = town.call("propose_action", {"short_channel_id": SCID, "base_fee_msat": 900})["structuredContent"]

    assert (action["kind"], action["state"], action["policy"]["base_fee_msat"]) == ("proposal", "planned", 900)


def test_the_sentences_are_in_the_language_asked_for(town: Town) -> None:
    english, french = (
        town.call("explain_fee", {"short_channel_id": SCID, "language": language})["structuredContent"]
        for language in ("en", "fr")
    )
    assert english["decisions"][0]["why"] != french["decisions"][0]["why"]


def test_a_token_sees_its_own_node_alone(town: Town) -> None:
    token = ApiClient().token_of(town.others)
    own, other = (town.call("node_info", {}, token=given)["structuredContent"]["pubkey"] for given in ("", token))
    assert (own, other) == (town.ours.tenant.pubkey, town.others.tenant.pubkey)
    aliases = {
        one["state"]["peer_alias"] for one in town.call("list_channels", {}, token=token)["structuredContent"]["items"]
    }
    assert not any("tool owner" in str(alias) for alias in aliases)


def test_a_token_that_may_only_read_plans_nothing(town: Town) -> None:
    reader = mint_access_token(subject="app", scopes=["read"], tenant_id=town.ours.tenant.id)
    result = town.call("propose_action", CALLS["propose_action"], token=reader)
    assert result["isError"] is True
    assert "needs the scope act" in result["content"][0]["text"]
    assert town.call("node_info", {}, token=reader)["isError"] is False


@pytest.mark.parametrize("token", ["nonsense", "e30.e30.e30"])
def test_what_is_no_token_of_ours_is_told_to_sign_in(town: Town, token: str) -> None:
    result = town.call("node_info", {}, token=token)
    assert result["isError"] is True
    assert "structuredContent" not in result


def test_without_a_token_no_tool_is_called(town: Town) -> None:
    code, message = refuse(town.ask("tools/call", {"name": "node_info", "arguments": {}}, token=None))
    assert (code, "token of a Dazbox" in message) == (-32602, True)


@pytest.mark.parametrize(
    "arguments",
    [
        {"short_channel_id": "ACINQ"},
        {"short_channel_id": SCID, "pubkey": pubkey_of("somebody")},
        {"short_channel_id": f"{SCID}/../../kill-switch"},
        {},
        [],
        {"short_channel_id": SCID, "language": "de"},
    ],
)
def test_arguments_that_do_not_fit_are_refused_before_anybody_is_asked(town: Town, arguments: Any) -> None:
    code, _ = refuse(town.ask("tools/call", {"name": "explain_fee", "arguments": arguments}))
    assert code == -32602


def test_what_the_api_refuses_is_told_in_its_words(town: Town) -> None:
    result = town.call("explain_fee", {"short_channel_id": "1x2x3"})
    assert result["isError"] is True
    assert "The node has no such channel." in result["content"][0]["text"]


def test_a_policy_that_is_none_is_refused_with_what_is_wrong_in_it(town: Town) -> None:
    result = town.call("preview_policy", {"document": {"rules": "all"}})
    assert result["isError"] is True
    assert "rules" in result["content"][0]["text"]


def test_it_speaks_the_present_revision(town: Town) -> None:
    tools = ListToolsResult.model_validate_json(town.ask("tools/list", {}, token=None).body)
    assert [tool.name for tool in tools.tools] == [tool.name for tool in TOOLS]
    hints = {tool.name: tool.annotations and tool.annotations.read_only_hint for tool in tools.tools}
    assert [name for name, is_read_only in hints.items() if not is_read_only] == ["propose_action"]
    found = DiscoverResult.model_validate_json(town.ask("server/discover", {}, token=None).body)
    assert found.supported_versions == ["2026-07-28"]
    assert refuse(town.ask("resources/list", {}))[0] == -32601
    assert refuse(town.ask("tools/call", {"name": "rm", "arguments": {}}))[0] == -32602


def test_a_cloud_that_is_away_is_a_tools_error_that_says_so(town: Town) -> None:
    away = Town.__new__(Town)
    away.url, away.token = "http://127.0.0.1:9", town.token
    result = away.call("node_info", {})
    assert result["isError"] is True
    assert "cannot be reached" in result["content"][0]["text"]
