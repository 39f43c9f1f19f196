"""The one place that says what a mode hands over to the box."""

from nodes.models.action import ActionState
from nodes.models.node import Mode


def state_of_new_action(mode: str) -> ActionState:
    """Shadow: recorded, never handed over. Raises ValueError for a mode this release cannot run."""
    if mode == Mode.SHADOW:
        return ActionState.PLANNED
    raise ValueError(f"mode {mode!r} is not one this release can run")
