"""A server behind HTTP that does wrong harms the call it concerns; sessions, tokens and streams are mended."""

import asyncio
import json
from typing import Any
from uuid import uuid4

import pytest

from bridge.engine.server import ClientCredentials, Http, Limits, Server, TenantSecret
from bridge.sources.connection import (
    AnswerTooLarge,
    ConnectionLost,
    CredentialsRefused,
    Notice,
    RequestTimeout,
    UpstreamError,
)
from bridge.sources.opener import open_connection
from tests.bridge.sources.stage import Log, call, call_text, opened, run, until
from tests.fakes.mcp_http_server import Exchange, McpHttpServer, Seen, serving

pytestmark = pytest.mark.fault
ERAS = pytest.mark.parametrize("era", ["modern", "legacy"])


def at(fake: McpHttpServer, *, limits: Limits | None = None, **how: Any) -> Server:
    return Server("fake", Http(fake.url, **({"is_trusted": True} | how)), limits=limits or Limits())


@ERAS
def test_the_era_is_found_and_told_in_every_request(era: str) -> None:
    async def scenario() -> None:
        async with serving(McpHttpServer(era)) as fake, opened(at(fake, headers={"X-Own": "1"})) as connection:
            assert (connection.era, connection.server_info) == (era, b'{"name": "fake", "version": "1"}')
            headers = json.loads(await call_text(connection, "headers"))
        assert headers["mcp-protocol-version"] == connection.version
        assert headers["x-own"] == "1"
        assert headers.get("mcp-session-id") == ("1" if era == "legacy" else None)
        assert headers.get("mcp-method") == ("tools/call" if era == "modern" else None)
        assert [seen.method for seen in fake.seen if seen.method == "DELETE"] == ["DELETE"] * (era == "legacy")

    run(scenario)


def test_arguments_are_mirrored_into_the_headers_a_tool_names() -> None:
    async def scenario() -> None:
        async with serving(McpHttpServer()) as fake, opened(at(fake)) as connection:
            await connection.request("tools/list", b"{}", timeout_s=60)
            arguments = {"region": "é ", "deep": {"flag": True}}
            headers = json.loads(await call_text(connection, "headers", arguments))
        assert headers["mcp-name"] == "headers"
        assert headers["mcp-param-region"] == "=?base64?w6kg?="
        assert headers["mcp-param-flag"] == "true"

    run(scenario)


def test_a_forgotten_session_is_made_anew_once_for_all_calls() -> None:
    async def scenario() -> None:
        async with serving(McpHttpServer("legacy")) as fake, opened(at(fake)) as connection:
            fake.session = 2
            texts = await asyncio.gather(*(call_text(connection, "headers") for _ in range(5)))
            assert {json.loads(text)["mcp-session-id"] for text in texts} == {"2"}
            assert len(fake.calls("initialize")) == 2

    run(scenario)


def test_a_stream_that_is_cut_off_is_taken_up_where_it_ended() -> None:
    async def scenario() -> None:
        async with serving(McpHttpServer("legacy")) as fake, opened(at(fake)) as connection:
            assert await call_text(connection, "cut") == "the rest"

    run(scenario)


@ERAS
def test_a_stream_that_ends_without_an_answer_loses_its_call(era: str) -> None:
    async def scenario() -> None:
        async with serving(McpHttpServer(era)) as fake, opened(at(fake)) as connection:
            with pytest.raises(ConnectionLost, match="without an answer"):
                await call(connection, "broken")
            assert connection.is_open

    run(scenario)


@ERAS
def test_a_call_that_hangs_ends_in_its_time_and_the_server_is_told(era: str) -> None:
    async def scenario() -> None:
        async with serving(McpHttpServer(era)) as fake, opened(at(fake)) as connection:
            with pytest.raises(RequestTimeout):
                await call(connection, "hang", timeout_s=0.2)
            gone = asyncio.ensure_future(call(connection, "hang"))
            await until(lambda: len(fake.calls("tools/call")) == 2)
            gone.cancel()
            with pytest.raises(asyncio.CancelledError):
                await gone
            await until(lambda: fake.closed_streams == 2)
            cancelled = 2 if era == "legacy" else 0
            await until(lambda: len(fake.calls("notifications/cancelled")) == cancelled)
            assert connection.in_flight == 0

    run(scenario)


