"""What a document is, by its bytes: its name says nothing, and what its sender calls it only tells texts apart."""

import codecs
import re
from typing import Literal

from rag.sources.parser.errors import UnreadableError

Kind = Literal["text", "markdown", "html", "pdf", "docx"]
MEDIA_TYPES: dict[str, Kind] = {
    "text/plain": "text",
    "text/markdown": "markdown",
    "text/html": "html",
    "application/pdf": "pdf",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
}
_BEFORE_PAGE = re.compile(rb"\s*(?:<!--.*?-->|<\?xml[^>]*>)", re.IGNORECASE | re.DOTALL)
_PAGE = re.compile(rb"\s*<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE)
_META_CHARSET = re.compile(rb"<meta[^>]{0,200}charset\s*=\s*[\"']?\s*([a-z0-9_-]{2,20})", re.IGNORECASE)
_PAGE_CHARSETS = frozenset({"utf-8", "iso8859-1", "iso8859-15", "cp1252", "ascii"})
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_FOREIGN = (
    (b"\xd0\xcf\x11\xe0", "an old Office file: save it as DOCX or PDF"),
    (b"\x89PNG", "an image: text is needed"),
    (b"\xff\xd8\xff", "an image: text is needed"),
    (b"GIF8", "an image: text is needed"),
    (b"{\\rtf", "RTF: save it as DOCX or PDF"),
    (b"\x1f\x8b", "a compressed file: send what is in it"),
    (b"7z\xbc\xaf", "a compressed file: send what is in it"),
    (b"Rar!", "a compressed file: send what is in it"),
)


def sniff_kind(content: bytes, media_type: str) -> Kind:
    """Raises UnreadableError for what is none of the five."""
    head = content[:1024]
    for magic, what in _FOREIGN:
        if head.startswith(magic):
            raise UnreadableError("unsupported", f"This is {what}.")
    if b"%PDF-" in head:
        return "pdf"
    if head.startswith(b"PK\x03\x04"):
        return "docx"
    declared = MEDIA_TYPES.get(media_type, "text")
    if _is_page(content[:4096]):
        return "html"
    if declared in {"pdf", "docx"}:
        raise UnreadableError("malformed", f"This is no {declared.upper()} file, although it was sent as one.")
    return declared


def _is_page(head: bytes) -> bool:
    """Comments and declarations are passed one by one: in one pattern they could be read in ever so many ways."""
    start = 0
    while passed := _BEFORE_PAGE.match(head, start):
        start = passed.end()
    return _PAGE.match(head, start) is not None


def decode_text(content: bytes, *, is_page: bool = False) -> str:
    """By its mark, as UTF-8, as a page says of itself, or as Windows-1252. Raises UnreadableError."""
    for mark, codec in _MARKS:
        if content.startswith(mark):
            return _decode_strictly(content, codec)
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        text = _decode_strictly(content, _find_charset(content) if is_page else "cp1252")
    if _CONTROL.search(text):
        raise UnreadableError("unsupported", "This is no text: it holds control characters. Send it as UTF-8.")
    return text


def _find_charset(content: bytes) -> str:
    found = _META_CHARSET.search(content[:4096])
    try:
        name = codecs.lookup(found[1].decode("ascii")).name if found else "cp1252"
    except LookupError:
        name = ""
    if name not in _PAGE_CHARSETS:
        raise UnreadableError("unsupported", "The page is in an encoding we do not read: send it as UTF-8.")
    return "cp1252" if name in {"iso8859-1", "utf-8", "ascii"} else name  # what browsers read it as


def _decode_strictly(content: bytes, codec: str) -> str:
    try:
        return content.decode(codec)
    except UnicodeDecodeError:
        raise UnreadableError("unsupported", "The text is in an encoding we do not know: send it as UTF-8.") from None
