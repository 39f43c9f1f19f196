"""The cloud writes to a node it reaches itself: the same life of an action, with a worker of ours for the box."""

import time

import msgspec
import structlog
from django.utils import timezone

from nodes.engine.report import ChannelPolicy
from nodes.models.action import Action, ActionState
from nodes.pipeline.handover import ActionResult, hand_over, record_result
from nodes.selectors.kill_switch import read_switches
from nodes.sources.driver.driver import Driver, Outcome, PolicyWrite
from nodes.sources.driver.errors import NodeError
from nodes.sources.driver.policy import Policy

HOLDER = "cloud"  # one for all workers: a box's jobs run one after the other
TURN_S = 20.0  # then others have theirs; the rest is given again
log = structlog.get_logger(__name__)


class NodeAwayError(Exception):
    """The node could not be asked. The message is the kind of fault alone: it is kept outside of the box's schema."""


def apply_actions(driver: Driver) -> int:
    """What is approved for the tenant we are in goes to its node. Returns how many were written.

    1. Intent: the hand-over is committed. 2. Write, if the node's policy is the expected one. 3. Outcome: recorded.
    Killed at any point, the next call goes on: what was written is found in force and not written again. No
    transaction may be open. Raises NodeAwayError when trying again later may help.
    """
    began_s = time.monotonic()
    written = 0
    for action in hand_over(HOLDER):
        if time.monotonic() - began_s > TURN_S or read_switches().find_stop(bytes(action.channel_digest)):
            break
        written += _apply(driver, action)
    return written


def has_work() -> bool:
    """Whether anything waits for being written, or was begun and not ended."""
    rows = Action.objects.filter(state__in=(ActionState.APPROVED, ActionState.SENT), reported_at=None)
    return bool(rows.filter(expires_at__gt=timezone.now()).exists())


def _apply(driver: Driver, action: Action) -> bool:
    try:
        done = driver.apply(_describe_write(action))
    except NodeError as error:
        if not error.permanent:
            raise NodeAwayError(error.fault.value) from error
        record_result(action, ActionResult(success=False, at=timezone.now(), error=str(error)))
        return False
    shown = done.policy if done.outcome is not Outcome.UNCONFIRMED else None
    result = ActionResult(
        success=done.is_done,
        at=timezone.now(),
        applied_policy=msgspec.convert(shown.to_fields(), ChannelPolicy) if shown else None,
        error=None if done.is_done else done.reason,
    )
    record_result(action, result)
    return done.is_done


def _describe_write(action: Action) -> PolicyWrite:
    return PolicyWrite(
        short_channel_id=action.short_channel_id,
        channel_point=None,
        policy=Policy.from_fields(msgspec.structs.asdict(action.policy)),
        expected_policy=Policy.from_fields(msgspec.structs.asdict(action.expected_policy)),
    )
