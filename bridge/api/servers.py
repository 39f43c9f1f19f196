"""Servers of the catalogue: listed, added, changed, deleted."""

from django.http import HttpResponse
from rest_framework.request import Request

from bridge.api.answer_contract import CapabilitiesAnswer, ServerAnswer, ServerList, ToolList
from bridge.api.contract import NewServerBody, ServerBody, read_server_body
from bridge.api.describe import describe_server, describe_tools
from bridge.api.view import NAME, TAG, CatalogueView, look, look_around
from bridge.catalogue.models import McpServer
from bridge.manager.catalogue import add_server, delete_server, replace_server
from bridge.manager.seen import observe
from bridge.selectors.catalogue import list_shown, read_server, tell_silence
from mcp_saas.api.body import answer, read_body
from mcp_saas.api.openapi import endpoint
from mcp_saas.api.view import principal_of

PATH = "/api/v1/mcp/servers"


def answer_server(row: McpServer, *, view: CatalogueView, status: int = 200) -> HttpResponse:
    """Its ETag is of what it should be: how it is changes by itself."""
    headers = {"ETag": f'"{row.name}-{row.id or 0}-{row.revision}"', "Cache-Control": "no-store"}
    if status == 201:
        headers["Location"] = f"{PATH}/{row.name}"
    return answer(describe_server(row, look(row.name), tenant_id=view.tenant_id), status=status, headers=headers)


class ServersView(CatalogueView):
    @endpoint("list_mcp_servers", summary="MCP servers", tag=TAG, answers={200: ServerList})
    def get(self, request: Request) -> HttpResponse:
        """As they should be and as gateways see them; a tenant sees those it may call, not how they are reached."""
        gateways = look_around()
        rows = [row for row in list_shown() if self.may_see(row)]
        items = [describe_server(row, observe(row.name, gateways or ()), tenant_id=self.tenant_id) for row in rows]
        return answer(ServerList(items, None if gateways is None else len(gateways)))

    @endpoint(
        "create_mcp_server",
        summary="Add an MCP server",
        tag=TAG,
        body=NewServerBody,
        answers={201: ServerAnswer},
        problems=(409,),
        idempotency="optional",
    )
    def post(self, request: Request) -> HttpResponse:
        """Gateways have it within two seconds, and start it when `should_run`. A command must be one of MCP_COMMANDS,
        an address public unless `is_trusted`.
        """
        body = read_body(request, NewServerBody)
        server = read_server_body(body.name, body, known=None)
        return answer_server(add_server(server, actor=principal_of(request).subject), view=self, status=201)


class ServerView(CatalogueView):
    @endpoint(
        "get_mcp_server",
        summary="An MCP server as it should be and as it is",
        tag=TAG,
        answers={200: ServerAnswer},
        problems=(404,),
        parameters=[NAME],
    )
    def get(self, request: Request, name: str) -> HttpResponse:
        """The ETag is of `desired` alone. `observed` is null where no gateway has told of it: `note` says so."""
        return answer_server(self.find(name), view=self)

    @endpoint(
        "replace_mcp_server",
        summary="Change an MCP server",
        tag=TAG,
        body=ServerBody,
        answers={200: ServerAnswer},
        problems=(404, 409),
        parameters=[NAME],
        needs_match=True,
    )
    def put(self, request: Request, name: str) -> HttpResponse:
        """Takes effect without a restart of the gateway: calls under way are finished where they began. Secrets that
        are sent back as ******** stay what they are. 409: it is built in.
        """
        body = read_body(request, ServerBody)
        server = read_server_body(name, body, known=read_server(self.find(name)))
        return answer_server(replace_server(server, actor=principal_of(request).subject), view=self)

    @endpoint(
        "delete_mcp_server",
        summary="Delete an MCP server",
        tag=TAG,
        answers={204: None},
        problems=(404, 409),
        parameters=[NAME],
    )
    def delete(self, request: Request, name: str) -> HttpResponse:
        """Gateways finish what is under way and stop it. Its calls stay in the audits of the boxes that made them.
        409: it is built in.
        """
        delete_server(self.find(name).name)
        return HttpResponse(status=204)


class CapabilitiesView(CatalogueView):
    @endpoint(
        "get_mcp_capabilities",
        summary="What an MCP server says it can do",
        tag=TAG,
        answers={200: CapabilitiesAnswer},
        problems=(404,),
        parameters=[NAME],
    )
    def get(self, request: Request, name: str) -> HttpResponse:
        """As it told a gateway, in the words of MCP; `eras` are the protocol versions its connections speak."""
        row = self.find(name)
        seen = look(row.name)
        if seen is None:
            return answer(CapabilitiesAnswer(row.name, [], None, None, tell_silence(row)))
        eras = sorted({one.era for one in seen.connections if one.era})
        return answer(CapabilitiesAnswer(row.name, eras, seen.capabilities, seen.server_info, None))


class ToolsView(CatalogueView):
    @endpoint(
        "list_mcp_tools",
        summary="Tools of an MCP server, approved and in quarantine",
        tag=TAG,
        answers={200: ToolList},
        problems=(404,),
        parameters=[NAME],
    )
    def get(self, request: Request, name: str) -> HttpResponse:
        """By the hash of all that a model reads of a tool. One that changed, or is new, is in quarantine until an
        operator approves it. A tenant is shown those that may be called.
        """
        row = self.find(name)
        return answer(describe_tools(row, look(row.name), tenant_id=self.tenant_id))
