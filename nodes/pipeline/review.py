"""The stop rules of a release at work: they stop it and undo what it did, or let it grow."""

import datetime as dt
from collections.abc import Sequence
from uuid import UUID

from django.utils import timezone
from msgspec.structs import replace

from nodes.engine.cycle import ChannelInput
from nodes.engine.release.ladder import SHADOW, find_next_rung, find_previous_rung
from nodes.engine.release.settings import Rung
from nodes.engine.release.standing import Review, Undoing
from nodes.engine.release.stop import RuleVerdict, choose_move, judge_release
from nodes.models.action import Action, ActionKind, ActionState
from nodes.models.node import OwnNode
from nodes.pipeline.journal import note
from nodes.pipeline.release import move_to
from nodes.pipeline.rollback import find_last_word, roll_back_actions
from nodes.selectors.action import list_written
from nodes.selectors.evidence import Window, compare_revenue, gather_evidence, open_window
from nodes.selectors.release import Release

ACTOR = "stop rule"
DAY_S = 86_400


def review_release(node: OwnNode, inputs: Sequence[ChannelInput], *, now: dt.datetime) -> None:
    """Before a run of a canary or a live node acts, in its transaction; `now` is the snapshot's moment. The node is
    locked.

    1. gather what the window shows  2. judge it by the stop rules  3. stop, grow by rule, or stay
    """
    release = Release(node)
    window = open_window(release.standing, release.settings.stop_rules, until=now)
    if not release.is_acting or window is None:
        return
    review = _review(release, window, inputs=inputs)
    node.standing = replace(release.standing, review=review)
    node.save(update_fields=["standing"])
    days = (now - (release.standing.since or now)).total_seconds() / DAY_S
    is_blocked = release.standing.stopped_by is not None
    move = choose_move(review.verdicts, settings=release.settings, days_on_step=days, is_blocked=is_blocked)
    if move == "stop":
        _stop(node, window, verdicts=review.verdicts)
    if move == "grow" and (rung := find_next_rung(release.rung, release.settings)):
        move_to(node, rung, reason="the stop rules were silent for the days of the step", actor="promotion rule")


def finish_undoing(node: OwnNode) -> None:
    """After a snapshot: what the box had when the release was stopped, and wrote, is taken back as well.

    The node is locked and its standing saved here.
    """
    standing = Release(node).standing
    if standing.undoing is None:
        return
    undoing = _undo(standing.undoing)
    if undoing != standing.undoing:
        node.standing = replace(standing, undoing=undoing)
        node.save(update_fields=["standing"])


def _review(release: Release, window: Window, *, inputs: Sequence[ChannelInput]) -> Review:
    before, groups, rules = release.standing.review, release.standing.groups, release.settings.stop_rules
    today = window.until.date()
    if before is not None and before.revenue_on == today:
        revenue = before.revenue
    else:
        revenue = compare_revenue(window, groups, rules=rules)
    evidence = gather_evidence(window, groups, inputs=inputs, revenue=revenue)
    return Review(at=window.until, revenue_on=today, revenue=revenue, verdicts=judge_release(evidence, rules))


def _stop(node: OwnNode, window: Window, *, verdicts: Sequence[RuleVerdict]) -> None:
    release, now = Release(node), timezone.now()
    stopping = [verdict for verdict in verdicts if verdict.finding == "stop"]
    words = "; ".join(verdict.text for verdict in stopping)
    rules = ",".join(verdict.rule for verdict in stopping)
    note("stop-rule", f"The release is stopped: {words}", rules=rules, mode=release.mode)
    move_to(node, _choose_refuge(release), reason=f"stopped, {words}", actor=ACTOR, stopped_by=words)
    review = replace(release.standing.review, revenue_on=None) if release.standing.review else None
    pending = release.standing.undoing
    undoing = replace(pending, until=now) if pending else Undoing(since=window.since, until=now)
    node.standing = replace(Release(node).standing, undoing=undoing, review=review)  # for its owner to read
    node.save(update_fields=["standing"])
    finish_undoing(node)


def _choose_refuge(release: Release) -> Rung:
    """The step before; from the first step, and where its owner says so, a pause."""
    back = find_previous_rung(release.rung, release.settings)
    is_pause = release.settings.stop_rules.on_stop == "pause" or back in {None, SHADOW}
    return Rung("paused") if is_pause or back is None else back


def _undo(undoing: Undoing) -> Undoing | None:
    """Takes back what a snapshot has confirmed; what is left while more may follow, of what the box has."""
    sent = Action.objects.filter(kind=ActionKind.POLICY, state=ActionState.SENT, sent_at__lt=undoing.until)
    is_waiting = sent.filter(sent_at__gte=undoing.since).exists()
    written = _list_in_force(undoing)
    refused = roll_back_actions(written, actor=ACTOR).refused if written else []
    reasons = {str(action.id): reason for action, reason in refused}
    for action, reason in refused:
        if undoing.named.get(str(action.id)) != reason:
            text = f"Fee of {action.short_channel_id} is not taken back: {reason}"
            note("rollback", text, action=str(action.id), actor=ACTOR)
    return replace(undoing, named=undoing.named | reasons) if is_waiting else None


def _list_in_force(undoing: Undoing) -> list[Action]:
    """What put them in force, newest first: they themselves, or an action that took their rollback back."""
    in_force: dict[UUID, Action] = {}
    for action in list_written(undoing.since, undoing.until):
        last, is_in_force = find_last_word(action)
        was_there = last.sent_at is not None and last.sent_at < undoing.until
        if action.kind == ActionKind.POLICY and is_in_force and was_there and last.state == ActionState.CONFIRMED:
            in_force[last.id] = last
    return sorted(in_force.values(), key=lambda one: (one.sent_at, one.created_at), reverse=True)
