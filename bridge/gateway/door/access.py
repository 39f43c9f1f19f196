"""Which tools of a server a caller may see and call."""

from uuid import UUID

from bridge.engine.server import Access
from bridge.engine.tool import Tool
from bridge.gateway.door.caller import Caller
from bridge.gateway.door.challenge import refuse_scope
from bridge.gateway.refusal import INVALID_PARAMS, Refusal


def may_reach(access: Access, tenant_id: UUID) -> bool:
    """Whether the tenant sees the server at all."""
    return access.tenants is None or tenant_id in access.tenants


def may_see(access: Access, tool: str) -> bool:
    """Whether the tool is offered to those who reach the server."""
    return access.tools is None or tool in access.tools


def find_scope(access: Access, tool: Tool) -> str:
    """The scope a call needs."""
    return access.scopes.get(tool.name) or ("read" if tool.is_read_only else "act")


def check(caller: Caller, access: Access, *, server: str, tool: Tool) -> None:
    """Raises Refusal: 404 for what the tenant does not see, as if it were not there; 403 without the scope."""
    if not may_reach(access, caller.tenant_id) or not may_see(access, tool.name):
        raise Refusal(
            "not-found", f"There is no tool {tool.name} of {server} for you.", status=404, code=INVALID_PARAMS
        )
    wanted = find_scope(access, tool)
    if wanted not in caller.scopes:
        raise refuse_scope(wanted, tool.name)
