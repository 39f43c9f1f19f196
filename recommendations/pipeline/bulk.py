"""Many nodes at once: our own in full, others by the public graph alone; what is wrong with one concerns no other."""

from collections.abc import Iterator

import msgspec
import structlog
from django.utils import timezone
from msgspec import Struct
from msgspec.structs import asdict

from mcp_saas.kit.errors import Problem, not_found, refuse_field
from mcp_saas.kit.text import Pubkey
from nodes.engine.position import PublicNode
from nodes.selectors.position import find_public_nodes, newest_load
from recommendations.engine.info import NodeInfoAnswer, describe_public_node
from recommendations.pipeline.info import read_info
from tenants.context import current_tenant

log = structlog.get_logger(__name__)


class Analysed(Struct, frozen=True):
    """A node, or what is wrong with it. `place`: in the list that was given."""

    place: int
    pubkey: str
    found: NodeInfoAnswer | Problem


def analyse_nodes(pubkeys: list[str], *, include_historical: bool, use_cache: bool) -> Iterator[Analysed]:
    """Each node once, in order: the tenant's own from its records, the others from one look into the graph."""
    places = {pubkey: place for place, pubkey in reversed([*enumerate(pubkeys)])}
    own = current_tenant().pubkey
    others = [pubkey for pubkey in places if pubkey != own and is_pubkey(pubkey)]
    known = find_public_nodes(others, newest_load())
    for place, pubkey in sorted((place, pubkey) for pubkey, place in places.items()):
        if pubkey == own:
            found = _read_own(include_historical=include_historical, use_cache=use_cache)
        elif pubkey in known:
            found = _describe(known[pubkey])
        else:
            found = _refuse(pubkey, place)
        yield Analysed(place, pubkey, found)


def is_pubkey(text: str) -> bool:
    try:
        msgspec.convert(text, Pubkey)
    except msgspec.ValidationError:
        return False
    return True


def _read_own(*, include_historical: bool, use_cache: bool) -> NodeInfoAnswer | Problem:
    try:
        info = read_info(include_historical=include_historical, use_cache=use_cache)
    except Exception:  # whatever it is, the other nodes are told of
        log.exception("own_node_not_told")
        return Problem(500, "internal", "Internal error", detail="It was recorded. Ask again.")
    return msgspec.json.decode(info.body, type=NodeInfoAnswer)


def _describe(public: PublicNode) -> NodeInfoAnswer:
    info = describe_public_node(public)
    return NodeInfoAnswer(**asdict(info), timestamp=timezone.now(), cache_hit=False)


def _refuse(pubkey: str, place: int) -> Problem:
    if is_pubkey(pubkey):
        return not_found("The public graph knows no such node with a usable channel.")
    return refuse_field(f"/pubkeys/{place}", "66 lower-case hex digits, starting with 02 or 03, are needed")
