"""POST /v1/signmessage"""

import msgspec

from mcp_saas.kit.node_message import sign_message
from nodes.simulator.lnd_api.error import Code, LndError
from nodes.simulator.lnd_api.request import Request
from nodes.simulator.view import NodeView


class _SignMessage(msgspec.Struct, forbid_unknown_fields=True):
    msg: bytes = b""
    single_hash: bool = False


def sign(view: NodeView, request: Request) -> dict[str, object]:
    """LND refuses a message it was not given; one hash alone, which it offers as well, nobody asks for here."""
    body = request.read_body(_SignMessage)
    if not body.msg:
        raise LndError(Code.UNKNOWN, "need a message to sign")
    if body.single_hash:
        raise LndError(Code.UNIMPLEMENTED, "the simulator signs double hashes only")
    return {"signature": sign_message(view.node.identity_key, body.msg)}
