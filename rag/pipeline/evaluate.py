"""Questions with known answers put to a corpus, by the same code that answers people: how good, and how fast.

1. Sections are cut, embedded (kept in a cache folder) and written to the store. 2. Each question is asked three ways:
as the product does, by BM25 alone and by reciprocal rank fusion with k=60. 3. Rankings are of sections, by best chunk.
"""

from collections.abc import Sequence
from time import perf_counter, process_time
from typing import NamedTuple

from msgspec import Struct

from rag.engine.fusion import fuse_ranks
from rag.engine.sparse import encode_question
from rag.pipeline.evaluation_corpus import LabelledQuestion, Say
from rag.pipeline.prepare import Prepared, prepare
from rag.pipeline.retrieve import Retrieved, rate_evidence, search_prepared
from rag.sources.embedder import Embedder
from rag.sources.qdrant.point import Query
from rag.sources.qdrant.scope import shared
from rag.sources.qdrant.store import Store

DEPTH = 60  # passages, of which the best of each section counts
RRF_K = 60


class Outcome(Struct, frozen=True):
    """Of one question: a ranking by each system, whether the passages answer it (0 to 1), and how long it took: on the
    clock, and of this process's processor (the store's is not in it).
    """

    question: LabelledQuestion
    rankings: dict[str, list[str]]
    evidence: float
    search_ms: float
    whole_ms: float
    search_cpu_ms: float


class Timed(NamedTuple):
    """On the clock, and of this process's processor."""

    found: Retrieved
    wall_ms: float
    cpu_ms: float


def evaluate(questions: Sequence[LabelledQuestion], *, store: Store, embedder: Embedder, say: Say) -> list[Outcome]:
    """The way of a question from its words on is timed first, then searches alone, each one after the other as owners
    ask; the baselines come after all of those, and are not timed.
    """
    asked: list[tuple[Prepared, float]] = []
    for number, question in enumerate(questions, start=1):
        begun_s = perf_counter()
        prepared = prepare(question.query, embedder=embedder, has_own=False)
        _search(prepared, store=store)
        asked.append((prepared, (perf_counter() - begun_s) * 1e3))
        if number % 20 == 0 or number == len(questions):
            say(f"{number} of {len(questions)} questions asked")
    searched = [_search(prepared, store=store) for prepared, _ in asked]
    return [
        Outcome(
            question=question,
            rankings={"product": rank_sections(timed.found), **_baselines(question, store=store, embedder=embedder)},
            evidence=rate_evidence(timed.found),
            search_ms=timed.wall_ms,
            whole_ms=whole_ms,
            search_cpu_ms=timed.cpu_ms,
        )
        for question, (_, whole_ms), timed in zip(questions, asked, searched, strict=True)
    ]


def _search(prepared: Prepared, *, store: Store) -> Timed:
    begun_s, begun_cpu_s = perf_counter(), process_time()
    found = search_prepared(prepared, scope=shared(), store=store, limit=DEPTH)
    return Timed(found, (perf_counter() - begun_s) * 1e3, (process_time() - begun_cpu_s) * 1e3)


def rank_sections(found: Retrieved) -> list[str]:
    return list(dict.fromkeys(passage.hit.document for passage in found.passages))


def _baselines(question: LabelledQuestion, *, store: Store, embedder: Embedder) -> dict[str, list[str]]:
    """As most products do it: the question as it was typed, over all documents, no translation, no reranking."""
    (embedded,) = embedder.embed([question.query], with_tokens=False)
    terms = encode_question(question.query, question.lang)
    queries = [Query(dense=embedded.dense, limit=DEPTH, candidates=DEPTH)]
    if terms:
        queries.append(Query(terms=terms, limit=DEPTH, candidates=DEPTH))
    found = [list(dict.fromkeys(hit.document for hit in hits)) for hits in store.search(shared(), queries)]
    by_terms = found[1] if terms else []
    return {"bm25": by_terms, "rrf_60": fuse_ranks([found[0], by_terms], k=RRF_K)}
