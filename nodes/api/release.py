"""How far the engine may go: the mode, and steps up and down."""

import datetime as dt
from collections import Counter

from django.http import HttpResponse
from django.utils import timezone
from msgspec import Struct
from msgspec.structs import replace
from rest_framework.request import Request

from mcp_saas.api.auth import require_scope
from mcp_saas.api.body import answer, read_body
from mcp_saas.api.openapi import endpoint
from mcp_saas.api.view import principal_of
from nodes.api.control import ControlView
from nodes.engine.release.ladder import find_next_rung
from nodes.engine.release.settings import ModeName, StopRules
from nodes.engine.release.standing import Review
from nodes.pipeline.release import ReleaseChange, change_release, demote, promote
from nodes.pipeline.schedule import request_cycle
from nodes.selectors.channel import list_open_channels
from nodes.selectors.release import Release, read_release
from tenants.api.view import NodeView
from tenants.context import current_tenant


class NextStep(Struct, frozen=True):
    """What a promotion leads to."""

    mode: ModeName
    share_percent: int


class ModeAnswer(Struct, frozen=True, kw_only=True):
    """The mode in force, and how the next one is reached."""

    mode: ModeName
    share_percent: int  # of the channels not held out: 0 in shadow, 100 live
    steps: tuple[int, ...]
    seed: int
    hold_out_percent: int
    stop_rules: StopRules
    promotion: str
    min_days_per_step: int
    since: dt.datetime | None
    stopped_by: str | None  # the rule that stopped the release: it does not grow until its owner lets it go on
    next: NextStep | None
    remark: str | None = None  # on the step just made: what it was not based on


class ReviewAnswer(Struct, frozen=True):
    """The stop rules' findings, and how many channels are in each group."""

    review: Review | None
    canary_channels: int
    hold_out_channels: int
    other_channels: int


def describe_release(release: Release) -> ModeAnswer:
    settings, standing = release.settings, release.standing
    following = standing.resumes if release.mode == "paused" else find_next_rung(release.rung, settings)
    return ModeAnswer(
        mode=release.rung.mode,
        share_percent=standing.share_percent,
        steps=settings.steps,
        seed=settings.seed,
        hold_out_percent=settings.hold_out_percent,
        stop_rules=settings.stop_rules,
        promotion=settings.promotion,
        min_days_per_step=settings.min_days_per_step,
        since=standing.since,
        stopped_by=standing.stopped_by,
        next=NextStep(following.mode, following.share_percent) if following else None,
    )


class ModeView(ControlView):
    @endpoint(
        "get_mode", summary="The mode in force", tag="node", answers={200: ModeAnswer}, problems=(404,), is_tagged=True
    )
    def get(self, request: Request, pubkey: str) -> HttpResponse:
        """`shadow` records what it would do and hands nothing to the box. `canary` hands over the changes of a share of
        the channels, `live` those of all but the hold-out channels. `paused` decides nothing.
        """
        return answer(describe_release(read_release()))

    @endpoint(
        "set_mode",
        summary="Choose the mode",
        tag="node",
        body=ReleaseChange,
        answers={200: ModeAnswer},
        problems=(404,),
        needs_match=True,
    )
    def put(self, request: Request, pubkey: str) -> HttpResponse:
        """Fields that are left out keep their values; a canary without a share begins with the first step. On a lower
        step, what was approved and the box does not have yet is withdrawn. A cycle follows at once.
        """
        release = change_release(read_body(request, ReleaseChange), actor=principal_of(request).subject)
        return answer_step(release)


class ReviewView(ControlView):
    @endpoint(
        "get_review", summary="What the stop rules found", tag="node", answers={200: ReviewAnswer}, problems=(404,)
    )
    def get(self, request: Request, pubkey: str) -> HttpResponse:
        """Of the newest run of a canary or a live node: each rule with its value, its threshold and, where there is
        one, the interval. `no data` where a rule has none: then nothing grows by rule. `review` is null before the
        first.
        """
        standing = read_release().standing
        peers = standing.groups.map_peers()
        groups = Counter(peers.get(row.state.peer_pubkey, "rest") for row in list_open_channels())
        return answer(ReviewAnswer(standing.review, groups["canary"], groups["hold_out"], groups["rest"]))


class StepView(NodeView):
    permission_classes = (require_scope("act", "device"),)


class PromoteView(StepView):
    @endpoint(
        "promote_mode",
        summary="One step further",
        tag="node",
        answers={200: ModeAnswer},
        problems=(404, 409),
        idempotency="required",
    )
    def post(self, request: Request, pubkey: str) -> HttpResponse:
        """From shadow to the first step of the canary, from step to step, from the last one to live. A paused node goes
        on where it was paused. 409 for one that is live. `remark` says where the stop rules had no data on the step
        before: then nobody knows yet what that did.
        """
        promotion = promote(actor=principal_of(request).subject)
        return answer_step(promotion.release, remark=promotion.remark)


class DemoteView(StepView):
    @endpoint(
        "demote_mode",
        summary="One step back",
        tag="node",
        answers={200: ModeAnswer},
        problems=(404, 409),
        idempotency="required",
    )
    def post(self, request: Request, pubkey: str) -> HttpResponse:
        """Channels that leave the canary keep the fee they have: roll actions back to undo them. 409 in shadow and
        while paused.
        """
        return answer_step(demote(actor=principal_of(request).subject))


def answer_step(release: Release, *, remark: str | None = None) -> HttpResponse:
    request_cycle(current_tenant().id, timezone.now())
    return answer(replace(describe_release(release), remark=remark))
