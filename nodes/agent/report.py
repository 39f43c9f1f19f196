"""One round of one home: read the node, send its forwards and snapshot, carry out what the cloud has approved."""

import datetime as dt
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from nodes.agent.act import Actor
from nodes.agent.cloud import Cloud, open_cloud
from nodes.agent.config import AgentConfig, read_config
from nodes.agent.device_key import read_device_key
from nodes.agent.errors import CloudError
from nodes.agent.intent import Intents
from nodes.agent.lock import lock_home
from nodes.agent.node import open_node
from nodes.agent.opening import complete_reading
from nodes.agent.rebalance import RebalanceTeller
from nodes.agent.sequence import take_seq
from nodes.agent.session import Session
from nodes.sources.driver.driver import Driver

MAX_PAGES = 50  # of forwards in one report: a long history must not keep the next snapshot waiting


@dataclass(frozen=True, kw_only=True)
class Report:
    seq: int
    channel_count: int
    forward_count: int
    written_count: int  # fees

    def __str__(self) -> str:
        said = f"snapshot {self.seq} with {self.channel_count} channels sent, {self.forward_count} new forwards stored"
        return f"{said}, {self.written_count} fees written" if self.written_count else said


class Reporter:
    """One home. Keeps its session between reports, so that it signs in seldom, and takes up a changed `agent.json`."""

    def __init__(self, home: Path, *, clock: Callable[[], float] = time.time) -> None:
        self.home = home
        self._clock = clock
        self._config: AgentConfig | None = None
        self._session: Session | None = None
        self._cursor: str | None = None  # of forwards; None: the cloud has to be asked
        self._rebalances = RebalanceTeller(clock)

    def report(self) -> Report:
        """Raises OutsideError, also while another agent is at work in the home, and OSError when it cannot be written.

        1. Read the node. 2. Send its forwards, and once an hour what it paid to itself, from where the cloud's
        knowledge of them ends. 3. Send what it is now, last, for the cloud decides by it and needs the rest by then;
        if that fails it is dropped, the next snapshot is newer. 4. Carry out what the cloud has approved.
        """
        config = read_config(self.home)
        with lock_home(self.home):
            return self._report(config)

    def _report(self, config: AgentConfig) -> Report:
        cloud = Cloud(self._open_session(config), config.pubkey)
        with open_node(config.node, pubkey=config.pubkey) as driver:
            reading = driver.read_node()
            now_s = self._clock()
            reading = complete_reading(self.home, driver, reading=reading, now_s=now_s)
            seq = take_seq(self.home, now_s)
            stored = self._send_forwards(driver, cloud)
            self._rebalances.tell(driver, cloud)
            cloud.send_snapshot({"seq": seq, "taken_at": format_instant(now_s), **reading})
            actor = Actor(Intents.load(self.home), cloud, driver, clock=self._clock)
            written = actor.carry_out(config.pubkey)
        return Report(seq=seq, channel_count=len(reading["channels"]), forward_count=stored, written_count=written)

    def close(self) -> None:
        if self._session is not None:
            self._session.close()

    def _open_session(self, config: AgentConfig) -> Session:
        if self._session is not None and self._config == config:
            return self._session
        self.close()
        key = read_device_key(self.home)
        self._session = Session(open_cloud(config.cloud), device_id=config.device_id, key=key, clock=self._clock)
        self._config, self._cursor = config, None
        return self._session

    def _send_forwards(self, driver: Driver, cloud: Cloud) -> int:
        cursor, self._cursor = self._cursor or cloud.ask_cursor(), None
        stored = 0
        for _ in range(MAX_PAGES):
            page = driver.read_forwards(cursor)
            if page.events:
                receipt = cloud.send_forwards(page.events, page.cursor)
                if receipt.cursor == cursor:
                    raise CloudError(f"the cloud took forwards and asks for the same again, after {cursor}")
                cursor, stored = receipt.cursor, stored + receipt.stored
            else:
                cursor = page.cursor  # a page of which nothing is worth telling
            if not page.more:
                break
        self._cursor = cursor
        return stored


def format_instant(now_s: float) -> str:
    """RFC 3339 in UTC."""
    return f"{dt.datetime.fromtimestamp(now_s, dt.UTC):%Y-%m-%dT%H:%M:%S.%fZ}"
