"""A corpus in files, and the questions put to it: read, embedded once and for all, written to the store."""

import gzip
import hashlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

import numpy as np
from msgspec import Struct, json

from rag.engine.chunk import cut
from rag.engine.embedding import Embedded
from rag.engine.language import Language
from rag.engine.sparse import Bm25
from rag.engine.types import Chunk, Section
from rag.pipeline.passage import embed_passages, write_for_model
from rag.sources.embedder import Embedder
from rag.sources.qdrant.errors import StoreUnavailableError
from rag.sources.qdrant.point import Content, Point
from rag.sources.qdrant.scope import shared
from rag.sources.qdrant.store import Store

SHOWN = 200  # chunks between two lines of progress
WRITE_TRIES = 3  # the machine may be busy
BATCH = 64
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


def read_corpus(folder: Path) -> list[CorpusSection]:
    """Raises ValueError for a folder without sections."""
    files = sorted(folder.glob("*.sections.jsonl.gz"))
    lines = [line for file in files for line in gzip.decompress(file.read_bytes()).splitlines() if line.strip()]
    if not lines:
        raise ValueError(f"{folder} holds no *.sections.jsonl.gz")
    return [json.decode(line, type=CorpusSection) for line in lines]


def read_questions(file: Path) -> list[LabelledQuestion]:
    """Raises ValueError for a file without questions."""
    found = [json.decode(line, type=LabelledQuestion) for line in file.read_bytes().splitlines() if line.strip()]
    if not found:
        raise ValueError(f"{file} holds no question")
    return found


def index_corpus(sections: Sequence[CorpusSection], *, store: Store, embedder: Embedder, cache: Path, say: Say) -> int:
    """Returns the number of chunks. What was embedded before is read from `cache`. Raises StoreError, EmbedderError."""
    chunks = [(section, chunk) for section in sections for chunk in cut([_as_section(section)])]
    read = partial(_embed, embedder=embedder, cache=cache)
    for number, (section, chunk) in enumerate(chunks, start=1):  # first: the store tidies up between writes far apart
        read(chunk.passage, section.lang)
        if number % SHOWN == 0:
            say(f"{number} of {len(chunks)} chunks embedded")
    for begin in range(0, len(chunks), BATCH):
        batch = chunks[begin : begin + BATCH]
        _upsert(
            store,
            [_point(section, chunk, embedded=read(chunk.passage, section.lang)) for section, chunk in batch],
        )
    say(f"{len(chunks)} chunks indexed")
    return len(chunks)


def _upsert(store: Store, points: list[Point]) -> None:
    """Writing again what was written changes nothing. Raises StoreError when it fails again and again."""
    for _ in range(WRITE_TRIES - 1):
        with suppress(StoreUnavailableError):
            store.upsert(shared(), points)
            return
    store.upsert(shared(), points)


def _as_section(section: CorpusSection) -> Section:
    return Section(tuple(section.title.split(" > ")), section.text)


def _point(section: CorpusSection, chunk: Chunk, *, embedded: Embedded) -> Point:
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
        dense=embedded.dense,
        tokens=embedded.tokens,
        terms=Bm25().encode_document(chunk.passage, section.lang),
    )


def _embed(text: str, lang: Language, *, embedder: Embedder, cache: Path) -> Embedded:
    read = write_for_model(text, lang, model=embedder.model)
    name = hashlib.sha256(f"{embedder.model.id} {lang} {read}".encode()).hexdigest()
    file = cache / name[:2] / f"{name}.npz"
    if file.exists():
        with np.load(file) as kept:
            return Embedded(kept["dense"], kept["tokens"].astype(np.float32) if kept["tokens"].size else None)
    (embedded,) = embed_passages([text], lang, embedder=embedder)
    tokens = np.zeros((0, 0)) if embedded.tokens is None else embedded.tokens
    file.parent.mkdir(parents=True, exist_ok=True)
    np.savez(file, dense=embedded.dense, tokens=tokens.astype(np.float16))
    return embedded
