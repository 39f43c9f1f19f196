"""Around the fee policy: its schema, what a document would decide, and configurations of charge-lnd taken over."""

from functools import cache
from typing import Annotated, Any

import msgspec
from django.http import HttpResponse
from msgspec import Meta, Struct
from rest_framework.request import Request

from mcp_saas.api.auth import require_scope
from mcp_saas.api.body import answer, read_body
from mcp_saas.api.language import LANGUAGE, choose_language, name_language
from mcp_saas.api.openapi import endpoint
from mcp_saas.api.view import principal_of
from mcp_saas.kit.text import without_nul
from nodes.api.control import FeePolicyView
from nodes.engine.charge_lnd.reader import ImportedSection
from nodes.engine.cycle import ChannelInput
from nodes.engine.document import FeePolicy
from nodes.engine.language.sentence import Language, tell_decision
from nodes.engine.report import ChannelPolicy
from nodes.engine.summary import NodeSummary
from nodes.engine.types import ChannelDecision, Direction, Effect
from nodes.pipeline.control import read_configuration, store_policy, tell_origin
from nodes.pipeline.preview import preview_policy
from nodes.selectors.node import latest_policy_version
from tenants.api.view import NodeView

FileText = Annotated[str, without_nul(max_length=2_000_000)]


class FeePolicySchema(Struct, frozen=True, rename={"schema": "$schema", "ref": "$ref", "definitions": "$defs"}):
    """The JSON Schema (draft 2020-12) of a fee policy."""

    schema: str
    ref: str
    definitions: dict[str, Any]


class ImportBody(Struct, frozen=True, forbid_unknown_fields=True):
    """A configuration of charge-lnd, and the texts of the files it names: lists of nodes or channels, other ones."""

    config: Annotated[str, without_nul(max_length=1_000_000)]
    files: Annotated[dict[Annotated[str, without_nul(max_length=512)], FileText], Meta(max_length=100)] = {}
    store: bool = True  # false: only shows what it would become


class ImportAnswer(Struct, frozen=True):
    """What became of each section, and the document. `version` is null where nothing was stored."""

    version: int | None
    sections: list[ImportedSection]
    document: FeePolicy


class PreviewBody(Struct, frozen=True, forbid_unknown_fields=True):
    """`document` null: the fee policy in force. As the body of a backtest."""

    document: FeePolicy | None = None


class PreviewItem(Struct, frozen=True):
    """What would be decided on one channel."""

    short_channel_id: str
    direction: Direction
    section: str | None
    rule: str
    old_fee_rate_ppm: int | None  # null: not known
    new_fee_rate_ppm: int | None
    why: str  # in the caller's language
    reason: str
    held_by: str | None
    current_policy: ChannelPolicy | None
    proposed_policy: ChannelPolicy | None
    effect: Effect | None


class PreviewAnswer(Struct, frozen=True):
    """What a run would decide now; null and empty before the first report of the box."""

    snapshot_seq: int | None
    summary: NodeSummary | None
    items: list[PreviewItem]


class FeePolicySchemaView(NodeView):
    permission_classes = (require_scope("read", "device"),)

    @endpoint(
        "get_fee_policy_schema",
        summary="The JSON Schema of the fee policy",
        tag="node",
        answers={200: FeePolicySchema},
        problems=(404,),
        is_tagged=True,
    )
    def get(self, request: Request, pubkey: str) -> HttpResponse:
        """For editors and generators: every rule, matcher, strategy and limit with its type and bounds."""
        return answer(describe_schema())


def replaces_nothing(request: Request) -> bool:
    """The first policy of a node, or a look at what it would become."""
    return latest_policy_version() is None or not read_body(request, ImportBody).store


class FeePolicyImportView(NodeView):
    replaces = FeePolicyView
    permission_classes = (require_scope("act", "device"),)

    @endpoint(
        "import_fee_policy",
        summary="Take over a configuration of charge-lnd",
        tag="node",
        body=ImportBody,
        answers={200: ImportAnswer},
        problems=(404,),
        idempotency="optional",
        needs_match=replaces_nothing,
    )
    def post(self, request: Request, pubkey: str) -> HttpResponse:
        """The whole fee policy is replaced by one that decides the same, with a new version. Where the node has one
        already, If-Match takes the ETag of `get_fee_policy`, or `*`. All that is wrong is refused at once, with line,
        section and property. `files` holds what the configuration names, by name or whole path; a list
        that is missing leaves channels alone, as charge-lnd does.
        """
        body = read_body(request, ImportBody)
        imported = read_configuration(body.config, body.files)
        version = None
        if body.store:
            actor = principal_of(request).subject
            version = store_policy(imported.document, created_by=actor, origin=tell_origin(body.config))
        return answer(ImportAnswer(version, imported.sections, imported.document))


class FeePolicyPreviewView(NodeView):
    permission_classes = (require_scope("read", "device"),)

    @endpoint(
        "preview_fee_policy",
        summary="What a fee policy would decide",
        tag="node",
        body=PreviewBody,
        answers={200: PreviewAnswer},
        problems=(404,),
        parameters=[LANGUAGE],
    )
    def post(self, request: Request, pubkey: str) -> HttpResponse:
        """Decides on the newest snapshot by the document sent, and stores nothing: neither the document nor a run. The
        fields are those of decisions; `why` is in French for `Accept-Language: fr`.
        """
        language = choose_language(request)
        preview = preview_policy(read_body(request, PreviewBody).document)
        if preview is None:
            return answer(PreviewAnswer(None, None, []))
        items = [describe_preview(*pair, language=language) for pair in preview.pairs]
        return name_language(answer(PreviewAnswer(preview.snapshot_seq, preview.summary, items)), language)


@cache
def describe_schema() -> FeePolicySchema:
    schema = msgspec.json.schema(FeePolicy)
    return FeePolicySchema("https://json-schema.org/draft/2020-12/schema", schema["$ref"], schema["$defs"])


def describe_preview(given: ChannelInput, decision: ChannelDecision, *, language: Language) -> PreviewItem:
    return PreviewItem(
        short_channel_id=given.channel.short_channel_id,
        direction=decision.direction,
        section=decision.section,
        rule=decision.rule,
        old_fee_rate_ppm=given.channel.own_policy.fee_rate_ppm if given.channel.own_policy else None,
        new_fee_rate_ppm=decision.proposed_policy.fee_rate_ppm if decision.proposed_policy else None,
        why=tell_decision(given, decision, language=language),
        reason=decision.reason,
        held_by=decision.held_by,
        current_policy=given.channel.own_policy,
        proposed_policy=decision.proposed_policy,
        effect=decision.effect,
    )
