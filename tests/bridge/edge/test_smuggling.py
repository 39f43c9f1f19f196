"""What is looked at is what arrives: no spelling of a request means one thing here and another to a server."""

import contextlib
import http.client
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.bridge.gateway.running import Running, running

HEARER = {"hearer": {"command": sys.executable, "args": [str(Path(__file__).with_name("hearer.py"))]}}
VERSION = {"mcp-protocol-version": "2025-11-25"}


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("gateway"), HEARER) as gateway:
        yield gateway


def send(gateway: Running, params: str) -> httpx.Response:
    """A call in a session of its own, its params as they are written."""
    with httpx.Client(timeout=60, trust_env=False, headers={"accept": "application/json"} | VERSION) as client:
        hello = '{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25"}}'
        begun = client.post(gateway.url("hearer"), content=hello)
        session = {"mcp-session-id": begun.headers["mcp-session-id"]}
        body = f'{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{params}}}'
        return client.post(gateway.url("hearer"), content=body, headers=session)


@pytest.mark.parametrize(
    "params",
    [
        '{"name":"act","name":"look","arguments":{}}',
        '{"\\u006eame":"act","name":"look","arguments":{}}',
        '{"arguments":{"x":1},"name":"look","arguments":{}}',
        '{"_meta":{"progressToken":1},"name":"look","arguments":{},"_meta":{}}',
    ],
)
def test_of_a_member_that_stands_there_twice_the_server_sees_the_one_that_was_looked_at(
    gateway: Running, params: str
) -> None:
    heard = send(gateway, params).json()["result"]["content"][0]["text"]
    for lost in ('"act"', '"x"', "progressToken", "u006e"):
        assert lost not in heard
    assert heard.count('"name"') == heard.count('"arguments"') == 1


@pytest.mark.parametrize("misspelt", ["Name", "NAME", "Arguments", "argument\u017f", "_Meta", "requeststate"])
def test_a_member_that_a_careless_reader_takes_for_another_is_refused(gateway: Running, misspelt: str) -> None:
    refused = send(gateway, f'{{"name":"look","arguments":{{}},"{misspelt}":"act"}}').json()["error"]
    assert (refused["code"], refused["data"]["kind"]) == (-32602, "invalid-params")


@pytest.mark.parametrize("path", ["/mcp", "/mcp/servers/hearer", "/mcp/status", "/mcp/tools", "/mcp/events"])
@pytest.mark.parametrize(
    "twins",
    [
        [("authorization", "Bearer one"), ("authorization", "Bearer two")],
        [("authorization", "Bearer one"), ("Authorization", "Bearer one")],
        [("host", "localhost"), ("host", "elsewhere.example")],
        [("origin", "http://localhost"), ("origin", "https://elsewhere.example")],
    ],
)
def test_of_whom_and_for_whom_a_request_is_it_says_once(
    gateway: Running, twins: list[tuple[str, str]], path: str
) -> None:
    body = b'{"jsonrpc":"2.0","id":1,"method":"ping"}'
    connection = http.client.HTTPConnection(gateway.base.removeprefix("http://"), timeout=60)
    with contextlib.closing(connection):
        connection.putrequest("POST", path, skip_host=twins[0][0] == "host")
        for name, value in [("content-length", str(len(body))), *twins]:
            connection.putheader(name, value)
        connection.endheaders(body)
        refused = connection.getresponse()
        assert refused.status == 400
        assert f"The header {twins[0][0]} stands there more than once." in refused.read().decode()
