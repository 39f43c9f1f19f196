"""A server that is none of ours, npm's `everything` (of the legacy era), through the gateway, for clients of both."""

import asyncio
import shutil
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest
from mcp import Client

from tests.bridge.gateway.running import ROOT, Running, running

SCRIPT = ROOT / "var/npm/node_modules/@modelcontextprotocol/server-everything/dist/index.js"
pytestmark = [
    pytest.mark.fault,
    pytest.mark.skipif(
        not SCRIPT.exists() or shutil.which("node") is None, reason="npm's everything server: `make test` fetches it"
    ),
]
ERAS = pytest.mark.parametrize("mode", ["legacy", "2026-07-28"])


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: Any) -> Iterator[Running]:
    servers: dict[str, dict[str, object]] = {"everything": {"command": "node", "args": [str(SCRIPT)]}}
    with running(tmp_path_factory.mktemp("gateway"), servers) as gateway:
        yield gateway


def ask(gateway: Running, mode: str, question: Callable[[Client], Awaitable[Any]], **more: Any) -> Any:
    async def main() -> Any:
        async with Client(gateway.url("everything"), mode=mode, **more) as client:
            return await question(client)

    return asyncio.run(main())


@ERAS
def test_its_tools_are_called(gateway: Running, mode: str) -> None:
    async def question(client: Client) -> list[Any]:
        names = {tool.name for tool in (await client.list_tools()).tools}
        assert {"echo", "get-sum", "get-tiny-image", "get-structured-content"} <= names
        echo, total, image = (
            await client.call_tool("echo", {"message": "é \N{SNOWMAN}"}),
            await client.call_tool("get-sum", {"a": 40, "b": 2}),
            await client.call_tool("get-tiny-image", {}),
        )
        return [echo.content[0].text, total.content[0].text, {one.type for one in image.content}]

    echo, total, kinds = ask(gateway, mode, question)
    assert (echo, "42" in total) == ("Echo: é \N{SNOWMAN}", True)
    assert "image" in kinds


@ERAS
def test_its_resources_and_prompts_are_read(gateway: Running, mode: str) -> None:
    async def question(client: Client) -> tuple[Any, Any, Any]:
        resources = (await client.list_resources()).resources
        prompts = (await client.list_prompts()).prompts
        simple = next(one.name for one in prompts if not one.arguments)
        return await client.read_resource(resources[0].uri), prompts, await client.get_prompt(simple)

    resource, prompts, prompt = ask(gateway, mode, question)
    assert resource.contents[0].uri
    assert len(prompts) > 1
    assert prompt.messages


@ERAS
def test_its_progress_comes_through(gateway: Running, mode: str) -> None:
    seen: list[float] = []

    async def note(progress: float, total: float | None, message: str | None) -> None:
        seen.append(progress)

    async def question(client: Client) -> Any:
        return await client.call_tool(
            "trigger-long-running-operation", {"duration": 0.5, "steps": 5}, progress_callback=note
        )

    answer = ask(gateway, mode, question)
    assert answer.is_error is False
    assert seen == sorted(seen)
    assert len(seen) >= 4


def test_it_sees_nothing_of_our_environment(gateway: Running) -> None:
    async def question(client: Client) -> str:
        return str((await client.call_tool("get-env", {})).content[0].text)

    shown = ask(gateway, "legacy", question)
    assert "MCP_ANONYMOUS" not in shown
    assert "PATH" in shown


@ERAS
def test_what_does_not_fit_its_schema_never_reaches_it(gateway: Running, mode: str) -> None:
    async def question(client: Client) -> str:
        try:
            return str(await client.call_tool("get-sum", {"a": "forty", "b": 2}))
        except Exception as error:  # noqa: BLE001 - whichever way the SDK tells it
            return str(error)

    assert "/a" in ask(gateway, mode, question)
