"""One question about the node of the tenant we are in, and what all its topics look at."""

import datetime as dt

from msgspec import Struct

from nodes.engine.report import ChannelState
from nodes.models.channel import Channel
from nodes.selectors.channel import list_open_channels
from rag.engine.evidence import Evidence, Language
from rag.engine.intent.value import Intent, KnownChannel, Span
from recommendations.engine.telling import name_channel, tell

MAX_LISTED = 5
USUAL = dt.timedelta(days=7)  # where a question names no time


class Asked(Struct, frozen=True):
    """`channels`: open ones, by short channel id."""

    intent: Intent
    language: Language
    now: dt.datetime
    channels: dict[str, Channel]

    @property
    def named(self) -> list[Channel]:
        return [self.channels[scid] for scid in self.intent.channels if scid in self.channels]

    @property
    def span(self) -> Span:
        return self.intent.span or Span(self.now - USUAL, self.now)

    def name(self, state: ChannelState) -> str:
        return name_channel(state.short_channel_id, state.peer_alias, language=self.language)

    def name_id(self, short_channel_id: str) -> str:
        """Also of a channel that is closed by now."""
        known = self.channels.get(short_channel_id)
        return name_channel(short_channel_id, known.state.peer_alias if known else None, language=self.language)

    def tell(self, key: str, **values: object) -> str:
        return tell(key, self.language, **values)

    def tell_listed(self, count: int) -> str:
        """How many of how many follow, where not all do."""
        return self.tell("listed", shown=MAX_LISTED, count=count) if count > MAX_LISTED else ""

    def fact(self, id: str, text: str, **more: str | None) -> Evidence:  # noqa: A002
        return Evidence(id=id, kind="fact", text=text, language=self.language, title="", source="node", **more)  # type: ignore[arg-type]


def name_span(span: Span) -> str:
    """In ids of what was reckoned over a time."""
    return f"{span.since:%Y-%m-%dT%H:%MZ}/{span.until:%Y-%m-%dT%H:%MZ}"


def list_known() -> dict[str, Channel]:
    """The open channels of the node, by short channel id."""
    return {row.state.short_channel_id: row for row in list_open_channels()}


def know(channels: dict[str, Channel]) -> list[KnownChannel]:
    return [KnownChannel(scid, row.state.peer_pubkey, row.state.peer_alias or "") for scid, row in channels.items()]
