"""Web and MCP gateway in one process (docs/mcp.md): `uvicorn mcp_saas.asgi:application`."""

import os

from django.core.asgi import get_asgi_application

from bridge.gateway.config import read_config
from bridge.gateway.process import make_app
from bridge.gateway.stream import Receive, Scope, Send

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mcp_saas.settings.base")
METADATA = ("/.well-known/oauth-protected-resource", "/.well-known/oauth-authorization-server")
django = get_asgi_application()
gateway = make_app(read_config(os.environ), values=os.environ)


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """Django has no lifespan: that of the process is the gateway's."""
    if scope["type"] != "http" or is_gateways(scope["path"]):
        await gateway(scope, receive, send)
    else:
        await django(dict(scope), receive, send)  # type: ignore[arg-type]


def is_gateways(path: str) -> bool:
    return path in {"/mcp", *METADATA} or path.startswith(("/mcp/", *(f"{one}/" for one in METADATA)))
