"""The MCP gateway in the demonstration: an example server stands in its catalogue, and one call of it is shown."""

import time
from pathlib import Path
from typing import Any

import httpx

from mcp_saas.embedded.errors import LaunchError
from mcp_saas.kit.terminal import INDENT, lay_text

EXAMPLE = "calculator"
EXAMPLE_SCRIPT = Path("bridge") / "sources" / "example" / "server.py"
CALL = {"amount_sat": 100_000, "fee_rate_ppm": 250, "base_fee_msat": 1000}
TIMEOUT_S, START_BUDGET_S = 20.0, 30.0
VERSION = "2026-07-28"
META = {
    "io.modelcontextprotocol/protocolVersion": VERSION,
    "io.modelcontextprotocol/clientCapabilities": {},
    "io.modelcontextprotocol/clientInfo": {"name": "dazbox-demonstration", "version": "1"},
}


class McpClient:
    """The least a client of the present revision does. Raises LaunchError where the gateway does not answer as one."""

    def __init__(self, url: str, token: str) -> None:
        self._url = url
        self._headers = {
            "Authorization": f"Bearer {token}",
            "Accept": "application/json, text/event-stream",
            "MCP-Protocol-Version": VERSION,
        }

    def list_tools(self) -> list[str]:
        return [str(tool["name"]) for tool in self._ask("tools/list", {})["tools"]]

    def call(self, tool: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """Its structured content."""
        result = self._ask("tools/call", {"name": tool, "arguments": arguments}, name=tool)
        return dict(result["structuredContent"])

    def _ask(self, method: str, params: dict[str, Any], *, name: str | None = None) -> dict[str, Any]:
        headers = self._headers | {"Mcp-Method": method} | ({"Mcp-Name": name} if name else {})
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params | {"_meta": META}}
        try:
            with httpx.Client(trust_env=False, timeout=TIMEOUT_S) as client:
                return dict(client.post(self._url, json=body, headers=headers).json()["result"])
        except (httpx.HTTPError, ValueError, KeyError) as error:
            raise LaunchError(f"The MCP gateway at {self._url} does not answer {method}: {error}") from error


def show_tools(url: str, token: str) -> None:
    """Printed for people, in 80 columns: what is there, and what two calls came to. Waits for the example to start."""
    client, until_s = McpClient(url, token), time.monotonic() + START_BUDGET_S
    while f"{EXAMPLE}__fee_of_payment" not in (tools := client.list_tools()):
        if time.monotonic() > until_s:
            raise LaunchError(f"The MCP server {EXAMPLE} did not start: manage.py mcp logs {EXAMPLE}")
        time.sleep(0.2)
    channels = len(client.call("dazbox__list_channels", {"limit": 100})["items"])
    fee_msat = client.call(f"{EXAMPLE}__fee_of_payment", CALL)["fee_msat"]
    asked = "{amount_sat:,} sat at {fee_rate_ppm} ppm and {base_fee_msat:,} msat".format(**CALL)
    print(f"\n{len(tools)} MCP tools are offered, dazbox's for the node of whoever asks. Two calls:")
    for line in (
        f"dazbox__list_channels: {channels} channels of the first box",
        f"{EXAMPLE}__fee_of_payment: {asked} comes to {fee_msat:,} msat",
    ):
        print("\n".join(lay_text(line, INDENT)))
