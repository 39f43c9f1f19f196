"""clnrest of one node of the world, as an ASGI application: POST /v1/<method> with a rune, GET /v1/list-methods."""

import json
import time
from collections.abc import Callable
from http import HTTPStatus
from typing import NamedTuple

import msgspec

from nodes.simulator.asgi import BodyTooLargeError, Message, Receive, Send, read_body, send_answer
from nodes.simulator.cln_api.bookkeeper import list_account_events, list_income
from nodes.simulator.cln_api.channel import list_peer_channels
from nodes.simulator.cln_api.error import Code, RpcError
from nodes.simulator.cln_api.forward import list_forwards
from nodes.simulator.cln_api.graph import list_channels, list_nodes
from nodes.simulator.cln_api.info import get_info, report_feerates
from nodes.simulator.cln_api.message import sign
from nodes.simulator.cln_api.params import Params
from nodes.simulator.cln_api.policy import set_channel
from nodes.simulator.rune import RuneError, check_rune
from nodes.simulator.view import NodeView

MAX_BODY_BYTES = 2 * 2**20
RUNE_HEADER = b"rune"
_RULE = "-" * 155


class Method(NamedTuple):
    call: Callable[[NodeView, Params], dict[str, object]]
    parameters: tuple[str, ...] = ()


METHODS = {
    "bkpr-listaccountevents": Method(list_account_events, ("account", "payment_id")),
    "bkpr-listincome": Method(list_income, ("consolidate_fees", "start_time", "end_time")),
    "feerates": Method(report_feerates, ("style",)),
    "getinfo": Method(get_info),
    "listchannels": Method(list_channels, ("short_channel_id", "source", "destination")),
    "listforwards": Method(list_forwards, ("status", "in_channel", "out_channel", "index", "start", "limit")),
    "listnodes": Method(list_nodes, ("id",)),
    "listpeerchannels": Method(list_peer_channels, ("id", "short_channel_id", "channel_id")),
    "setchannel": Method(
        set_channel, ("id", "feebase", "feeppm", "htlcmin", "htlcmax", "enforcedelay", "ignorefeelimits")
    ),
    "signmessage": Method(sign, ("message",)),
}


class ClnRest:
    """`look` gives the node's view of the world as of now: it lets time pass before it answers."""

    def __init__(self, look: Callable[[], NodeView], rune_secret: bytes) -> None:
        self._look = look
        self._rune_secret = rune_secret

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        method = scope["path"].removeprefix("/v1/")
        if method == scope["path"] or "/" in method:
            await send_answer(send, HTTPStatus.NOT_FOUND, content=b"", headers=[])
        elif method == "list-methods" and scope["method"] == "GET":
            headers = [(b"content-type", b"text/html; charset=utf-8")]
            await send_answer(send, HTTPStatus.OK, content=describe_methods().encode(), headers=headers)
        elif scope["method"] != "POST":
            await send_answer(send, HTTPStatus.METHOD_NOT_ALLOWED, content=b"", headers=[(b"allow", b"POST")])
        else:
            await self._answer_call(method, scope, receive=receive, send=send)

    async def _answer_call(self, method: str, scope: Message, *, receive: Receive, send: Send) -> None:
        """As in clnrest, a method that worked is answered with 201."""
        try:
            body = await read_body(receive, MAX_BODY_BYTES)
            answer: object = self._call(method, scope, params=_read_params(body))
            status = HTTPStatus.CREATED
        except BodyTooLargeError:
            answer, status = {}, HTTPStatus.REQUEST_ENTITY_TOO_LARGE
        except RpcError as error:
            answer, status = error.to_json(), error.http_status
        headers = [(b"content-type", b"application/json")]
        await send_answer(send, status, content=msgspec.json.encode(answer), headers=headers)

    def _call(self, name: str, scope: Message, *, params: Params) -> dict[str, object]:
        """As in clnrest, the rune is looked at before the method is looked up."""
        runes = [value.decode("latin-1") for key, value in scope["headers"] if key == RUNE_HEADER]
        view = self._look()
        self._check_rune(runes, name, params=params)
        method = METHODS.get(name)
        if method is None:
            raise RpcError(Code.METHOD_NOT_FOUND, f"Unknown command '{name}'", http_status=HTTPStatus.NOT_FOUND)
        params.check_names(method.parameters)
        return method.call(view, params)

    def _check_rune(self, runes: list[str], method: str, *, params: Params) -> None:
        """`rate` and `per` would need a memory of calls: a rune restricted by them is refused here."""
        if not runes:
            message = "Not authorized: Missing rune"
            raise RpcError(Code.RUNE_NOT_AUTHORIZED, message, http_status=HTTPStatus.FORBIDDEN)
        values = {"method": method, "time": str(int(time.time())), **params.values}
        try:
            check_rune(runes[0], secret=self._rune_secret, values=values)
        except RuneError as error:
            code = Code.RUNE_NOT_PERMITTED if error.is_derived else Code.RUNE_NOT_AUTHORIZED
            raise RpcError(code, str(error), http_status=HTTPStatus.UNAUTHORIZED) from error


def describe_methods() -> str:
    return "".join(
        f"Command: {' '.join([name, *method.parameters])}<br>\n{_RULE}\n" for name, method in METHODS.items()
    )


def _read_params(body: bytes) -> Params:
    """Named parameters alone; no body at all is none."""
    try:
        given = json.loads(body) if body.strip() else {}
    except (ValueError, RecursionError) as error:
        raise RpcError(Code.PARSE_ERROR, "Invalid token in json input") from error
    if not isinstance(given, dict):
        raise RpcError(Code.INVALID_PARAMS, "Expected an object of parameters")
    return Params(given)
