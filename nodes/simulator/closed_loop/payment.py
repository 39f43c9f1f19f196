"""One payment: the sender tries one way after the other, and each hop lets it pass or says why not."""

from typing import Literal, NamedTuple

from nodes.simulator.closed_loop.demand import Payment
from nodes.simulator.closed_loop.market import Market
from nodes.simulator.closed_loop.sender import Offer, Route, Way, choose_route
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
    left = market.routes[payment.pair]
    most_msat = payment.amount_msat + payment.budget_msat
    tries: list[Try] = []
    while left and len(tries) < MOST_TRIES:
        offer = choose_route(
            left, payment.amount_msat, now_ms=payment.at_ms, most_msat=most_msat, can_send=market.can_send
        )
        if offer is None:
            break
        tried = _walk(market, payment, offer=offer)
        tries.append(tried)
        if tried.verdict in {"passed", "refused_at_end"}:
            break
        if tried.verdict == "no_liquidity":
            left = [route for route in left if route is not offer.route]
    return tries


def _walk(market: Market, payment: Payment, *, offer: Offer) -> Try:
    """From hop to hop. The sender learns from each: a direction that passed, or the one that did not."""
    route, _, amounts = offer
    way, directions, now_ms = route.way, route.way.directions, payment.at_ms
    for hop, direction in enumerate(directions):
        if hop and not _accepts(market, payment, offer=offer, hop=hop):
            _correct(market, route, hop=hop)
            return Try(way, amounts, "fee_insufficient", hop)
        is_passed = market.can_carry(direction, amounts[hop], now_ms)
        if hop:  # what its own channel holds it need not learn
            route.known[hop].learn(amounts[hop], now_ms=now_ms, is_passed=is_passed)
        if not is_passed:
            return Try(way, amounts, "no_liquidity", hop)
    if not payment.is_payable:
        return Try(way, amounts, "refused_at_end", len(directions))
    market.ledger.lock(directions, amounts)
    return Try(way, amounts, "passed", len(directions))


def _accepts(market: Market, payment: Payment, *, offer: Offer, hop: int) -> bool:
    """Whether the node at this hop takes what the sender offers, by its present policy or the one just before."""
    route, _, amounts = offer
    direction, known = route.way.directions[hop], route.known[hop]
    back = route.way.directions[hop - 1] ^ 1
    entering = route.entering if hop == route.way.own_hop else None
    if known.policy is market.policies[direction] and (entering is None or entering.policy is market.policies[back]):
        return True
    amount_msat = amounts[hop]
    paid_msat = amounts[hop - 1] - amount_msat
    inbounds = [None] if entering is None else market.find_accepted(back, now_ms=payment.at_ms)
    return any(
        policy is not None
        and admits(policy, amount_msat)
        and paid_msat >= price_forward(policy, inbound, amount_msat=amount_msat)
        for policy in market.find_accepted(direction, now_ms=payment.at_ms)
        for inbound in inbounds
    )


def _correct(market: Market, route: Route, *, hop: int) -> None:
    """BOLT 4: the failure carries the channel's present policy."""
    directions = route.way.directions
    route.known[hop].hear(market.policies[directions[hop]])
    if route.entering is not None and hop == route.way.own_hop:
        route.entering.hear(market.policies[directions[hop - 1] ^ 1])
