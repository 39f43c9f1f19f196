"""Carrying out what the cloud has approved: fetch, write the intent, write to the node, report."""

import datetime as dt
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

from nodes.agent.cloud import Cloud
from nodes.agent.errors import CloudError
from nodes.agent.intent import Fields, Intents
from nodes.sources.driver.driver import Driver, Outcome, PolicyWrite, WriteResult
from nodes.sources.driver.errors import NodeError
from nodes.sources.driver.policy import Policy

WRITE_WITHIN_S = 120.0  # of the fetch: well within the cloud's lease, after which another agent may be given the same

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Order:
    """One action as the cloud hands it over."""

    id: str
    channel: str
    policy: Policy
    expected_policy: Policy
    expires_at_s: float

    @classmethod
    def from_fields(cls, fields: Fields) -> Self:
        """Raises CloudError for an answer that is not as the API says."""
        action_id, channel, expires_at = fields.get("id"), fields.get("channel"), fields.get("expires_at")
        policy, expected = fields.get("policy"), fields.get("expected_policy")
        if not isinstance(action_id, str) or not isinstance(channel, str) or not isinstance(expires_at, str):
            raise CloudError("the cloud handed over an action without id, channel and expires_at")
        if not isinstance(policy, dict) or not isinstance(expected, dict):
            raise CloudError("the cloud handed over an action without its policies")
        try:
            moment_s = dt.datetime.fromisoformat(expires_at).timestamp()
            policies = Policy.from_fields(policy), Policy.from_fields(expected)
        except (ValueError, NodeError) as error:
            raise CloudError(f"the cloud handed over an action that cannot be read: {error}") from error
        return cls(
            id=action_id, channel=channel, policy=policies[0], expected_policy=policies[1], expires_at_s=moment_s
        )

    def to_write(self) -> PolicyWrite:
        return PolicyWrite(
            short_channel_id=self.channel,
            channel_point=None,
            policy=self.policy,
            expected_policy=self.expected_policy,
        )

    def to_intent(self) -> Fields:
        return {"channel": self.channel, "policy": self.policy.to_fields()}


class Actor:
    """Carries actions out for one home. All methods raise OutsideError and OSError."""

    def __init__(self, intents: Intents, cloud: Cloud, driver: Driver, *, clock: Callable[[], float]) -> None:
        self._intents = intents
        self._cloud = cloud
        self._driver = driver
        self._clock = clock

    def carry_out(self, own_pubkey: str) -> int:
        """How many were written.

        1. Report what was found out before and not taken yet. 2. Fetch. 3. What was begun before and is not given again
        is over: report it if the node shows it. 4. Each one: intent on disk, write, result on disk, report, forget.
        Only what was fetched just now is written: an intent of an earlier life is no leave to write.
        """
        for action_id, result in self._intents.list_reports().items():
            self._report(action_id, result)
        fetched_s = self._clock()
        orders = [Order.from_fields(fields) for fields in self._cloud.fetch_actions(self._intents.holder)]
        self._settle_unknown(own_pubkey, given={order.id for order in orders})
        return sum(self._carry_one(order, fetched_s=fetched_s) for order in orders)

    def _settle_unknown(self, own_pubkey: str, *, given: set[str]) -> None:
        for action_id, intent in self._intents.list_unknown().items():
            if action_id in given:
                continue
            shown = self._read_policy(str(intent.get("channel")), own_pubkey)
            if shown is not None and shown == intent.get("policy"):
                result = self._describe(success=True, applied=shown, error=None)
                self._intents.end(action_id, result)
                self._report(action_id, result)
            else:
                self._intents.forget(action_id)

    def _read_policy(self, channel: str, own_pubkey: str) -> Fields | None:
        edge = self._driver.graph_edge(channel)
        shown = edge["policies"].get(own_pubkey) if edge else None
        return Policy.from_fields(shown).to_fields() if shown else None

    def _carry_one(self, order: Order, *, fetched_s: float) -> bool:
        now_s = self._clock()
        if now_s >= order.expires_at_s or now_s > fetched_s + WRITE_WITHIN_S:
            return False
        self._intents.begin(order.id, order.to_intent())
        result, is_written = self._write(order)
        self._intents.end(order.id, result)
        self._report(order.id, result)
        return is_written

    def _write(self, order: Order) -> tuple[Fields, bool]:
        """What trying again may mend is raised, the intent stays: the cloud gives the action again."""
        try:
            done = self._driver.apply(order.to_write())
        except NodeError as error:
            if not error.permanent:
                raise
            return self._describe(success=False, applied=None, error=str(error)), False
        return self._describe_write(done), done.is_done

    def _describe_write(self, done: WriteResult) -> Fields:
        """What the node does not show yet is not reported as what it has in force."""
        applied = done.policy.to_fields() if done.policy and done.outcome is not Outcome.UNCONFIRMED else None
        return self._describe(success=done.is_done, applied=applied, error=None if done.is_done else done.reason)

    def _describe(self, *, success: bool, applied: Fields | None, error: str | None) -> Fields:
        at = f"{dt.datetime.fromtimestamp(self._clock(), dt.UTC):%Y-%m-%dT%H:%M:%S.%fZ}"
        return {"success": success, "applied_policy": applied, "error": error, "at": at}

    def _report(self, action_id: str, result: Fields) -> None:
        """What the cloud refuses for good is forgotten: it knows better, and snapshots tell it the rest."""
        try:
            self._cloud.report_action(action_id, result)
        except CloudError as error:
            if not error.permanent:
                raise
            logger.warning("the result of action %s was refused: %s", action_id, error)
        self._intents.forget(action_id)
