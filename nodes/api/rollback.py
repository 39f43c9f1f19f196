"""The owner takes back what was written: one action, a run, a day."""

from collections.abc import Callable
from uuid import UUID

from django.http import HttpResponse
from rest_framework.request import Request

from mcp_saas.api.body import answer, read_body
from mcp_saas.api.language import LANGUAGE, choose_language, name_language
from mcp_saas.api.openapi import View, endpoint
from mcp_saas.api.view import principal_of
from nodes.api.action_contract import ActionView, RollbackAnswer, RollbackBody, RollbackRefusal
from nodes.api.actions import DecidingView, answer_action
from nodes.engine.language.sentence import Language
from nodes.pipeline.action import find_action
from nodes.pipeline.rollback import Rollback, roll_back_action, roll_back_run, roll_back_window
from nodes.tasks import queue_applying


def undoing(name: str, *, summary: str, answers: type, body: type | None = None) -> Callable[[View], View]:
    """The contract of a rollback: it acts, so it takes an Idempotency-Key."""
    return endpoint(
        name,
        summary=summary,
        tag="node",
        body=body,
        answers={200: answers},
        problems=(404, 409),
        idempotency="required",
        parameters=[LANGUAGE],
    )


class ActionRollbackView(DecidingView):
    @undoing("roll_back_action", summary="Take one action back", answers=ActionView)
    def post(self, request: Request, pubkey: str, action_id: UUID) -> HttpResponse:
        """Answers the new action, which puts back the policy from before and lives as every other. Refused (409) where
        a snapshot shows another policy than this action wrote: what somebody else set stays.
        """
        action = roll_back_action(find_action(action_id), actor=principal_of(request).subject)
        queue_applying()
        return answer_action(request, action)


class RunRollbackView(DecidingView):
    @undoing("roll_back_run", summary="Take back all that a run changed", answers=RollbackAnswer)
    def post(self, request: Request, pubkey: str, run_id: UUID) -> HttpResponse:
        """What of it was not handed over yet is rejected. `refused` names what stays, and why."""
        rollback = roll_back_run(run_id, actor=principal_of(request).subject)
        queue_applying()
        language = choose_language(request)
        return name_language(answer(_describe(rollback, language)), language)


class RollbackView(DecidingView):
    @undoing("roll_back", summary="Take back a day, or any time", body=RollbackBody, answers=RollbackAnswer)
    def post(self, request: Request, pubkey: str) -> HttpResponse:
        """All that was handed over in that time, each channel at once back to what it had before. `refused` names what
        stays, and why.
        """
        since, until = read_body(request, RollbackBody).read_window()
        rollback = roll_back_window(since, until, actor=principal_of(request).subject)
        queue_applying()
        language = choose_language(request)
        return name_language(answer(_describe(rollback, language)), language)


def _describe(rollback: Rollback, language: Language) -> RollbackAnswer:
    return RollbackAnswer(
        actions=[ActionView.describe(action, language=language) for action in rollback.actions],
        cancelled=[action.id for action in rollback.cancelled],
        refused=[RollbackRefusal(action.id, action.short_channel_id, reason) for action, reason in rollback.refused],
    )
