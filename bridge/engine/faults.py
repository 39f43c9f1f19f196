"""What is wrong with a server as it should be: everything that can be told without opening it."""

import re
from collections.abc import Iterator, Mapping, Sequence

from bridge.engine.naming import NAME, is_valid
from bridge.engine.server import BuiltIn, Http, Limits, Pool, Server, Stdio
from mcp_saas.kit.errors import FieldError

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_URL = re.compile(r"https?://(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:[0-9]{1,5})?([/?][!-\"$-~]*)?")
_NUL = "a NUL character ends an argument: take it out"
_BAD_VARIABLE = "the name of a variable has letters, digits and _ alone"
_OWN_HEADERS = {
    "accept", "connection", "content-length", "content-type", "host", "mcp-method", "mcp-name", "mcp-protocol-version",
    "mcp-session-id", "transfer-encoding",
}  # fmt: skip


def find_faults(server: Server) -> list[FieldError]:
    """In the order of the fields; empty: it can be tried. Pointers are those of the API's body."""
    return list(_walk(server))


def find_secret_faults(env: Mapping[str, str], *, allowed: Sequence[str]) -> list[FieldError]:
    """Of what a tenant gives a server of its own. `allowed`: the variables its operator leaves to tenants."""
    words = f"this server takes {', '.join(allowed) or 'no variables'} from its tenants"
    faults = [_fault(f"/env/{name}", words) for name in env if name not in allowed]
    return faults + [_fault(f"/env/{name}", _NUL) for name, value in env.items() if "\0" in value]


def _walk(server: Server) -> Iterator[FieldError]:
    if not is_valid(server.name):
        yield _fault("/name", f"give a name like home-assistant: {NAME}")
    if isinstance(server.transport, BuiltIn) != (server.name == BuiltIn().name):
        yield _fault("/name", f"{BuiltIn().name} is the name of the built-in tools, and of nothing else")
    match server.transport:
        case Stdio() as child:
            yield from _check_stdio(child)
        case Http() as http:
            yield from _check_http(http)
    yield from _check_pool(server.pool)
    if isinstance(server.transport, Http) and server.transport.replicas and server.pool.policy != "several":
        yield _fault("/transport/replicas", "only the policy several goes to more than one address")
    yield from _check_limits(server.limits)
    yield from _check_caching(server)


def _check_stdio(child: Stdio) -> Iterator[FieldError]:
    if not child.command.strip():
        yield _fault("/transport/command", "give the command that starts the server")
    texts = {"/transport/command": child.command, "/transport/cwd": child.cwd or ""}
    texts |= {f"/transport/args/{number}": value for number, value in enumerate(child.args)}
    texts |= {f"/transport/env/{name}": value for name, value in child.env.items()}
    yield from (_fault(at, _NUL) for at, text in texts.items() if "\0" in text)
    yield from (_fault(f"/transport/env/{name}", _BAD_VARIABLE) for name in child.env if not _VARIABLE.fullmatch(name))
    if child.cwd is not None and not child.cwd.startswith("/"):
        yield _fault("/transport/cwd", "give the whole path, from / on")
    yield from _check_process(child)


def _check_process(child: Stdio) -> Iterator[FieldError]:
    if child.memory_mb is not None:
        yield from _within("/transport/memory_mb", child.memory_mb, low=16, high=65_536)
    if child.cpu_s is not None:
        yield from _within("/transport/cpu_s", child.cpu_s, low=1, high=10_000_000)
    yield from _within("/transport/open_files", child.open_files, low=16, high=65_536)


def _check_http(http: Http) -> Iterator[FieldError]:
    yield from _check_url("/transport/url", http.url)
    for number, url in enumerate(http.replicas):
        yield from _check_url(f"/transport/replicas/{number}", url)
    if http.oauth is not None:
        yield from _check_url("/transport/oauth/token_url", http.oauth.token_url)
        if http.bearer is not None:
            yield _fault("/transport/bearer", "a server takes a bearer token or OAuth, not both")
    for name, value in http.headers.items():
        at = f"/transport/headers/{name}"
        if not _HEADER.fullmatch(name) or name.lower() in _OWN_HEADERS:
            yield _fault(at, "this is no header of yours to set: the bridge writes it, or HTTP knows none of this name")
        elif any(ord(sign) < 32 or ord(sign) > 126 for sign in value):
            yield _fault(at, "a header's value is printable ASCII")


def _check_url(pointer: str, url: str) -> Iterator[FieldError]:
    if not _URL.fullmatch(url):
        yield _fault(pointer, "give the whole address, https://host/path; secrets belong in bearer or headers")


def _check_pool(pool: Pool) -> Iterator[FieldError]:
    yield from _within("/pool/size", pool.size, low=1, high=64)
    if pool.size > 1 and pool.policy != "several":
        yield _fault("/pool/size", "only the policy several has a size")
    if pool.own_env and pool.policy != "per_credential":
        yield _fault("/pool/own_env", "only the policy per_credential takes something from its tenants")
    yield from (_fault("/pool/own_env", _BAD_VARIABLE) for name in pool.own_env if not _VARIABLE.fullmatch(name))
    if pool.idle_stop_s is not None:
        yield from _within("/pool/idle_stop_s", pool.idle_stop_s, low=1, high=86_400 * 7)
    if pool.max_life_s is not None:
        yield from _within("/pool/max_life_s", pool.max_life_s, low=10, high=86_400 * 30)
    yield from _within("/pool/probe_s", pool.probe_s, low=1, high=3_600)


def _check_limits(limits: Limits) -> Iterator[FieldError]:
    yield from _within("/limits/timeout_s", limits.timeout_s, low=0.1, high=3_600)
    yield from _within("/limits/max_timeout_s", limits.max_timeout_s, low=0.1, high=86_400)
    if limits.max_timeout_s < limits.timeout_s:
        yield _fault("/limits/max_timeout_s", "it cannot be shorter than timeout_s")
    yield from _within("/limits/in_flight", limits.in_flight, low=1, high=10_000)
    yield from _within("/limits/queued", limits.queued, low=0, high=100_000)
    yield from _within("/limits/max_answer_bytes", limits.max_answer_bytes, low=1_024, high=256 << 20)
    yield from _within("/limits/max_request_bytes", limits.max_request_bytes, low=1_024, high=256 << 20)


def _check_caching(server: Server) -> Iterator[FieldError]:
    yield from _within("/caching/lists_ttl_s", server.caching.lists_ttl_s, low=0, high=86_400)
    for tool, ttl_s in server.caching.tools.items():
        yield from _within(f"/caching/tools/{tool}", ttl_s, low=0.1, high=86_400)
    for tool, scope in server.access.scopes.items():
        if scope not in {"read", "act"}:
            yield _fault(f"/access/scopes/{tool}", "the scopes are read and act")


def _within(pointer: str, value: float, *, low: float, high: float) -> Iterator[FieldError]:
    if not low <= value <= high:
        yield _fault(pointer, f"give {low:,} to {high:,}".replace(",", " "))


def _fault(pointer: str, detail: str) -> FieldError:
    return FieldError(pointer, "invalid", detail)
