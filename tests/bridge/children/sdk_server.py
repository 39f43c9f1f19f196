"""A server made with the official SDK, of the era its client opens with: over stdio, or over HTTP on a free port.

sdk_server.py            over stdio
sdk_server.py http       over Streamable HTTP; its URL is the first line it prints
sdk_server.py sse        over HTTP+SSE, the transport of 2024-11-05
"""

import socket
import sys
from typing import Any

import uvicorn
from mcp.server import MCPServer
from mcp.server.mcpserver import Context
from mcp.types import SamplingMessage, TextContent
from pydantic import BaseModel
from starlette.applications import Starlette

server = MCPServer("sdk", version="1")


class Age(BaseModel):
    age: int


@server.tool()
def echo(text: str) -> str:
    return text


@server.tool()
async def count(steps: int, ctx: Context[Any, Any]) -> str:
    for step in range(steps):
        await ctx.report_progress(step + 1, steps)
    return "counted"


@server.tool()
async def elicit(ctx: Context[Any, Any]) -> str:
    answer = await ctx.elicit("How old are you?", Age)
    return f"{answer.action} {answer.data.age if answer.action == 'accept' else ''}"


@server.tool()
async def sample(ctx: Context[Any, Any]) -> str:
    question = SamplingMessage(role="user", content=TextContent(type="text", text="6 times 7?"))
    answer = await ctx.session.create_message([question], max_tokens=10)
    return getattr(answer.content, "text", "")


@server.tool()
async def grow(ctx: Context[Any, Any]) -> str:
    """Its list of tools changes."""
    server.add_tool(lambda: "new", name=f"tool{len(await server.list_tools())}")
    await ctx.notify_tools_changed()  # in the newer era, to those who asked for it
    await ctx.session.send_tool_list_changed()  # in the older one
    return "grown"


def serve_http(app: Starlette, path: str) -> None:
    listening = socket.create_server(("127.0.0.1", 0))
    print(f"http://127.0.0.1:{listening.getsockname()[1]}{path}", flush=True)
    config = uvicorn.Config(app, log_level="error", lifespan="on")
    uvicorn.Server(config).run(sockets=[listening])


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["http"]:
            serve_http(server.streamable_http_app(), "/mcp")
        case ["sse"]:
            serve_http(server.sse_app(), "/sse")
        case _:
            server.run("stdio")
