"""The one way from bytes to sections, for the child process and nobody else: what comes in here may be hostile."""

from rag.engine.types import Section
from rag.sources.parser.docx import read_docx
from rag.sources.parser.errors import UnreadableError
from rag.sources.parser.html import read_html
from rag.sources.parser.limits import MAX_BYTES
from rag.sources.parser.markdown import read_markdown
from rag.sources.parser.pdf import read_pdf
from rag.sources.parser.plain import read_plain
from rag.sources.parser.sniff import sniff_kind

_READERS = {"text": read_plain, "markdown": read_markdown, "html": read_html, "pdf": read_pdf, "docx": read_docx}


def read_document(content: bytes, media_type: str) -> list[Section]:
    """Raises UnreadableError."""
    if len(content) > MAX_BYTES:
        raise UnreadableError("too-large", f"A document has at most {MAX_BYTES >> 20} MB.")
    try:
        return _READERS[sniff_kind(content, media_type)](content)
    except RecursionError:
        raise UnreadableError("too-deep", "The document is nested too deeply, or its parts lead in a circle.") from None
    except MemoryError:
        raise UnreadableError("too-large", "The document needs too much memory to be read.") from None
