"""From the facts of an advice to what its words name. One function a situation."""

from collections.abc import Callable
from typing import Any

from msgspec import Struct

from mcp_saas.kit.alias import tame_alias
from rag.engine.plain import has_markup, make_plain
from rag.engine.suspicion import speaks_to_assistant
from recommendations.engine.advice import Advice, Language
from recommendations.engine.params import (
    Backup,
    BatchOpening,
    BelowRefill,
    Closing,
    Depleted,
    FeeChange,
    Named,
    NotSynced,
    OneSided,
    Opening,
    PeerOffline,
    PeerUnsteady,
    Rebalance,
    Silent,
    StuckHtlc,
)
from recommendations.engine.telling import name_channel
from recommendations.engine.words.number import show
from recommendations.engine.words.outlook import tell_outlook
from recommendations.engine.words.shape import Words

Values = dict[str, object]


class Telling(Struct, frozen=True):
    """One advice in one language."""

    advice: Advice
    words: Words
    language: Language

    def part(self, name: str, **values: object) -> str:
        shown = {key: show(value, self.language) for key, value in values.items()}
        return self.words.parts[name].format(**shown)

    def part_if(self, name: str, value: object, **values: object) -> str:
        """Nothing where the value is not known."""
        return "" if value is None else self.part(name, **values)

    def name(self, channel: Named) -> str:
        """As it stands within a sentence."""
        named = name_channel(channel.short_channel_id, channel.peer_alias, language=self.language)
        return f"{self.words.article}{named[:1].lower()}{named[1:]}"

    @property
    def is_lnd(self) -> bool:
        return not (self.advice.command or "").startswith("lightning-cli")


def name_situation(params: Struct) -> str:
    """The key of its words: the tag, and where one tag has two kinds of words, which."""
    tag = str(params.__struct_config__.tag)
    if isinstance(params, Opening):
        return f"{tag}/{_name_opening(params)}"
    return f"{tag}/{params.side}" if isinstance(params, OneSided) else tag


def _name_opening(params: Opening) -> str:
    if params.is_peer:
        return "peer"
    return "suggested" if params.betweenness_rank is None else "stranger"


def find_values(telling: Telling) -> Values:
    return _FINDERS[type(telling.advice.params)](telling, telling.advice.params)


def _fee_change(telling: Telling, params: FeeChange) -> Values:
    return {
        "channel": telling.name(params.channel),
        "old": telling.part("ppm", ppm=params.old_ppm, base=params.old_base_msat),
        "new": telling.part("ppm", ppm=params.new_ppm, base=params.new_base_msat),
        "why": params.why.get(telling.language, ""),
        "approve": telling.part("approve" if telling.advice.action_id else "type"),
    }


def _rebalance(telling: Telling, params: Rebalance) -> Values:
    return {
        "target": telling.name(params.target),
        "source": telling.name(params.source),
        "amount": params.amount_sat,
        "max_cost": params.max_cost_sat,
        "max_cost_ppm": params.max_cost_ppm,
        "days": params.days,
        "drain": params.drain_sat_per_day,
        "target_ppm": params.target_earns_ppm,
        "source_ppm": params.source_earns_ppm,
        "break_even": params.break_even_ppm,
        "days_left": params.days_left,
        "outlook": " " + tell_outlook(params.outlook, telling.language),
        "last_hop": telling.part_if("last_hop", params.last_hop_ppm, ppm=params.last_hop_ppm),
        "paid": _tell_paid(telling, params),
        "program": telling.part("lnd_circle" if telling.is_lnd else "cln_circle"),
    }


def _tell_paid(telling: Telling, params: Rebalance) -> str:
    """What it cost here so far; where that is beyond the limit, that a route within it is not likely."""
    if params.paid_ppm is None:
        return ""
    key = "paid" if params.paid_ppm <= params.max_cost_ppm else "paid_more"
    return telling.part(key, count=params.paid_count, ppm=params.paid_ppm)


def _opening(telling: Telling, params: Opening) -> Values:
    gain = params.gain_closeness
    alias = tame_alias(make_plain(params.alias or ""))
    is_safe = bool(alias) and not has_markup(params.alias or "") and not speaks_to_assistant(params.alias or "")
    return {
        "peer": f"{alias} ({params.pubkey[:16]})" if is_safe else params.pubkey,
        "ideal": params.ideal_sat,
        "least": telling.part_if("least", params.min_sat, sat=params.min_sat),
        "days": params.days,
        "drain": params.drain_sat_per_day,
        "earns_ppm": params.earns_ppm,
        "rank": params.betweenness_rank,
        "nodes": params.node_count,
        "channels": params.channel_count,
        "market": telling.part_if("market", params.market_fee_rate_ppm, ppm=params.market_fee_rate_ppm),
        "gain": telling.part_if("gain", gain, points=(gain or 0.0) * 100),
        "sparkseer": _tell_sparkseer(telling, params),
        "onchain": telling.part("no_onchain")
        if params.onchain_sat is None
        else telling.part("onchain", sat=params.onchain_sat, rate=params.sat_per_vbyte),
    }


