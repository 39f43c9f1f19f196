"""PDF: the text of each page, under the number of the page."""

from io import BytesIO

from pypdf import PdfReader
from pypdf.errors import PyPdfError

from rag.engine.types import Section
from rag.sources.parser.errors import UnreadableError
from rag.sources.parser.limits import MAX_PAGES
from rag.sources.parser.outline import Outline

_FAULTS = (PyPdfError, ValueError, KeyError, TypeError, IndexError, AttributeError, AssertionError, OverflowError)


def read_pdf(content: bytes) -> list[Section]:
    """Raises UnreadableError; MemoryError and RecursionError are for the process to name."""
    try:
        return _read_pages(_open(content)).finish()
    except UnreadableError as error:
        if error.code != "no-text":
            raise
        message = "The PDF holds pictures of pages and no text: run text recognition (OCR) over it first."
        raise UnreadableError("no-text", message) from None
    except _FAULTS as error:
        raise UnreadableError("malformed", f"The PDF is damaged: {type(error).__name__}.") from None


def _open(content: bytes) -> PdfReader:
    reader = PdfReader(BytesIO(content), strict=False)
    if reader.is_encrypted:
        raise UnreadableError("encrypted", "The PDF is encrypted: save it without a password.")
    return reader


def _read_pages(reader: PdfReader) -> Outline:
    count = reader.get_num_pages()
    if count > MAX_PAGES:
        raise UnreadableError("too-many-pages", f"The PDF has {count} pages, of {MAX_PAGES} allowed: split it.")
    outline = Outline()
    for number, page in enumerate(reader.pages, 1):
        outline.add_heading(1, f"p. {number}")
        outline.add_block(page.extract_text())
    return outline
