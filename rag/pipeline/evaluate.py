"""Questions with known answers put to a corpus, by the same code that answers people: how good, and how fast.

1. Sections are cut, embedded (kept in a cache folder) and written to the store. 2. Each question is asked three ways:
as the product does, by BM25 alone and by reciprocal rank fusion with k=60. 3. Rankings are of sections, by best chunk.
"""

import gzip
import hashlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from time import perf_counter

import numpy as np
from msgspec import Struct, json

from rag.engine.chunk import cut
from rag.engine.embedding import Vector, Vectors
from rag.engine.fusion import fuse_ranks
from rag.engine.language import Language
from rag.engine.metrics import Quality, average, measure, percentile, refused_at
from rag.engine.sparse import Bm25, encode_question
from rag.engine.types import Chunk, Section
from rag.engine.vectors import prune_tokens
from rag.pipeline.retrieve import Retrieved, find_stops, prepare, rate_evidence, search_prepared
from rag.sources.embedder import Embedder
from rag.sources.qdrant.errors import StoreUnavailableError
from rag.sources.qdrant.point import Content, Point, Query
from rag.sources.qdrant.scope import shared
from rag.sources.qdrant.store import Store

DEPTH = 60  # passages, of which the best of each section counts
RRF_K = 60
KEPT = 0.95
SHOWN = 100  # chunks between two lines of progress
WRITE_TRIES = 3  # the machine may be busy
BATCH = 8  # points with token vectors are large: 8 are some 2 MB of JSON
Say = Callable[[str], None]


class CorpusSection(Struct, frozen=True):
    """A line of a `*.sections.jsonl.gz`. `title` holds the headings, outermost first, with ` > ` between."""

    id: str
    source: str
    licence: str
    path: str
    title: str
    lang: Language
    text: str
    repo: str = ""


class LabelledQuestion(Struct, frozen=True):
    """`relevant`: grade by section, empty where nothing answers. `cross`: asked in French, answered in English."""

    qid: str
    lang: Language
    type: str
    query: str
    relevant: dict[str, int]
    cross: bool = False

    @property
    def group(self) -> str:
        return "en" if self.lang == "en" else "fr_en" if self.cross else "fr_fr"


class Outcome(Struct, frozen=True):
    """Of one question: a ranking by each system, whether the passages answer it (0 to 1), and how long it took."""

    question: LabelledQuestion
    rankings: dict[str, list[str]]
    evidence: float
    search_ms: float
    whole_ms: float


class Times(Struct, frozen=True):
    p50_ms: float
    p95_ms: float


class Report(Struct, frozen=True, kw_only=True):
    """What `--json` holds. `p50_ms` and `p95_ms` are of retrieval alone; null: the file has no such question."""

    en: Quality | None
    fr_en: Quality | None
    fr_fr: Quality | None
    refusal_at_95: float | None
    p50_ms: float
    p95_ms: float
    with_embedding: Times
    baselines: dict[str, dict[str, Quality | None]]
    by_type: dict[str, dict[str, Quality | None]]
    questions: int
    unanswerable: int
    sections: int
    chunks: int
    model: str
    index_s: float


def read_corpus(folder: Path) -> list[CorpusSection]:
    """Raises ValueError for a folder without sections."""
    files = sorted(folder.glob("*.sections.jsonl.gz"))
    lines = [line for file in files for line in gzip.decompress(file.read_bytes()).splitlines() if line.strip()]
    if not lines:
        raise ValueError(f"{folder} holds no *.sections.jsonl.gz")
    return [json.decode(line, type=CorpusSection) for line in lines]


def read_questions(file: Path) -> list[LabelledQuestion]:
    return [json.decode(line, type=LabelledQuestion) for line in file.read_bytes().splitlines() if line.strip()]


def index_corpus(sections: Sequence[CorpusSection], *, store: Store, embedder: Embedder, cache: Path, say: Say) -> int:
    """Returns the number of chunks."""
    chunks = [(section, chunk) for section in sections for chunk in cut([_as_section(section)])]
    points = []
    for section, chunk in chunks:
        points.append(_point(section, chunk, embedder=embedder, cache=cache))
        if len(points) % SHOWN == 0:
            say(f"{len(points)} of {len(chunks)} chunks embedded")
    for begin in range(0, len(points), BATCH):  # without a pause: the embedded store tidies up when it is left alone
        _upsert(store, points[begin : begin + BATCH])
    say(f"{len(points)} chunks indexed")
    return len(chunks)


def evaluate(questions: Sequence[LabelledQuestion], *, store: Store, embedder: Embedder, say: Say) -> list[Outcome]:
    outcomes = []
    for number, question in enumerate(questions, start=1):
        outcomes.append(_ask(question, store=store, embedder=embedder))
        if number % 20 == 0 or number == len(questions):
            say(f"{number} of {len(questions)} questions asked")
    return outcomes


