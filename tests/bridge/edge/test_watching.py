"""The status and the metrics are read from what lives, by those who may."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import httpx
import msgspec
import pytest
from prometheus_client.parser import text_string_to_metric_families

from bridge.gateway.door.caller import Caller
from bridge.gateway.door.entrance import Door
from bridge.gateway.door.keys import KeySet
from bridge.gateway.metrics import BOUNDS_S, RECENT_S, Metrics
from bridge.gateway.page.render import FOLDER, choose_language, fingerprint, render
from bridge.gateway.page.words import WORDS
from bridge.gateway.refusal import Refusal
from bridge.gateway.watching import Watching
from tests.bridge.edge.issuer import AUDIENCE, ISSUER, TENANT, Issuer, serve
from tests.bridge.edge.living import Gateway

TOKEN = "metrics-token"


class Exchange:
    """One request over ASGI; `parts` are the bodies sent."""

    def __init__(
        self, path: str = "/mcp/status", *, token: str | None = None, accept: str = "*/*", method: str = "GET"
    ):
        headers = [(b"host", b"localhost"), (b"accept", accept.encode())]
        if token is not None:
            headers.append((b"authorization", f"Bearer {token}".encode()))
        self.scope: dict[str, Any] = {
            "type": "http", "method": method, "path": path, "scheme": "http", "headers": headers,
        }  # fmt: skip
        self.status, self.headers, self.parts = 0, dict[bytes, bytes](), list[bytes]()
        self.is_gone, self.told = asyncio.Event(), asyncio.Event()

    async def receive(self) -> dict[str, Any]:
        await self.is_gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self.status, self.headers = message["status"], dict(message["headers"])
        else:
            self.parts.append(message["body"])
            self.told.set()

    @property
    def body(self) -> bytes:
        return b"".join(self.parts)

    async def ask(self, watching: Watching) -> "Exchange":
        await watching(self.scope, self.receive, self.send)
        return self


def watch(test: Callable[[Issuer, Gateway, Watching], Awaitable[None]], *, anonymous: UUID | None = None) -> None:
    async def main() -> None:
        async with serve() as issuer, httpx.AsyncClient(trust_env=False) as client:
            gateway = Gateway()
            keys = KeySet(issuer.url, client=client)
            door = Door(keys, issuer=ISSUER, audience=AUDIENCE, anonymous=anonymous)
            await test(issuer, gateway, Watching(gateway, door, issuer=ISSUER, metrics_token=TOKEN))

    asyncio.run(main())


def operator(issuer: Issuer) -> str:
    return issuer.sign(tenant_id=None, scope="operator")


def caller_of(tenant_id: UUID = TENANT) -> Caller:
    return Caller("box", tenant_id, frozenset(), "", "token", float("inf"))


def test_an_operator_sees_everything_that_lives() -> None:
    async def test(issuer: Issuer, gateway: Gateway, watching: Watching) -> None:
        for outcome in ("ok", "ok", "refused:too-many", "lost"):
            gateway.metrics.note("home", outcome, seconds=0.004)
        status = msgspec.json.decode((await Exchange(token=operator(issuer)).ask(watching)).body)
        home = status["servers"][0]
        assert [server["name"] for server in status["servers"]] == ["home", "others", "mine"]
        assert (home["calls"], home["in_flight"], home["waiting"], home["p95_s"]) == (4, 4, 5, 0.005)
        assert home["connections"][0]["pid"] == 4711
        assert status["gateway"]["catalogue_revision"] == 7
        assert [fault["outcome"] for fault in status["gateway"]["faults"]] == ["lost"]
        assert status["you"] is None

    watch(test)


def test_a_tenant_sees_its_servers_and_its_own_counts_alone() -> None:
    async def test(issuer: Issuer, gateway: Gateway, watching: Watching) -> None:
        bob = UUID(int=5)
        for tenant_id, calls in ((TENANT, 3), (bob, 20)):
            for _ in range(calls):
                gateway.rates.take(caller_of(tenant_id), "home")
        queue = gateway.fleet.upstreams["home"].queue
        await queue.enter(TENANT, deadline_s=1)
        await queue.enter(bob, deadline_s=1)
        gateway.metrics.note("home", "ok", seconds=0.1)
        body = (await Exchange(token=issuer.sign()).ask(watching)).body
        status = msgspec.json.decode(body)
        assert {server["name"]: server["tools"] for server in status["servers"]} == {"home": 2, "mine": 1}
        assert [(server["in_flight"], server["waiting"]) for server in status["servers"]] == [(1, 0), (0, 0)]
        assert status["servers"][1]["quarantined"] == []  # a tool that is not offered to him
        assert status["you"]["calls_today"] == 3
        for secret in (b"secrets", b"4711", b"others", b"gateway-1", str(bob).encode(), b'"calls":1'):
            assert secret not in body
        assert status["gateway"] is None

    watch(test)


def test_where_no_token_is_asked_the_status_is_the_operators() -> None:
    async def test(issuer: Issuer, gateway: Gateway, watching: Watching) -> None:
        status = msgspec.json.decode((await Exchange().ask(watching)).body)
        assert status["gateway"]["pid"] == 42
        assert (await Exchange("/metrics").ask(watching)).status == 200

    watch(test, anonymous=TENANT)


def test_without_a_token_nothing_is_told_but_the_empty_page() -> None:
    async def test(issuer: Issuer, gateway: Gateway, watching: Watching) -> None:
        for path, accept in (("/mcp/status", "*/*"), ("/mcp/status", "text/event-stream"), ("/metrics", "*/*")):
            with pytest.raises(Refusal) as refused:
                await Exchange(path, accept=accept).ask(watching)
            assert refused.value.status == 401
        page = await Exchange(accept="text/html,*/*;q=0.8").ask(watching)
        assert page.body.startswith(b"<!doctype html>")
        assert b"gateway-1" not in page.body

    watch(test)


def test_events_tell_what_changed_until_the_reader_goes() -> None:
    async def test(issuer: Issuer, gateway: Gateway, watching: Watching) -> None:
        exchange = Exchange(token=issuer.sign(), accept="text/event-stream")
        task = asyncio.ensure_future(exchange.ask(watching))
        async with asyncio.timeout(60):
            await exchange.told.wait()
            gateway.is_draining = True
            exchange.told.clear()
            await exchange.told.wait()
            exchange.is_gone.set()
            await task
        first, second = (part for part in exchange.parts if part)
        assert first.startswith(b"event: status\ndata: {")
        assert first.endswith(b"}\n\n")
        assert b'"is_draining":true' in second
        assert exchange.headers[b"content-type"] == b"text/event-stream"

    watch(test)


def test_events_end_with_the_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bridge.gateway.watching.EVERY_S", 0.01)

    async def main() -> None:
        async with serve() as issuer, httpx.AsyncClient(trust_env=False) as client:
            door = Door(KeySet(issuer.url, client=client), issuer=ISSUER, audience=AUDIENCE)
            watching = Watching(Gateway(), door, issuer=ISSUER, metrics_token=None)
            exchange = Exchange(token=issuer.sign(tv=1), accept="text/event-stream")
            task = asyncio.ensure_future(exchange.ask(watching))
            async with asyncio.timeout(60):
                await exchange.told.wait()
                door.revoke(closed=(), token_versions={TENANT: 2})
                await task
            assert exchange.parts[-1] == b""
            assert watching._followers == 0

    asyncio.run(main())


def test_those_who_follow_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bridge.gateway.watching.MAX_FOLLOWERS", 0)

    async def test(issuer: Issuer, gateway: Gateway, watching: Watching) -> None:
        with pytest.raises(Refusal) as refused:
            await Exchange(token=issuer.sign(), accept="text/event-stream").ask(watching)
        assert refused.value.status == 429

    watch(test)


def test_prometheus_reads_every_number_and_no_tenant() -> None:
    async def test(issuer: Issuer, gateway: Gateway, watching: Watching) -> None:
        gateway.metrics.note("home", "ok", seconds=0.004)
        gateway.metrics.note("home", "refused:too-many", seconds=99)
        gateway.metrics.note_refusal("too-many")
        gateway.rates.take(caller_of(), "home")
        exchange = await Exchange("/metrics", token=TOKEN).ask(watching)
        samples = {
            (sample.name, *sorted(sample.labels.items())): sample.value
            for family in text_string_to_metric_families(exchange.body.decode())
            for sample in family.samples
        }
        home = ("server", "home")
        assert samples["dazbox_mcp_calls_total", ("outcome", "ok"), home] == 1
        assert samples["dazbox_mcp_calls_total", ("outcome", "refused"), home] == 1
        assert samples["dazbox_mcp_call_duration_seconds_bucket", ("le", "0.005"), home] == 1
        assert samples["dazbox_mcp_call_duration_seconds_bucket", ("le", "+Inf"), home] == 2
        assert samples["dazbox_mcp_call_duration_seconds_count", home] == 2
        assert samples["dazbox_mcp_refusals_total", ("kind", "too-many")] == 1
        assert samples["dazbox_mcp_child_resident_bytes", home] == 10_000_000
        assert samples["dazbox_mcp_server_condition", ("condition", "ready"), home] == 1
        assert samples["dazbox_mcp_sessions",] == 3
        assert str(TENANT).encode() not in exchange.body
        assert {key for name in samples for key, _ in name[1:]} == {"server", "outcome", "kind", "le", "condition"}

    watch(test)


def test_metrics_are_for_the_scraper_and_operators() -> None:
    async def test(issuer: Issuer, gateway: Gateway, watching: Watching) -> None:
        assert (await Exchange("/metrics", token=operator(issuer)).ask(watching)).status == 200
        for token, status in ((issuer.sign(), 403), (TOKEN + "x", 401), ("", 401)):
            with pytest.raises(Refusal) as refused:
                await Exchange("/metrics", token=token).ask(watching)
            assert refused.value.status == status
        with pytest.raises(Refusal) as refused:
            await Exchange("/mcp/status", token=TOKEN).ask(watching)
        assert refused.value.status == 401

    watch(test)


def test_whose_tokens_are_taken_is_told_to_everybody() -> None:
    async def test(issuer: Issuer, gateway: Gateway, watching: Watching) -> None:
        exchange = await Exchange("/.well-known/oauth-protected-resource/mcp").ask(watching)
        assert msgspec.json.decode(exchange.body)["resource"] == "http://localhost/mcp"
        with pytest.raises(Refusal) as refused:
            await Exchange("/mcp/status", method="POST").ask(watching)
        assert refused.value.status == 405

    watch(test)


@pytest.mark.parametrize("path", ["/mcp", "/metrics/", "/.well-known/oauth-protected-resourceful", "/mcp/status/x"])
def test_other_paths_are_anothers(path: str) -> None:
    assert not Watching.takes(path)


def test_the_page_runs_its_own_script_alone_and_loads_nothing() -> None:
    for language in ("en", "fr"):
        page, headers = render(language)
        policy = dict(headers)[b"content-security-policy"].decode()
        text = page.decode()
        assert f"<script>{(FOLDER / 'status.js').read_text()}</script>" in text
        assert fingerprint((FOLDER / "status.js").read_text()) in policy
        assert policy.startswith("default-src 'none'")
        assert "unsafe" not in policy
        assert "{{" not in text
        assert not any(word in text for word in ("http://", "https://", "//cdn", " src=", "innerHTML", "onclick"))
    assert WORDS["en"].keys() == WORDS["fr"].keys()


def test_no_style_shows_the_form_once_it_is_hidden() -> None:
    style = (FOLDER / "status.css").read_text(encoding="utf-8")
    assert re.findall(r"^form[^{]*(?=\{ display)", style, re.MULTILINE) == ["form:not([hidden]) "]


def test_every_word_of_the_page_is_there() -> None:
    script = (FOLDER / "status.js").read_text()
    used = {part.split("words.")[1] for part in _words(script)}
    assert used
    assert used <= WORDS["en"].keys()


def _words(script: str) -> list[str]:

    return re.findall(r"\bwords\.[a-z0-9_]+", script)


@pytest.mark.parametrize(
    ("accepted", "language"),
    [("fr-CA,fr;q=0.9,en;q=0.8", "fr"), ("de,en;q=0.7,fr;q=0.3", "en"), ("de", "en"), ("", "en"), (None, "en")],
)
def test_the_page_is_in_the_readers_language(accepted: str | None, language: str) -> None:
    headers = [(b"accept-language", accepted.encode())] if accepted is not None else []
    assert choose_language(headers) == language


def test_rates_and_quantiles_are_those_of_the_calls() -> None:
    clock = [1000.0]
    metrics = Metrics(clock=lambda: clock[0])
    for number in range(120):
        metrics.note("home", "ok", seconds=0.002 if number < 114 else 0.2)
        clock[0] += 0.5
    assert metrics.calls_a_second == pytest.approx(2, abs=0.1)
    tally = metrics.servers["home"]
    assert (tally.quantile_s(0.5), tally.quantile_s(0.95), tally.quantile_s(0.99)) == (0.0025, 0.0025, 0.25)
    clock[0] += RECENT_S * 10
    assert metrics.calls_a_second == 0
    metrics.note("slow", "ok", seconds=BOUNDS_S[-1] + 1)
    assert metrics.servers["slow"].quantile_s(0.5) is None
