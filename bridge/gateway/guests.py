"""Clients whose connection stays open for many calls, to be told when the gateway goes."""

from collections.abc import Iterator
from typing import Protocol


class Guest(Protocol):
    @property
    def is_busy(self) -> bool:
        """Whether a call of it is under way."""
        ...

    def leave(self) -> None:
        """What is under way is still answered, then the connection ends; nothing new is taken."""
        ...


class Guests:
    def __init__(self) -> None:
        self._there: set[Guest] = set()

    def __iter__(self) -> Iterator[Guest]:
        return iter(tuple(self._there))

    def enter(self, guest: Guest) -> None:
        self._there.add(guest)

    def discard(self, guest: Guest) -> None:
        self._there.discard(guest)

    def leave(self) -> None:
        for guest in self:
            guest.leave()

    @property
    def is_busy(self) -> bool:
        return any(guest.is_busy for guest in self._there)
