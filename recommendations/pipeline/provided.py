"""What providers tell of the node of the tenant we are in, asked side by side while its records are read."""

from collections.abc import Iterable

from msgspec import Struct

from mcp_saas.kit.cache import Brief
from nodes.pipeline.provide_together import Together, list_degraded
from nodes.sources.amboss.question import ask_node
from nodes.sources.lnbits.question import ask_wallet
from nodes.sources.providers import PROVIDERS
from nodes.sources.sparkseer.question import ask_channel_candidates, ask_network_view, ask_suggested_fees
from recommendations.engine.provided import (
    AmbossView,
    LNbitsView,
    SparkseerView,
    show_amboss,
    show_lnbits,
    show_sparkseer,
)
from recommendations.engine.suggestion import Suggestions
from tenants.context import current_tenant

CACHE = "cache"  # in `degraded`: Redis is away


class Views(Struct, frozen=True, kw_only=True):
    """`sources`: who told anything. `degraded`: who did not tell what it would on a good day."""

    sparkseer: SparkseerView | None
    lnbits: LNbitsView | None
    amboss: AmbossView | None
    degraded: tuple[str, ...]

    @property
    def sources(self) -> list[str]:
        return [name for name in ("sparkseer", "lnbits", "amboss") if getattr(self, name) is not None]


def keep_briefly(made: bytes, degraded: Iterable[str]) -> bytes:
    """For the cache: what was made while a provider did not tell what it would on a good day is made again soon."""
    return made if PROVIDERS.keys().isdisjoint(degraded) else Brief(made)


class AskedOfNode:
    """The questions, under way from the start. Not to be asked inside a transaction."""

    def __init__(self, pubkey: str) -> None:
        together = Together(("sparkseer", "lnbits", "amboss"))
        self._view = together.begin(ask_network_view(pubkey))
        self._wallet = together.begin(ask_wallet())
        self._node = together.begin(ask_node(pubkey))

    def collect(self) -> Views:
        view, wallet, node = self._view.collect(), self._wallet.collect(), self._node.collect()
        return Views(
            sparkseer=show_sparkseer(view),
            lnbits=show_lnbits(wallet),
            amboss=show_amboss(node),
            degraded=list_degraded((("sparkseer", view), ("lnbits", wallet), ("amboss", node))),
        )


class Suggested(Struct, frozen=True):
    """`degraded`: who did not tell what it would on a good day."""

    suggestions: Suggestions
    degraded: tuple[str, ...]


def find_suggestions() -> Suggested:
    """What Sparkseer suggests to the node of its key. Not to be asked inside a transaction."""
    together = Together(("sparkseer",))
    asked = together.begin(ask_channel_candidates()), together.begin(ask_suggested_fees())
    channels, fees = asked[0].collect(), asked[1].collect()
    own = current_tenant().pubkey
    return Suggested(
        Suggestions(
            channels={one.pubkey: one for one in channels.value or () if one.pubkey != own},
            fees={one.pubkey: one for one in fees.value or ()},
        ),
        list_degraded((("sparkseer", channels), ("sparkseer", fees))),
    )
