"""LND's REST proxy for one node of the world, as an ASGI application."""

import hmac
import urllib.parse
from collections.abc import Callable, Iterable

import msgspec

from nodes.simulator.asgi import BodyTooLargeError, Message, Receive, Send, read_body, send_answer
from nodes.simulator.lnd_api.balance import report_chain_balance, report_channel_balance
from nodes.simulator.lnd_api.chain_fee import estimate_fee
from nodes.simulator.lnd_api.channel import list_channels
from nodes.simulator.lnd_api.error import Code, LndError
from nodes.simulator.lnd_api.forward import list_forwards, report_fees
from nodes.simulator.lnd_api.graph import get_edge, get_node
from nodes.simulator.lnd_api.info import get_info
from nodes.simulator.lnd_api.message import sign
from nodes.simulator.lnd_api.payment import list_payments
from nodes.simulator.lnd_api.peer import list_closed, list_peers, list_pending
from nodes.simulator.lnd_api.policy import update_policy
from nodes.simulator.lnd_api.request import Request
from nodes.simulator.lnd_api.status import update_status
from nodes.simulator.lnd_api.transaction import list_transactions
from nodes.simulator.view import NodeView

Handler = Callable[[NodeView, Request], dict[str, object]]

MAX_BODY_BYTES = 4 * 2**20  # gRPC's limit for a message
MACAROON_HEADER = b"grpc-metadata-macaroon"

ROUTES: tuple[tuple[str, str, Handler], ...] = (
    ("GET", "/v1/getinfo", get_info),
    ("GET", "/v1/channels", list_channels),
    ("GET", "/v1/channels/pending", list_pending),
    ("GET", "/v1/channels/closed", list_closed),
    ("GET", "/v1/peers", list_peers),
    ("GET", "/v1/balance/channels", report_channel_balance),
    ("GET", "/v1/balance/blockchain", report_chain_balance),
    ("GET", "/v1/payments", list_payments),
    ("GET", "/v1/transactions", list_transactions),
    ("GET", "/v1/fees", report_fees),
    ("GET", "/v1/graph/node/{pub_key}", get_node),
    ("GET", "/v1/graph/edge/{chan_id}", get_edge),
    ("POST", "/v1/switch", list_forwards),
    ("POST", "/v1/chanpolicy", update_policy),
    ("POST", "/v1/signmessage", sign),
    ("POST", "/v2/router/updatechanstatus", update_status),
    ("GET", "/v2/wallet/estimatefee/{conf_target}", estimate_fee),
)


class LndApi:
    """`look` gives the node's view of the world as of now: it lets time pass before it answers."""

    def __init__(self, look: Callable[[], NodeView], macaroon: bytes) -> None:
        self._look = look
        self._macaroon_hex = macaroon.hex().encode()

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        try:
            answer: object = self._answer(scope, await _read_message(receive))
            status = 200
        except LndError as error:
            answer, status = error.to_json(), error.http_status
        headers = [(b"content-type", b"application/json"), (b"grpc-metadata-content-type", b"application/grpc")]
        await send_answer(send, status, content=msgspec.json.encode(answer), headers=headers)

    def _answer(self, scope: Message, body: bytes) -> dict[str, object]:
        """As in LND, the route is looked up before the macaroon is: the proxy stands before the node."""
        handler, path_parameters = _find_route(scope["method"], scope["path"])
        self._check_macaroon(scope["headers"])
        query = dict(urllib.parse.parse_qsl(scope["query_string"].decode(), keep_blank_values=True))
        return handler(self._look(), Request(path=path_parameters, query=query, body=body))

    def _check_macaroon(self, headers: Iterable[tuple[bytes, bytes]]) -> None:
        macaroons = [value for name, value in headers if name == MACAROON_HEADER]
        if len(macaroons) != 1:
            raise LndError(Code.UNKNOWN, f"expected 1 macaroon, got {len(macaroons)}")
        given = macaroons[0].lower()
        foreign = [char for char in given.decode("latin-1") if char not in "0123456789abcdef"]
        if foreign:
            raise LndError(Code.UNKNOWN, f"encoding/hex: invalid byte: U+{ord(foreign[0]):04X} '{foreign[0]}'")
        if len(given) % 2:
            raise LndError(Code.UNKNOWN, "encoding/hex: odd length hex string")
        if not hmac.compare_digest(given, self._macaroon_hex):
            raise LndError(Code.UNKNOWN, "verification failed: signature mismatch after caveat verification")


def _find_route(method: str, path: str) -> tuple[Handler, dict[str, str]]:
    matches = [(m, handler, found) for m, pattern, handler in ROUTES if (found := _match(pattern, path)) is not None]
    if not matches:
        raise LndError(Code.NOT_FOUND, "Not Found")
    for known_method, handler, parameters in matches:
        if known_method == method:
            return handler, parameters
    raise LndError(Code.UNIMPLEMENTED, "Method Not Allowed")


def _match(pattern: str, path: str) -> dict[str, str] | None:
    """The path's parameters, or None when it does not fit the pattern."""
    expected, given = pattern.split("/"), path.split("/")
    if len(expected) != len(given):
        return None
    parameters = {}
    for name, value in zip(expected, given, strict=True):
        if name.startswith("{"):
            parameters[name.strip("{}")] = value
        elif name != value:
            return None
    return parameters


async def _read_message(receive: Receive) -> bytes:
    try:
        return await read_body(receive, MAX_BODY_BYTES)
    except BodyTooLargeError as error:
        raise LndError(
            Code.RESOURCE_EXHAUSTED, f"grpc: received message larger than max ({error.size_bytes} vs. {MAX_BODY_BYTES})"
        ) from error
