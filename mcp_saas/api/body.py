"""Bodies in and out: bounded, gunzipped, decoded strictly into msgspec structs; structs encoded straight to JSON."""

import re
import zlib
from typing import IO, Any, TypeVar

import msgspec
from django.http import HttpResponse
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

from mcp_saas.kit.errors import FieldError, Problem, refuse_field

T = TypeVar("T")
MAX_BODY_BYTES = 10 * 1024 * 1024
JSON = "application/json"
_PATH = re.compile(r" - at `(?P<path>[^`]+)`$")
_UNKNOWN_FIELD = re.compile(r"unknown field `(?P<name>[^`]+)`")
_MISSING_FIELD = re.compile(r"missing required field `(?P<name>[^`]+)`")
_OWN_FIELD = re.compile(r"^(?P<name>[a-z0-9_/]+): (?P<rest>.+)$", re.DOTALL)


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
    return decode_json(_read_bounded(request), shape)


def decode_json(raw: bytes, shape: type[T]) -> T:
    try:
        return msgspec.json.decode(raw, type=shape)
    except msgspec.ValidationError as error:
        raise _point_at_field(str(error)) from None
    except RecursionError:
        raise refuse_field("", "the JSON is nested too deeply", code="too-deep") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise refuse_field("", f"this is not JSON: {error}", code="malformed") from None


def _read_bounded(request: Request) -> bytes:
    declared = request.META.get("CONTENT_LENGTH") or "0"
    if declared.isdigit() and int(declared) > MAX_BODY_BYTES:
        raise _too_large()
    raw = request._request.read(MAX_BODY_BYTES + 1)  # noqa: SLF001 - DRF's own stream would parse by media type
    if len(raw) > MAX_BODY_BYTES:
        raise _too_large()
    encoding = request.META.get("HTTP_CONTENT_ENCODING", "identity").lower()
    if encoding == "identity":
        return raw
    if encoding != "gzip":
        raise Problem(
            415, "unsupported-media-type", "Content encoding not supported", detail="Send gzip or no encoding."
        )
    return _gunzip(raw)


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
    return body


def _too_large() -> Problem:
    return Problem(413, "too-large", "Body too large", detail=f"At most {MAX_BODY_BYTES} bytes, unpacked.")


def _point_at_field(message: str) -> Problem:
    """msgspec's words (`Expected `int >= 0` - at `$.channels[3].capacity_sat``) as a pointer and a detail."""
    where = _PATH.search(message)
    detail = _PATH.sub("", message)
    pointer = _as_pointer(where["path"]) if where else ""
    code = "invalid"
    if match := _UNKNOWN_FIELD.search(detail):
        pointer, code = f"{pointer}/{match['name']}", "unknown-field"
    elif match := _MISSING_FIELD.search(detail):
        pointer, code = f"{pointer}/{match['name']}", "missing"
    elif match := _OWN_FIELD.match(detail):  # raised by our own __post_init__: "field: words"
        pointer, detail = f"{pointer}/{match['name']}", match["rest"]
    error = FieldError(pointer, code, detail)
    return Problem(
        400, "invalid-body", "The body is not valid", detail=f"{pointer or 'body'}: {detail}", errors=[error]
    )


def _as_pointer(path: str) -> str:
    return re.sub(r"\[(\d+|\.\.\.)\]", r"/\1", path.removeprefix("$")).replace(".", "/").replace("//", "/")
