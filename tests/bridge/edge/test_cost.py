"""What is no call of a tool costs a tenant as one does, and leaves nothing behind that it has not paid for."""

from pathlib import Path
from typing import Any

import httpx
import pytest

from bridge.engine.audited import FIELD, STREAM, decode_call
from bridge.gateway.audit import MAX_NAME
from bridge.gateway.hub import MOST_WATCHED
from tests.bridge.edge.issuer import Issuer
from tests.bridge.edge.test_whole import TURNCOAT, ask, catalogue_in_redis, in_redis, with_issuer
from tests.bridge.gateway.running import Running, running, wait_for

HELLO = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}


def send(gateway: Running, method: str, params: dict[str, Any], **headers: str) -> httpx.Response:
    """As legacy clients do."""
    message = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    headers |= {"accept": "application/json, text/event-stream"}
    return httpx.post(gateway.url("turncoat"), json=message, headers=headers, timeout=60, trust_env=False)


def test_a_handshake_costs_as_a_call_does(tmp_path: Path) -> None:
    with running(tmp_path, TURNCOAT, MCP_RATE_SCALE="0.001") as gateway:  # three a minute to a server
        answers = [send(gateway, "initialize", HELLO).status_code for _ in range(4)]
        assert answers == [200, 200, 200, 429]


@pytest.mark.parametrize("method", ["resources/subscribe", "logging/setLevel"])
def test_what_a_session_keeps_for_its_client_costs_as_a_call_does(tmp_path: Path, method: str) -> None:
    with running(tmp_path, TURNCOAT, MCP_RATE_SCALE="0.001") as gateway:
        session = send(gateway, "initialize", HELLO).headers["mcp-session-id"]
        params = {"uri": "file:///a", "level": "info"}
        headers = {"mcp-session-id": session, "mcp-protocol-version": "2025-11-25"}
        answers = [send(gateway, method, params, **headers).status_code for _ in range(3)]
        assert answers == [200, 200, 429]


def test_a_token_without_a_scope_of_ours_begins_no_session_and_listens_to_nothing(tmp_path: Path) -> None:
    def look(gateway: Running, issuer: Issuer) -> None:
        token = issuer.sign(scope="device")
        assert send(gateway, "initialize", HELLO, authorization=f"Bearer {token}").status_code == 403
        assert ask(gateway, "subscriptions/listen", token=token, notifications={}).status_code == 403

    with_issuer(tmp_path, look)


def test_a_server_gets_no_more_of_a_request_than_its_entry_allows(tmp_path: Path) -> None:
    entry = TURNCOAT["turncoat"] | {"dazbox": {"limits": {"max_request_bytes": 1024}}}
    with running(tmp_path, {"turncoat": entry}) as gateway:
        for length, kind in ((500, None), (1_100, "body-too-large")):
            answer = ask(gateway, "tools/call", name="greet", arguments={"name": "x" * length}).json()
            assert answer.get("error", {}).get("data", {}).get("kind") == kind


def test_a_client_watches_so_many_resources_and_no_more(tmp_path: Path) -> None:
    with running(tmp_path, TURNCOAT) as gateway:
        uris = [f"file:///{number}" for number in range(MOST_WATCHED + 1)]
        refused = ask(gateway, "subscriptions/listen", notifications={"resourceSubscriptions": uris})
        assert refused.json()["error"]["data"]["kind"] == "too-many"


def test_a_name_of_a_megabyte_weighs_what_it_is_and_is_cut_in_the_audit(tmp_path: Path, redis_url: str) -> None:
    environment = in_redis(redis_url) | {"MCP_RATE_SCALE": "0.01"}  # thirty a minute to a server
    with catalogue_in_redis(redis_url) as redis, running(tmp_path, {}, **environment) as gateway:
        begun: list[str] = []
        wait_for(lambda: begin(gateway, begun), what="the catalogue is read")
        headers = {"mcp-session-id": begun[0], "mcp-protocol-version": "2025-11-25"}
        answers = [send(gateway, "tools/call", {"name": "x" * (1 << 20)}, **headers) for _ in range(3)]
        assert [answer.json()["error"]["code"] for answer in answers] == [-32602, 1029, 1029]
        wait_for(lambda: redis.xlen(STREAM) == 3, what="the audit is written")
        tools = [decode_call(fields[FIELD.encode()]).tool for _, fields in redis.xrange(STREAM)]
        assert {len(tool) for tool in tools} == {MAX_NAME + 1}


def begin(gateway: Running, begun: list[str]) -> bool:
    """Whether there is a session now; its id is added."""
    answer = send(gateway, "initialize", HELLO)
    begun += [answer.headers["mcp-session-id"]] if answer.status_code == 200 else []
    return bool(begun)
