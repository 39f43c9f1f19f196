"""What Amboss tells of a node. Capacities come as text, rates as numbers or text."""

from msgspec import Struct, field

from mcp_saas.kit.text import Pubkey
from nodes.sources.provider.amount import Count, Plain, PpmMean, Sat


class FeesTowards(Struct, frozen=True, kw_only=True):
    """What others charge towards the node. `weighted` by capacity, `weighted_corrected` without the extremes."""

    max_ppm: PpmMean | None = field(name="max", default=None)
    mean_ppm: PpmMean | None = field(name="mean", default=None)
    median_ppm: PpmMean | None = field(name="median", default=None)
    weighted_ppm: PpmMean | None = field(name="weighted", default=None)
    weighted_corrected_ppm: PpmMean | None = field(name="weighted_corrected", default=None)


class NodeName(Struct, frozen=True, kw_only=True):
    pubkey: Pubkey = field(name="pub_key")
    alias: Plain | None = None


class Identity(Struct, frozen=True, kw_only=True):
    pubkey: Pubkey = field(name="pub_key")
    alias: Plain | None = None
    color: Plain | None = None
    last_update: Plain | None = None  # as Amboss writes it


class Channels(Struct, frozen=True, kw_only=True):
    channel_count: Count | None = field(name="num_channels", default=None)
    capacity_sat: Sat | None = field(name="total_capacity", default=None)


class AmbossNode(Struct, frozen=True, kw_only=True):
    identity: Identity
    channels: Channels | None
    fees_towards: FeesTowards | None
