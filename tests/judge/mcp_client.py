"""A client for the MCP conformance suite, made of the gateway's own connections.

It lists what the server has, calls it, and answers what it asks. The suite appends its URL and tells the rest in the
environment. Scenarios of clients with a user before them (the authorization code flow) are none of a gateway's.

    python -m tests.judge.mcp_client URL
"""

import json
import os
import sys
from typing import Any

import uvloop

from bridge.engine.server import ClientCredentials, Http, Server
from bridge.sources.connection import Answer, Ask, Connection, Notice
from bridge.sources.handshake import Face
from bridge.sources.opener import open_connection

TIMEOUT_S = 20.0
EXAMPLES = {"string": "text", "integer": 7, "number": 1.5, "boolean": True, "array": [], "object": {}}


class Person:
    """Who answers a server's questions: with what it proposes."""

    def take_notice(self, notice: Notice) -> None:
        print("notice", notice.method, file=sys.stderr)

    async def answer(self, ask: Ask) -> Answer:
        return Answer(json.dumps(answer_question(ask.method, json.loads(ask.params))).encode())


def answer_question(method: str, params: dict[str, Any]) -> dict[str, Any]:
    if method == "elicitation/create":
        return {"action": "accept", "content": fill_in(params.get("requestedSchema", {}))}
    if method == "sampling/createMessage":
        return {"role": "assistant", "model": "none", "content": {"type": "text", "text": "text"}}
    return {"roots": []}


def fill_in(schema: dict[str, Any]) -> dict[str, Any]:
    return {
        name: inner.get("default", EXAMPLES.get(inner.get("type", ""), "text"))
        for name, inner in schema.get("properties", {}).items()
    }


async def main(url: str, context: dict[str, Any], *, known: Any) -> None:
    oauth = None
    if "client_secret" in context:
        oauth = ClientCredentials("", context["client_id"], context["client_secret"])
    server = Server("suite", Http(url, oauth=oauth, is_trusted=True))
    connection = await open_connection(
        server, secret=None, on_log=lambda line: print(line.stream, line.text, file=sys.stderr), face=Face(known=known)
    )
    try:
        tools = json.loads((await ask(connection, "tools/list", {})).body)["tools"]
        offered = [{"name": tool["name"], "arguments": fill_in(tool.get("inputSchema", {}))} for tool in tools]
        for call in context.get("toolCalls", offered):
            await run_call(connection, call)
    finally:
        await connection.close()


async def run_call(connection: Connection, call: dict[str, Any]) -> None:
    """With the rounds of a modern server that wants more before it answers."""
    params = dict(call)
    for _ in range(5):
        answer = await ask(connection, "tools/call", params, name=call["name"])
        result = json.loads(answer.body)
        print(call["name"], answer.body[:300], file=sys.stderr)
        if answer.is_error or result.get("resultType") != "input_required":
            return
        asked = result.get("inputRequests") or {}
        answers = {key: answer_question(one["method"], one.get("params", {})) for key, one in asked.items()}
        params = call | {"inputResponses": answers}
        if "requestState" in result:
            params["requestState"] = result["requestState"]


async def ask(connection: Connection, method: str, params: dict[str, Any], *, name: str | None = None) -> Answer:
    if connection.era == "modern":
        abilities = {"elicitation": {"form": {}}, "sampling": {}, "roots": {}}
        params = params | {"_meta": {"io.modelcontextprotocol/clientCapabilities": abilities}}
    body = json.dumps(params).encode()
    return await connection.request(method, body, timeout_s=TIMEOUT_S, inbox=Person(), name=name)


if __name__ == "__main__":
    told = os.environ  # noqa: TID251 - the suite's way of telling
    version = told.get("MCP_CONFORMANCE_PROTOCOL_VERSION", "2026-07-28")
    era = None if version >= "2026" else "legacy"
    uvloop.run(main(sys.argv[1], json.loads(told.get("MCP_CONFORMANCE_CONTEXT") or "{}"), known=era))
