"""One payment: the sender tries one way after the other, and each hop lets it pass or says why not."""

import math
from typing import Literal, NamedTuple

from nodes.simulator.closed_loop.demand import Payment
from nodes.simulator.closed_loop.market import Market
from nodes.simulator.closed_loop.sender import Offer, Sender, Way
from nodes.simulator.forwarding import admits, price_forward

MOST_TRIES = 4

Verdict = Literal["passed", "no_liquidity", "fee_insufficient", "refused_at_end"]


class Try(NamedTuple):
    """`hop`: where it ended, an index of the route's directions."""

    route: Way
    amounts_msat: list[int]
    verdict: Verdict
    hop: int


def try_payment(market: Market, payment: Payment) -> list[Try]:
    """All tries of one payment, the last one first successful. Locks the amounts of the one that passed.

    Empty: at the fees the sender knows, no way is within its budget. It does not try a way twice, except with a fee it
    was corrected on.
    """
    pair = market.world.demand.pairs[payment.pair]
    sender = market.senders[pair.source]
    left = list(pair.routes)
    tries: list[Try] = []
    while left and len(tries) < MOST_TRIES:
        best = _choose_route(market, payment, sender=sender, routes=left)
        if best is None:
            break
        route, offer = best
        tried = _walk(market, payment, sender=sender, route=route, offer=offer)
        tries.append(tried)
        if tried.verdict in {"passed", "refused_at_end"}:
            break
        if tried.verdict == "no_liquidity":
            left.remove(route)
    return tries


def _choose_route(market: Market, payment: Payment, *, sender: Sender, routes: list[Way]) -> tuple[Way, Offer] | None:
    """The cheapest within the budget that the sender's own channel can carry."""
    best: tuple[Way, Offer] | None = None
    for route in routes:
        offer = sender.price_route(
            route,
            payment.amount_msat,
            now_ms=payment.at_ms,
            most_msat=payment.amount_msat + payment.budget_msat,
            below_msat=best[1].cost_msat if best else math.inf,
        )
        if offer and _can_send(market, route.directions[0], amount_msat=offer.amounts_msat[0], now_ms=payment.at_ms):
            best = route, offer
    return best


def _can_send(market: Market, direction: int, *, amount_msat: int, now_ms: int) -> bool:
    policy = market.policies[direction]
    is_open = policy is not None and not policy.disabled
    return is_open and _can_carry(market, direction, amount_msat=amount_msat, now_ms=now_ms)


def _can_carry(market: Market, direction: int, *, amount_msat: int, now_ms: int) -> bool:
    channel = direction >> 1
    if not market.network.touches_own(channel):
        market.renew(channel, now_ms=now_ms)
    elif market.is_away(channel, now_ms=now_ms):
        return False
    return market.ledger.spendable(direction) >= amount_msat


def _walk(market: Market, payment: Payment, *, sender: Sender, route: Way, offer: Offer) -> Try:
    """From hop to hop. The sender learns from each: a direction that passed, or the one that did not."""
    amounts = offer.amounts_msat
    for hop, direction in enumerate(route.directions):
        if hop and not _accepts(market, payment, sender=sender, route=route, offer=offer, hop=hop):
            _correct(market, sender, route=route, hop=hop)
            return Try(route, amounts, "fee_insufficient", hop)
        passed = _can_carry(market, direction, amount_msat=amounts[hop], now_ms=payment.at_ms)
        sender.learn(direction, amounts[hop], now_ms=payment.at_ms, passed=passed)
        if not passed:
            return Try(route, amounts, "no_liquidity", hop)
    if not payment.is_payable:
        return Try(route, amounts, "refused_at_end", len(route.directions))
    market.ledger.lock(route.directions, amounts)
    return Try(route, amounts, "passed", len(route.directions))


def _accepts(market: Market, payment: Payment, *, sender: Sender, route: Way, offer: Offer, hop: int) -> bool:
    """Whether the node at this hop takes what the sender offers, by its present policy or the one just before."""
    direction = route.directions[hop]
    back = route.directions[hop - 1] ^ 1
    is_own = hop == route.own_hop
    knows = sender.policies[direction] is market.policies[direction]
    if knows and (not is_own or sender.policies[back] is market.policies[back]):
        return True
    amount_msat = offer.amounts_msat[hop]
    paid_msat = offer.amounts_msat[hop - 1] - amount_msat
    inbounds = market.find_accepted(back, now_ms=payment.at_ms) if is_own else [None]
    return any(
        policy is not None
        and admits(policy, amount_msat)
        and paid_msat >= price_forward(policy, inbound, amount_msat=amount_msat)
        for policy in market.find_accepted(direction, now_ms=payment.at_ms)
        for inbound in inbounds
    )


def _correct(market: Market, sender: Sender, *, route: Way, hop: int) -> None:
    """BOLT 4: the failure carries the channel's present policy."""
    direction = route.directions[hop]
    sender.policies[direction] = market.policies[direction]
    if hop == route.own_hop:
        back = route.directions[hop - 1] ^ 1
        sender.policies[back] = market.policies[back]
