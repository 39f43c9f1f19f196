"""Where a server's tokens come from, as it says: protected-resource metadata (RFC 9728), its issuer's (RFC 8414)."""

import asyncio
import re
from typing import NamedTuple
from urllib.parse import SplitResult, urlsplit

import msgspec
from msgspec import Struct

from bridge.sources.connection import CredentialsRefused, UpstreamError
from bridge.sources.http.client import DEFAULTS, Client, write_form
from bridge.sources.http.wire import HttpFailure
from mcp_saas.kit.http import UnsafeTargetError

MAX_BYTES = 1 << 18
BUDGET_S = 20.0
_PARAMETER = re.compile(r'([a-z_]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))', re.IGNORECASE)


class Issuer(NamedTuple):
    token_url: str
    takes_basic: bool = True
    scope: str = ""
    resource: str | None = None


class _Resource(Struct, frozen=True):
    resource: str | None = None
    authorization_servers: tuple[str, ...] = ()
    scopes_supported: tuple[str, ...] = ()


class _Metadata(Struct, frozen=True):
    issuer: str
    token_endpoint: str
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)


_read_resource = msgspec.json.Decoder(_Resource).decode
_read_metadata = msgspec.json.Decoder(_Metadata).decode


def read_challenge(header: str) -> dict[str, str]:
    """The parameters of `WWW-Authenticate: Bearer ...`."""
    if not header.lower().startswith("bearer"):
        return {}
    return {name.lower(): quoted or plain for name, quoted, plain in _PARAMETER.findall(header[6:])}


async def discover(client: Client, url: str, *, metadata_url: str | None) -> Issuer:
    """Raises UpstreamError where nothing is said, or what is said does not fit together."""
    resource = await _find_resource(client, url, metadata_url=metadata_url)
    for issuer in resource.authorization_servers[:3] or (origin_of(url),):
        metadata = await _find_metadata(client, issuer)
        if metadata is not None:
            methods = metadata.token_endpoint_auth_methods_supported
            scope = " ".join(resource.scopes_supported)
            check_endpoint(metadata.token_endpoint, url)
            return Issuer(metadata.token_endpoint, "client_secret_basic" in methods, scope, resource.resource)
    raise CredentialsRefused("the server does not say where its tokens come from: give token_url")


def check_endpoint(token_url: str, url: str) -> None:
    """The secret goes to the server's own origin, which the operator wrote down, or to the place he names; not where
    the server says. Raises CredentialsRefused.
    """
    if origin_of(token_url) != origin_of(url):
        raise CredentialsRefused(
            f"the server names {origin_of(token_url)[:100]} as the place of its tokens, which is not its own: "
            "set token_url if the client secret may go there"
        )


async def _find_resource(client: Client, url: str, *, metadata_url: str | None) -> _Resource:
    path = split(url).path.rstrip("/")
    well_known = f"{origin_of(url)}/.well-known/oauth-protected-resource"
    for place in filter(None, (metadata_url, f"{well_known}{path}", well_known)):
        status, body = await read_small(client, place)
        if status == 200:
            return _check_resource(body, url)
    return _Resource()


def _check_resource(body: bytes, url: str) -> _Resource:
    try:
        found = _read_resource(body)
    except msgspec.DecodeError as error:
        raise UpstreamError("the server's protected-resource metadata cannot be read") from error
    if found.resource is not None and not is_within(url, found.resource):
        raise UpstreamError(f"the server's metadata speaks of another resource, {found.resource[:100]}")
    return found


async def _find_metadata(client: Client, issuer: str) -> _Metadata | None:
    """RFC 8414 puts the path behind the well-known part; OpenID put it before."""
    origin, path = origin_of(issuer), split(issuer).path.rstrip("/")
    places = [f"{origin}/.well-known/{kind}{path}" for kind in ("oauth-authorization-server", "openid-configuration")]
    for place in (*places, f"{origin}{path}/.well-known/openid-configuration"):
        status, body = await read_small(client, place)
        if status != 200:
            continue
        try:
            found = _read_metadata(body)
        except msgspec.DecodeError:
            continue
        if found.issuer.rstrip("/") != issuer.rstrip("/"):
            raise UpstreamError(f"the metadata of {issuer[:100]} names another issuer")
        return found
    return None


def is_within(url: str, resource: str) -> bool:
    path, whole = split(url).path, split(resource).path.rstrip("/")
    return origin_of(url) == origin_of(resource) and (path == whole or path.startswith(f"{whole}/"))


def split(url: str) -> SplitResult:
    """Empty for what a server says and is no URL: nobody is asked there."""
    try:
        return urlsplit(url)
    except ValueError:
        return urlsplit("")


def origin_of(url: str) -> str:
    parts = split(url)
    return f"{parts.scheme}://{parts.netloc}"


async def read_small(
    client: Client,
    url: str,
    *,
    method: str = "GET",
    headers: dict[str, str] | None = None,
    form: dict[str, str] | None = None,
) -> tuple[int, bytes]:
    """Status and body, at most MAX_BYTES of it. Raises UpstreamError when there is no answer."""
    sent = DEFAULTS | {"Accept": "application/json"} | (headers or {})
    content = None
    if form is not None:
        sent["Content-Type"] = "application/x-www-form-urlencoded"
        content = write_form(form)
    try:
        async with (
            asyncio.timeout(BUDGET_S),
            client.open(method, client.aim(url), headers=sent, content=content) as response,
        ):
            body = b""
            async for chunk in response.chunks():
                body += chunk
                if len(body) > MAX_BYTES:
                    raise UpstreamError(f"{origin_of(url)} answers with too much")
            return response.status, body
    except TimeoutError:
        raise UpstreamError(f"{origin_of(url)} did not answer within {BUDGET_S:g} s") from None
    except (HttpFailure, UnsafeTargetError) as error:
        raise UpstreamError(f"{origin_of(url)} cannot be reached: {error}") from error
