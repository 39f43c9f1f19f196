"""What can go wrong with a model, in our words: whether it is away, and whether it may have cost something."""

from typing import Literal

Fault = Literal["away", "too_slow", "too_many_requests", "not_understood", "refused", "not_allowed"]
# Where the fault lies with the other side and passes: what a breaker counts.
_PASSING: frozenset[Fault] = frozenset({"away", "too_slow", "too_many_requests", "not_understood"})
_UNPAID: frozenset[Fault] = frozenset({"away", "too_many_requests", "not_allowed"})


class ModelError(Exception):
    """No answer that can be used. Its text holds nothing of question, evidence or answer."""

    def __init__(self, fault: Fault, detail: str = "", *, request_id: str | None = None) -> None:
        super().__init__(f"{fault}: {detail}" if detail else fault)
        self.fault = fault
        self.request_id = request_id
        self.retry_after_s = 0.0

    @property
    def is_passing(self) -> bool:
        return self.fault in _PASSING

    @property
    def may_have_cost(self) -> bool:
        """Nobody tells what was used: what was reserved for it stays spent."""
        return self.fault not in _UNPAID


class UnsupportedError(Exception):
    """The server does not speak this dialect of the protocol."""
