"""What goes into the store of vectors and what comes out: values without a tenant, which the scope alone knows.

Vectors are float32 arrays of unit length: `dense` of shape (dimension,), `tokens` of shape (n, dimension). `terms` are
BM25 weights by term index (u32), plain for the shared corpus, by keyed hash for a tenant (`rag.engine.sparse`).
"""

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct
from numpy import float32
from numpy.typing import NDArray

Vector = NDArray[float32]
Terms = Mapping[int, float]
Part = Literal["all", "own", "shared"]
MAX_LIMIT = 200  # hits of one query, and candidates of one leg; strict mode holds the store to it too


class Content(Struct, frozen=True, kw_only=True):
    """What a person reads. A tenant's is sealed before it leaves the process; the shared corpus is stored as it is."""

    text: str
    title: str = ""
    path: tuple[str, ...] = ()  # headings above it, outermost first
    source: str = ""  # where it is from: a URL or a file's name
    licence: str = ""


class Point(Struct, frozen=True, kw_only=True):
    """One chunk of a document. The same chunk of the same text is the same point, however often it is written."""

    document: str
    position: int  # of the chunk in its document, from 0
    chunk: str  # its id in the database
    lang: str  # "en" or "fr"
    kind: str  # what the document is: guide, spec, note ...
    version: int  # of the document
    ts: int  # unix seconds, when the document was written
    content: Content
    dense: Vector
    tokens: Vector | None = None  # of the shared corpus only
    terms: Terms | None = None


class Rrf(Struct, frozen=True, kw_only=True):
    """Reciprocal rank fusion: sum of weight / (k + rank). `weights` are of dense and terms, in this order."""

    k: int = 2
    weights: tuple[float, float] | None = None


class Dbsf(Struct, frozen=True):
    """Distribution-based score fusion: scores of each leg between mean - 3 and + 3 standard deviations, added up."""


class Query(Struct, frozen=True, kw_only=True):
    """One search. Its legs are what is given of `dense` and `terms`; two are fused. `tokens` rank the best `ranked` of
    the result anew by MaxSim: points without token vectors, so all of tenants, fall out. With `best_of` they rank what
    these queries find, the best `ranked` of each, in the place of legs of their own.

    `part` narrows the scope, `lang`, `kinds`, `documents` and `among` (ids of hits) narrow further. Nothing widens it.
    """

    dense: Vector | None = None
    terms: Terms | None = None
    tokens: Vector | None = None
    fusion: Rrf | Dbsf = Rrf()
    limit: int = 10
    candidates: int = 50  # of each leg, before fusion and ranking
    ranked: int = 50
    part: Part = "all"
    lang: str | None = None
    documents: tuple[str, ...] = ()
    among: tuple[str, ...] = ()
    best_of: "tuple[Query, ...]" = ()


class Hit(Struct, frozen=True, kw_only=True):
    """`score` is of the last step: MaxSim, else fusion, else the one leg (cosine, or BM25)."""

    id: str
    score: float
    is_shared: bool  # of the shared corpus, else the tenant's own
    document: str
    position: int
    chunk: str
    lang: str
    kind: str
    version: int
    ts: int
    content: Content
