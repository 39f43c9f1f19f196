"""The edge in one piece: a gateway of its own process, a child that changes its mind, tokens of a real issuer."""

import asyncio
import base64
import hashlib
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import msgspec
from redis import Redis

from bridge.engine.audited import FIELD, STREAM, decode_call
from bridge.engine.board import CATALOGUE, CHANGED, seal_catalogue
from bridge.engine.pin import pin_tool
from bridge.engine.server import Caching, Catalogue, Pin, Server, Stdio
from bridge.gateway.quota import name_key
from bridge.gateway.rates import DAY_S
from tests.bridge.edge.issuer import AUDIENCE, ISSUER, Issuer, serve
from tests.bridge.edge.turncoat import Turncoat
from tests.bridge.gateway.running import TENANT, Running, running, wait_for

TURNCOAT = {"turncoat": {"command": sys.executable, "args": [str(Path(__file__).with_name("turncoat.py"))]}}
STATE_KEY = bytes(range(32))
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
    if "name" in params or "uri" in params:
        headers["mcp-name"] = params.get("name") or params["uri"]
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


def test_a_tenant_that_asks_too_often_is_told_when_to_come_again(tmp_path: Path) -> None:
    with running(tmp_path, TURNCOAT, MCP_RATE_SCALE="0.001") as gateway:  # six a minute, three to a server
        answers = [
            ask(gateway, "tools/list"),
            *(ask(gateway, "tools/call", name="turn", arguments={}) for _ in range(3)),
        ]
        assert [answer.status_code for answer in answers[:3]] == [200] * 3
        assert answers[3].status_code == 429
        assert int(answers[3].headers["retry-after"]) > 0
        assert answers[3].headers["ratelimit-policy"] == '"mcp-server";q=3;w=60'
        assert answers[2].headers["ratelimit"].startswith('"mcp";r=3;')