@pytest.mark.parametrize("stream", [False, True])
def test_an_answer_beyond_the_limit_is_not_read_on(stream: bool) -> None:
    async def scenario() -> None:
        limits = Limits(max_answer_bytes=1 << 20)
        async with serving(McpHttpServer()) as fake, opened(at(fake, limits=limits)) as connection:
            with pytest.raises(AnswerTooLarge):
                await call(connection, "big", {"bytes": 5 << 20, "stream": stream})
            assert len(await call_text(connection, "big", {"bytes": 1_000_000, "stream": stream})) == 1_000_000

    run(scenario)


@pytest.mark.parametrize("status", [200, 307, 500, 503])
def test_a_page_is_no_answer_and_no_redirect_is_followed(status: int) -> None:
    async def scenario() -> None:
        async with serving(McpHttpServer()) as fake, opened(at(fake)) as connection:
            with pytest.raises(UpstreamError, match=f"HTTP {status}"):
                await call(connection, "page", {"status": status})

    run(scenario)


def test_a_compressed_answer_is_refused_unread() -> None:
    async def scenario() -> None:
        async with serving(McpHttpServer()) as fake, opened(at(fake)) as connection:
            with pytest.raises(UpstreamError, match="compresses"):
                await call(connection, "zipped")

    run(scenario)


def test_noise_in_a_stream_goes_to_the_log() -> None:
    async def scenario() -> None:
        log = Log()
        async with serving(McpHttpServer()) as fake, opened(at(fake), log=log) as connection:
            assert await call_text(connection, "noise") == "heard"
        assert len(log.of("protocol")) == 3

    run(scenario)


def test_an_error_with_a_status_is_the_servers_answer() -> None:
    async def scenario() -> None:
        async with serving(McpHttpServer()) as fake, opened(at(fake)) as connection:
            answer = await connection.request("no/such", b"{}", timeout_s=60)
            assert (answer.is_error, json.loads(answer.body)["code"]) == (True, -32601)

    run(scenario)


def test_news_of_an_older_server_come_on_a_stream_of_their_own() -> None:
    async def scenario() -> None:
        heard: list[Notice] = []
        async with serving(McpHttpServer("legacy", has_stream=True)) as fake, opened(at(fake)) as connection:
            connection.listen(heard.append)
            fake.session = 2  # what was said before is lost, and the next stream says it again
            await call(connection, "headers")
            assert connection.is_open

    run(scenario)


@pytest.mark.parametrize("how", [{"bearer": "token-0"}, {"secret": "token-0"}])
def test_a_server_gets_the_token_the_operator_or_the_tenant_gave(how: dict[str, str]) -> None:
    async def scenario() -> None:
        async with serving(McpHttpServer(wants_token=True)) as fake:
            server = at(fake, bearer=how.get("bearer", "the operator's"))
            secret = TenantSecret("fake", uuid4(), bearer=how.get("secret"))
            connection = await open_connection(server, secret=secret, on_log=Log().write)
            assert (await call(connection, "headers")).is_error is False
            await connection.close()
            with pytest.raises(CredentialsRefused):
                async with opened(at(fake, bearer="another")):
                    pass

    run(scenario)


@pytest.mark.parametrize("is_named", [True, False], ids=["token_url", "discovered"])
def test_a_token_is_fetched_by_client_credentials_and_again_when_it_is_refused(is_named: bool) -> None:
    async def scenario() -> None:
        async with serving(McpHttpServer(wants_token=True)) as fake:
            token_url = fake.url.replace("/mcp", "/token") if is_named else ""
            oauth = ClientCredentials(token_url, "an id", "a:secret", scope="tools")
            async with opened(at(fake, oauth=oauth)) as connection:
                await asyncio.gather(*(call(connection, "headers") for _ in range(5)))
                assert fake.grants == 1
                fake.expire()
                await asyncio.gather(*(call(connection, "headers") for _ in range(5)))
                assert fake.grants == 2
            asked = next(seen for seen in fake.seen if seen.path == "/token")
            assert asked.headers["authorization"] == "Basic YW4lMjBpZDphJTNBc2VjcmV0"
            assert "grant_type=client_credentials" in asked.message
            assert "scope=tools" in asked.message

    run(scenario)


