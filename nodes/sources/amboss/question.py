"""What Amboss can be asked (GraphQL; fields as docs.amboss.tech and open clients use them)."""

from collections.abc import Sequence
from functools import partial
from typing import Final

import msgspec
from msgspec.structs import replace

from mcp_saas.kit.alias import tame_alias
from nodes.sources.amboss.value import AmbossNode, Channels, FeesTowards, Identity, NodeName
from nodes.sources.provider.protocol import Question, Request
from nodes.sources.provider.reading import Reading

MAX_PUBKEYS: Final = 500
_NODE: Final = """query Node($pubkey: String!, $range: SnapshotTimeRangeEnum) {
  getNode(pubkey: $pubkey) { graph_info {
    node { pub_key alias color last_update }
    channels { num_channels total_capacity
      fee_info(timeRange: $range) { remote { max mean median weighted weighted_corrected } } }
  } }
}"""
_NAMES: Final = "query Names($pubkeys: [String!]!) { getNodeAliasBatch(pubkeys: $pubkeys) { alias pub_key } }"


def ask_node(pubkey: str) -> Question[AmbossNode]:
    request = _post(_NODE, {"pubkey": pubkey, "range": "ONE_WEEK"})
    return Question(
        provider="amboss", name="node", shape=AmbossNode, request=request, read=partial(_read_node, pubkey=pubkey)
    )


def ask_names(pubkeys: Sequence[str]) -> Question[tuple[NodeName, ...]]:
    """Of the first MAX_PUBKEYS, each asked for once."""
    request = _post(_NAMES, {"pubkeys": sorted(set(pubkeys))[:MAX_PUBKEYS]})
    return Question(provider="amboss", name="names", shape=tuple[NodeName, ...], request=request, read=_read_names)


def _post(query: str, variables: dict[str, object]) -> Request:
    return Request("POST", "/graphql", msgspec.json.encode({"query": query, "variables": variables}))


def _read_node(data: object, reading: Reading, *, pubkey: str) -> AmbossNode | None:
    found = reading.read_object(data, "getNode", "graph_info")
    if found is None:
        return None
    identity = reading.read_struct(found.get("node"), Identity, place="node")
    if identity is None or identity.pubkey != pubkey:  # of another node
        return None
    identity = replace(identity, alias=identity.alias and tame_alias(identity.alias))
    channels = reading.read_struct(found.get("channels"), Channels, place="channels")
    fees = reading.read_object(found, "channels", "fee_info", "remote")
    towards = reading.read_struct(fees, FeesTowards, place="fee_info.remote") if fees is not None else None
    return AmbossNode(identity=identity, channels=channels, fees_towards=towards)


def _read_names(data: object, reading: Reading) -> tuple[NodeName, ...] | None:
    rows = reading.read_list(data.get("getNodeAliasBatch") if isinstance(data, dict) else None, "getNodeAliasBatch")
    if rows is None:
        return None
    names = [reading.read_struct(row, NodeName, place="getNodeAliasBatch[]") for row in rows]
    return tuple(replace(name, alias=name.alias and tame_alias(name.alias)) for name in names if name is not None)
