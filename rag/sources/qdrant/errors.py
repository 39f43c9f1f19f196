"""What can go wrong with the store of vectors, in our words: the failures of its client are translated into these."""


class StoreError(Exception):
    """One line for whoever runs the service, with the decision what to do.

    `permanent`: trying again soon cannot help. `retry_after_s`: the pause the store asked for.
    """

    def __init__(self, message: str, *, permanent: bool, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.permanent = permanent
        self.retry_after_s = retry_after_s


class StoreUnavailableError(StoreError):
    """It does not answer, or says that it cannot now. Search without it; write again later."""

    def __init__(self, message: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(message, permanent=False, retry_after_s=retry_after_s)


class StoreRefusedError(StoreError):
    """It understood, and said no: a setting or this code is wrong."""

    def __init__(self, message: str) -> None:
        super().__init__(message, permanent=True)


class ModelMismatchError(StoreError):
    """What is stored was embedded with another model than the one in force. The message says what to do."""

    def __init__(self, message: str) -> None:
        super().__init__(message, permanent=True)


class ScopeError(RuntimeError):
    """Code asked for the points of a tenant it is not behind the door of, or for more than its scope allows."""


class ForeignPointError(RuntimeError):
    """The store answered with a point of a tenant that was not asked for. Nothing of the answer may be used."""
