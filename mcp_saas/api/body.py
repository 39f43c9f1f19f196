"""Bodies in and out: bounded, gunzipped, decoded strictly into msgspec structs; structs encoded straight to JSON."""

import zlib
from typing import IO, Any, TypeVar, cast

import msgspec
from django.http import HttpRequest, HttpResponse
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

from mcp_saas.api.strict_json import decode_json
from mcp_saas.kit.errors import Problem, refuse_field

T = TypeVar("T")
MAX_BODY_BYTES = 10 * 1024 * 1024
JSON = "application/json"
ZIP = "application/zip"
CSV = "text/csv"
EVENTS = "text/event-stream"
_READ = "dazbox.body"


class RawJsonParser(BaseParser):
    """Tells DRF which media type we take; `read_body` does the reading, limits first."""

    media_type = JSON

    def parse(self, stream: IO[Any], media_type: str | None = None, parser_context: Any = None) -> Any:
        raise Problem(500, "internal", "Internal error", detail="bodies are read by read_body")


class JsonRenderer(BaseRenderer):
    """Takes part in content negotiation only; `answer` has encoded the body already."""

    media_type = JSON
    format = "json"
    charset = None

    def render(self, data: Any, accepted_media_type: str | None = None, renderer_context: Any = None) -> bytes:
        return msgspec.json.encode(data)


class ZipRenderer(BaseRenderer):
    """Lets a caller who accepts archives only have one. Its problems are problem+json all the same."""

    media_type = ZIP
    format = "zip"
    charset = None

    def render(self, data: Any, accepted_media_type: str | None = None, renderer_context: Any = None) -> bytes:
        return bytes(data)


class CsvRenderer(ZipRenderer):
    """The same for a caller who accepts tables only."""

    media_type = CSV
    format = "csv"


class EventStreamRenderer(ZipRenderer):
    """The same for a caller who accepts server-sent events only."""

    media_type = EVENTS
    format = "events"


def answer(body: object, *, status: int = 200, headers: dict[str, str] | None = None) -> HttpResponse:
    """A JSON answer of a struct (or what msgspec can encode)."""
    return HttpResponse(msgspec.json.encode(body), status=status, content_type=JSON, headers=headers)


def read_body(request: Request, shape: type[T]) -> T:
    """The body as `shape`. Raises Problem 413, 415 or 400, the last with a JSON pointer to the field."""
    media_type = request.content_type.split(";")[0].strip().lower()
    if media_type != JSON:
        raise Problem(
            415, "unsupported-media-type", "Media type not supported", detail=f"Send {JSON}, not {media_type!r}."
        )
    return decode_json(read_bytes(request), shape)


def read_bytes(request: Request) -> bytes:
    """The body, unpacked; read once, however often it is asked for. Raises Problem 413, 415 or 400."""
    read: bytes | None = request.META.get(_READ)
    if read is None:
        read = request.META[_READ] = _read_bounded(request)
    return read


def drop_body(request: HttpRequest) -> None:
    """Once answered. Requests of Django and DRF refer to themselves: what they hold stays until the garbage collector
    comes, and the server's stream holds the bytes it gave.
    """
    request.META.pop(_READ, None)
    request.META.pop("wsgi.input", None)
    vars(request).pop("_stream", None)


def _read_bounded(request: Request) -> bytes:
    if _declares_too_much(request.META.get("CONTENT_LENGTH") or ""):
        raise _too_large()
    raw = _open_body(request).read(MAX_BODY_BYTES + 1)
    if len(raw) > MAX_BODY_BYTES:
        raise _too_large()
    encoding = request.META.get("HTTP_CONTENT_ENCODING", "identity").lower()
    if encoding == "identity":
        return raw
    if encoding != "gzip":
        raise Problem(
            415,
            "unsupported-media-type",
            "Media type not supported",
            detail="Send the body with gzip or without encoding.",
        )
    return _gunzip(raw)


def _open_body(request: Request) -> IO[bytes]:
    """A chunked body declares no length, which Django takes for no body; a server that ends the stream says so."""
    if request.META.get("wsgi.input_terminated") and not request.META.get("CONTENT_LENGTH"):
        return cast(IO[bytes], request.META["wsgi.input"])
    return cast(IO[bytes], request._request)  # noqa: SLF001 - DRF's own stream would parse by media type


def _declares_too_much(content_length: str) -> bool:
    """Spares an honest client the upload. Whatever else the header says, no more than the limit is read."""
    digits = content_length.lstrip("0")
    return digits.isascii() and digits.isdigit() and (len(digits) > 9 or int(digits) > MAX_BODY_BYTES)


def _gunzip(raw: bytes) -> bytes:
    unpacker = zlib.decompressobj(wbits=31)
    try:
        body = unpacker.decompress(raw, MAX_BODY_BYTES + 1)
    except zlib.error:
        raise refuse_field("", "Content-Encoding says gzip, but the body is not gzip", code="malformed") from None
    if len(body) > MAX_BODY_BYTES:
        raise _too_large()
    if not unpacker.eof:
        raise refuse_field("", "the gzip body is cut short", code="malformed")
    if unpacker.unused_data:
        raise refuse_field("", "something follows the gzip body", code="malformed")
    return body


def _too_large() -> Problem:
    return Problem(413, "too-large", "Body too large", detail=f"At most {MAX_BODY_BYTES} bytes, unpacked.")
