"""One way out: an HTTP exchange with a system outside, its timeouts, its size limit, and failures in plain words."""

import email.utils
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Self

import httpx

from nodes.sources.driver.errors import Fault, OutsideError
from nodes.sources.driver.secret import Mask

CONNECT_TIMEOUT_S = 10
READ_TIMEOUT_S = 30
TIMEOUT = httpx.Timeout(READ_TIMEOUT_S, connect=CONNECT_TIMEOUT_S)
MAX_RETRY_AFTER_S = 3600  # no answer may silence us for longer


@dataclass(frozen=True, kw_only=True)
class Answer:
    status: int
    headers: httpx.Headers
    body: bytes
    mask: Mask | None = None  # of what we showed to be let in

    def hide_secret(self, text: str) -> str:
        """Words of the other side, as they may be shown."""
        return self.mask.hide(text) if self.mask else text

    def read_object(self) -> dict[str, object]:
        """Raises ValueError when the body is not a JSON object."""
        try:
            value = json.loads(self.body)
        except RecursionError as error:
            raise ValueError("nested too deep") from error
        if isinstance(value, dict):
            return value
        raise ValueError("not a JSON object")

    def read_retry_after_s(self, now_s: float) -> float | None:
        """RFC 9110 10.2.3: seconds or an HTTP date; None when absent or neither."""
        text = self.headers.get("Retry-After", "")
        try:
            wait_s = float(text) if text.isdecimal() else email.utils.parsedate_to_datetime(text).timestamp() - now_s
        except (ValueError, OverflowError):
            return None
        return min(max(wait_s, 0.0), MAX_RETRY_AFTER_S)


class Door:
    """One server, called through `client`. All its failures are raised as `error` and name the server as `name`."""

    def __init__(
        self,
        client: httpx.Client,
        *,
        name: str,
        error: type[OutsideError],
        limit_bytes: int,
        certificate_hint: str,
        mask: Mask | None = None,
    ) -> None:
        self.mask = mask
        self._client = client
        self.name = name
        self._error = error
        self._limit_bytes = limit_bytes
        self._certificate_hint = certificate_hint

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._client.close()

    def send(
        self, method: str, path: str, *, content: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Raises the door's error when no whole answer came."""
        try:
            return self._exchange(self._client.build_request(method, path, content=content, headers=headers))
        except httpx.HTTPError as error:
            # httpx may quote headers, which hold our secrets: only the text of connection failures is shown.
            fault, words = self._explain(error)
            raise self._error(f"{self.name} {words}", fault=fault) from error

    def stream(self, path: str, *, limit_bytes: int) -> Iterator[bytes]:
        """The body of a GET, piece by piece. Raises the door's error for anything but a 200, and when it breaks off."""
        try:
            with self._client.stream("GET", path) as response:
                if response.status_code != httpx.codes.OK:
                    raise self._error(f"{self.name} answered {response.status_code}", fault=Fault.REFUSED)
                received = 0
                for chunk in response.iter_bytes():
                    received += len(chunk)
                    if received > limit_bytes:
                        raise self._error(f"{self.name} answered more than {limit_bytes >> 20} MB", fault=Fault.GARBLED)
                    yield chunk
        except httpx.HTTPError as error:
            fault, words = self._explain(error)
            raise self._error(f"{self.name} {words}", fault=fault) from error

    def _exchange(self, request: httpx.Request) -> Answer:
        response = self._client.send(request, stream=True)
        try:
            body = bytearray()
            for chunk in response.iter_bytes():
                body += chunk
                if len(body) > self._limit_bytes:
                    raise self._error(
                        f"{self.name} answered more than {self._limit_bytes >> 20} MB", fault=Fault.GARBLED
                    )
            return Answer(status=response.status_code, headers=response.headers, body=bytes(body), mask=self.mask)
        finally:
            response.close()

    def _explain(self, error: httpx.HTTPError) -> tuple[Fault, str]:
        timeout = self._client.timeout
        if isinstance(error, httpx.ConnectError):
            if "CERTIFICATE_VERIFY_FAILED" in str(error):
                return Fault.CERTIFICATE, f"shows another certificate than expected: {self._certificate_hint}"
            return Fault.UNREACHABLE, f"is not reachable: {error}"
        if isinstance(error, httpx.ConnectTimeout):
            return Fault.UNREACHABLE, f"is not reachable: no connection within {timeout.connect:g} s"
        if isinstance(error, httpx.TimeoutException):
            return Fault.TIMEOUT, f"did not answer within {timeout.read:g} s"
        return Fault.BROKEN, f"broke off the exchange ({type(error).__name__})"
