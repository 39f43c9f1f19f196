"""Plain text: paragraphs, and no headings that one could rely on."""

from rag.engine.types import Section
from rag.sources.parser.outline import Outline
from rag.sources.parser.sniff import decode_text


def read_plain(content: bytes) -> list[Section]:
    """Raises UnreadableError."""
    outline = Outline()
    outline.add_block(decode_text(content).replace("\r\n", "\n").replace("\r", "\n").replace("\f", "\n\n"))
    return outline.finish()
