"""Which providers of data there are."""

from collections.abc import Mapping
from typing import Final

from nodes.sources.amboss.provider import PROVIDER as AMBOSS
from nodes.sources.lnbits.provider import PROVIDER as LNBITS
from nodes.sources.provider.protocol import Provider, ProviderName
from nodes.sources.sparkseer.provider import PROVIDER as SPARKSEER

PROVIDERS: Final[Mapping[ProviderName, Provider]] = {one.name: one for one in (SPARKSEER, LNBITS, AMBOSS)}
