"""The server all of them add to, and what they answer with."""

from mcp.server.mcpserver import MCPServer, RequestStateSecurity
from mcp.types import EmbeddedResource, ImageContent, TextContent, TextResourceContents

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg=="
WAV = "UklGRiYAAABXQVZFZm10IBAAAAABAAEAQB8AAAB9AAACABAAZGF0YQIAAAA="
STEP_S = 0.05

server = MCPServer(
    name="everything",
    version="1.0.0",
    request_state_security=RequestStateSecurity(keys=[b"a key of the fixture, which seals what it hands out"]),
)


def text_of(words: str) -> TextContent:
    return TextContent(type="text", text=words)


def resource_of(uri: str, words: str, *, mime_type: str = "text/plain") -> EmbeddedResource:
    return EmbeddedResource(type="resource", resource=TextResourceContents(uri=uri, mime_type=mime_type, text=words))


def image() -> ImageContent:
    return ImageContent(type="image", data=PNG, mime_type="image/png")
