"""The preset of Home Assistant before a server that speaks as Home Assistant does, over both its transports."""

import asyncio
import json

import pytest

from bridge.engine.mcp_json import read_mcp_json
from bridge.engine.presets import find_preset
from bridge.engine.server import Http, Limits, Server
from bridge.sources.connection import AnswerTooLarge, ConnectionLost, CredentialsRefused, UpstreamError
from tests.bridge.sources.stage import Log, call, call_text, opened, run, until
from tests.fakes.home_assistant import TOKEN, HomeAssistant
from tests.fakes.mcp_http_server import McpHttpServer, serving

pytestmark = pytest.mark.fault


def read_preset(fake: HomeAssistant, *, token: str = TOKEN) -> Server:
    preset = find_preset("home-assistant")
    assert preset is not None
    values = {"HOME_ASSISTANT_URL": fake.origin, "HOME_ASSISTANT_TOKEN": token}
    [server] = read_mcp_json(preset.content, values).servers
    return server


def at_stream(fake: HomeAssistant, **how: object) -> Server:
    url = f"{fake.origin}/mcp_server/sse"
    return Server("home", Http(url, bearer=TOKEN, is_trusted=True, transport="sse", **how))  # type: ignore[arg-type]


def test_the_preset_calls_a_tool_of_home_assistant() -> None:
    async def scenario() -> None:
        log = Log()
        async with serving(HomeAssistant()) as fake, opened(read_preset(fake), log=log) as connection:
            assert (connection.era, connection.version) == ("legacy", "2025-11-25")
            told = json.loads(await call_text(connection, "HassTurnOn", {"name": "lamp"}))
            assert told == {"success": True, "result": {"name": "lamp"}}
            prompts = await connection.request("prompts/list", b"{}", timeout_s=60)
            assert json.loads(prompts.body)["prompts"][0]["name"] == "Assist"
        assert {seen.path for seen in fake.seen} == {"/api/mcp"}
        assert log == []  # nothing it does is a surprise

    run(scenario)


def test_a_token_it_does_not_know_is_told_as_such() -> None:
    async def scenario() -> None:
        async with serving(HomeAssistant()) as fake:
            with pytest.raises(CredentialsRefused, match="401"):
                async with opened(read_preset(fake, token="of yesterday")):
                    pass

    run(scenario)


@pytest.mark.parametrize("transport", ["sse", "streamable-http"])
def test_its_older_transport_serves_as_well(transport: str) -> None:
    """With `streamable-http` the client finds out by itself, as the protocol describes it."""

    async def scenario() -> None:
        url = "/mcp_server/sse"
        async with serving(HomeAssistant()) as fake:
            how = Http(f"{fake.origin}{url}", bearer=TOKEN, is_trusted=True, transport=transport)  # type: ignore[arg-type]
            async with opened(Server("home", how)) as connection:
                names = [f"lamp {number}" for number in range(20)]
                told = await asyncio.gather(*(call_text(connection, "HassTurnOn", {"name": name}) for name in names))
                assert [json.loads(text)["result"]["name"] for text in told] == names
            posted = [seen for seen in fake.seen if seen.method == "POST" and seen.path != url]
            assert {seen.path.rpartition("/")[0] for seen in posted} == {"/mcp_server/messages"}

    run(scenario)


def test_a_file_that_says_sse_is_taken_at_its_word() -> None:
    text = '{"mcpServers": {"home": {"type": "sse", "url": "https://home.example/mcp_server/sse"}}}'
    [server] = read_mcp_json(text, {}).servers
    assert server.transport == Http("https://home.example/mcp_server/sse", transport="sse")


@pytest.mark.parametrize(
    "mailbox",
    ["http://127.0.0.1:9/messages", "https://evil.example/messages", "//evil.example/x", "ftp://x/", "http://[/"],
)
def test_messages_go_to_the_server_s_own_place_alone(mailbox: str) -> None:
    async def scenario() -> None:
        async with serving(HomeAssistant()) as fake:
            fake.mailbox = mailbox
            with pytest.raises(ConnectionLost, match="place for messages"):
                async with opened(at_stream(fake)):
                    pass
            assert [seen.method for seen in fake.seen] == ["GET"]

    run(scenario)


def test_a_stream_that_ends_loses_its_calls_at_once_and_the_connection() -> None:
    async def scenario() -> None:
        async with serving(HomeAssistant()) as fake, opened(at_stream(fake)) as connection:
            hanging = [asyncio.ensure_future(call(connection, "Hang")) for _ in range(3)]
            await until(lambda: len(fake.calls("tools/call")) == 3)
            fake.cut()
            for one in hanging:
                with pytest.raises(ConnectionLost, match="ended its stream"):
                    await one
            assert (connection.is_open, await connection.ended) == (False, "the server ended its stream")

    run(scenario)


def test_a_server_that_forgot_the_stream_ends_the_connection() -> None:
    async def scenario() -> None:
        async with serving(HomeAssistant()) as fake, opened(at_stream(fake)) as connection:
            fake.forgets = True
            with pytest.raises(ConnectionLost, match="no more"):
                await call(connection, "HassTurnOn")
            assert not connection.is_open

    run(scenario)


def test_a_call_given_up_is_told_to_the_server() -> None:
    async def scenario() -> None:
        async with serving(HomeAssistant()) as fake, opened(at_stream(fake)) as connection:
            gone = asyncio.ensure_future(call(connection, "Hang"))
            await until(lambda: fake.calls("tools/call"))
            gone.cancel()
            with pytest.raises(asyncio.CancelledError):
                await gone
            await until(lambda: fake.calls("notifications/cancelled"))
            [told] = fake.calls("notifications/cancelled")
            assert told.message["params"]["requestId"] == fake.calls("tools/call")[0].message["id"]
            assert (connection.in_flight, connection.is_open) == (0, True)

    run(scenario)


def test_an_event_beyond_the_limit_is_not_read_on() -> None:
    async def scenario() -> None:
        async with serving(HomeAssistant()) as fake:
            server = Server("home", at_stream(fake).transport, limits=Limits(max_answer_bytes=1 << 16))
            async with opened(server) as connection:
                with pytest.raises((AnswerTooLarge, ConnectionLost), match="longer than"):
                    await call(connection, "HassTurnOn", {"name": "x" * (1 << 17)})

    run(scenario)


def test_a_server_that_speaks_neither_is_told_by_its_first_answer() -> None:
    async def scenario() -> None:
        async with serving(McpHttpServer("legacy")) as fake:
            nowhere = Server("fake", Http(fake.url.replace("/mcp", "/nothing"), is_trusted=True))
            with pytest.raises(UpstreamError, match="HTTP 404 and no message of MCP"):
                async with opened(nowhere):
                    pass

    run(scenario)
