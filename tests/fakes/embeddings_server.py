"""A provider of embeddings on a loopback socket, which remembers every text it was sent and can be made to wait."""

import hashlib
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from tests.fakes.openai_server import KEY, Asked, OpenAIServer, Said

DIMENSION = 64


class Provider:
    """Equal texts have equal vectors, others have others."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.is_held = threading.Event()
        self._server = OpenAIServer(self._answer)
        self._held_word, self._go_on = "", threading.Event()

    @contextmanager
    def hold(self, word: str) -> Iterator[None]:
        """Requests with this word in a text are not answered before `let_go`, or the end of the block."""
        self._held_word = word
        self.is_held.clear()
        self._go_on.clear()
        try:
            yield
        finally:
            self.let_go()

    def let_go(self) -> None:
        self._held_word = ""
        self._go_on.set()

    def settings(self) -> dict[str, str]:
        """By the names of the environment, for a product with a collection of its own."""
        return {
            "OPENAI_API_KEY": KEY,
            "OPENAI_BASE_URL": self._server.base_url,
            "OPENAI_EMBEDDING_DIMENSION": str(DIMENSION),
            "QDRANT_COLLECTION": f"t{secrets.token_hex(6)}",
        }

    def _answer(self, asked: Asked) -> Said:
        texts = asked.body["input"]
        self.texts += texts
        if self._held_word and any(self._held_word in text for text in texts):
            self.is_held.set()
            self._go_on.wait(60)
        data = [{"object": "embedding", "index": n, "embedding": draw(text)} for n, text in enumerate(texts)]
        usage = {"prompt_tokens": 8, "total_tokens": 8}
        return Said(body={"object": "list", "data": data, "model": asked.body["model"], "usage": usage})


@contextmanager
def embedding_provider() -> Iterator[Provider]:
    provider = Provider()
    with provider._server:
        yield provider


def draw(text: str) -> list[float]:
    seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")
    return [float(number) for number in np.random.default_rng(seed).normal(size=DIMENSION)]
