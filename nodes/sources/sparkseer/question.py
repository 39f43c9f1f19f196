"""What Sparkseer can be asked. All but the view of a node is about the key's own node: there is no pubkey to give."""

from collections.abc import Callable
from functools import partial
from typing import TypeVar
from urllib.parse import quote

import msgspec
from msgspec import Struct

from mcp_saas.kit.alias import tame_alias
from nodes.sources.provider.protocol import Question, Request
from nodes.sources.provider.reading import Reading
from nodes.sources.sparkseer.value import LiquidityValue, NetworkView, SuggestedChannel, SuggestedFee

S = TypeVar("S", bound=Struct)


def ask_network_view(pubkey: str) -> Question[NetworkView]:
    path = f"/v1/node/current-stats/{quote(pubkey, safe='')}"
    return Question(
        provider="sparkseer",
        name="network_view",
        shape=NetworkView,
        request=Request("GET", path),
        read=partial(_read_view, pubkey=pubkey),
    )


def ask_suggested_fees() -> Question[tuple[SuggestedFee, ...]]:
    read = partial(_read_peers, rows="channel_peers", details="suggested_fees", shape=SuggestedFee)
    return _ask_service("suggested_fees", "suggested-fees", shape=tuple[SuggestedFee, ...], read=read)


def ask_channel_candidates() -> Question[tuple[SuggestedChannel, ...]]:
    read = partial(_read_peers, rows="channel_recommendations", details="info", shape=SuggestedChannel)
    return _ask_service("channel_candidates", "channel-recommendations", shape=tuple[SuggestedChannel, ...], read=read)


def ask_liquidity_value() -> Question[tuple[LiquidityValue, ...]]:
    read = partial(_read_peers, rows="channel_peers", details="outbound_ppm_value", shape=LiquidityValue)
    return _ask_service("liquidity_value", "outbound-liquidity-value", shape=tuple[LiquidityValue, ...], read=read)


def _read_view(body: object, reading: Reading, *, pubkey: str) -> NetworkView | None:
    view = reading.read_struct(body, NetworkView, place="")
    if view is None or view.pubkey != pubkey:  # of another node
        return None
    return msgspec.structs.replace(view, alias=view.alias and tame_alias(view.alias))


def _ask_service(
    name: str,
    path: str,
    *,
    shape: type[tuple[S, ...]],
    read: Callable[[object, Reading], tuple[S, ...] | None],
) -> Question[tuple[S, ...]]:
    request = Request("GET", f"/v1/services/{path}")
    return Question(provider="sparkseer", name=name, shape=shape, request=request, read=read)


def _read_peers(body: object, reading: Reading, *, rows: str, details: str, shape: type[S]) -> tuple[S, ...] | None:
    """`{rows: [{pubkey, details: [{...}]}]}`: the details are a list of one. A row without a pubkey is left out."""
    found = reading.read_list(body.get(rows) if isinstance(body, dict) else None, rows)
    if found is None:
        return None
    values = []
    for row in found:
        if not isinstance(row, dict):
            reading.miss(f"{rows}[]", row)
            continue
        detail = reading.read_only(row.get(details), f"{rows}[].{details}")
        flat = (detail if isinstance(detail, dict) else {}) | {"pubkey": row.get("pubkey")}
        values.append(reading.read_struct(flat, shape, place=f"{rows}[]"))
    return tuple(value for value in values if value is not None)
