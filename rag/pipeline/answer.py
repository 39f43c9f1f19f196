"""A question is answered from evidence: facts of the asker's node first, then passages; in a model's words where they
can be had and hold, else in the evidence's own.
"""

from collections.abc import Sequence
from typing import Literal

from msgspec import Struct

from rag.engine.citation import find_quote
from rag.engine.evidence import Citation, Evidence, Language, Sentence
from rag.engine.extract import Quoted, extract_answer
from rag.engine.wording import LIBRARY_AWAY, NO_EVIDENCE, OTHER_LANGUAGE, WITHHELD, quote
from rag.pipeline.passages import LIMIT, RAG, Found
from rag.pipeline.rephrase import Asking, Phrasing, rephrase
from rag.sources.openai.connect import ModelAccess

MAX_FACTS = 10
MAX_BESIDE_FACTS = 1  # passages, and quotes: records answer a question about the node
Mode = Literal["deterministic", "llm"]


class Gathered(Struct, frozen=True, kw_only=True):
    """All that an answer may stand on. `lead`: what is to be said before it; `would_help`: where there is no answer."""

    question: str
    language: Language
    facts: tuple[Evidence, ...] = ()
    passages: tuple[Evidence, ...] = ()
    lead: str = ""
    would_help: tuple[str, ...] = ()
    degraded: tuple[str, ...] = ()
    withheld: int = 0

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        return self.facts + self.passages


class Composed(Struct, frozen=True, kw_only=True):
    """An answer, sentence by sentence. `dropped`: sentences of a model that their evidence did not bear out."""

    sentences: tuple[Sentence, ...]
    mode: Mode
    grounded: bool
    model_used: str | None = None
    degraded: tuple[str, ...] = ()
    dropped: int = 0


def gather(
    question: str,
    facts: Sequence[Evidence],
    *,
    found: Found,
    language: Language,
    lead: str = "",
    would_help: tuple[str, ...] = (),
) -> Gathered:
    """Passages count where they look like an answer; one does where facts answer."""
    return Gathered(
        question=question,
        language=language,
        facts=tuple(facts[:MAX_FACTS]),
        passages=found.evidence[: MAX_BESIDE_FACTS if facts else LIMIT] if found.answerable else (),
        lead=lead,
        would_help=would_help,
        degraded=found.degraded,
        withheld=found.withheld,
    )


def compose(gathered: Gathered, access: ModelAccess | None, *, token_limit: int) -> Composed:
    """For the tenant we are in. Without a model, or where it fails, the evidence speaks for itself."""
    if not gathered.evidence:
        return _decline(gathered)
    phrasing = Phrasing() if access is None else _ask_model(gathered, access, token_limit=token_limit)
    degraded = gathered.degraded + ((phrasing.lack,) if phrasing.lack else ())
    if phrasing.sentences:
        lead = (Sentence(gathered.lead, ()),) if gathered.lead else ()
        return Composed(
            sentences=lead + phrasing.sentences,
            mode="llm",
            grounded=True,
            model_used=phrasing.model,
            degraded=degraded,
            dropped=phrasing.dropped,
        )
    sentences = _quote_evidence(gathered)
    if not sentences:
        return _decline(gathered)
    return Composed(
        sentences=_lead_in(gathered) + sentences,
        mode="deterministic",
        grounded=True,
        degraded=degraded,
        dropped=phrasing.dropped,
    )


def list_citations(sentences: Sequence[Sentence], evidence: Sequence[Evidence]) -> list[tuple[Evidence, str]]:
    """What the sentences stand on, each once, in their order; the quote as it stands in the evidence."""
    known = {one.id: one for one in evidence}
    cited = dict.fromkeys(citation for sentence in sentences for citation in sentence.citations)
    return [(known[one.id], find_quote(one.quote, known[one.id].text) or one.quote) for one in cited]


def _ask_model(gathered: Gathered, access: ModelAccess, *, token_limit: int) -> Phrasing:
    asking = Asking(
        question=gathered.question,
        evidence=gathered.evidence,
        language=gathered.language,
        access=access,
        token_limit=token_limit,
    )
    return rephrase(asking)


def _quote_evidence(gathered: Gathered) -> tuple[Sentence, ...]:
    """Facts are our own sentences and stand as they are; passages are quoted."""
    facts = [Sentence(fact.text, (Citation(fact.id, fact.text),)) for fact in gathered.facts]
    quoted = extract_answer(gathered.question, gathered.passages, language=gathered.language)
    quoted = quoted[:MAX_BESIDE_FACTS] if facts else quoted
    return (*facts, *(Sentence(_show(one, gathered.language), (Citation(one.id, one.text),)) for one in quoted))


def _show(quoted: Quoted, language: Language) -> str:
    return f"`{quoted.text}`" if quoted.is_code else quote(quoted.text, language)


def _lead_in(gathered: Gathered) -> tuple[Sentence, ...]:
    return tuple(Sentence(text, ()) for text in (gathered.lead, _tell_other_language(gathered)) if text)


def _tell_other_language(gathered: Gathered) -> str:
    """Where all that can be quoted is in the other language."""
    is_foreign = not gathered.facts and all(one.language != gathered.language for one in gathered.passages)
    return OTHER_LANGUAGE[gathered.language] if is_foreign else ""


def _decline(gathered: Gathered) -> Composed:
    """No evidence: it is said, with what would help."""
    language = gathered.language
    words = [gathered.lead or NO_EVIDENCE[language]]
    words += [LIBRARY_AWAY[language]] if RAG in gathered.degraded else []
    words += [WITHHELD[language]] if gathered.withheld else []
    return Composed(
        sentences=tuple(Sentence(text, ()) for text in (*words, *gathered.would_help)),
        mode="deterministic",
        grounded=False,
        degraded=gathered.degraded,
    )
