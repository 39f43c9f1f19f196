"""The served embedder from outside: EMBEDDER_URL. Web and workers use it, and one process holds the model for all."""

import time
from collections.abc import Sequence
from typing import Final

import httpx
import msgspec

from mcp_saas.kit.breaker import Breaker
from mcp_saas.kit.patience import left_s
from rag.engine.embedding import Embedded, EmbedderError
from rag.sources.minilm.wire import (
    KEY_HEADER,
    MAX_BODY_BYTES,
    MAX_TEXTS,
    MEDIA_TYPE,
    MODEL,
    EmbedReply,
    EmbedRequest,
    Refusal,
)

# Seconds. It may have to load the model first, on a machine that is busy; while it makes it, it says so at once.
TIMEOUT: Final = httpx.Timeout(20, connect=2)
LOST_S: Final = 8.0  # of waiting for nothing, in a row: then it is left alone
CONNECT_RETRIES: Final = 2  # nothing was asked yet
MAX_TEXT_CHARACTERS: Final = MAX_BODY_BYTES // MAX_TEXTS // 4 - 16  # far more than the model reads
_TEMPORARY: Final = frozenset({408, 425, 429, 500, 502, 504})


class EmbedderClient:
    """Any number of threads may use one."""

    def __init__(self, url: str, *, api_key: str = "", timeout: httpx.Timeout = TIMEOUT) -> None:
        self.model = MODEL
        self._url = url
        self._place = httpx.URL(url).copy_with(username=None, password=None)  # what errors may tell
        self._breaker = Breaker(lost_s=LOST_S)
        self._timeout = timeout
        headers = {"Content-Type": MEDIA_TYPE} | ({KEY_HEADER: api_key} if api_key else {})
        transport = httpx.HTTPTransport(retries=CONNECT_RETRIES)
        self._http = httpx.Client(headers=headers, timeout=timeout, transport=transport, trust_env=False)

    def close(self) -> None:
        """Lets go of the connections it keeps. Nothing is embedded afterwards."""
        self._http.close()

    def embed(self, texts: Sequence[str], *, with_tokens: bool) -> list[Embedded]:
        """Raises EmbedderError."""
        parts = [texts[start : start + MAX_TEXTS] for start in range(0, len(texts), MAX_TEXTS)]
        return [one for part in parts for one in self._embed_part(part, with_tokens=with_tokens)]

    def _embed_part(self, texts: Sequence[str], *, with_tokens: bool) -> list[Embedded]:
        if not self._breaker.allow():
            raise EmbedderError(f"The embedder at {self._place} is down and left alone for now", is_temporary=True)
        began_at_s = time.monotonic()
        try:
            embedded = self._ask(texts, with_tokens=with_tokens)
        except EmbedderError as error:
            if error.is_temporary and not error.retry_after_s:  # who says when to come back is up
                self._breaker.note_failure(time.monotonic() - began_at_s)
            else:
                self._breaker.note_success()
            raise
        self._breaker.note_success()
        return embedded

    def _ask(self, texts: Sequence[str], *, with_tokens: bool) -> list[Embedded]:
        request = EmbedRequest([_shorten(text) for text in texts], with_tokens)
        try:
            answer = self._http.post(self._url, content=msgspec.msgpack.encode(request), timeout=self._find_timeout())
        except httpx.HTTPError as error:
            words = f"The embedder at {self._place} cannot be reached ({type(error).__name__}): check EMBEDDER_URL"
            raise EmbedderError(words, is_temporary=True) from error
        if answer.status_code != httpx.codes.OK:
            raise self._refuse(answer)
        try:
            reply = msgspec.msgpack.decode(answer.content, type=EmbedReply)
            embedded = [one.unpack(MODEL.dimension) for one in reply.embedded]
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise EmbedderError(
                f"{self._place} answers, and is no embedder of ours: {error}", is_temporary=False
            ) from error
        if reply.model != MODEL or len(embedded) != len(texts):
            raise EmbedderError(f"{self._place} embeds with {reply.model.id}, {MODEL.id} is wanted", is_temporary=False)
        return embedded

    def _find_timeout(self) -> httpx.Timeout:
        read_s = left_s(self._timeout.read or 0.0)
        if read_s <= 0:
            raise EmbedderError("There is no time left to ask the embedder", is_temporary=True)
        return httpx.Timeout(read_s, connect=min(self._timeout.connect or 0.0, read_s))

    def _refuse(self, answer: httpx.Response) -> EmbedderError:
        try:
            refusal = msgspec.msgpack.decode(answer.content, type=Refusal)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            refusal = Refusal("no words of ours: check EMBEDDER_URL")
        return EmbedderError(
            f"The embedder at {self._place} refused ({answer.status_code}): {refusal.error}",
            is_temporary=refusal.retry_after_s > 0 or answer.status_code in _TEMPORARY,
            retry_after_s=refusal.retry_after_s,
        )


def _shorten(text: str) -> str:
    """Halves of characters (lone surrogates) cannot be said in UTF-8."""
    return text[:MAX_TEXT_CHARACTERS].encode(errors="replace").decode()
