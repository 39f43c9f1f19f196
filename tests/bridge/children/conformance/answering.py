"""Tools that answer by themselves: content, notices on the way, failures, schemas."""

import asyncio
from pathlib import Path
from typing import Annotated, Any

from mcp.server.mcpserver import Context
from mcp.shared.exceptions import MCPError
from mcp.types import (
    MISSING_REQUIRED_CLIENT_CAPABILITY,
    AudioContent,
    EmbeddedResource,
    ImageContent,
    TextContent,
)
from pydantic import Field

from tests.bridge.children.conformance.server import STEP_S, WAV, image, resource_of, server, text_of


@server.tool()
def test_simple_text() -> str:
    """A simple text."""
    return "This is a simple text response for testing."


@server.tool()
def test_image_content() -> list[ImageContent]:
    """An image."""
    return [image()]


@server.tool()
def test_audio_content() -> list[AudioContent]:
    """A sound."""
    return [AudioContent(type="audio", data=WAV, mime_type="audio/wav")]


@server.tool()
def test_embedded_resource() -> list[EmbeddedResource]:
    """A resource in the answer."""
    return [resource_of("test://embedded-resource", "This is an embedded resource content.")]


@server.tool()
def test_multiple_content_types() -> list[TextContent | ImageContent | EmbeddedResource]:
    """Text, an image and a resource."""
    data = resource_of("test://mixed-content-resource", '{"test": "data", "value": 123}', mime_type="application/json")
    return [text_of("Multiple content types test:"), image(), data]


@server.tool()
async def test_tool_with_logging(ctx: Context) -> str:
    """Three log messages on the way."""
    for what in ("Tool execution started", "Tool processing data", "Tool execution completed"):
        await ctx.info(what)
        await asyncio.sleep(STEP_S)
    return "Tool with logging executed successfully"


@server.tool()
async def test_logging_tool(ctx: Context) -> str:
    """A log message, for those who want one."""
    await ctx.info("at work")
    return "done"


@server.tool()
async def test_tool_with_progress(ctx: Context) -> str:
    """Three steps of progress on the way."""
    for step in (0, 50, 100):
        await ctx.report_progress(progress=step, total=100, message=f"Completed step {step} of 100")
        await asyncio.sleep(STEP_S)
    meta = ctx.request_context.meta or {}
    return str(meta.get("progress_token", 0))


@server.tool()
async def hang(started: str, cancelled: str, until: str = "") -> str:
    """Answers once the file `until` is there; when it is cancelled it says so by a file."""
    Path(started).touch()  # noqa: ASYNC240 - a fixture
    try:
        while not (until and Path(until).exists()):  # noqa: ASYNC240, ASYNC110
            await asyncio.sleep(0.01)
    except asyncio.CancelledError:
        Path(cancelled).touch()  # noqa: ASYNC240
        raise
    return "at last"


@server.tool()
def test_error_handling() -> str:
    """Fails."""
    raise RuntimeError("This tool intentionally returns an error for testing")


@server.tool()
def test_x_mcp_header(
    region: Annotated[str, Field(description="Mirrored", json_schema_extra={"x-mcp-header": "Region"})] = "<none>",
) -> str:
    """An argument that stands in a header too."""
    return f"region={region}"


@server.tool()
async def test_missing_capability(ctx: Context) -> str:
    """Needs a client that samples."""
    capabilities = ctx.session.client_capabilities
    if capabilities is None or capabilities.sampling is None:
        raise MCPError(
            code=MISSING_REQUIRED_CLIENT_CAPABILITY,
            message="This tool requires the client 'sampling' capability",
            data={"requiredCapabilities": {"sampling": {}}},
        )
    return "Client declared sampling capability; proceeding."


SCHEMA_2020_12: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "$defs": {
        "address": {
            "$anchor": "addressDef",
            "type": "object",
            "properties": {"street": {"type": "string"}, "city": {"type": "string"}},
        }
    },
    "properties": {
        "name": {"type": "string"},
        "address": {"$ref": "#/$defs/address"},
        "contactMethod": {"type": "string", "enum": ["phone", "email"]},
        "phone": {"type": "string"},
        "email": {"type": "string"},
    },
    "allOf": [{"anyOf": [{"required": ["phone"]}, {"required": ["email"]}]}],
    "if": {"properties": {"contactMethod": {"const": "phone"}}, "required": ["contactMethod"]},
    "then": {"required": ["phone"]},
    "else": {"required": ["email"]},
    "additionalProperties": False,
}


@server.tool(name="json_schema_2020_12_tool")
def json_schema_2020_12_tool() -> str:
    """Its schema uses the words of 2020-12."""
    return "json_schema_2020_12_tool"


server._tool_manager._tools["json_schema_2020_12_tool"].parameters = SCHEMA_2020_12