class Deaf(McpHttpServer):
    """No token is good enough; its authorization server grants one after the other."""

    async def _serve(self, exchange: Exchange, seen: Seen) -> None:
        await exchange.answer(401, b"")


def test_a_token_that_is_refused_is_replaced_once_and_no_secret_is_told() -> None:
    async def scenario() -> None:
        log = Log()
        async with serving(Deaf()) as fake:
            oauth = ClientCredentials(fake.url.replace("/mcp", "/token"), "an id", "s3cret-client")
            with pytest.raises(CredentialsRefused) as refused:
                async with opened(at(fake, oauth=oauth), log=log):
                    pass
            assert fake.grants == 2
            with pytest.raises(CredentialsRefused) as again:
                async with opened(at(fake, bearer="s3cret-bearer", headers={"X-Key": "s3cret-key"}), log=log):
                    pass
        told = f"{refused.value} {again.value} {log} {refused.value.__context__!r}"
        assert "s3cret" not in told
        assert "token-" not in told

    run(scenario)


@pytest.mark.parametrize("name", ["Host", "content-length", "Transfer-Encoding", "Connection"])
def test_a_header_that_frames_a_message_is_not_the_operators(name: str) -> None:
    async def scenario() -> None:
        async with serving(McpHttpServer()) as fake:
            with pytest.raises(ConnectionLost, match=name.lower()):
                async with opened(at(fake, headers={name: "1"})):
                    pass
            assert fake.seen == []

    run(scenario)


def test_what_an_operator_says_of_encodings_stands_there_once() -> None:
    async def scenario() -> None:
        given = {"user-agent": "mine", "accept-encoding": "identity, *;q=0"}
        async with serving(McpHttpServer()) as fake, opened(at(fake, headers=given)) as connection:
            headers = json.loads(await call_text(connection, "headers"))
        assert headers | given == headers

    run(scenario)


def test_metadata_of_another_resource_is_not_believed() -> None:
    async def scenario() -> None:
        async with serving(McpHttpServer(wants_token=True)) as fake:
            fake.resource = f"{fake.url}.evil"
            with pytest.raises(UpstreamError, match="another resource"):
                async with opened(at(fake, oauth=ClientCredentials("", "id", "secret"))):
                    pass
        assert fake.grants == 0

    run(scenario)


def test_an_issuer_that_is_no_url_is_asked_nothing() -> None:
    async def scenario() -> None:
        async with serving(McpHttpServer(wants_token=True)) as fake:
            fake.issuer_origin = "http://["
            with pytest.raises(UpstreamError):
                async with opened(at(fake, oauth=ClientCredentials("", "id", "secret"))):
                    pass
        assert fake.grants == 0

    run(scenario)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:9/mcp", "https://localhost/mcp", "https://10.0.0.1/mcp", "ftp://example.org", "nonsense"]
)
def test_a_server_nobody_trusts_must_be_public(url: str) -> None:
    async def scenario() -> None:
        with pytest.raises(ConnectionLost):
            async with opened(Server("stranger", Http(url))):
                pass

    run(scenario)


def test_trust_ends_at_the_addresses_the_operator_wrote_down() -> None:
    """The server names another loopback port as the place of its tokens: nobody asks there."""

    async def scenario() -> None:
        async with serving(McpHttpServer()) as other, serving(McpHttpServer(wants_token=True)) as fake:
            fake.issuer_origin = other.url.removesuffix("/mcp")
            with pytest.raises(UpstreamError, match="cannot be reached"):
                async with opened(at(fake, oauth=ClientCredentials("", "id", "secret"))):
                    pass
            assert other.seen == []

    run(scenario)


@pytest.mark.parametrize("place", ["https://thief.example/token", "http://localhost:1/token", "http://["])
def test_a_client_secret_goes_to_no_place_but_the_servers_own_unless_the_operator_names_it(place: str) -> None:
    async def scenario() -> None:
        async with serving(McpHttpServer(wants_token=True)) as fake:
            fake.token_url = place
            with pytest.raises(UpstreamError, match="set token_url"):
                async with opened(at(fake, oauth=ClientCredentials("", "id", "secret"))):
                    pass
        assert fake.grants == 0

    run(scenario)
