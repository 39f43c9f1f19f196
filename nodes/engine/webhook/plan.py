"""When a webhook that was not taken is sent again. Pure."""

import datetime as dt
import hashlib

# Seconds before each attempt. Source: Standard Webhooks, "Retries"; together 75.6 hours.
PLAN_S = (0, 5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)
JITTER = 0.1  # of the pause, added at most: receivers that were away do not get everything at one moment
LONGEST = dt.timedelta(seconds=sum(PLAN_S) * (1 + JITTER))
MAX_PAUSE_S = 7_200  # an endpoint that is back is found within two hours
MAX_WAIT = dt.timedelta(days=1)  # of what a receiver may ask for


def find_retry(attempts: int, *, seed: bytes) -> dt.timedelta | None:
    """The pause after so many failed attempts (1: the first), the same each time for a `seed`; None: that was the last.

    The jitter is a share drawn from SHA-256 of seed and number.
    """
    if attempts >= len(PLAN_S):
        return None
    draw = int.from_bytes(hashlib.sha256(seed + attempts.to_bytes(2)).digest()[:4]) / 2**32
    return dt.timedelta(seconds=PLAN_S[attempts] * (1 + JITTER * draw))


def find_pause(failures: int) -> dt.timedelta:
    """How long nothing at all is sent to an endpoint that has not answered so many times in a row."""
    return dt.timedelta(seconds=min(PLAN_S[min(max(failures, 1), len(PLAN_S) - 1)], MAX_PAUSE_S))


def is_past(now: dt.datetime, *, since: dt.datetime) -> bool:
    """Whether the whole plan is over for what is tried since then, however few attempts it had."""
    return now - since >= LONGEST
