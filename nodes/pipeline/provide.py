"""What providers of data give the tenant we are in: with its own key, from its own cache, within its own budget."""

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Final, TypeVar

import msgspec
import structlog
from django.conf import settings
from django.utils import timezone
from msgspec import Struct

from mcp_saas.api.outside import note_outcome
from mcp_saas.api.rate_limit import find_limiter
from mcp_saas.kit.cache import Cached
from mcp_saas.kit.gcra import Quota
from mcp_saas.kit.http import Guard, find_port, read_url
from nodes.engine.credential import Access, ServerAccess, Service
from nodes.pipeline.connect import trust_nodes
from nodes.selectors.credential import read_credentials
from nodes.selectors.provided import Asked, note_asked
from nodes.sources.amboss.question import ask_names, ask_node
from nodes.sources.amboss.value import AmbossNode, NodeName
from nodes.sources.driver.errors import PASSING, Fault
from nodes.sources.lnbits.question import ask_wallet
from nodes.sources.lnbits.value import Wallet
from nodes.sources.provider.exchange import Way, ask
from nodes.sources.provider.protocol import (
    BudgetSpentError,
    Provided,
    Provider,
    ProviderError,
    ProviderName,
    Question,
    Request,
    RestingError,
    UnusableError,
)
from nodes.sources.provider.reading import Lack
from nodes.sources.providers import PROVIDERS
from nodes.sources.sparkseer.question import (
    ask_channel_candidates,
    ask_liquidity_value,
    ask_network_view,
    ask_suggested_fees,
)
from nodes.sources.sparkseer.value import LiquidityValue, NetworkView, SuggestedChannel, SuggestedFee
from tenants.context import current_tenant
from tenants.sealing.answers import find_or_make_answer, peek_answer
from tenants.sealing.tenant import current_keys

log = structlog.get_logger(__name__)
T = TypeVar("T")
HOUR_S: Final = 3600
UNREADABLE: Final = (msgspec.DecodeError, ValueError)
# How often a box may ask each in an hour, attempts counted: its cache answers all the rest.
BUDGETS: Final[Mapping[ProviderName, Quota]] = {
    "sparkseer": Quota("provider-sparkseer", 60, HOUR_S),
    "amboss": Quota("provider-amboss", 120, HOUR_S),
    "lnbits": Quota("provider-lnbits", 240, HOUR_S),
}
# How long an old value may stand in. Where a node stands moves slowly; a balance does not.
STALE_S: Final[Mapping[ProviderName, int]] = {"sparkseer": 12 * HOUR_S, "amboss": 12 * HOUR_S, "lnbits": 600}


class Kept(Struct, frozen=True):
    """An answer in the cache."""

    value: msgspec.Raw
    lacks: tuple[Lack, ...]
    as_of: str  # ISO 8601


def provide(question: Question[T], *, use_cache: bool = True) -> Provided[T]:
    """Never raises for what a provider does. Not to be called inside a transaction: it may wait for seconds.

    1. Without the owner's key nobody is asked. 2. What is fresh in the box's cache is the answer. 3. Else one of those
    who want it asks, and what came is sealed and kept. 4. Where that fails an old answer stands in, called degraded.
    """
    access = read_accesses((question.provider,)).get(question.provider)
    return provide_by(access, question, use_cache=use_cache)


def provide_by(access: Access | None, question: Question[T], *, use_cache: bool = True) -> Provided[T]:
    """As `provide`, with what was read of the owner's key: asks the database nothing but for the box's own keys."""
    if access is None:
        return Provided(why_none="not_configured")
    try:
        cached = _find_or_ask(question, access, use_cache=use_cache)
    except ProviderError as error:
        return Provided(degraded=error.fault is not Fault.REFUSED, why_none=name_failure(error))
    try:
        return _read_kept(cached, question)
    except UNREADABLE:
        if not use_cache:  # an old one stood in
            return Provided(degraded=True, why_none=Fault.GARBLED)
        log.warning("kept_answer_unreadable", provider=question.provider, question=question.name)
        return provide_by(access, question, use_cache=False)


def provide_old(access: Access, question: Question[T]) -> Provided[T]:
    """For whom the answer does not come in time: an earlier one, called degraded where it is old, or none. Nobody is
    asked or waited for.
    """
    cached = peek_answer(question.provider, _name_kept(question, access))
    try:
        if cached is not None:
            return _read_kept(cached, question)
    except UNREADABLE:
        log.warning("kept_answer_unreadable", provider=question.provider, question=question.name)
    return Provided(degraded=True, why_none=Fault.TIMEOUT)


