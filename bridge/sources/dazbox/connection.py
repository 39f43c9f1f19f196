"""The built-in server `dazbox`: a connection that needs no wire, and asks our own API for the caller it is bound to."""

import asyncio
from collections.abc import Callable
from typing import Any, Final

import msgspec
from msgspec import Raw, Struct

from bridge.sources.connection import MODERN_VERSION, Answer, Era, Inbox, Notice, RequestTimeout
from bridge.sources.dazbox.api import Api, ApiFault
from bridge.sources.dazbox.tool import TOOLS, Tool
from mcp_saas.kit.version import VERSION

METHOD_NOT_FOUND, INVALID_PARAMS = -32601, -32602
LISTS_TTL_MS: Final = 3_600_000  # the tools change with a release alone
INSTRUCTIONS = (
    "Tools of one Lightning node, the one the token belongs to. Amounts ending in _sat are satoshi, in _msat "
    "millisatoshi, rates in _ppm parts per million; null means that there is no data."
)
_BY_NAME = {tool.name: tool for tool in TOOLS}


class _Call(Struct, frozen=True):
    name: str
    arguments: Raw = Raw(b"{}")


SERVER_INFO: Final = msgspec.json.encode({"name": "dazbox", "title": "Dazbox Cloud", "version": VERSION})
CAPABILITIES: Final = b'{"tools":{}}'
_META: Final = {"io.modelcontextprotocol/serverInfo": Raw(SERVER_INFO)}
_KEPT: Final = {"resultType": "complete", "ttlMs": LISTS_TTL_MS, "cacheScope": "public", "_meta": _META}
_DISCOVERED: Final = msgspec.json.encode({
    "supportedVersions": [MODERN_VERSION],
    "capabilities": Raw(CAPABILITIES),
    "serverInfo": Raw(SERVER_INFO),
    "instructions": INSTRUCTIONS,
    **_KEPT,
})
_LISTED: Final = msgspec.json.encode({"tools": [tool.describe() for tool in TOOLS], **_KEPT})


class DazboxConnection:
    """Bound to the token of one caller by `bind`; unbound it tells its tools, and calls none."""

    era: Era = "modern"
    version = MODERN_VERSION
    server_info = SERVER_INFO
    capabilities = CAPABILITIES
    instructions: str | None = INSTRUCTIONS
    pid: int | None = None

    def __init__(self, api: Api, *, ended: "asyncio.Future[str]", token: str | None = None) -> None:
        self._api, self._token = api, token
        self.ended = ended
        self.in_flight = 0

    longest_wait_s = 0.0  # it has no process to be ended

    @property
    def is_open(self) -> bool:
        return not self.ended.done()

    def bind(self, token: str) -> "DazboxConnection":
        """The same for one caller. Cheap: one a call."""
        return DazboxConnection(self._api, ended=self.ended, token=token)

    async def request(
        self, method: str, params: bytes, *, timeout_s: float, inbox: Inbox | None = None, name: str | None = None
    ) -> Answer:
        """As `Connection.request`. What the API refuses is a tool's error, in the API's words."""
        match method:
            case "tools/call":
                self.in_flight += 1
                try:
                    return await self._call(params, timeout_s=timeout_s)
                finally:
                    self.in_flight -= 1
            case "tools/list":
                return Answer(_LISTED)
            case "server/discover":
                return Answer(_DISCOVERED)
        return _refuse(METHOD_NOT_FOUND, f"The server dazbox has no method {method}.")

    async def _call(self, params: bytes, *, timeout_s: float) -> Answer:
        try:
            call = msgspec.json.decode(params, type=_Call)
            tool = _BY_NAME.get(call.name)
            if tool is None:
                return _refuse(INVALID_PARAMS, f"The server dazbox has no tool {call.name!r}.")
            arguments = msgspec.json.decode(call.arguments, type=tool.takes)
        except msgspec.MsgspecError as error:
            return _refuse(INVALID_PARAMS, f"The arguments do not fit the tool: {error}")
        if self._token is None:
            return _refuse(INVALID_PARAMS, "Tools of the server dazbox are called with the token of a Dazbox.")
        return await self._run(tool, arguments, token=self._token, timeout_s=timeout_s)

    async def _run(self, tool: Tool, arguments: Struct, *, token: str, timeout_s: float) -> Answer:
        try:
            async with asyncio.timeout(timeout_s):
                made = await tool.run(self._api.bind(token, timeout_s=timeout_s), arguments)
        except TimeoutError:
            raise RequestTimeout(f"{tool.name} took longer than {timeout_s:g} s") from None
        except ApiFault as error:
            return _answer(error.fault, text=f"{error.fault.title}: {error.fault.detail}", is_error=True)
        return _answer(made, text=None, is_error=False)

    def notify(self, method: str, params: bytes) -> None:
        """Nothing is asked of it that could be cancelled."""

    def listen(self, take: Callable[[Notice], None]) -> Callable[[], None]:
        return lambda: None

    async def close(self, *, grace_s: float = 2.0) -> None:
        if self._token is None and not self.ended.done():
            self.ended.set_result("It was closed.")
            await self._api.close()


def open_dazbox(api_url: str) -> DazboxConnection:
    """Unbound. In a running loop."""
    return DazboxConnection(Api(api_url), ended=asyncio.get_running_loop().create_future())


def _answer(value: Struct, *, text: str | None, is_error: bool) -> Answer:
    """A tool's result: structured, and as text for clients that read nothing else."""
    body = msgspec.json.encode(value)
    told = {"type": "text", "text": body.decode() if text is None else text}
    result: dict[str, Any] = {"resultType": "complete", "content": [told], "isError": is_error, "_meta": _META}
    result |= {} if is_error else {"structuredContent": Raw(body)}
    return Answer(msgspec.json.encode(result))


def _refuse(code: int, message: str) -> Answer:
    return Answer(msgspec.json.encode({"code": code, "message": message}), is_error=True)
