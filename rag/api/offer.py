"""A document out of a request: JSON with its text, or a form with its file. Nothing of it is written to a disk."""

from io import BytesIO
from pathlib import PurePath
from typing import Any

from django.core.exceptions import SuspiciousOperation
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.files.uploadhandler import FileUploadHandler
from django.http.multipartparser import MultiPartParser, MultiPartParserError
from rest_framework.request import Request

from mcp_saas.api.body import JSON, read_body, read_bytes
from mcp_saas.kit.errors import Problem, refuse_field
from rag.api.contract import TITLE_CHARS, DocumentText
from rag.engine.clean import clean_text
from rag.pipeline.document import Offer
from rag.sources.parser.errors import UnreadableError
from rag.sources.parser.sniff import MEDIA_TYPES, sniff_kind

FORM = "multipart/form-data"
FORM_SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["file"],
    "properties": {
        "file": {"type": "string", "contentMediaType": "application/octet-stream", "description": "10 MB at most"},
        "title": {"type": "string", "maxLength": TITLE_CHARS, "description": "default: the file's name"},
    },
}
MAX_RAW_TITLE_CHARS = 4 * TITLE_CHARS  # with what is taken out of it
_UNNAMED = ("", "application/octet-stream")


def read_offer(request: Request) -> Offer:
    """Raises Problem 400, 413, or 415 for what is none of the five kinds by its bytes."""
    kind = request.content_type.split(";")[0].strip().lower()
    if kind not in {JSON, FORM}:
        raise refuse_kind(f"Send {JSON} or {FORM}, not {kind!r}.")
    offer = _read_form(request) if kind == FORM else _read_text(request)
    try:
        sniff_kind(offer.content, offer.media_type)
    except UnreadableError as error:
        raise refuse_kind(str(error)) from None
    return offer


def refuse_kind(detail: str) -> Problem:
    return Problem(415, "unsupported-media-type", "Media type not supported", detail=detail)


def _read_text(request: Request) -> Offer:
    body = read_body(request, DocumentText)
    return Offer(title=_clean_title(body.title), media_type=body.media_type, content=body.text.encode())


def _read_form(request: Request) -> Offer:
    raw = read_bytes(request)
    meta = {"CONTENT_TYPE": request.META["CONTENT_TYPE"], "CONTENT_LENGTH": len(raw)}
    try:
        fields, files = MultiPartParser(meta, BytesIO(raw), [_InMemory()]).parse()
    except (MultiPartParserError, SuspiciousOperation) as error:
        raise refuse_field("", f"this is no form: {error}", code="malformed") from None
    file = files.get("file")
    if file is None:
        raise refuse_field("/file", "the form has no file of this name", code="missing")
    title = str(fields.get("title") or PurePath(file.name or "").stem)
    return Offer(title=_clean_title(title), media_type=_name_type(file), content=file.read())


def _name_type(file: Any) -> str:
    """What its sender says, which tells texts apart and nothing else; a file's ending where they say nothing."""
    said = (file.content_type or "").split(";")[0].strip().lower()
    if said in _UNNAMED:
        return "text/markdown" if str(file.name).lower().endswith((".md", ".markdown")) else "text/plain"
    if said not in MEDIA_TYPES:
        raise refuse_kind(f"Text, Markdown, HTML, PDF and DOCX are read, not {said!r}.")
    return said


def _clean_title(title: str) -> str:
    """Raises Problem 400 where nothing is left, and for what is far too long before it is looked at."""
    cleaned = " ".join(clean_text(title).split()) if len(title) <= MAX_RAW_TITLE_CHARS else ""
    if not cleaned or len(cleaned) > TITLE_CHARS:
        raise refuse_field("/title", f"a title of 1 to {TITLE_CHARS} characters is needed")
    return cleaned


class _InMemory(FileUploadHandler):
    """The body was bounded before it was parsed."""

    def new_file(self, *args: Any, **options: Any) -> None:
        super().new_file(*args, **options)
        self._pieces: list[bytes] = []

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        self._pieces.append(raw_data)

    def file_complete(self, file_size: int) -> SimpleUploadedFile:
        return SimpleUploadedFile(self.file_name or "file", b"".join(self._pieces), self.content_type or "")
