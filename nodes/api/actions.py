"""Actions: the box fetches and reports them, the owner decides on them."""

from collections.abc import Callable
from typing import Annotated
from uuid import UUID

import msgspec
from django.http import HttpResponse
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request

from mcp_saas.api.auth import require_scope
from mcp_saas.api.body import answer, read_body
from mcp_saas.api.language import LANGUAGE, choose_language, name_language
from mcp_saas.api.openapi import View, endpoint
from mcp_saas.api.view import principal_of
from mcp_saas.kit.errors import Problem
from nodes.api.action_contract import ActionList, ActionResultBody, ActionView
from nodes.api.advice import AdviceView, reading
from nodes.api.filters import read_query
from nodes.engine.proposal import Proposal
from nodes.models.action import Action, ActionState
from nodes.pipeline.action import approve_action, find_action, reject_action
from nodes.pipeline.handover import hand_over, record_result
from nodes.pipeline.proposal import propose_action
from nodes.selectors.action import list_actions
from nodes.tasks import queue_applying
from tenants.api.view import NodeView

HOLDER_PATTERN = r"^[0-9A-Za-z_-]{1,40}$"
Holder = Annotated[str, msgspec.Meta(pattern=HOLDER_PATTERN)]
_STATE = OpenApiParameter(
    "state",
    {"type": "string", "enum": ActionState.values, "default": "approved"},
    description="actions in this state; `confirmed` has those that no snapshot has verified yet as well",
)
_HOLDER = OpenApiParameter(
    "holder",
    {"type": "string", "pattern": HOLDER_PATTERN},
    description="who takes `approved` ones over, the same name after a restart: it is given its own again; without it "
    "they are only read",
)


def deciding(name: str, *, summary: str) -> Callable[[View], View]:
    """The contract of a word of the owner about one action."""
    return endpoint(
        name,
        summary=summary,
        tag="node",
        answers={200: ActionView},
        problems=(404, 409),
        idempotency="optional",
        parameters=[LANGUAGE],
    )


class ActionsView(AdviceView):
    def get_permissions(self):  # type: ignore[no-untyped-def]
        return [require_scope("act")()] if self.request.method == "POST" else super().get_permissions()

    @endpoint(
        "propose_action",
        summary="Propose a change of one channel",
        tag="node",
        body=Proposal,
        answers={201: ActionView},
        problems=(404, 409),
        idempotency="optional",
        parameters=[LANGUAGE],
    )
    def post(self, request: Request, pubkey: str) -> HttpResponse:
        """What the limits and guards of the fee policy in force leave of the wish becomes a `planned` action of the
        kind `proposal`; nothing is written until it is approved, in any mode. Fields that are not named stay as they
        are. The same proposal again is the same action while it is planned; another one of the channel takes its place.
        Refused (409) where nothing would change, with what holds it.
        """
        action = propose_action(read_body(request, Proposal), actor=principal_of(request).subject)
        return answer_action(request, action, status=201)

    @reading(
        "list_actions",
        summary="Actions in a state, oldest first",
        tag="box",
        answers={200: ActionList},
        parameters=[_STATE, _HOLDER, LANGUAGE],
    )
    def get(self, request: Request, pubkey: str) -> HttpResponse:
        """At most 100. Reading changes nothing, with one exception: a box that asks for `approved` ones and names a
        `holder` takes them over, to write them to its node. They are `sent` from then on, and for five minutes given to
        nobody else; what was not reported is given again. An app of the owner's takes nothing over.
        `why` is in French for `Accept-Language: fr`.
        """
        state = request.GET.get("state", ActionState.APPROVED)
        if state not in ActionState.values:
            raise Problem(400, "bad-filter", "Bad filter", detail=f"state is one of {', '.join(ActionState.values)}")
        holder = read_query(request, "holder", shape=Holder, words="1 to 40 letters, digits, - and _")
        is_box = "device" in principal_of(request).scopes and self.leave is None
        takes_over = is_box and holder is not None and state == ActionState.APPROVED
        actions = hand_over(holder) if takes_over else list_actions(state)
        language = choose_language(request)
        shown = ActionList([ActionView.describe(action, language=language) for action in actions])
        return name_language(answer(shown), language)


class ResultView(NodeView):
    rate_class = "report"
    permission_classes = (require_scope("device"),)

    @endpoint(
        "report_action",
        summary="Report what came of an action",
        tag="box",
        body=ActionResultBody,
        answers={200: ActionView},
        problems=(404, 409),
        idempotency="optional",
    )
    def post(self, request: Request, pubkey: str, action_id: UUID) -> HttpResponse:
        """A success is `confirmed`, and `verified_at` is null until a snapshot shows the policy; a snapshot that shows
        another one makes it `failed` or `superseded` after all. A failure is `superseded` where the node had another
        policy than expected, else `failed`. A repeat is harmless: the answer tells what is true by then.
        """
        result = read_body(request, ActionResultBody).to_result()
        return answer(ActionView.describe(record_result(find_action(action_id), result)))


class DecidingView(NodeView):
    permission_classes = (require_scope("act"),)


class ApproveView(DecidingView):
    @deciding("approve_action", summary="Have one action carried out")
    def post(self, request: Request, pubkey: str, action_id: UUID) -> HttpResponse:
        """The box is given it when it asks next, also in shadow. Again is harmless. Refused (409) while the node is
        paused, and in canary and live for a channel that is held out.
        """
        action = approve_action(find_action(action_id), actor=principal_of(request).subject)
        queue_applying()
        return answer_action(request, action)


class RejectView(DecidingView):
    @deciding("reject_action", summary="Have one action not carried out")
    def post(self, request: Request, pubkey: str, action_id: UUID) -> HttpResponse:
        """As long as the box does not have it. Again is harmless."""
        action = reject_action(find_action(action_id), actor=principal_of(request).subject)
        return answer_action(request, action)


def answer_action(request: Request, action: Action, *, status: int = 200) -> HttpResponse:
    language = choose_language(request)
    return name_language(answer(ActionView.describe(action, language=language), status=status), language)
