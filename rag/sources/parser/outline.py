"""What all parsers write to: headings and blocks go in, sections come out, cleaned of what nobody sees."""

from rag.engine.clean import clean_text
from rag.engine.types import Section
from rag.sources.parser.errors import UnreadableError
from rag.sources.parser.limits import MAX_TEXT_CHARS

MAX_HEADING_CHARS = 200


class Outline:
    """Headings of a level close those of the same and deeper levels. Raises UnreadableError beyond MAX_TEXT_CHARS."""

    def __init__(self) -> None:
        self._sections: list[Section] = []
        self._path: list[tuple[int, str]] = []
        self._blocks: list[str] = []
        self._chars = 0

    def add_heading(self, level: int, text: str) -> None:
        """`level` from 1."""
        title = " ".join(clean_text(text).split())[:MAX_HEADING_CHARS]
        if not title:
            return
        self._close()
        self._path = [*((above, name) for above, name in self._path if above < level), (level, title)]

    def add_block(self, text: str) -> None:
        text = clean_text(text)
        if not text.strip():
            return
        self._chars += len(text)
        if self._chars > MAX_TEXT_CHARS:
            raise UnreadableError("too-large", f"The document holds more than {MAX_TEXT_CHARS:,} characters: split it.")
        self._blocks.append(text.strip("\n"))

    def add_rows(self, rows: list[list[str]]) -> None:
        """A table, a line a row."""
        lines = ["| " + " | ".join(" ".join(cell.split()) for cell in row) + " |" for row in rows if any(row)]
        self.add_block("\n".join(lines))

    def finish(self) -> list[Section]:
        """Raises UnreadableError where there is no text at all."""
        self._close()
        if not self._sections:
            raise UnreadableError("no-text", "There is no text in the document.")
        return self._sections

    def _close(self) -> None:
        if self._blocks:
            path = tuple(name for _, name in self._path)
            self._sections.append(Section(path, "\n\n".join(self._blocks)))
            self._blocks = []
