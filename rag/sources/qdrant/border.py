"""The border to the store: one client a process, its timeouts, and its failures in our words."""

import ipaddress
import time
import warnings
from collections.abc import Callable
from typing import TypeVar
from urllib.parse import urlsplit

import httpx
from msgspec import DecodeError, Struct, ValidationError, json
from qdrant_client import QdrantClient
from qdrant_client.common.client_exceptions import ResourceExhaustedResponse
from qdrant_client.http.exceptions import ResponseHandlingException, UnexpectedResponse

from mcp_saas.kit.breaker import Breaker
from rag.sources.qdrant.errors import StoreError, StoreRefusedError, StoreUnavailableError
from rag.sources.qdrant.transport import PlainTransport

T = TypeVar("T")
TIMEOUT_S = 8
WRITE_TIMEOUT_S = 30  # nobody waits for it, and a server that puts its segments in order is slow to write
REST_S = 15.0  # after five failures in a row, or
LOST_S = 6.0  # that was waited for some in a row
BROKEN = (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError)  # a kept connection that the server has closed
MAX_QUOTED = 200
_PASSING_STATUS = frozenset({408, 425, 429})


class Refusal(Struct):
    """What Qdrant says in an answer that is not 2xx: `{"status": {"error": words}}`."""

    class Status(Struct):
        error: str

    status: Status


class Border:
    """All calls of the store pass here. They bear being done twice, so a broken connection is tried again at once."""

    def __init__(self, raw: QdrantClient, *, place: str, breaker: Breaker | None = None) -> None:
        self._raw = raw
        self.place = place
        self.breaker = breaker or Breaker(rest_s=REST_S, lost_s=LOST_S)

    def call(self, do: Callable[[QdrantClient], T]) -> T:
        """What `do` returns. Raises StoreUnavailableError, StoreRefusedError."""
        if not self.breaker.allow():
            words = f"Qdrant at {self.place} failed again and again: it is left alone for a moment"
            raise StoreUnavailableError(words, retry_after_s=REST_S)
        began_at_s = time.monotonic()
        try:
            answer = self._try_twice(do)
        except StoreError:
            raise
        except Exception as error:  # its client believes what it is answered, and stumbles in any way over the rest
            took_s = time.monotonic() - began_at_s
            raise self._note(translate(error, place=self.place), took_s=took_s) from error
        self.breaker.note_success()
        return answer

    def _note(self, error: StoreError, *, took_s: float) -> StoreError:
        """A refusal is an answer too."""
        if error.permanent:
            self.breaker.note_success()
        else:
            self.breaker.note_failure(took_s)
        return error

    def close(self) -> None:
        self._raw.close()

    def _try_twice(self, do: Callable[[QdrantClient], T]) -> T:
        try:
            return do(self._raw)
        except ResponseHandlingException as error:
            if not isinstance(error.source, BROKEN):
                raise
            return do(self._raw)


def open_border(url: str, api_key: str | None) -> Border:
    """No request is made yet. Raises StoreRefusedError for a key that would travel in the clear."""
    host = urlsplit(url).hostname or ""
    if api_key and urlsplit(url).scheme != "https" and not _is_loopback(host):
        raise StoreRefusedError("QDRANT_API_KEY would travel in the clear: give QDRANT_URL as https://")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Api key is used with an insecure connection")  # to this machine
        raw = QdrantClient(
            url=url,
            api_key=api_key,
            timeout=TIMEOUT_S,
            check_compatibility=False,
            transport=PlainTransport(),
            trust_env=False,
        )
    return Border(raw, place=host)


def translate(error: Exception, *, place: str) -> StoreError:
    """Words of ours for a failure of the client. Nothing of what was sent is in them."""
    name = f"Qdrant at {place}"
    if isinstance(error, ResourceExhaustedResponse):
        return StoreUnavailableError(f"{name} asks for a pause", retry_after_s=float(error.retry_after_s))
    if isinstance(error, UnexpectedResponse):
        return _translate_status(error, name)
    if isinstance(error, ResponseHandlingException):
        return StoreUnavailableError(f"{name} {_describe(error.source)}")
    return StoreUnavailableError(f"{name} {_describe(error)}")


def _describe(source: Exception) -> str:
    if isinstance(source, httpx.TimeoutException):
        return "did not answer in time"
    if isinstance(source, httpx.TransportError):
        return f"is not reachable ({type(source).__name__})"
    return "did not answer as Qdrant does: is QDRANT_URL right?"


def _translate_status(error: UnexpectedResponse, name: str) -> StoreError:
    status = error.status_code or 0
    words = f"{name} answered {status}: {_quote(error.content)}"
    if status in {401, 403}:
        return StoreRefusedError(f"{words}. Check QDRANT_API_KEY")
    if status >= 500 or status in _PASSING_STATUS:
        return StoreUnavailableError(words)
    return StoreRefusedError(words)


def _quote(content: bytes) -> str:
    try:
        text = json.decode(content, type=Refusal).status.error
    except (DecodeError, ValidationError, UnicodeDecodeError):
        return "no reason that can be read"
    return " ".join(text.split())[:MAX_QUOTED]


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
