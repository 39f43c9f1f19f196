"""How a write is decided, whatever the node: the same steps for LND and Core Lightning."""

from collections.abc import Callable
from dataclasses import replace

from nodes.sources.driver.driver import Outcome, PolicyWrite, WriteResult
from nodes.sources.driver.errors import Fault, NodeError
from nodes.sources.driver.policy import Policy

CHANGED = "somebody else changed the channel's policy since it was decided"
UNCONFIRMED = "the node took the policy and does not show it yet"


def settle_write(
    write: PolicyWrite, present: Policy, *, send: Callable[[], None], read: Callable[[], Policy | None]
) -> WriteResult:
    """1. Already the wanted policy: done. 2. Not the expected one: leave it. 3. `send`. 4. `read` back.

    Raises NodeError when it is not known whether the write happened, or it did not and may be tried again: the same
    call again begins with reading, so it is safe.
    """
    checks_status = write.policy.disabled != write.expected_policy.disabled
    if is_same(present, write.policy, checks_status=checks_status):
        return WriteResult(outcome=Outcome.WRITTEN, policy=present)
    if not is_same(present, write.expected_policy, checks_status=checks_status) and not is_half(present, write):
        return WriteResult(outcome=Outcome.CHANGED, policy=present, reason=CHANGED)
    try:
        send()
    except NodeError as error:
        if error.fault is Fault.REFUSED:
            return WriteResult(outcome=Outcome.REFUSED, policy=read(), reason=str(error))
        shown = read()
        if shown is not None and is_same(shown, write.policy, checks_status=checks_status):
            return WriteResult(outcome=Outcome.WRITTEN, policy=shown)
        raise
    shown = read()
    if shown is not None and is_same(shown, write.policy, checks_status=checks_status):
        return WriteResult(outcome=Outcome.WRITTEN, policy=shown)
    return WriteResult(outcome=Outcome.UNCONFIRMED, policy=shown, reason=UNCONFIRMED)


def is_same(one: Policy, other: Policy, *, checks_status: bool) -> bool:
    """`disabled` counts only where it shall change: a node switches a channel off by itself while its peer is away."""
    return one == (other if checks_status else replace(other, disabled=one.disabled))


def is_half(present: Policy, write: PolicyWrite) -> bool:
    """All but `disabled` is as wanted: a node that sets it by a second call failed between the two."""
    return present == replace(write.policy, disabled=write.expected_policy.disabled)
