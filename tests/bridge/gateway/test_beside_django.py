"""The gateway and Django in one process: each gets what is its own."""

import asyncio
import json
from importlib import import_module
from pathlib import Path

import httpx
import pytest

from tests.bridge.gateway.running import TENANT, child


def test_each_answers_under_its_own_addresses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "mcp.json"
    file.write_text(json.dumps({"mcpServers": {"echo": child("fast_echo.py")}}))
    monkeypatch.setenv("MCP_SERVERS_FILE", str(file))
    monkeypatch.setenv("MCP_ANONYMOUS", TENANT)
    monkeypatch.delenv("REDIS_URL", raising=False)

    async def scenario() -> None:
        asgi = import_module("mcp_saas.asgi")
        await asgi.gateway.start()
        try:
            transport = httpx.ASGITransport(asgi.application)
            async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
                told = await client.post("/mcp/tools/call", json={"name": "echo__add", "arguments": {"a": 1, "b": 2}})
                assert told.json()["content"][0]["text"] == "3"
                missing = await client.get("/nothing")
                assert (missing.status_code, b"jsonrpc" in missing.content) == (404, False)
        finally:
            await asgi.gateway.stop()

    asyncio.run(scenario())
