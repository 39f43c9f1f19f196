"""What the owner is told by message, and how that fares."""

import datetime as dt
from typing import Annotated

from django.http import HttpResponse
from msgspec import Meta, Struct
from rest_framework.request import Request

from mcp_saas.api.body import answer, read_body
from mcp_saas.api.openapi import endpoint
from nodes.api.control import ControlView
from nodes.engine.credential import Service
from nodes.engine.language.sentence import Language
from nodes.engine.notice import EVENTS, UNASKED, Event, NotifySettings
from nodes.models.notice import Notice, NoticeState
from nodes.pipeline.notify.outbox import store_settings
from nodes.selectors.credential import find_credential
from nodes.selectors.notice import read_notifications


class NotificationsBody(Struct, frozen=True, forbid_unknown_fields=True):
    """The language of the messages, and what they are about."""

    language: Language = "en"
    events: Annotated[frozenset[Event], Meta(max_length=len(EVENTS))] = frozenset(UNASKED)


class TelegramState(Struct, frozen=True):
    """How messages by Telegram fare. `parked` could not be delivered, the newest for the reason `error`."""

    is_set: bool
    waiting: int
    parked: int
    error: str | None
    last_sent_at: dt.datetime | None


class NotificationsAnswer(Struct, frozen=True):
    """What is wanted, and how it fares."""

    language: Language
    events: list[Event]
    telegram: TelegramState


class NotificationsView(ControlView):
    @endpoint(
        "get_notifications",
        summary="Messages to the owner",
        tag="node",
        answers={200: NotificationsAnswer},
        problems=(404,),
        is_tagged=True,
    )
    def get(self, request: Request, pubkey: str) -> HttpResponse:
        """Sent where the credential `telegram` (token and chat_id) is set. What cannot be delivered says why here."""
        return answer(_describe())

    @endpoint(
        "set_notifications",
        summary="Choose what messages tell, and in which language",
        tag="node",
        body=NotificationsBody,
        answers={200: NotificationsAnswer},
        problems=(404,),
        needs_match=True,
    )
    def put(self, request: Request, pubkey: str) -> HttpResponse:
        """From the next event on. No events: no messages."""
        body = read_body(request, NotificationsBody)
        events = tuple(event for event in EVENTS if event in body.events)
        store_settings(NotifySettings(language=body.language, events=events))
        return answer(_describe())


def _describe() -> NotificationsAnswer:
    wanted = read_notifications().settings
    return NotificationsAnswer(wanted.language, list(wanted.events), _describe_telegram())


def _describe_telegram() -> TelegramState:
    rows = Notice.objects.filter(channel="telegram")
    parked = rows.filter(state=NoticeState.PARKED).order_by("-settled_at")
    failing = parked.first() or rows.filter(state=NoticeState.WAITING).exclude(error="").first()
    sent = rows.filter(state=NoticeState.SENT).order_by("-settled_at").first()
    return TelegramState(
        is_set=find_credential(Service.TELEGRAM) is not None,
        waiting=rows.filter(state=NoticeState.WAITING).count(),
        parked=parked.count(),
        error=failing.error if failing else None,
        last_sent_at=sent.settled_at if sent else None,
    )
