"""The configurations of docs/connect-your-assistant.md, read from the page and tried by a client of the SDK."""

import asyncio
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
from django.conf import settings
from mcp import Client
from mcp.client.auth import OAuthClientProvider, OAuthRegistrationError
from mcp.client.auth.extensions.client_credentials import ClientCredentialsOAuthProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import OAuthClientMetadata

from bridge.engine.mcp_json import read_mcp_json
from bridge.engine.server import ClientCredentials, Http, Server
from tests.bridge.gateway.running import ROOT, Running, running
from tests.bridge.sources.stage import opened, run
from tests.committed import committed_database
from tests.conftest import fill_box
from tests.factories import Box, make_api_key, make_box
from tests.faults.web_process import web_process

pytestmark = pytest.mark.fault
PAGE = ROOT / "docs" / "connect-your-assistant.md"
ADDRESS = "http://127.0.0.1:8001"
BLOCKS = re.findall(r"^\*\*([^*]+)\*\*.*?```json\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


@dataclass
class Cloud:
    gateway: Running
    box: Box

    def read(self, block: str, key: str) -> Http:
        """As an assistant reads its file: placeholders filled in, the address that of this test. In our own catalogue
        `dazbox` is the built-in server, so the entry has another name here.
        """
        text = block.replace(ADDRESS, self.gateway.base).replace("YOUR_KEY", key).replace('"dazbox": {', '"cloud": {')
        [server] = read_mcp_json(text, {"DAZBOX_API_KEY": key, "dazbox-key": key}).servers
        assert isinstance(server.transport, Http)
        return server.transport

    def ask(self, entry: Http, question: Callable[[Client], Any], *, mode: str = "auto") -> Any:
        headers = entry.headers | ({"Authorization": f"Bearer {entry.bearer}"} if entry.bearer else {})

        async def ask() -> Any:
            async with (
                httpx2.AsyncClient(headers=headers, trust_env=False, timeout=60) as http,
                Client(streamable_http_client(entry.url, http_client=http), mode=mode) as client,
            ):
                return await question(client)

        return asyncio.run(ask())


@pytest.fixture(scope="module")
def cloud(django_db_setup: None, django_db_blocker: Any, tmp_path_factory: Any) -> Iterator[Cloud]:
    with committed_database(django_db_blocker), web_process() as web:
        box = fill_box(make_box("assisted"), forwards=2)
        environment = {
            "MCP_ANONYMOUS": "",
            "API_URL": web.url,
            "JWKS_URL": f"{web.url}/.well-known/jwks.json",
            "JWT_ISSUER": settings.ENV.jwt_issuer,
            "JWT_AUDIENCE": settings.ENV.jwt_audience,
        }
        example = str(Path(ROOT) / "bridge" / "sources" / "example" / "server.py")
        servers: dict[str, dict[str, object]] = {"calculator": {"command": "python3", "args": [example]}}
        with running(tmp_path_factory.mktemp("gateway"), servers, **environment) as gateway:
            yield Cloud(gateway, box)


def test_the_page_has_three_configurations() -> None:
    assert [name for name, _ in BLOCKS] == ["Claude Code", "VS Code", "LM Studio"]


@pytest.mark.parametrize("mode", ["legacy", "2026-07-28"])
@pytest.mark.parametrize(("name", "block"), BLOCKS, ids=[name for name, _ in BLOCKS])
def test_a_client_finds_the_tools_and_calls_one(cloud: Cloud, name: str, block: str, mode: str) -> None:
    entry = cloud.read(block, make_api_key(cloud.box, scopes=("read",), name=f"{name} {mode}"))

    async def question(client: Client) -> tuple[set[str], Any]:
        tools = {tool.name for tool in (await client.list_tools()).tools}
        return tools, await client.call_tool("dazbox__list_channels", {"limit": 2})

    tools, answer = cloud.ask(entry, question, mode=mode)

    assert {"dazbox__explain_fee", "dazbox__propose_action", "calculator__fee_of_payment"} <= tools
    assert answer.is_error is False
    assert [one["short_channel_id"] for one in answer.structured_content["items"]] == ["800000x1x0", "800000x2x0"]


def test_a_key_that_may_only_read_proposes_nothing(cloud: Cloud) -> None:
    entry = cloud.read(BLOCKS[2][1], make_api_key(cloud.box, scopes=("read",), name="reader"))

    async def question(client: Client) -> Any:
        try:
            return await client.call_tool(
                "dazbox__propose_action", {"short_channel_id": "800000x1x0", "fee_rate_ppm": 9}
            )
        except Exception as error:  # noqa: BLE001 - whichever way the SDK tells it
            return str(error)

    assert "scope act" in str(cloud.ask(entry, question))


class Memory:
    """What a client of OAuth keeps."""

    tokens = info = None

    async def get_tokens(self) -> Any:
        return self.tokens

    async def set_tokens(self, tokens: Any) -> None:
        self.tokens = tokens

    async def get_client_info(self) -> Any:
        return self.info

    async def set_client_info(self, client_info: Any) -> None:
        self.info = client_info


def call_by_oauth(cloud: Cloud, auth: httpx2.Auth) -> Any:
    async def ask() -> Any:
        async with (
            httpx2.AsyncClient(auth=auth, trust_env=False, timeout=60) as http,
            Client(streamable_http_client(cloud.gateway.url(), http_client=http)) as client,
        ):
            return await client.call_tool("dazbox__list_channels", {"limit": 1})

    return asyncio.run(ask())


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
def test_a_client_that_has_a_key_finds_out_by_oauth_where_its_token_is(cloud: Cloud, method: Any) -> None:
    key = make_api_key(cloud.box, scopes=("read",), name=f"oauth {method}")
    url = cloud.gateway.url()
    auth = ClientCredentialsOAuthProvider(url, Memory(), "me", key, token_endpoint_auth_method=method, issuer=url)  # type: ignore[arg-type]
    assert call_by_oauth(cloud, auth).is_error is False


def test_our_own_outward_client_finds_it_too(cloud: Cloud) -> None:
    key = make_api_key(cloud.box, scopes=("read",), name="outward")
    oauth = ClientCredentials("", "me", key)
    server = Server("cloud", Http(cloud.gateway.url("calculator"), oauth=oauth, is_trusted=True))

    async def scenario() -> None:
        async with opened(server) as connection:
            listed = await connection.request("tools/list", b"{}", timeout_s=60)
            assert b"fee_of_payment" in listed.body

    run(scenario)


def test_a_client_that_wants_to_sign_somebody_in_is_told_that_nobody_does(cloud: Cloud) -> None:
    metadata = httpx2.get(f"{cloud.gateway.base}/.well-known/oauth-authorization-server/mcp", trust_env=False).json()
    assert metadata["issuer"] == cloud.gateway.url()
    assert metadata["grant_types_supported"] == ["client_credentials"]
    told = httpx2.get(metadata["authorization_endpoint"], trust_env=False)
    assert (told.status_code, "API key" in told.json()["detail"]) == (400, True)
    assert "registration_endpoint" not in metadata
    wanted = OAuthClientMetadata(redirect_uris=["http://127.0.0.1:1/"], client_name="t")  # type: ignore[list-item]
    with pytest.raises(BaseExceptionGroup) as refused:
        call_by_oauth(cloud, OAuthClientProvider(cloud.gateway.url(), wanted, Memory()))  # type: ignore[arg-type]
    assert refused.group_contains(OAuthRegistrationError, match="404")


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": "client_credentials"}, "invalid_client"),
        ({"grant_type": "client_credentials", "client_secret": "dz_live_" + "0" * 60}, "invalid_client"),
        ({"grant_type": "client_credentials", "resource": "https://elsewhere.example/mcp"}, "invalid_target"),
        ({}, "unsupported_grant_type"),
    ],
)
def test_a_token_is_refused_in_the_words_of_oauth(cloud: Cloud, form: dict[str, str], error: str) -> None:
    refused = httpx2.post(f"{cloud.gateway.url()}/token", data=form, trust_env=False)
    assert (refused.json()["error"], refused.headers["cache-control"]) == (error, "no-store")
    assert refused.status_code == (401 if error == "invalid_client" else 400)
