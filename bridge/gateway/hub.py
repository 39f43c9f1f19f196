"""What servers tell unasked, handed to the clients that want to hear it and may."""

from collections.abc import Callable
from uuid import UUID

import msgspec
from msgspec import Struct

from bridge.engine.envelope import read_object, write_object
from bridge.engine.server import Server
from bridge.gateway.door.access import may_reach
from bridge.gateway.refusal import INVALID_PARAMS, Refusal
from bridge.sources.connection import Notice

TOOLS, PROMPTS = "notifications/tools/list_changed", "notifications/prompts/list_changed"
RESOURCES, UPDATED = "notifications/resources/list_changed", "notifications/resources/updated"
CHANGES = (TOOLS, PROMPTS, RESOURCES)
MOST_WATCHED = 500  # resources, by one listener
CONDITION = "notifications/dazbox/condition"  # of a server: ours, for those who watch


class _Updated(Struct):
    uri: str = ""


_read_updated = msgspec.json.Decoder(_Updated).decode


class Listener(Struct, eq=False):
    """`server` None: all that the tenant reaches. `methods`: of list changes; `uris`: of resources."""

    server: str | None
    tenant: UUID
    take: Callable[[str, Notice], None]  # the server that tells, and what
    methods: frozenset[str] = frozenset()
    uris: frozenset[str] = frozenset()

    def wants(self, server: Server, notice: Notice) -> bool:
        if self.server not in {None, server.name} or not may_reach(server.access, self.tenant):
            return False
        if notice.method == UPDATED:
            return find_uri(notice) in self.uris
        return notice.method in self.methods


class Hub:
    def __init__(self) -> None:
        self._listeners: set[Listener] = set()

    def join(self, listener: Listener) -> Callable[[], None]:
        """Returns how to leave."""
        self._listeners.add(listener)
        return lambda: self._listeners.discard(listener)

    def tell(self, server: Server, notice: Notice, *, owner: UUID | None = None) -> None:
        """`owner`: the tenant whose own connection told it. `_meta` says which request of ours it belongs to, which is
        nobody else's affair.
        """
        if b'"_meta"' in notice.params:
            members = read_object(notice.params)
            members.pop("_meta", None)
            notice = Notice(notice.method, write_object(members))
        for listener in tuple(self._listeners):
            if owner in {None, listener.tenant} and listener.wants(server, notice):
                listener.take(server.name, notice)


def refuse_more(most: int) -> Refusal:
    words = f"Watch {most} resources at most, or open another session for more."
    return Refusal("too-many", words, status=400, code=INVALID_PARAMS)


def find_uri(notice: Notice) -> str:
    try:
        return _read_updated(notice.params).uri
    except msgspec.DecodeError:
        return ""
