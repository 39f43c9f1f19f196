"""The sentence an owner reads: what was seen, what follows from it, and what held it."""

from nodes.engine.guards.case import Guarded
from nodes.engine.report import ChannelPolicy
from nodes.engine.types import Direction
from nodes.engine.wish import POLICY_FIELDS, Wish

_OTHERS = {
    "inbound_fee_rate_ppm": "the inbound fee goes from {} to {} ppm",
    "inbound_base_fee_msat": "the inbound base fee goes from {} to {} msat",
    "base_fee_msat": "the base fee in msat goes from {} to {}",
    "time_lock_delta": "the time lock in blocks goes from {} to {}",
    "min_htlc_msat": "the smallest payment in msat goes from {} to {}",
    "max_htlc_msat": "the largest payment in msat goes from {} to {}",
}
# The field a hold speaks of, where that is not the outbound rate. "": of several.
_FIELD_OF_HOLD = {
    "min_base_fee_msat": "base_fee_msat",
    "max_base_fee_msat": "base_fee_msat",
    "positive_inbound": "inbound_fee_rate_ppm",
    "arbitrage": "inbound_fee_rate_ppm",
    "switches_on": "disabled",
    "inactive": "disabled",
    "htlc_bounds": "",
    "channel_bounds": "",
    "capabilities": "",
}
# What a step from the present fee is for, by the rule that takes it: which way it goes, and the words.
AIMS: dict[str, tuple[Direction, str]] = {
    "flow/low/failing": ("raise", "to sell what is left for more"),
    "flow/middle/idle": ("lower", "to attract payments"),
    "flow/middle/draining": ("raise", "to sell what flows out for more"),
    "flow/excess/idle": ("lower", "to let more flow out"),
    "flow/excess/assisting": ("lower", "to let more flow out"),
    "daily/forwarded": ("raise", "to sell what is asked for for more"),
    "daily/low": ("raise", "to make what is left last"),
    "daily/never": ("lower", "to attract payments"),
    "daily/quiet": ("lower", "to attract payments"),
}
_NAMING = {"static", "match_peer", "pid", "marginal"}  # strategies whose reason or terms name the rate they ask for
Clauses = dict[str, str]  # by field


def explain_change(wish: Wish, present: ChannelPolicy, *, guarded: Guarded) -> str:
    """One sentence with the numbers it stands on. The cause is what the rule saw and the rate that it asks for: whether
    that is more or less than the present one no fact alone says.
    """
    return f"{wish.tell_reason()}, {_tell_outcome(wish, present, guarded=guarded)} ({wish.terms})."


def _tell_outcome(wish: Wish, present: ChannelPolicy, *, guarded: Guarded) -> str:
    clauses = _tell_changes(present, guarded.policy)
    if not clauses:
        return _tell_stay(wish, present, guarded=guarded)
    if present.disabled and guarded.policy.disabled:
        clauses["disabled"] = "the channel stays off"
    lead = ""
    if "fee_rate_ppm" in clauses and find_asked(wish) == guarded.policy.fee_rate_ppm:
        lead = _tell_asked(wish, guarded.policy.fee_rate_ppm)
        clauses["fee_rate_ppm"] += _tell_aim(wish, _compare_rates(present, guarded.policy))
    return f"{lead}so {_join(clauses) if guarded.held_by is None else _tell_held(wish, clauses, guarded=guarded)}"


def _tell_asked(wish: Wish, asked_ppm: int) -> str:
    """Where the rule's own words do not name it and no aim says why the fee moves."""
    is_told = wish.rule in AIMS or wish.rule.split("/")[0] in _NAMING
    return "" if is_told else f"which asks for {asked_ppm} ppm, "


def _tell_aim(wish: Wish, direction: Direction) -> str:
    way, aim = AIMS.get(wish.rule, (None, ""))
    return f" {aim}" if way == direction else ""


def _compare_rates(present: ChannelPolicy, proposed: ChannelPolicy) -> Direction:
    return "raise" if proposed.fee_rate_ppm > present.fee_rate_ppm else "lower"


def _tell_held(wish: Wish, clauses: Clauses, *, guarded: Guarded) -> str:
    """Why stands beside the field that the hold speaks of, and only there."""
    field, asked_ppm = _FIELD_OF_HOLD.get(guarded.held_by or "", "fee_rate_ppm"), find_asked(wish)
    fee_rate_ppm = guarded.policy.fee_rate_ppm
    misses_rate = asked_ppm not in {None, fee_rate_ppm}
    if misses_rate:
        rate = clauses.pop("fee_rate_ppm", f"the fee is left at {fee_rate_ppm} ppm")
        clauses = {"fee_rate_ppm": f"{rate}, not to {asked_ppm} ppm"} | clauses
    if field == "fee_rate_ppm" and misses_rate:
        clause = f"{clauses.pop(field)}: {guarded.why}"
        return f"{clause}; {_join(clauses)}" if clauses else clause
    if field in clauses and field != "fee_rate_ppm":
        clause = f"{clauses.pop(field)}: {guarded.why}"
        return f"{_join(clauses)}; {clause}" if clauses else clause
    return f"{_join(clauses)}, and not all that it asks for: {guarded.why}"


def _join(clauses: Clauses) -> str:
    return " and ".join(clauses.values())


def _tell_stay(wish: Wish, present: ChannelPolicy, *, guarded: Guarded) -> str:
    asked_ppm = find_asked(wish)
    asks_rate = asked_ppm not in {None, present.fee_rate_ppm}
    stays = _name_stay(wish, present, asks_rate=asks_rate)
    if guarded.held_by is None:
        return f"so {stays}"
    if guarded.held_by in {"switches_on", "inactive"}:
        return f"so {stays}: {guarded.why}"
    return f"{f'which asks for {asked_ppm} ppm, but' if asks_rate else 'but'} {stays}: {guarded.why}"


def _name_stay(wish: Wish, present: ChannelPolicy, *, asks_rate: bool) -> str:
    """What stays is what was asked for: the rate, the switch, or any other field."""
    if wish.disabled and not present.disabled:
        return "the channel stays on"
    fee = f"the fee stays at {present.fee_rate_ppm} ppm"
    if present.disabled:
        return f"{fee} and the channel stays off"
    asked = [field for field in POLICY_FIELDS if getattr(wish, field) not in (None, getattr(present, field))]
    return fee if asks_rate or not asked or "fee_rate_ppm" in asked else "the policy stays as it is"


def find_asked(wish: Wish) -> int | None:
    """The outbound rate in ppm that the strategy came to before it held itself back."""
    return wish.own_hold.asked_ppm if wish.own_hold else wish.fee_rate_ppm


def _tell_changes(present: ChannelPolicy, proposed: ChannelPolicy) -> Clauses:
    clauses: Clauses = {}
    old_ppm, new_ppm = present.fee_rate_ppm, proposed.fee_rate_ppm
    if new_ppm != old_ppm:
        way = "up" if new_ppm > old_ppm else "down"
        clauses["fee_rate_ppm"] = f"the fee goes {way} from {old_ppm} to {new_ppm} ppm"
    for name, words in _OTHERS.items():
        old, new = getattr(present, name), getattr(proposed, name)
        if old != new:
            clauses[name] = words.format(old, new)
    if proposed.disabled != present.disabled:
        clauses["disabled"] = "the channel is switched off" if proposed.disabled else "the channel is switched on"
    return clauses
