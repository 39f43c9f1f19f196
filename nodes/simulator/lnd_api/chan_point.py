"""A channel's funding output in LND's messages: the transaction id as text, or as bytes, backward as on the wire."""

import base64
from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from nodes.simulator.lnd_api.error import Code, LndError

TXID_BYTES = 32


class ChannelPointField(Struct, forbid_unknown_fields=True, kw_only=True):
    funding_txid_str: str | UnsetType = UNSET
    funding_txid_bytes: bytes | UnsetType = UNSET
    output_index: Annotated[int, Meta(ge=0, le=2**32 - 1)] = 0


def read_chan_point(point: ChannelPointField) -> str:
    """ "txid:index". Raises LndError."""
    return f"{_read_txid(point)}:{point.output_index}"


def describe_outpoint(chan_point: str) -> dict[str, object]:
    txid, _, output_index = chan_point.partition(":")
    backward = bytes.fromhex(txid)[::-1]
    return {"txid_bytes": base64.b64encode(backward).decode(), "txid_str": txid, "output_index": int(output_index)}


def _read_txid(point: ChannelPointField) -> str:
    if point.funding_txid_str is not UNSET:
        if point.funding_txid_bytes is not UNSET:
            raise LndError(
                Code.INVALID_ARGUMENT,
                'proto: error parsing "funding_txid_str", oneof lnrpc.ChannelPoint.funding_txid is already set',
            )
        return _check_txid(point.funding_txid_str)
    raw = b"" if point.funding_txid_bytes is UNSET else point.funding_txid_bytes
    if len(raw) != TXID_BYTES:
        raise LndError(Code.UNKNOWN, f"invalid hash length of {len(raw)}, want {TXID_BYTES}")
    return raw[::-1].hex()


def _check_txid(text: str) -> str:
    if len(text) > TXID_BYTES * 2:
        raise LndError(Code.UNKNOWN, f"max hash string length is {TXID_BYTES * 2} bytes")
    foreign = [char for char in text if char not in "0123456789abcdefABCDEF"]
    if foreign:
        raise LndError(Code.UNKNOWN, f"encoding/hex: invalid byte: U+{ord(foreign[0]):04X} '{foreign[0]}'")
    return text.lower().zfill(TXID_BYTES * 2)
