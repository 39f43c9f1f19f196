"""What the library says of each situation of an advice, word for word: found by the search, kept for all boxes."""

from collections.abc import Mapping
from typing import NamedTuple
from uuid import UUID

import msgspec
import structlog
from django.conf import settings

from mcp_saas.kit.breaker import Breaker
from mcp_saas.kit.cache import digest_arguments, find_cache
from mcp_saas.kit.ttl_cache import TtlCache
from rag.engine.extract import extract_answer
from rag.engine.language import Language
from rag.engine.sentences import cut_sentences
from rag.pipeline.knowledge import search_library
from rag.pipeline.library import find_known_chunks
from rag.pipeline.passages import RAG, KnowledgeAwayError, Retrieved, find_passages
from recommendations.engine.advice import Advice, Evidence
from recommendations.engine.questions import QUESTIONS, name_cited

log = structlog.get_logger(__name__)
EVERYBODY = "library"  # nothing of any box is in it
TTL_S, STALE_S, AT_HAND_S = 3600, 82_800, 5.0
Citations = dict[str, tuple[Evidence, ...]]  # by the situation
_at_hand: TtlCache[Language, "Cited"] = TtlCache(max_entries=len(QUESTIONS), ttl_s=AT_HAND_S)
_decoder = msgspec.msgpack.Decoder(Citations)
breaker = Breaker(failures=1)


class Cited(NamedTuple):
    """`mark` tells these passages from any others."""

    by_situation: Mapping[str, tuple[Evidence, ...]]
    degraded: tuple[str, ...] = ()
    mark: str = ""

    def find(self, advice: Advice) -> tuple[Evidence, ...]:
        return self.by_situation.get(name_cited(advice), ())


def cite(language: Language) -> Cited:
    """From this process for some seconds, else from the cache; searched once an hour, and while the search is away what
    was found last stands in for a day.
    """
    return _at_hand.find_or_load(language, lambda: _find_or_search(language)) or Cited({})


def mark_at_hand(language: Language) -> str:
    """Of what `cite` would give without asking anybody; empty: it would have to."""
    cited = _at_hand.find(language)
    return cited.mark if cited else ""


def _find_or_search(language: Language) -> Cited:
    try:
        kept = _find(language, use_cache=True)
        found = kept if _stand(kept) else _find(language, use_cache=False)
    except KnowledgeAwayError:
        return Cited({}, degraded=(RAG,), mark="away")
    return Cited(found, mark=digest_arguments(found))


def _find(language: Language, *, use_cache: bool) -> Citations:
    """What is kept in another shape, by another release or by whoever writes to the cache, is searched anew."""
    found = find_cache(settings.ENV.redis_url).get_or_make(
        "citations",
        EVERYBODY,
        arguments=language,
        make=lambda: msgspec.msgpack.encode(search_all(language)),
        ttl_s=TTL_S,
        stale_s=STALE_S,
        use_cache=use_cache,
    )
    try:
        return _decoder.decode(found.value)
    except (msgspec.DecodeError, UnicodeDecodeError):
        if not use_cache:  # a stale one, while the search is away
            raise KnowledgeAwayError("what is kept cannot be read") from None
        log.warning("kept_citations_unreadable")
        return _find(language, use_cache=False)


def _stand(citations: Citations) -> bool:
    """Whether each passage is still in the library: a text read anew has others."""
    ids = {UUID(one.ref) for quoted in citations.values() for one in quoted}
    return find_known_chunks(ids) == ids


def search_all(language: Language) -> Citations:
    """A search a question. Raises KnowledgeAwayError; then nobody searches for half a minute."""
    if not breaker.allow():
        raise KnowledgeAwayError("the search failed a moment ago")
    try:
        found = {question: _search(question, language) for question in dict.fromkeys(QUESTIONS[language].values())}
    except KnowledgeAwayError:
        breaker.note_failure()
        raise
    breaker.note_success()
    return {situation: found[question] for situation, question in QUESTIONS[language].items()}


def _search(question: str, language: Language) -> tuple[Evidence, ...]:
    """The first sentence of the best answer."""
    away: list[KnowledgeAwayError] = []

    def retrieve(asked: str) -> Retrieved:
        try:
            return search_library(asked)
        except KnowledgeAwayError as error:
            away.append(error)
            raise

    found = find_passages(question, retrieve)
    if away:
        raise away[0]
    titles = {one.id: one for one in found.evidence}
    quoted = extract_answer(question, found.evidence, language=language)[:1]
    return tuple(
        Evidence(
            kind="document",
            ref=one.id,
            value=f"{titles[one.id].title} ({titles[one.id].source}, {titles[one.id].licence})",
            quote=cut_sentences(one.text)[0],
        )
        for one in quoted
    )
