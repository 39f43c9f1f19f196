"""Clients of either era before servers of either era: what one can say, the other hears."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from mcp import Client
from mcp.types import CreateMessageResult, ElicitResult, PromptReference, TextContent

from tests.bridge.gateway.running import Running

ERAS = pytest.mark.parametrize("era", ["legacy", "2026-07-28"])
SERVERS = pytest.mark.parametrize("server", ["modern", "legacy"])


async def say(context: Any, params: Any) -> CreateMessageResult:
    asked = params.messages[0].content.text
    return CreateMessageResult(role="assistant", content=TextContent(type="text", text=f"to {asked}"), model="none")


async def accept(context: Any, params: Any) -> ElicitResult:
    return ElicitResult(action="accept", content={"response": f"yes: {params.message}"})


def connect(gateway: Running, server: str | None, era: Any, **more: Any) -> Client:
    return Client(gateway.url(server), mode=era, sampling_callback=say, elicitation_callback=accept, **more)


def run(scenario: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(scenario())


def text_of(result: Any) -> str:
    return str(result.content[0].text)


@ERAS
@SERVERS
def test_a_tool_is_called(gateway: Running, era: str, server: str) -> None:
    async def scenario() -> None:
        async with connect(gateway, server, era) as client:
            assert "test_simple_text" in {tool.name for tool in (await client.list_tools()).tools}
            told = await client.call_tool("test_simple_text", {})
            assert text_of(told) == "This is a simple text response for testing."

    run(scenario)


@ERAS
@SERVERS
def test_among_all_servers_a_tool_has_its_server_before_its_name(gateway: Running, era: str, server: str) -> None:
    async def scenario() -> None:
        async with connect(gateway, None, era) as client:
            names = {tool.name for tool in (await client.list_tools()).tools}
            assert {"modern__test_simple_text", "legacy__test_simple_text", "echo__echo"} <= names
            told = await client.call_tool(f"{server}__test_simple_text", {})
            assert text_of(told) == "This is a simple text response for testing."
            prompt = await client.get_prompt(f"{server}__test_prompt_with_arguments", {"arg1": "a", "arg2": "b"})
            assert prompt.messages[0].content.text == "Prompt with arguments: arg1='a', arg2='b'"

    run(scenario)


@ERAS
@SERVERS
def test_a_server_asks_the_model_of_its_client(gateway: Running, era: str, server: str) -> None:
    async def scenario() -> None:
        async with connect(gateway, server, era) as client:
            assert text_of(await client.call_tool("test_sampling", {"prompt": "you"})) == "LLM response: to you"

    run(scenario)


@ERAS
@SERVERS
def test_a_server_asks_the_user_of_its_client(gateway: Running, era: str, server: str) -> None:
    async def scenario() -> None:
        async with connect(gateway, server, era) as client:
            told = text_of(await client.call_tool("test_elicitation", {"message": "sure?"}))
            assert told == 'User response: action=accept, content={"response":"yes: sure?"}'

    run(scenario)


@ERAS
@SERVERS
def test_progress_comes_before_the_answer(gateway: Running, era: str, server: str) -> None:
    async def scenario() -> None:
        steps: list[float] = []

        async def note(progress: float, total: float | None, message: str | None) -> None:
            steps.append(progress)

        async with connect(gateway, server, era) as client:
            await client.call_tool("test_tool_with_progress", {}, progress_callback=note)
        assert steps == [0, 50, 100]

    run(scenario)


@ERAS
@SERVERS
def test_log_messages_come_to_whoever_wants_them(gateway: Running, era: str, server: str) -> None:
    async def scenario() -> None:
        lines: list[str] = []

        async def note(params: Any) -> None:
            lines.append(str(params.data))

        async with connect(gateway, server, era, logging_callback=note, log_level="info") as client:
            await client.call_tool("test_tool_with_logging", {})
        assert lines == ["Tool execution started", "Tool processing data", "Tool execution completed"]

    run(scenario)


@ERAS
@SERVERS
def test_resources_and_completions_are_relayed(gateway: Running, era: str, server: str) -> None:
    async def scenario() -> None:
        async with connect(gateway, server, era) as client:
            read = await client.read_resource("test://template/7/data")
            assert '"id": "7"' in read.contents[0].text
            prompt = PromptReference(type="ref/prompt", name="test_prompt_with_arguments")
            done = await client.complete(prompt, {"name": "arg1", "value": "al"})
            assert done.completion.values == ["alpha"]

    run(scenario)
