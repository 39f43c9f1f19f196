"""The cloud writes to a node it reaches itself: the same life of an action, with a worker of ours for the box."""

import datetime as dt
import time

import msgspec
import structlog
from django.utils import timezone

from mcp_saas.kit.http import UnsafeTargetError
from nodes.engine.report import ChannelPolicy
from nodes.models.action import Action, ActionState
from nodes.pipeline.connect import open_own_node
from nodes.pipeline.handover import ActionResult, hand_over, record_result
from nodes.selectors.credential import has_node_credential
from nodes.selectors.kill_switch import read_switches
from nodes.sources.driver.driver import Driver, Outcome, PolicyWrite
from nodes.sources.driver.errors import NodeError
from nodes.sources.driver.policy import Policy
from tenants.context import current_tenant
from tenants.selectors import was_seen

HOLDER = "cloud"  # one for all workers: a box's jobs run one after the other
BOX_THERE = dt.timedelta(minutes=15)  # an agent that reported so lately carries actions out itself
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


def apply_to_own_node() -> int:
    """As `apply_actions`, by the owner's credential. Raises NodeAwayError, SealError."""
    if not has_work():
        return 0
    try:
        driver = open_own_node()
        if driver is None:
            return 0
        with driver:
            return apply_actions(driver)
    except (NodeError, UnsafeTargetError) as error:
        log.info("node_not_written", error=type(error).__name__)
        return 0


def has_work() -> bool:
    """Whether anything waits for us: the owner left a credential, and no box is there that would do it itself."""
    rows = Action.objects.filter(state__in=(ActionState.APPROVED, ActionState.SENT), reported_at=None)
    is_waiting = rows.filter(expires_at__gt=timezone.now()).exists()
    return bool(is_waiting and has_node_credential() and not was_seen(current_tenant().id, within=BOX_THERE))


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
