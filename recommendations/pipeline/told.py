"""An answer as the API gives it and commands print it."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from rag.engine.evidence import Evidence
from rag.pipeline.answer import Composed, Gathered, Mode, list_citations

Order = Annotated[int, Meta(ge=1, le=100)]


class CitationItem(Struct, frozen=True, kw_only=True):
    """What a sentence stands on. `chunk_id` leads back to it: a chunk's id, or `decision:123`, `channel:800000x1x0`,
    `action:...`, `run:...` of the own node. `quote` stands there word for word.
    """

    number: Order
    chunk_id: str
    kind: Literal["fact", "passage"]
    quote: str
    title: str
    source: str
    licence: str
    language: Literal["en", "fr"]
    rule: str | None
    held_by: str | None


class SentenceItem(Struct, frozen=True):
    """One sentence, and the numbers of its citations; none for what is no claim."""

    text: str
    citations: list[Order]


class EvidenceItem(Struct, frozen=True):
    """What an answer may stand on."""

    chunk_id: str
    kind: Literal["fact", "passage"]
    title: str
    text: str


class AskAnswer(Struct, frozen=True, kw_only=True):
    """An answer with what it stands on. Without evidence `grounded` is false and `would_help` says what to do."""

    answer: str
    sentences: list[SentenceItem]
    citations: list[CitationItem]
    grounded: bool
    mode: Mode
    model_used: str | None
    language: Literal["en", "fr"]
    degraded: list[str]
    dropped_sentences: int  # of a model, which their evidence did not bear out
    withheld_passages: int  # left out because they give orders to the assistant
    would_help: list[str]


def describe_evidence(one: Evidence) -> EvidenceItem:
    return EvidenceItem(one.id, one.kind, one.title, one.text)


def describe_answer(gathered: Gathered, composed: Composed) -> AskAnswer:
    cited = list_citations(composed.sentences, gathered.evidence)
    items = [_cite(number, one, quote=quote) for number, (one, quote) in enumerate(cited, start=1)]
    sentences = describe_sentences(composed)
    return AskAnswer(
        answer=" ".join(_mark(one) for one in sentences),
        sentences=sentences,
        citations=items,
        grounded=composed.grounded,
        mode=composed.mode,
        model_used=composed.model_used,
        language=gathered.language,
        degraded=list(composed.degraded),
        dropped_sentences=composed.dropped,
        withheld_passages=gathered.withheld,
        would_help=[] if composed.grounded else list(gathered.would_help),
    )


def describe_sentences(composed: Composed) -> list[SentenceItem]:
    order = list(dict.fromkeys(citation for one in composed.sentences for citation in one.citations))
    return [
        SentenceItem(one.text, [order.index(citation) + 1 for citation in one.citations]) for one in composed.sentences
    ]


def _mark(sentence: SentenceItem) -> str:
    return " ".join([sentence.text, *(f"[{number}]" for number in sentence.citations)])


def _cite(number: int, one: Evidence, *, quote: str) -> CitationItem:
    return CitationItem(
        number=number,
        chunk_id=one.id,
        kind=one.kind,
        quote=quote,
        title=one.title,
        source=one.source,
        licence=one.licence,
        language=one.language,
        rule=one.rule,
        held_by=one.held_by,
    )