def test_what_an_operator_approves_is_called_again_and_every_call_is_told(tmp_path: Path, redis_url: str) -> None:
    """As in production: the catalogue and the audit are in Redis."""
    with catalogue_in_redis(redis_url) as redis, running(tmp_path, {}, **in_redis(redis_url)) as gateway:
        wait_for(lambda: list_tools(gateway) == ["greet", "turn"], what="the catalogue is read")
        call(gateway, "turn", {})
        wait_for(lambda: quarantined(gateway) == ["greet"], what="greet is set apart")
        assert call(gateway, "greet", {"name": "Ada"})["error"]["code"] == 1060
        pins = tuple(Pin(tool["name"], pin_tool(msgspec.json.encode(tool))) for tool in show_turned())
        publish(redis, make_catalogue(revision=2, pins=pins))
        wait_for(lambda: quarantined(gateway) == [], what="greet is approved")
        answers = [ask(gateway, "tools/call", name="greet", arguments={"name": name}) for name in ("Ada", "Ada", "Bob")]
        assert [answer.headers.get("x-cache") for answer in answers] == [None, "hit", None]
        assert answers[1].json()["result"]["_meta"]["dazbox/cache"] == "hit"
        wait_for(lambda: redis.xlen(STREAM) == 5, what="the audit is written")
        told = [decode_call(fields[FIELD.encode()]) for _, fields in redis.xrange(STREAM)]
        assert [(one.tool, one.outcome) for one in told] == [
            ("turn", "ok"), ("greet", "refused:quarantined"), ("greet", "ok"), ("greet", "ok"), ("greet", "ok"),
        ]  # fmt: skip
        assert told[2].arguments_sha256 == told[3].arguments_sha256 == hashlib.sha256(b'{"name":"Ada"}').hexdigest()
        assert [one.arguments for one in told] == [None] * 5
        key = name_key(int(time.time() // DAY_S), UUID(TENANT))
        wait_for(lambda: redis.hgetall(key), what="the day is told to the other gateways")
        redis.delete(key)


def show_turned() -> list[dict[str, Any]]:
    """What it lists once it has turned."""
    turned = Turncoat()
    turned.turned = 1
    tools: list[dict[str, Any]] = turned.answer("tools/list", {})["tools"]
    return tools


def make_catalogue(*, revision: int, pins: tuple[Pin, ...] | None = None) -> Catalogue:
    entry = TURNCOAT["turncoat"]
    server = Server(
        "turncoat",
        Stdio(str(entry["command"]), tuple(entry["args"])),
        revision=revision,
        caching=Caching(tools={"greet": 60, "turn": 60}),
        pins=pins,
    )
    return Catalogue(revision, (server,))


def publish(redis: Redis, catalogue: Catalogue) -> None:
    redis.set(CATALOGUE, seal_catalogue(catalogue, STATE_KEY))
    redis.publish(CHANGED, str(catalogue.revision))


@contextmanager
def catalogue_in_redis(redis_url: str) -> Iterator[Redis]:
    with Redis.from_url(redis_url) as redis:
        redis.delete(STREAM)
        publish(redis, make_catalogue(revision=1))
        yield redis
        redis.delete(CATALOGUE, STREAM)


def in_redis(redis_url: str) -> dict[str, str]:
    return {"MCP_SERVERS_FILE": "", "REDIS_URL": redis_url, "MCP_STATE_KEY": base64.b64encode(STATE_KEY).decode()}


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
        nobody = ask(gateway, "tools/list", token=issuer.sign(scope="device"))
        assert (nobody.status_code, nobody.json()["error"]["code"]) == (403, 1003)
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


def test_a_server_that_says_again_and_again_that_it_changed_is_read_once_more(tmp_path: Path) -> None:
    hearer = {"turncoat": {"command": sys.executable, "args": [str(Path(__file__).with_name("hearer.py"))]}}
    with running(tmp_path, hearer) as gateway:
        call(gateway, "act", {"times": 20_000})
        assert call(gateway, "look", {})["result"]["structuredContent"]["listed"] < 1_000


def test_a_method_is_a_name_and_one_nobody_knows_may_change_something(tmp_path: Path) -> None:
    """What a client calls a method is written into lines for a child: it must not become another message there."""

    def look(gateway: Running, issuer: Issuer) -> None:
        reader, owner = issuer.sign(scope="read"), issuer.sign()
        hidden = 'tools/call","x":"'
        for token in (reader, owner):
            told = ask(gateway, hidden, token=token, name="turn", arguments={}).json()
            assert told["error"]["data"]["kind"] == "not-found"
        tools = ask(gateway, "tools/list", token=owner).json()["result"]["tools"]
        assert [tool["name"] for tool in tools] == ["greet", "turn"]  # it has not turned: nothing arrived
        refused = ask(gateway, "example/clean", token=reader)
        assert 'scope="act"' in refused.headers["www-authenticate"]
        assert ask(gateway, "example/clean", token=owner).json()["error"]["code"] == -32601

    with_issuer(tmp_path, look)


def test_what_is_no_call_of_a_known_tool_is_in_the_audit_too(tmp_path: Path, redis_url: str) -> None:
    with catalogue_in_redis(redis_url) as redis, running(tmp_path, {}, **in_redis(redis_url)) as gateway:
        wait_for(lambda: list_tools(gateway) == ["greet", "turn"], what="the catalogue is read")
        call_plainly(gateway, "greet", server="nowhere")
        call_plainly(gateway, "foreign__greet")
        call_plainly(gateway, "no\0server__greet")
        ask(gateway, "tools/call", arguments={})
        ask(gateway, "prompts/get", name="a prompt", arguments={"b": 1, "a": 2})
        ask(gateway, "resources/read", uri="file:///" + "x" * 300)
        ask(gateway, "completion/complete", ref={"type": "ref/prompt", "name": "a prompt"}, argument={})
        ask(gateway, "prompts/list")
        wait_for(lambda: redis.xlen(STREAM) == 7, what="the audit is written")
        told = [decode_call(fields[FIELD.encode()]) for _, fields in redis.xrange(STREAM)]
    assert [(one.server, one.tool, one.outcome) for one in told] == [
        ("nowhere", "greet", "refused:not-found"),
        ("foreign", "foreign__greet", "refused:not-found"),
        ("", "no\0server__greet", "refused:not-found"),
        ("turncoat", "", "refused:invalid-params"),
        ("turncoat", "prompts/get a prompt", "tool_error"),
        ("turncoat", ("resources/read file:///" + "x" * 300)[:256] + "…", "tool_error"),
        ("turncoat", "completion/complete a prompt", "tool_error"),
    ]
    assert told[4].arguments_sha256 == hashlib.sha256(b'{"a":2,"b":1}').hexdigest()


def call_plainly(gateway: Running, name: str, *, server: str | None = None) -> None:
    """Without MCP, at no server's own address."""
    asked = {"name": name, "server": server, "arguments": {}}
    answer = httpx.post(f"{gateway.base}/mcp/tools/call", json=asked, timeout=60, trust_env=False)
    assert answer.status_code == 404
