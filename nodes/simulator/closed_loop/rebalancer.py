"""A modest rebalancer, the same for every policy: once a day, one circular payment, where the price is worth it.

It pays what the ways of the simulated network cost, to the nodes on them, and it does not know their balances.
"""

from collections.abc import Sequence

from nodes.simulator.closed_loop.books import Books, measure_local_shares
from nodes.simulator.closed_loop.market import Market
from nodes.simulator.forwarding import admits, price_forward

FULL_SHARE, EMPTY_SHARE = 0.7, 0.1
AMOUNT_SHARE = 0.2  # of the smaller of the two channels
MOST_PPM = 100  # real operators paid 5 to 100 ppm
MOST_SHARE_OF_FEE = 0.65  # of what the filled channel charges, as LNDg's ar_max_cost


class Rebalancer:
    def __init__(self, market: Market) -> None:
        self._market = market

    def rebalance(self, books: Books, *, now_ms: int) -> int:
        """What it cost, in msat; 0: nothing was worth it, or no way had the balance."""
        ends = self._choose_ends(books)
        if ends is None:
            return 0
        full, empty = ends
        ledger, network = self._market.ledger, self._market.network
        amount = int(min(ledger.capacities[full >> 1], ledger.capacities[empty >> 1]) * AMOUNT_SHARE)
        middle = self._market.world.ways_around.find(network.heads[full], network.heads[empty])
        if middle is None:
            return 0
        directions = [full, *middle, empty ^ 1]
        amounts = self._price(directions, amount)
        if amounts is None or amounts[0] - amount > amount * self._find_most_ppm(empty) / 1_000_000:
            return 0
        for direction in middle:
            self._market.renew(direction >> 1, now_ms=now_ms)
        if any(ledger.spendable(d) < needed for d, needed in zip(directions, amounts, strict=True)):
            return 0
        ledger.lock(directions, amounts)
        ledger.settle(directions, amounts)
        return amounts[0] - amount

    def _choose_ends(self, books: Books) -> tuple[int, int] | None:
        """(our direction to leave by, ours to fill): the fullest, and the emptiest that has ever earned."""
        shares = measure_local_shares(self._market)
        directions = self._market.network.own_directions
        full = [scid for scid, share in shares.items() if share > FULL_SHARE]
        empty = [scid for scid, share in shares.items() if share < EMPTY_SHARE and books.has_earned(scid)]
        if not full or not empty:
            return None
        fee = {
            scid: policy.fee_rate_ppm if (policy := self._market.policies[directions[scid]]) else 0 for scid in empty
        }
        return directions[max(full, key=lambda scid: shares[scid])], directions[max(empty, key=lambda scid: fee[scid])]

    def _price(self, directions: Sequence[int], amount_msat: int) -> list[int] | None:
        amounts = [amount_msat]
        for direction in reversed(directions[1:]):
            policy = self._market.policies[direction]
            if policy is None or not admits(policy, amounts[-1]):
                return None
            amounts.append(amounts[-1] + price_forward(policy, None, amount_msat=amounts[-1]))
        return amounts[::-1]

    def _find_most_ppm(self, empty: int) -> float:
        policy = self._market.policies[empty]
        return min(MOST_PPM, MOST_SHARE_OF_FEE * policy.fee_rate_ppm) if policy else 0
