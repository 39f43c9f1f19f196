"""The vectors of a question: its own words and the field's, mixed; words that every question has weigh less."""

import numpy as np

from rag.engine.embedding import Embedded, Vector, Vectors
from rag.engine.weights import FIELD_WORDS, STOP_WORD

Stops = frozenset[int]  # word pieces that every text has
_DECIMALS = 5  # of what is sent: the store keeps half precision
MAX_TOKENS = 18  # of a question, the heaviest: what a long one says beyond is in its other vectors


def mix_dense(asked: Embedded, field: Embedded | None) -> Vector:
    """Of unit length."""
    mixed = asked.dense if field is None else (1 - FIELD_WORDS) * asked.dense + FIELD_WORDS * field.dense
    return np.asarray(mixed / np.linalg.norm(mixed), np.float32)


def mix_tokens(asked: Embedded, field: Embedded | None, *, stops: Stops) -> Vectors | None:
    """Rows whose lengths sum to 1, so that MaxSim is a mean of cosines. None: the text has no words, or no tokens."""
    own = _weigh(asked, stops)
    if own is None:
        return None
    other = _weigh(field, stops) if field is not None else None
    mixed = own if other is None else np.concatenate([(1 - FIELD_WORDS) * own, FIELD_WORDS * other])
    return np.asarray(np.round(_keep_heaviest(mixed), _DECIMALS), np.float32)


def prune_tokens(passage: Embedded, *, stops: Stops) -> Vectors | None:
    """For the store: a row for each different word piece, the mean of its states; none for words that say nothing."""
    if passage.tokens is None or passage.pieces is None or not len(passage.pieces):
        return None
    telling = np.array([int(piece) not in stops for piece in passage.pieces])
    pieces, tokens = passage.pieces[telling], passage.tokens[telling]
    if not len(pieces):
        return None
    different, place = np.unique(pieces, return_inverse=True)
    sums = np.zeros((len(different), tokens.shape[1]), np.float32)
    np.add.at(sums, place, tokens)
    return np.asarray(sums / np.linalg.norm(sums, axis=1, keepdims=True), np.float32)


def _keep_heaviest(tokens: Vectors) -> Vectors:
    """Of equal ones the first."""
    if len(tokens) <= MAX_TOKENS:
        return tokens
    weights = np.linalg.norm(tokens, axis=1)
    kept = np.sort(np.argsort(-weights, kind="stable")[:MAX_TOKENS])
    return np.asarray(tokens[kept] * (weights.sum() / weights[kept].sum()), np.float32)


def _weigh(text: Embedded, stops: Stops) -> Vectors | None:
    if text.tokens is None or text.pieces is None or not len(text.pieces):
        return None
    weights = np.array([STOP_WORD if int(piece) in stops else 1.0 for piece in text.pieces], np.float32)
    return np.asarray(text.tokens * (weights / weights.sum())[:, None], np.float32)
