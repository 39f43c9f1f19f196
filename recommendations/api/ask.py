"""Questions about the own node and about Lightning, answered with what the answer stands on."""

from collections.abc import Iterator
from typing import Any

import msgspec
import structlog
from django.http import StreamingHttpResponse
from rest_framework.request import Request

from mcp_saas.api.auth import require_scope
from mcp_saas.api.body import EVENTS, EventStreamRenderer, JsonRenderer, answer, read_body
from mcp_saas.api.openapi import endpoint
from rag.pipeline.answer import Gathered
from recommendations.api.contract import AskBody
from recommendations.pipeline.ask import compose_answer, gather_evidence
from recommendations.pipeline.told import AskAnswer, describe_answer, describe_evidence
from tenants.api.view import TenantView
from tenants.context import TenantRef, current_tenant, enter_tenant

log = structlog.get_logger(__name__)
NO_STORE = {"Cache-Control": "no-store"}


class AskView(TenantView):
    rate_class = "ask"
    permission_classes = (require_scope("read", "device"),)
    renderer_classes = (JsonRenderer, EventStreamRenderer)

    @endpoint(
        "ask_question",
        summary="Ask about the own node, or about Lightning",
        tag="knowledge",
        body=AskBody,
        answers={200: AskAnswer},
        streams=True,
    )
    def post(self, request: Request) -> Any:
        """Answered from records of the own node (decisions, channels, actions, forwards) and from passages of the
        library and of the own documents, each cited with a quote. With a key of OpenAI a model puts them into words
        (`mode: llm`), and what they do not bear out is dropped; without, or when it fails, they are quoted (`mode:
        deterministic`). Without evidence the answer says so. With `stream` the answer comes as server-sent events:
        `evidence`, a `sentence` each, and `done` with the whole answer, or `error`.
        """
        body = read_body(request, AskBody)
        gathered = gather_evidence(body.question, body.language)
        if not body.stream:
            return answer(describe_answer(gathered, compose_answer(gathered)), headers=NO_STORE)
        events = stream_answer(current_tenant(), gathered)
        return StreamingHttpResponse(events, content_type=EVENTS, headers=NO_STORE | {"X-Accel-Buffering": "no"})


def stream_answer(tenant: TenantRef, gathered: Gathered) -> Iterator[bytes]:
    """The evidence at once, the rest when it is verified. Between two events nobody is behind the tenant's door."""
    yield _event("evidence", [describe_evidence(one) for one in gathered.evidence])
    try:
        with enter_tenant(tenant):
            composed = compose_answer(gathered)
    except Exception:  # the status is sent already: whatever it is, the stream says so
        log.exception("answer_broke_off")
        yield _event("error", {"title": "Internal error", "detail": "It was recorded. Ask again."})
        return
    whole = describe_answer(gathered, composed)
    yield from (_event("sentence", sentence) for sentence in whole.sentences)
    yield _event("done", whole)


def _event(name: str, data: object) -> bytes:
    """JSON has no line breaks, so one line of data is enough (HTML, section 9.2.5)."""
    return b"event: %b\ndata: %b\n\n" % (name.encode(), msgspec.json.encode(data))
