"""The modes of a node: what the owner sets, and each step up or down. Every one of them is in the journal."""

import datetime as dt
from dataclasses import dataclass
from typing import Annotated

from django.db import transaction
from django.utils import timezone
from msgspec import Meta, Struct
from msgspec.structs import asdict, replace

from mcp_saas.kit.errors import Problem
from nodes.engine.actor import name_actor
from nodes.engine.release.ladder import LIVE, find_next_rung, find_previous_rung
from nodes.engine.release.settings import (
    Days,
    Groups,
    ModeName,
    Percent,
    PromotionName,
    ReleaseSettings,
    Rung,
    StopRules,
)
from nodes.engine.release.standing import Standing, remark_no_data
from nodes.models.node import Mode, OwnNode
from nodes.pipeline.act import withdraw_approved
from nodes.pipeline.journal import note
from nodes.selectors.node import lock_own_node
from nodes.selectors.release import Release


class ReleaseChange(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How far the engine may go on this node, and how it gets there. What is left out or null stays as it is."""

    mode: ModeName
    share_percent: Percent | None = None  # of a canary
    steps: Annotated[tuple[Percent, ...], Meta(min_length=1, max_length=20)] | None = None
    seed: Annotated[int, Meta(ge=0, le=2**53 - 1)] | None = None
    hold_out_percent: Annotated[int, Meta(ge=0, le=50)] | None = None
    stop_rules: StopRules | None = None
    promotion: PromotionName | None = None
    min_days_per_step: Days | None = None

    def __post_init__(self) -> None:
        if self.share_percent is not None and self.mode != "canary":
            raise ValueError(f"share_percent: only a canary has one, not {self.mode}")
        _merge_settings(ReleaseSettings(), self)  # raises where they contradict each other


def change_release(change: ReleaseChange, *, actor: str) -> Release:
    """The owner's word: it also lets a stopped release grow again."""
    with transaction.atomic():
        node = lock_own_node()
        _store_settings(node, _merge_settings(Release(node).settings, change), actor=actor)
        release = Release(node)
        rung = _choose_rung(release, change)
        if rung != release.rung:
            move_to(node, rung, reason=f"set by {name_actor(actor)}", actor=actor)
        elif release.standing.stopped_by is not None:
            _keep(node, replace(release.standing, stopped_by=None))
    return Release(node)


@dataclass(frozen=True, slots=True)
class Promotion:
    """Where the node stands now, and what its owner should know about the step."""

    release: Release
    remark: str | None


def promote(*, actor: str) -> Promotion:
    """One step further; a paused node goes on where it was. Raises Problem 409 where there is none.

    The owner may go on without data; it is remarked.
    """
    with transaction.atomic():
        node = lock_own_node()
        release = Release(node)
        paused_at = release.standing.resumes or Rung("shadow")
        rung = paused_at if node.mode == Mode.PAUSED else find_next_rung(release.rung, release.settings)
        if rung is None:
            raise _refuse_step("The node is live: there is no further step.")
        remark = None if release.mode in {"shadow", "paused"} else remark_no_data(release.standing.review)
        said = f"; {remark}" if remark else ""
        move_to(node, rung, reason=f"promoted by {name_actor(actor)}{said}", actor=actor)
    return Promotion(Release(node), remark)


def demote(*, actor: str) -> Release:
    """One step back. Raises Problem 409 in shadow and while paused."""
    with transaction.atomic():
        node = lock_own_node()
        release = Release(node)
        rung = None if node.mode == Mode.PAUSED else find_previous_rung(release.rung, release.settings)
        if rung is None:
            raise _refuse_step(f"The node is in {node.mode} mode: there is no step back.")
        move_to(node, rung, reason=f"demoted by {name_actor(actor)}", actor=actor)
    return Release(node)


def move_to(node: OwnNode, rung: Rung, *, reason: str, actor: str, stopped_by: str | None = None) -> None:
    """The locked node on another rung, in the transaction we are in.

    What was approved and the box does not have yet is withdrawn where the new rung is lower: the next run approves
    what still may be. Channels that leave the canary keep the fee they have.
    """
    release, now = Release(node), timezone.now()
    standing = release.standing
    if (rung.mode == "paused") or rung.share_percent < standing.share_percent:
        withdraw_approved(reason)
    keeps_level = release.is_acting or node.mode == Mode.PAUSED
    node.mode = rung.mode
    node.standing = replace(
        standing,
        share_percent=rung.share_percent,
        since=now,
        acting_since=_find_acting_since(standing, rung, now=now, keeps_level=keeps_level),
        resumes=release.rung if rung.mode == "paused" else None,
        stopped_by=stopped_by,
        review=None,
    )
    node.save(update_fields=["mode", "standing"])
    share = f" with {rung.share_percent} % of the channels" if rung.mode == "canary" else ""
    note(
        "mode",
        f"Mode set to {rung.mode}{share}: {reason}",
        mode=rung.mode,
        share_percent=rung.share_percent,
        mode_before=release.mode,
        share_percent_before=standing.share_percent,
        actor=actor,
    )


def _find_acting_since(standing: Standing, rung: Rung, *, now: dt.datetime, keeps_level: bool) -> dt.datetime | None:
    """When it left shadow: what was earned before is what a release is compared with."""
    if rung.mode == "shadow":
        return None
    if rung.mode == "paused" or (keeps_level and standing.acting_since):
        return standing.acting_since
    return now


def _merge_settings(settings: ReleaseSettings, change: ReleaseChange) -> ReleaseSettings:
    """Raises ValueError, naming the field."""
    names = [name for name in asdict(settings) if getattr(change, name) is not None]
    return replace(settings, **{name: getattr(change, name) for name in names})


def _store_settings(node: OwnNode, settings: ReleaseSettings, *, actor: str) -> None:
    before = Release(node)
    if settings == before.settings:
        return
    node.release = settings
    if settings.seed != before.settings.seed:
        node.standing = replace(before.standing, groups=Groups())  # another seed deals anew
    node.save(update_fields=["release", "standing"])
    changed = [name for name, value in asdict(settings).items() if value != getattr(before.settings, name)]
    note("release", f"Release settings changed by {name_actor(actor)}: {', '.join(changed)}", actor=actor)


def _choose_rung(release: Release, change: ReleaseChange) -> Rung:
    if change.mode == "live":
        return LIVE
    if change.mode != "canary":
        return release.rung if release.mode == change.mode else Rung(change.mode)
    present = release.standing.share_percent if release.mode == Mode.CANARY else release.settings.steps[0]
    return Rung("canary", change.share_percent or present)


def _keep(node: OwnNode, standing: Standing) -> None:
    node.standing = standing
    node.save(update_fields=["standing"])


def _refuse_step(detail: str) -> Problem:
    return Problem(409, "wrong-state", "Not possible in this state", detail=detail)
