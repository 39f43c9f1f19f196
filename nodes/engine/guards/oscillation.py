"""A fee that goes up and down and up again tells senders nothing."""

import datetime as dt
import itertools
from collections.abc import Iterable

from nodes.engine.guards.case import GuardCase, Guarded, stop
from nodes.engine.policy_change import list_since
from nodes.engine.report import ChannelPolicy


def find_oscillation(policy: ChannelPolicy, case: GuardCase) -> Guarded | None:
    """Counts how often the fee rate turned round within the window, the change at hand included."""
    moved = policy.fee_rate_ppm - case.present.fee_rate_ppm
    if not case.changes or moved == 0:
        return None
    window = dt.timedelta(seconds=case.settings.reversal_window_s)
    recent = list_since(case.changes, case.now - window)
    moves = [
        change.new_fee_rate_ppm - change.old_fee_rate_ppm for change in recent if change.old_fee_rate_ppm is not None
    ]
    reversals = count_reversals([*moves, moved])
    if reversals <= case.settings.max_reversals:
        return None
    why = (
        f"it would turn round for the {reversals}. time within {window.total_seconds() / 86_400:.1f} days, "
        f"and {case.settings.max_reversals} times is the most"
    )
    return stop(case, held_by="oscillation", why=why)


def count_reversals(moves: Iterable[int]) -> int:
    """How often a move has another sign than the one before. Moves of 0 count for nothing."""
    signs = [move > 0 for move in moves if move]
    return sum(before != after for before, after in itertools.pairwise(signs))