def _tell_sparkseer(telling: Telling, params: Opening) -> str:
    """What it told of it, as its word."""
    told = params.sparkseer
    if told is None:
        return ""
    places = telling.part_if("sparkseer_paths", told.betweenness_places, places=told.betweenness_places)
    nearer = telling.part_if("sparkseer_nearness", told.closeness_places, places=told.closeness_places)
    passive, active = told.passive_ppm, told.active_ppm
    fees = "" if passive is None or active is None else telling.part("sparkseer_fees", passive=passive, active=active)
    return places + nearer + fees + (telling.part("sparkseer_size") if params.is_size_sparkseers else "")


def _closing(telling: Telling, params: Closing) -> Values:
    account = telling.part_if("account", params.profit_sat, share=params.onchain_share_sat)
    is_told = params.rebalance_sat is not None
    return {
        "channel": telling.name(params.channel),
        "days": params.days,
        "earned": params.earned_sat,
        "account": account or telling.part("no_account"),
        "rebalance": telling.part("rebalanced" if is_told else "rebalance", sat=params.rebalance_sat),
        "profit": telling.part_if("profit" if is_told else "profit_at_most", params.profit_sat, sat=params.profit_sat),
        "local": params.local_sat,
        "others": telling.part_if("others", params.others_ppm_per_day, ppm=params.others_ppm_per_day),
        "close_cost": telling.part_if("close_cost", params.close_cost_sat, sat=params.close_cost_sat),
        "closing_way": telling.part("close_online" if params.is_active else "close_offline"),
    }


def _one_sided(_: Telling, params: OneSided) -> Values:
    total_sat = params.local_sat + params.remote_sat
    return {"percent": params.percent, "local": params.local_sat, "total": total_sat}


def _depleted(telling: Telling, params: Depleted) -> Values:
    failed = telling.part("failed", days=params.days, count=params.failed, sat=params.missed_sat)
    return {
        "channel": telling.name(params.channel),
        "local": params.local_sat,
        "capacity": params.capacity_sat,
        "percent": params.percent,
        "failed": failed if params.failed else "",
        "outlook": " " + tell_outlook(params.outlook, telling.language),
    }


def _reach(telling: Telling) -> str:
    return telling.part("reach_lnd" if telling.is_lnd else "reach_cln")


def _peer_offline(telling: Telling, params: PeerOffline) -> Values:
    return {
        "channel": telling.name(params.channel),
        "capacity": params.capacity_sat,
        "since": telling.part_if("since", params.since, at=params.since),
        "seen": telling.part_if("seen", params.seen_percent, percent=params.seen_percent),
        "reach": _reach(telling),
    }


def _peer_unsteady(telling: Telling, params: PeerUnsteady) -> Values:
    return {"channel": telling.name(params.channel), "percent": params.percent, "days": params.days}


def _stuck_htlc(telling: Telling, params: StuckHtlc) -> Values:
    is_left = params.blocks_left > 0
    return {
        "channel": telling.name(params.channel),
        "count": params.count,
        "amount": params.amount_sat,
        "expires": telling.part("in_blocks", blocks=params.blocks_left) if is_left else telling.part("expired"),
        "way": telling.part("incoming" if params.is_incoming else "outgoing"),
        "inactive": "" if params.is_active else telling.part("inactive"),
        "reach": telling.part("type"),
    }


def _not_synced(_: Telling, params: NotSynced) -> Values:
    return {"height": params.block_height}


def _silent(_: Telling, params: Silent) -> Values:
    return {"hours": params.hours, "taken_at": params.taken_at}


def _below_refill(telling: Telling, params: BelowRefill) -> Values:
    return {
        "channel": telling.name(params.channel),
        "earns_ppm": params.earns_ppm,
        "refill_ppm": params.refill_ppm,
        "days": params.days,
        "drain": params.drain_sat_per_day,
        "local_percent": params.local_percent,
    }


def _batch_opening(_: Telling, params: BatchOpening) -> Values:
    count = len(params.pubkeys)
    vbytes = params.saved_vbytes // max(1, count - 1)
    return {"count": count, "saved": params.saved_sat, "vbytes": vbytes, "rate": params.sat_per_vbyte}


def _backup(telling: Telling, params: Backup) -> Values:
    opened = telling.part("opened", count=params.opened, at=params.newest_at)
    return {
        "opened": opened if params.opened else telling.part("opened_none", count=params.channels),
        "told": telling.part("told", at=params.told_at) if params.told_at else telling.part("told_none"),
    }


_FINDERS: dict[type, Callable[[Telling, Any], Values]] = {
    FeeChange: _fee_change,
    Rebalance: _rebalance,
    Opening: _opening,
    Closing: _closing,
    OneSided: _one_sided,
    Depleted: _depleted,
    PeerOffline: _peer_offline,
    PeerUnsteady: _peer_unsteady,
    StuckHtlc: _stuck_htlc,
    NotSynced: _not_synced,
    Silent: _silent,
    BelowRefill: _below_refill,
    BatchOpening: _batch_opening,
    Backup: _backup,
}
