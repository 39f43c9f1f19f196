"""What every provider of data is: how it is opened, how it says no, and the questions it answers.

A provider is a folder like `nodes/sources/sparkseer`: `value.py` (what it tells), `question.py` (what can be asked, and
how the answer is read), `provider.py` (where it is, what opens it, how it refuses), and a line in `providers.py`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from typing import Generic, Literal, Protocol, TypeVar

from msgspec import Struct

from nodes.sources.driver.errors import Fault, OutsideError
from nodes.sources.provider.reading import Lack, Reading

T = TypeVar("T")
ProviderName = Literal["sparkseer", "lnbits", "amboss"]


class ProviderError(OutsideError):
    """A provider did not give what it was asked for. The message is in our words and holds nothing of the key."""


class UnusableError(ProviderError):
    """An answer that came, and holds nothing of use."""

    def __init__(self, message: str, *, lacks: tuple[Lack, ...]) -> None:
        super().__init__(message, fault=Fault.GARBLED)
        self.lacks = lacks


class BudgetSpentError(ProviderError):
    """The box has asked this provider as often as it may for now."""


class RestingError(ProviderError):
    """The provider failed a moment ago and is left alone for a while."""


class Request(Struct, frozen=True):
    """`path` follows the provider's address."""

    method: Literal["GET", "POST"]
    path: str
    body: bytes | None = None


class Question(Struct, Generic[T], frozen=True, kw_only=True):
    """One thing to ask. `read` makes the value of the answer's JSON and notes what it lacks; None: nothing usable."""

    provider: ProviderName
    name: str
    shape: type[T]
    request: Request
    read: Callable[[object, Reading], T | None]


class Provided(Struct, Generic[T], frozen=True, kw_only=True):
    """What a provider gave. `degraded`: not what it would give on a good day: an old value, or none.

    `why_none`: `not_configured` (the owner has set no key), `budget` (asked too often), `resting` (it failed a moment
    ago), `refused` (it knows nothing of this), or another word of `nodes.sources.driver.errors.Fault`.
    """

    value: T | None = None
    lacks: tuple[Lack, ...] = ()
    degraded: bool = False
    as_of: dt.datetime | None = None
    why_none: str | None = None


class Provider(Protocol):
    """`address`: of a third party; None: each owner has his own server."""

    name: ProviderName
    title: str  # in messages
    address: str | None
    is_lax: bool  # whether it writes numbers as text, too

    def show_key(self, secret: str) -> Mapping[str, str]:
        """The headers that open it."""

    def find_fault(self, status: int) -> Fault | None:
        """Of a status that this provider means otherwise than others do."""

    def unwrap(self, body: object, reading: Reading) -> object:
        """The answer within the envelope. Raises ProviderError for a refusal that came in one."""
