"""The edge in one piece: a gateway of its own process, a child that changes its mind, tokens of a real issuer."""

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

from tests.bridge.edge.issuer import AUDIENCE, ISSUER, Issuer, serve
from tests.bridge.gateway.running import Running, running, wait_for

TURNCOAT = {"turncoat": {"command": sys.executable, "args": [str(Path(__file__).with_name("turncoat.py"))]}}
META = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
}


def ask(gateway: Running, method: str, *, token: str | None = None, **params: Any) -> httpx.Response:
    headers = {
        "accept": "application/json, text/event-stream",
        "mcp-protocol-version": "2026-07-28",
        "mcp-method": method,
    }
    if "name" in params:
        headers["mcp-name"] = params["name"]
    if token is not None:
        headers["authorization"] = f"Bearer {token}"
    message = {"jsonrpc": "2.0", "id": 1, "method": method, "params": {**params, "_meta": META}}
    return httpx.post(gateway.url("turncoat"), json=message, headers=headers, timeout=60, trust_env=False)


def call(gateway: Running, name: str, arguments: dict[str, Any], *, token: str | None = None) -> dict[str, Any]:
    answer: dict[str, Any] = ask(gateway, "tools/call", token=token, name=name, arguments=arguments).json()
    return answer


def list_tools(gateway: Running) -> list[str]:
    return [tool["name"] for tool in ask(gateway, "tools/list").json()["result"]["tools"]]


def read_status(gateway: Running) -> dict[str, Any]:
    status: dict[str, Any] = httpx.get(f"{gateway.base}/mcp/status", trust_env=False).json()
    return status


def quarantined(gateway: Running) -> list[str]:
    names: list[str] = read_status(gateway)["servers"][0]["quarantined"]
    return names


def test_a_tool_that_changes_its_words_is_set_apart_and_the_others_go_on(tmp_path: Path) -> None:
    with running(tmp_path, TURNCOAT) as gateway:
        assert call(gateway, "greet", {"name": "Ada"})["result"]["content"][0]["text"] == '{"name": "Ada"}'
        call(gateway, "turn", {})
        wait_for(lambda: quarantined(gateway) == ["greet"], what="greet is set apart")
        assert list_tools(gateway) == ["turn"]
        refused = call(gateway, "greet", {"name": "Ada"})["error"]
        assert (refused["code"], refused["data"]["kind"]) == (1060, "quarantined")
        call(gateway, "turn", {})
        wait_for(lambda: quarantined(gateway) == [], what="greet is what it was")
        assert "result" in call(gateway, "greet", {"name": "Ada"})
        assert read_status(gateway)["servers"][0]["outcomes"]["refused:quarantined"] == 1


def test_what_does_not_fit_is_told_with_pointers_and_never_reaches_the_server(tmp_path: Path) -> None:
    with running(tmp_path, TURNCOAT) as gateway:
        refused = call(gateway, "greet", {"name": 7})["error"]
        assert refused["code"] == -32602
        assert [(fault["pointer"], fault["code"]) for fault in refused["data"]["errors"]] == [("/name", "type")]
        deep: Any = "x"
        for _ in range(80):
            deep = [deep]
        assert ask(gateway, "tools/call", name="greet", arguments={"name": deep}).status_code == 400
        server = read_status(gateway)["servers"][0]
        assert server["connections"][0]["calls"] == 0
        metrics = httpx.get(f"{gateway.base}/metrics", trust_env=False).text
        assert "dazbox_mcp_invalid_arguments_total 1.0" in metrics


def test_other_names_and_pages_do_not_reach_it(tmp_path: Path) -> None:
    with running(tmp_path, TURNCOAT) as gateway:
        for headers, status in (({"host": "evil.example"}, 421), ({"origin": "http://evil.example"}, 403)):
            assert httpx.post(gateway.url(), headers=headers, json={}, trust_env=False).status_code == status
            assert httpx.get(f"{gateway.base}/mcp/status", headers=headers, trust_env=False).status_code == status


def test_tokens_open_what_their_scopes_say(tmp_path: Path) -> None:
    def look(gateway: Running, issuer: Issuer) -> None:
        stranger = ask(gateway, "tools/list")
        assert stranger.status_code == 401
        assert f"{gateway.base}/.well-known/oauth-protected-resource/mcp" in stranger.headers["www-authenticate"]
        reader = issuer.sign(scope="read")
        assert "result" in call(gateway, "greet", {"name": "Ada"}, token=reader)
        refused = ask(gateway, "tools/call", token=reader, name="turn", arguments={})
        assert refused.status_code == 403
        assert 'error="insufficient_scope", scope="act"' in refused.headers["www-authenticate"]
        assert "result" in call(gateway, "turn", {}, token=issuer.sign())
        assert ask(gateway, "tools/list", token=issuer.sign(tenant_id=None, scope="operator")).status_code == 403
        own = httpx.get(
            f"{gateway.base}/mcp/status", headers={"authorization": f"Bearer {reader}"}, trust_env=False
        ).json()
        assert own["you"]["calls_today"] == 3
        assert own["gateway"] is None

    with_issuer(tmp_path, look)


def with_issuer(folder: Path, look: Callable[[Running, Issuer], None]) -> None:
    """`look` runs beside the issuer, which answers meanwhile."""

    async def main() -> None:
        async with serve() as issuer:
            await asyncio.to_thread(run, issuer)

    def run(issuer: Issuer) -> None:
        environment = {"JWKS_URL": issuer.url, "JWT_ISSUER": ISSUER, "JWT_AUDIENCE": AUDIENCE, "MCP_ANONYMOUS": ""}
        with running(folder, TURNCOAT, **environment) as gateway:
            look(gateway, issuer)

    asyncio.run(main())
