"""Reporting until told to stop: one thread a home, each with its own pace of trying again."""

import logging
import random
import signal
import threading
from functools import partial
from pathlib import Path
from typing import Protocol

from nodes.agent.report import Reporter
from nodes.sources.driver.errors import OutsideError

FIRST_BACKOFF_S = 5.0
MAX_BACKOFF_S = 300.0
MAX_DOUBLINGS = 10
STOP_WITHIN_S = 1.5
STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)

logger = logging.getLogger(__name__)
dice = random.SystemRandom()


class Stop(Protocol):
    """What the loop needs of a threading.Event."""

    def wait(self, timeout: float | None = None) -> bool: ...


def run_homes(homes: list[Path], interval_s: float) -> None:
    """Report for every home until SIGTERM or SIGINT; returns within 2 s of it.

    A thread that still waits for an answer then is left behind: it is a daemon, and it writes its files whole.
    """
    # Blocked before the threads start, so that they inherit it and only the sigwait below receives the signal.
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
    stop = threading.Event()
    work = partial(report_until, stop=stop, interval_s=interval_s)
    threads = [threading.Thread(target=work, args=(Reporter(home),), daemon=True) for home in homes]
    for thread in threads:
        thread.start()
    received = signal.sigwait(STOP_SIGNALS)
    stop.set()
    for thread in threads:
        thread.join(STOP_WITHIN_S / len(threads))
    logger.info("stopped by %s", signal.Signals(received).name)


def report_until(reporter: Reporter, *, stop: Stop, interval_s: float) -> None:
    """Report, wait, report again, until `stop`; a failure is logged and tried again, whatever it is."""
    failures = 0
    try:
        while not stop.wait(0):
            try:
                logger.info("%s: %s", reporter.home, reporter.report())
            except (OutsideError, OSError) as error:
                failures += 1
                wait_s = choose_backoff_s(error, failures, jitter=dice.random())
                logger.warning("%s: %s; next try in %.0f s", reporter.home, error, wait_s)
            else:
                failures = 0
                wait_s = interval_s * dice.uniform(0.95, 1.05)  # boxes that started together drift apart
            stop.wait(wait_s)
    finally:
        reporter.close()


def choose_backoff_s(error: Exception, failures: int, *, jitter: float) -> float:
    """Twice as long after each failure in a row, at most 5 minutes, between half and all of it by `jitter` (0..1).

    What trying again cannot help waits longest at once; what the other side asked for is the least.
    """
    longest_s = min(MAX_BACKOFF_S, FIRST_BACKOFF_S * 2.0 ** min(failures - 1, MAX_DOUBLINGS))
    asked_s = 0.0
    if isinstance(error, OutsideError):
        longest_s = MAX_BACKOFF_S if error.permanent else longest_s
        asked_s = error.retry_after_s or 0.0
    return max(longest_s * (0.5 + jitter / 2), asked_s * (1 + jitter / 10))
