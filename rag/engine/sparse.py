"""BM25 as sparse vectors: what a document says of its terms, and a question of its own. IDF is the store's to multiply.

Robertson and Zaragoza 2009, "The Probabilistic Relevance Framework: BM25 and Beyond": a term that occurs f times in a
document of n terms weighs f (k1 + 1) / (f + k1 (1 - b + b n / avg_len)).

Terms of the shared corpus are numbered by a hash that anybody can compute. With a key they are numbered by HMAC-SHA256
under it: who holds the store, and not the key, can try no dictionary on a tenant's points, nor compare two tenants'.
"""

import hashlib
import hmac
from collections import Counter
from collections.abc import Iterable, Mapping

from msgspec import Struct

from rag.engine.language import Language
from rag.engine.tokenise import tokenise

Terms = dict[int, float]  # weight by index of the term, an unsigned number of 32 bits


class Bm25(Struct, frozen=True, kw_only=True):
    """`avg_len`: terms of a usual chunk, here the mean of 765 of the field's documentation. It is fixed, so that a
    document's vector does not depend on the others'.
    """

    k1: float = 1.2
    b: float = 0.75
    avg_len: float = 75.0

    def encode_document(self, text: str, language: Language, *, key: bytes | None = None) -> Terms:
        return index_terms(self.weigh(text, language), key=key)

    def score(self, text: str, language: Language, *, words: Mapping[str, float], idf: float) -> float:
        """Without a store: of a text for the weighed words of a question, each as rare as `idf` says."""
        weights = self.weigh(text, language)
        return idf * sum(weight * weights.get(word, 0.0) for word, weight in words.items())

    def weigh(self, text: str, language: Language) -> dict[str, float]:
        counts = Counter(tokenise(text, language))
        scale = self.k1 * (1 - self.b + self.b * counts.total() / self.avg_len)
        return {term: n * (self.k1 + 1) / (n + scale) for term, n in counts.items()}


def encode_question(text: str, language: Language, *, key: bytes | None = None) -> Terms:
    """Each term once: who says a word twice does not mean it more."""
    return index_terms(dict.fromkeys(tokenise(text, language), 1.0), key=key)


def index_terms(weights: Mapping[str, float], *, key: bytes | None = None) -> Terms:
    """Weights by index. Two terms of one index (1 pair in 4 billion) are taken for one, at the greater weight."""
    indexed: Terms = {}
    for index, weight in zip(_number(weights, key), weights.values(), strict=True):
        indexed[index] = max(weight, indexed.get(index, 0.0))
    return indexed


def _number(terms: Iterable[str], key: bytes | None) -> Iterable[int]:
    for term in terms:
        data = term.encode()
        digest = hashlib.blake2b(data, digest_size=4).digest() if key is None else hmac.digest(key, data, "sha256")
        yield int.from_bytes(digest[:4], "big")
