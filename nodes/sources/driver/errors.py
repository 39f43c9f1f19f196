"""What can go wrong with a system outside. Its failures are translated into these at the border."""

from enum import StrEnum

MAX_MESSAGE_CHARS = 400


class Fault(StrEnum):
    """What kind of failure it is, for whoever decides what to do next."""

    UNREACHABLE = "unreachable"  # no connection: nothing was sent
    TIMEOUT = "timeout"  # no answer in time: what was asked for may have happened
    BROKEN = "broken"  # the exchange broke off: what was asked for may have happened
    UNAVAILABLE = "unavailable"  # it, or a proxy before it, says that it cannot answer now
    STARTING = "starting"
    LOCKED = "locked"  # the owner has to unlock the wallet
    FORBIDDEN = "forbidden"  # it does not take our macaroon or rune for this call
    CERTIFICATE = "certificate"  # it shows another certificate than the pinned one
    WRONG_NODE = "wrong-node"
    GARBLED = "garbled"  # the answer is not as its API says
    REFUSED = "refused"  # it understood and said no
    SETTING = "setting"  # something of ours is missing or damaged: a file, an address
    FAILED = "failed"


# Trying a read again a moment later may help.
PASSING = frozenset({Fault.UNREACHABLE, Fault.TIMEOUT, Fault.BROKEN, Fault.UNAVAILABLE})
# Trying again cannot help until somebody does something.
LASTING = frozenset({Fault.FORBIDDEN, Fault.WRONG_NODE, Fault.REFUSED, Fault.SETTING})


class OutsideError(Exception):
    """One line for the owner, with the decision what to do.

    `permanent`: trying again soon cannot help. `retry_after_s`: the pause the other side asked for.
    """

    def __init__(
        self,
        message: str,
        *,
        fault: Fault = Fault.FAILED,
        permanent: bool | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(in_one_line(message))
        self.fault = fault
        self.permanent = fault in LASTING if permanent is None else permanent
        self.retry_after_s = retry_after_s


class NodeError(OutsideError):
    """The Lightning node cannot be read or written."""


def in_one_line(text: str) -> str:
    """What others wrote must neither break a log line nor flood it."""
    words = "".join(char if char.isprintable() else " " for char in text).split()
    line = " ".join(words)
    return line if len(line) <= MAX_MESSAGE_CHARS else line[: MAX_MESSAGE_CHARS - 3] + "..."
