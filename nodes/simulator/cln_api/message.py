"""signmessage"""

from mcp_saas.kit.node_message import SIGNATURE_HEADER, decode_signature, sign_message
from nodes.simulator.cln_api.error import Code, RpcError
from nodes.simulator.cln_api.params import Params
from nodes.simulator.view import NodeView

MAX_MESSAGE_BYTES = 65_535


def sign(view: NodeView, params: Params) -> dict[str, object]:
    """`zbase` is what LND answers as well; `signature` and `recid` are its parts."""
    params.require("message")
    message = (params.read_text("message") or "").encode()
    if len(message) > MAX_MESSAGE_BYTES:
        raise RpcError(Code.INVALID_PARAMS, "Message must be < 64k")
    zbase = sign_message(view.node.identity_key, message)
    raw = decode_signature(zbase)
    return {"signature": raw[1:].hex(), "recid": bytes([raw[0] - SIGNATURE_HEADER]).hex(), "zbase": zbase}
