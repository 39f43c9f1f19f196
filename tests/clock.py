"""Time that passes when a test says so."""


class Clock:
    """In seconds, in place of time.monotonic or time.time."""

    def __init__(self, now_s: float = 1000.0) -> None:
        self.now_s = now_s

    def __call__(self) -> float:
        return self.now_s
