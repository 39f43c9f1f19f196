"""The vectors of a question."""

import numpy as np
import pytest

from rag.engine.embedding import Embedded
from rag.engine.vectors import MAX_TOKENS, mix_tokens
from rag.engine.weights import STOP_WORD

STOP, WORD = 1, 2
WIDTH = 64


def embed(pieces: list[int]) -> Embedded:
    """Each piece in a direction of its own."""
    tokens = np.eye(len(pieces), WIDTH, dtype=np.float32)
    return Embedded(tokens[0], tokens, np.array(pieces, np.int32))


def test_the_tokens_of_a_question_weigh_one_together_and_stop_words_less() -> None:
    tokens = mix_tokens(embed([STOP, WORD]), None, stops=frozenset({STOP}))
    assert tokens is not None
    stop, word = np.linalg.norm(tokens, axis=1)
    assert stop + word == pytest.approx(1.0, abs=1e-4)
    assert stop == pytest.approx(STOP_WORD * word, abs=1e-4)


def test_of_a_long_question_the_heaviest_tokens_are_asked_in_their_order() -> None:
    asked = embed([STOP, STOP, *[WORD] * MAX_TOKENS])
    tokens = mix_tokens(asked, None, stops=frozenset({STOP}))
    assert tokens is not None
    assert asked.tokens is not None
    assert np.array_equal(tokens > 0, asked.tokens[2:] > 0)
    assert np.linalg.norm(tokens, axis=1).sum() == pytest.approx(1.0, abs=1e-3)