def _read_kept(cached: Cached, question: Question[T]) -> Provided[T]:
    """Raises one of UNREADABLE for what another release kept."""
    kept = msgspec.msgpack.decode(cached.value, type=Kept)
    value = msgspec.msgpack.decode(kept.value, type=question.shape)
    as_of = dt.datetime.fromisoformat(kept.as_of)
    return Provided(value=value, lacks=kept.lacks, degraded=cached.is_stale, as_of=as_of)


def name_failure(error: ProviderError) -> str:
    if isinstance(error, BudgetSpentError):
        return "budget"
    return "resting" if isinstance(error, RestingError) else error.fault


def find_network_view(pubkey: str) -> Provided[NetworkView]:
    """Of any node, by Sparkseer."""
    return provide(ask_network_view(pubkey))


def find_suggested_fees() -> Provided[tuple[SuggestedFee, ...]]:
    """Towards each peer of the key's own node, by Sparkseer."""
    return provide(ask_suggested_fees())


def find_channel_candidates() -> Provided[tuple[SuggestedChannel, ...]]:
    """For the key's own node, by Sparkseer."""
    return provide(ask_channel_candidates())


def find_liquidity_value() -> Provided[tuple[LiquidityValue, ...]]:
    """Towards each peer of the key's own node, by Sparkseer."""
    return provide(ask_liquidity_value())


def find_amboss_node(pubkey: str) -> Provided[AmbossNode]:
    return provide(ask_node(pubkey))


def find_names(pubkeys: list[str]) -> Provided[tuple[NodeName, ...]]:
    """Of at most 500 nodes, by Amboss."""
    return provide(ask_names(pubkeys))


def find_wallet() -> Provided[Wallet]:
    """The owner's LNbits wallet."""
    return provide(ask_wallet())


def read_accesses(names: Iterable[ProviderName]) -> dict[ProviderName, Access]:
    """Of the providers the owner has set a key for, in one query."""
    wanted = {Service(name): name for name in names}
    return {wanted[service]: access for service, access in read_credentials(wanted).items()}


def _find_or_ask(question: Question[T], access: Access, *, use_cache: bool) -> Cached:
    return find_or_make_answer(
        question.provider,
        _name_kept(question, access),
        make=lambda: _ask(question, access, mark=_mark(access)),
        stale_s=STALE_S[question.provider],
        use_cache=use_cache,
    )


def _name_kept(question: Question[T], access: Access) -> tuple[str, Request, str]:
    return question.name, question.request, _mark(access)


def _mark(access: Access) -> str:
    """A new key is asked with at once: what the old one was told does not count for it."""
    return current_keys().digest("provider", f"{access.url} {access.secret}".encode()).hex()


def _ask(question: Question[T], access: Access, *, mark: str) -> bytes:
    provider = PROVIDERS[question.provider]
    try:
        given = ask(provider, question, way=_find_way(provider, access, mark=mark))
    except ProviderError as error:
        lacks = error.lacks if isinstance(error, UnusableError) else ()
        if not isinstance(error, BudgetSpentError | RestingError):
            is_up = error.fault not in PASSING | {Fault.GARBLED}
            note_outcome(question.provider, error.fault, is_up=is_up, unusable_fields=_count_unusable(lacks))
        note_asked(question, Asked(at=timezone.now(), outcome=name_failure(error), lacks=lacks))
        raise
    note_outcome(question.provider, "answered", is_up=True, unusable_fields=_count_unusable(given.lacks))
    note_asked(question, Asked(at=given.as_of, outcome="answered", lacks=given.lacks))
    kept = Kept(msgspec.Raw(msgspec.msgpack.encode(given.value)), given.lacks, given.as_of.isoformat())
    return msgspec.msgpack.encode(kept)


def _find_way(provider: Provider, access: Access, *, mark: str) -> Way:
    tenant = current_tenant()
    budget = BUDGETS[provider.name]

    def spend() -> bool:
        return find_limiter(settings.ENV.redis_url).judge(budget, str(tenant.id)).is_allowed

    if isinstance(access, ServerAccess):
        address, guard, certificate = access.url, trust_nodes(), access.tls_certificate
    else:
        address = settings.ENV.sparkseer_url if provider.name == "sparkseer" else settings.ENV.amboss_url
        guard, certificate = _guard(address, provider), None
    return Way(
        address=address,
        secret=access.secret,
        guard=guard,
        certificate=certificate,
        shared=(provider.name, tenant.id if provider.address is None else None),
        own=(provider.name, tenant.id, mark),
        spend=spend,
    )


def _guard(address: str, provider: Provider) -> Guard:
    """A server of the operator's own may stand anywhere, that one place alone."""
    if address == provider.address:
        return Guard()
    url = read_url(address)
    return Guard(trusted=frozenset({(url.host, find_port(url))}))


def _count_unusable(lacks: tuple[Lack, ...]) -> int:
    return sum(lack.count for lack in lacks if lack.why == "unusable")