def make_report(outcomes: Sequence[Outcome], *, sections: int, chunks: int, model: str, index_s: float) -> Report:
    answerable = [one for one in outcomes if one.question.relevant]
    unanswerable = [one for one in outcomes if not one.question.relevant]
    groups = {group: _of(answerable, "product", group=group) for group in ("en", "fr_en", "fr_fr")}
    types = sorted({one.question.type for one in answerable})
    return Report(
        **groups,
        refusal_at_95=refused_at(
            KEPT, answerable=[one.evidence for one in answerable], unanswerable=[one.evidence for one in unanswerable]
        ),
        p50_ms=percentile([one.search_ms for one in outcomes], 0.50),
        p95_ms=percentile([one.search_ms for one in outcomes], 0.95),
        with_embedding=Times(*(percentile([one.whole_ms for one in outcomes], share) for share in (0.50, 0.95))),
        baselines={
            system: {group: _of(answerable, system, group=group) for group in ("en", "fr_en", "fr_fr")}
            for system in ("bm25", "rrf_60")
        },
        by_type={
            kind: {group: _of(answerable, "product", group=group, kind=kind) for group in ("en", "fr_en", "fr_fr")}
            for kind in types
        },
        questions=len(outcomes),
        unanswerable=len(unanswerable),
        sections=sections,
        chunks=chunks,
        model=model,
        index_s=index_s,
    )


def _of(outcomes: Sequence[Outcome], system: str, *, group: str, kind: str | None = None) -> Quality | None:
    chosen = [one for one in outcomes if one.question.group == group and kind in {None, one.question.type}]
    return average([measure(one.rankings[system], one.question.relevant) for one in chosen])


def _ask(question: LabelledQuestion, *, store: Store, embedder: Embedder) -> Outcome:
    begun_s = perf_counter()
    prepared = prepare(question.query, embedder=embedder)
    asked_s = perf_counter()
    found = search_prepared(prepared, scope=shared(), store=store, embedder=embedder, limit=DEPTH)
    done_s = perf_counter()
    return Outcome(
        question=question,
        rankings={"product": rank_sections(found), **_baselines(question, store=store, embedder=embedder)},
        evidence=rate_evidence(found),
        search_ms=(done_s - asked_s) * 1e3,
        whole_ms=(done_s - begun_s) * 1e3,
    )


def rank_sections(found: Retrieved) -> list[str]:
    return list(dict.fromkeys(passage.hit.document for passage in found.passages))


def _baselines(question: LabelledQuestion, *, store: Store, embedder: Embedder) -> dict[str, list[str]]:
    """As most products do it: the question as it was typed, over all documents, no translation, no reranking."""
    (embedded,) = embedder.embed([question.query], with_tokens=False)
    terms = encode_question(question.query, question.lang)
    queries = [Query(dense=embedded.dense, limit=DEPTH, candidates=DEPTH, has_content=False)]
    if terms:
        queries.append(Query(terms=terms, limit=DEPTH, candidates=DEPTH, has_content=False))
    found = [list(dict.fromkeys(hit.document for hit in hits)) for hits in store.search(shared(), queries)]
    by_terms = found[1] if terms else []
    return {"bm25": by_terms, "rrf_60": fuse_ranks([found[0], by_terms], k=RRF_K)}


def _upsert(store: Store, points: list[Point]) -> None:
    """Writing again what was written changes nothing. Raises StoreError when it fails again and again."""
    for _ in range(WRITE_TRIES - 1):
        with suppress(StoreUnavailableError):
            store.upsert(shared(), points)
            return
    store.upsert(shared(), points)


def _as_section(section: CorpusSection) -> Section:
    return Section(tuple(section.title.split(" > ")), section.text)


def _point(section: CorpusSection, chunk: Chunk, *, embedder: Embedder, cache: Path) -> Point:
    dense, tokens = _embed(chunk.passage, section.lang, embedder=embedder, cache=cache)
    return Point(
        document=section.id,
        position=chunk.position,
        chunk=f"{section.id}/{chunk.position}",
        lang=section.lang,
        kind="evaluation",
        version=1,
        ts=0,
        content=Content(
            text=chunk.text,
            title=section.title,
            path=chunk.heading_path,
            source=section.source,
            licence=section.licence,
        ),
        dense=dense,
        tokens=tokens,
        terms=Bm25().encode_document(chunk.passage, section.lang),
    )


def _embed(text: str, lang: Language, *, embedder: Embedder, cache: Path) -> tuple[Vector, Vectors | None]:
    """French texts get no token vectors: no leg asks for them."""
    name = hashlib.sha256(f"{embedder.model.id} {lang} {text}".encode()).hexdigest()
    file = cache / name[:2] / f"{name}.npz"
    if file.exists():
        with np.load(file) as kept:
            return kept["dense"], kept["tokens"].astype(np.float32) if kept["tokens"].size else None
    (embedded,) = embedder.embed([text], with_tokens=lang == "en")
    tokens = prune_tokens(embedded, stops=find_stops(embedder))
    file.parent.mkdir(parents=True, exist_ok=True)
    np.savez(file, dense=embedded.dense, tokens=np.zeros((0, 0)) if tokens is None else tokens.astype(np.float16))
    return embedded.dense, tokens
