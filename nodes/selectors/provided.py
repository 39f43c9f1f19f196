"""When each provider was last asked for the tenant we are in, and what came of it: kept in the cache for a week."""

import datetime as dt
from typing import Any

import msgspec
import structlog
from django.core.cache import cache
from msgspec import Struct

from nodes.sources.provider.protocol import ProviderName, Question
from nodes.sources.provider.reading import Lack
from tenants.context import current_tenant

log = structlog.get_logger(__name__)
KEPT_S = 7 * 86_400
QUESTIONS: dict[ProviderName, tuple[str, ...]] = {
    "sparkseer": ("network_view", "suggested_fees", "channel_candidates", "liquidity_value"),
    "lnbits": ("wallet",),
    "amboss": ("node", "names"),
}


class Asked(Struct, frozen=True, kw_only=True):
    """`outcome`: "answered", or the word of what failed."""

    at: dt.datetime
    outcome: str
    lacks: tuple[Lack, ...] = ()


def note_asked(question: Question[Any], asked: Asked) -> None:
    """Where the cache is away it is not noted."""
    try:
        cache.set(_name(question.provider, question.name), msgspec.msgpack.encode(asked), KEPT_S)
    except Exception as error:  # noqa: BLE001 - a cache that is away is no cache
        log.warning("asked_not_noted", error=type(error).__name__)


def list_asked() -> dict[tuple[ProviderName, str], Asked]:
    """By provider and question, those that were asked."""
    names = {_name(provider, one): (provider, one) for provider, all_ in QUESTIONS.items() for one in all_}
    try:
        found = cache.get_many(names)
    except Exception as error:  # noqa: BLE001 - as above
        log.warning("asked_not_read", error=type(error).__name__)
        return {}
    return {names[name]: msgspec.msgpack.decode(raw, type=Asked) for name, raw in found.items()}


def _name(provider: ProviderName, question: str) -> str:
    return f"asked:{current_tenant().id}:{provider}:{question}"
