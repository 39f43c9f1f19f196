"""CLBOSS's price theory: try five prices round the one that earned most, then go on round the best of them.

Source: CLBOSS, `Boss/Mod/FeeModderByPriceTheory.cpp`. A price p stands for 1.2^p above 0 and 0.8^-p below; each is in
play for 288 ticks of ten minutes in which the peer is connected, so a round of five takes ten days at least.
"""

from msgspec.structs import replace

from nodes.engine.draw import shuffle_numbers
from nodes.engine.memory import PriceCard, PriceDeck

REACH = 2  # the deck is centre - 2 .. centre + 2
CARD_S = 288 * 600
UP, DOWN = 1.2, 0.8


def deal_deck(centre: int, *, seed: str, round_: int = 0) -> PriceDeck:
    """Five prices in an order of chance, which the seed and the round decide."""
    prices = range(centre - REACH, centre + REACH + 1)
    return PriceDeck(centre=centre, round=round_, waiting=shuffle_numbers(prices, "deck", seed, round_))


def play_deck(deck: PriceDeck, *, connected_s: int, earned_msat: int, seed: str) -> PriceDeck:
    """The deck after `connected_s` more seconds, in which forwards that left by the peer earned `earned_msat`.

    One card at most is played out: what was in force meanwhile was its price, however long nobody looked.
    """
    deck = replace(deck, played_s=deck.played_s + connected_s, earned_msat=deck.earned_msat + earned_msat)
    if deck.played_s < CARD_S:
        return deck
    played = [*deck.played, PriceCard(price=deck.waiting[0], earned_msat=deck.earned_msat)]
    if waiting := deck.waiting[1:]:
        return replace(deck, waiting=waiting, played=played, earned_msat=0, played_s=0)
    return deal_deck(choose_centre(deck.centre, played), seed=seed, round_=deck.round + 1)


def choose_centre(centre: int, played: list[PriceCard]) -> int:
    """The price that earned most; of equal ones the nearest to the centre, then the lower. Unchanged if none earned."""
    best = max(played, key=lambda card: (card.earned_msat, -abs(card.price - centre), -card.price))
    return best.price if best.earned_msat > 0 else centre


def multiply_price(deck: PriceDeck) -> float:
    """1.2^p for a price p above 0, 0.8^-p below, 1 for 0."""
    price = deck.waiting[0]
    return float(UP**price if price > 0 else DOWN**-price)
