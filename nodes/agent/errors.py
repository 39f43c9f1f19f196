"""What can go wrong on a box. The failures of others are translated into these at the border."""

MAX_MESSAGE_CHARS = 400


class AgentError(Exception):
    """One line for the owner, with the decision what to do.

    `permanent`: trying again soon cannot help. `retry_after_s`: the pause the other side asked for.
    """

    def __init__(self, message: str, *, permanent: bool = False, retry_after_s: float | None = None) -> None:
        super().__init__(in_one_line(message))
        self.permanent = permanent
        self.retry_after_s = retry_after_s


class HomeError(AgentError):
    """A file of the agent's home folder is missing or damaged."""


class NodeError(AgentError):
    """The Lightning node cannot be read."""


class CloudError(AgentError):
    """The cloud cannot be reached or refuses."""


def in_one_line(text: str) -> str:
    """What others wrote must neither break a log line nor flood it."""
    words = "".join(char if char.isprintable() else " " for char in text).split()
    line = " ".join(words)
    return line if len(line) <= MAX_MESSAGE_CHARS else line[: MAX_MESSAGE_CHARS - 3] + "..."
