"""From the fields of an assistant's file, by the names each program gives them, to a server of the catalogue."""

import re
from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct, structs

from bridge.engine.mcp_json_entry import ABSENT, Entry, escape
from bridge.engine.server import (
    Access,
    BuiltIn,
    Caching,
    ClientCredentials,
    Http,
    Limits,
    Pin,
    Pool,
    Server,
    Stdio,
    Transport,
)

_STDIO, _HTTP = {"stdio", "local", "command"}, {"http", "streamable-http", "streamablehttp", "remote", "sse"}
_CARRIERS = {"mcp-remote", "mcp-proxy", "supergateway", "fastmcp"}  # programs that only carry a server reached by HTTP


class Own(Struct, frozen=True, forbid_unknown_fields=True):
    """`dazbox` beside the fields of others: what their files have no words for. Shapes as in `bridge.engine.server`."""

    process: dict[str, Any] = {}
    is_trusted: bool = False
    replicas: tuple[str, ...] = ()
    pool: Pool | None = None
    limits: Limits | None = None
    caching: Caching | None = None
    access: Access | None = None
    pins: tuple[Pin, ...] | None = None


def read_entry(entry: Entry, name: str) -> Server:
    """The server, as good as it can be read; whether it can be used, `entry.faults` tells."""
    entry.unfold("transport")
    entry.take("name")
    own = _read_own(entry)
    should_run = not entry.take_flag("disabled") and entry.take_flag("enabled") is not False
    server = Server(
        name,
        _read_transport(entry, own),
        should_run=should_run,
        pool=own.pool or Pool(),
        limits=own.limits or _read_limits(entry),
        caching=own.caching or Caching(),
        access=own.access or _read_access(entry),
        pins=own.pins,
    )
    entry.note_rest()
    return server


def _read_own(entry: Entry) -> Own:
    below, raw = entry.take("dazbox")
    if raw is ABSENT:
        return Own()
    try:
        own = msgspec.convert(raw, Own)
    except msgspec.ValidationError as error:
        entry.refuse(below, str(error))
        return Own()
    for name, section in {"pool": Pool, "limits": Limits, "caching": Caching, "access": Access}.items():
        for stranger in sorted(set(raw.get(name) or ()) - set(section.__struct_fields__)):
            entry.refuse(f"{below}/{name}/{escape(stranger)}", "there is no such field")
    return own


def _read_transport(entry: Entry, own: Own) -> Transport:
    kind = (entry.take_text("type", "transport") or "").lower().replace("_", "-")
    if kind == "builtin":
        return BuiltIn()
    if kind in {"ws", "websocket"}:
        entry.refuse("/type", "MCP has no WebSocket transport: give the server's http address")
        return Http("")
    if kind and kind not in _STDIO | _HTTP:
        entry.refuse("/type", f"{kind} is no transport: stdio, http or sse")
    if kind in _HTTP or (kind not in _STDIO and entry.has("url", "serverUrl", "httpUrl")):
        http = structs.replace(_read_http(entry), is_trusted=own.is_trusted, replicas=own.replicas)
        return structs.replace(http, transport="sse") if kind == "sse" else http
    return _read_stdio(entry, own.process)


def _read_stdio(entry: Entry, process: Mapping[str, Any]) -> Stdio:
    entry.take("source")  # Zed: "custom"
    command = _read_command(entry)
    if not command:
        entry.refuse("", "give command (a program on this machine) or url (a server elsewhere)")
    child = Stdio(
        command[0] if command else "",
        tuple(command[1:]),
        env=entry.take_map("env", "environment"),
        cwd=entry.take_text("cwd", "workingDirectory"),
    )
    if any(part.rpartition("/")[2].partition("@")[0] in _CARRIERS for part in command):
        entry.note("", "this program only carries a server reached by HTTP; with its url here it is reached directly")
    try:
        return structs.replace(child, **msgspec.convert(dict(process), dict[str, int | None]))
    except (msgspec.ValidationError, TypeError):
        entry.refuse("/dazbox/process", "memory_mb, cpu_s and open_files are whole numbers")
        return child


def _read_command(entry: Entry) -> list[str]:
    """The command and its arguments: one text and a list, one list (opencode), or an object (Zed's earlier files)."""
    entry.unfold("command")
    whole = entry.take_list("command") if entry.has_list("command") else []
    program = entry.take_text("path", "command")
    whole += [program] if program else []
    return _unwrap(entry, [*whole, *entry.take_list("args", "arguments")])


def _unwrap(entry: Entry, command: list[str]) -> list[str]:
    """Without `cmd /c`, which a file from Windows puts before npx."""
    if len(command) > 2 and re.fullmatch(r"(?i)cmd(\.exe)?", command[0]) and command[1].lower() == "/c":
        entry.note("/command", "taken over without cmd /c, which is Windows' own")
        return command[2:]
    return command


def _read_http(entry: Entry) -> Http:
    url = entry.take_text("url", "serverUrl", "httpUrl")
    if not url:
        entry.refuse("", "give url, the server's address")
    headers = _read_headers(entry)
    bearer = next((headers[name] for name in headers if name.lower() == "authorization"), "")
    scheme, _, token = bearer.partition(" ")
    if scheme.lower() == "bearer" and token:
        headers = {name: value for name, value in headers.items() if name.lower() != "authorization"}
    return Http(
        url or "", headers, bearer=token.strip() if scheme.lower() == "bearer" else None, oauth=_read_oauth(entry)
    )


def _read_headers(entry: Entry) -> dict[str, str]:
    entry.unfold("requestOptions")  # Continue
    if not entry.has_list("headers"):
        return entry.take_map("headers", "http_headers")
    lines = [line.partition(":") for line in entry.take_list("headers")]
    return {name.strip(): value.strip() for name, _, value in lines}


def _read_oauth(entry: Entry) -> ClientCredentials | None:
    """Client credentials alone: nobody sits at a gateway who could sign in."""
    below, raw = entry.take("oauth", "auth")
    if raw is ABSENT or raw is False:
        return None
    found = {re.sub(r"[_-]", "", name).lower(): value for name, value in raw.items()} if isinstance(raw, dict) else {}
    wanted = [found.get(name) for name in ("tokenurl", "clientid", "clientsecret")]
    if not all(isinstance(value, str) for value in wanted):
        entry.note(below, "not taken over: nobody signs in here; give token_url, client_id, client_secret, or bearer")
        return None
    scopes = found.get("scopes", found.get("scope", ""))
    texts = [entry.fill(below, value) for value in (*wanted, " ".join(scopes) if isinstance(scopes, list) else scopes)]
    return ClientCredentials(*texts)


def _read_limits(entry: Entry) -> Limits:
    """Some programs write milliseconds, some seconds: nobody waits 1,000 seconds, nobody less than one."""
    below, value = entry.take("timeout", "connectionTimeout")
    if value is ABSENT:
        return Limits()
    if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
        entry.refuse(below, "a number above 0 is wanted")
        return Limits()
    timeout_s = value / 1000 if value >= 1000 else float(value)
    entry.note(below, f"taken for {timeout_s:g} seconds")
    return Limits(timeout_s=timeout_s, max_timeout_s=max(timeout_s, Limits().max_timeout_s))


def _read_access(entry: Entry) -> Access:
    tools = entry.take_list("includeTools", "enabledTools", "enabled_tools", "allowedTools", "tools")
    return Access(tools=tuple(tools) if tools and tools != ["*"] else None)
