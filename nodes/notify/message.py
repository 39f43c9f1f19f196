"""What every channel of messages has in common: what came of sending one."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sent:
    """It was taken."""


@dataclass(frozen=True, slots=True)
class Refused:
    """It never will be, for this reason: blocked, no such chat, a token that is none."""

    reason: str


@dataclass(frozen=True, slots=True)
class Later:
    """Not now. `after_s`: how long the channel itself asks to wait; None: it did not say."""

    reason: str
    after_s: int | None = None


Delivery = Sent | Refused | Later
