"""Tells the cloud what the node paid to itself: once an hour, for advice looks back over months of it."""

import logging
from collections.abc import Callable

from nodes.agent.cloud import Cloud
from nodes.agent.errors import CloudError
from nodes.sources.driver.driver import Driver
from nodes.sources.driver.instant import NS_PER_S, format_instant
from nodes.sources.driver.rebalance import walk_rebalances

EVERY_S = 3_600.0
MAX_PAGES = 50  # in one report: the next one goes on

logger = logging.getLogger(__name__)


class RebalanceTeller:
    """Of one home, as long as the agent runs."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._due_s = 0.0

    def tell(self, driver: Driver, cloud: Cloud) -> None:
        """Nothing before the hour is over. A node that does not tell, and a cloud that is too old to take it, cost the
        box no report. Raises CloudError for what trying again may mend.
        """
        now_s = self._clock()
        if now_s < self._due_s:
            return
        try:
            is_done = send_rebalances(driver, cloud, now_s=now_s)
        except CloudError as error:
            if not error.permanent:
                raise
            logger.warning("what the node paid to itself was refused: %s", error)
            is_done = True
        self._due_s = now_s + EVERY_S if is_done else 0.0


def send_rebalances(driver: Driver, cloud: Cloud, *, now_s: float) -> bool:
    """Whether there is nothing left that another report could go on with."""
    began = cursor = cloud.ask_rebalance_cursor()
    for told in walk_rebalances(driver, began, now_s=now_s, max_pages=MAX_PAGES):
        cursor = told.cursor
        if told.events or told.is_all or cursor != began:
            until = format_instant(int(now_s * NS_PER_S)) if told.is_all else None
            cloud.send_rebalances(told.events, cursor, until=until)
        if told.is_all:
            return True
    return cursor == began
