"""HTML: what a reader sees. Nothing is fetched: images, frames, scripts and styles are left out with what is in them.

Hidden is what the element itself says: `hidden`, `aria-hidden`, or a style that shows nothing. A rule of a style sheet
is not applied.
"""

import re
from collections.abc import Iterator

from bs4 import BeautifulSoup, Tag
from bs4.element import NavigableString, PageElement, PreformattedString

from rag.engine.types import Section
from rag.sources.parser.errors import UnreadableError
from rag.sources.parser.limits import MAX_DEPTH
from rag.sources.parser.outline import Outline
from rag.sources.parser.sniff import decode_text

_LEFT_OUT = frozenset({
    "script", "style", "noscript", "template", "head", "svg", "math", "iframe", "object", "embed", "canvas", "audio",
    "video", "img", "picture", "select", "textarea", "input", "button", "dialog", "map",
})  # fmt: skip
_HEADINGS = frozenset(f"h{level}" for level in range(1, 7))
_TABLE = frozenset({"table", "tr", "td", "th"})
_INLINE = frozenset({
    "a", "abbr", "b", "bdi", "bdo", "cite", "code", "data", "del", "dfn", "em", "font", "i", "ins", "kbd", "label",
    "mark", "q", "s", "samp", "small", "span", "strong", "sub", "sup", "time", "tt", "u", "var", "wbr",
})  # fmt: skip
_UNSEEN = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*(hidden|collapse)|opacity\s*:\s*+0*+(\.0*+)?+\s*+(;|$|!)"
    r"|font-size\s*:\s*+(?=\.?0)0*+(\.0*+)?+\s*+(px|pt|r?em|%)?\s*+(;|$|!)|(?<![a-z-])color\s*:\s*transparent",
    re.IGNORECASE,
)


def read_html(content: bytes) -> list[Section]:
    """Raises UnreadableError."""
    outline = Outline()
    add_markup(outline, decode_text(content, is_page=True))
    return outline.finish()


def add_markup(outline: Outline, markup: str) -> None:
    """The visible text of a page or of a piece of one. Raises UnreadableError."""
    reader = _PageReader(outline)
    for node, is_open in _walk(BeautifulSoup(markup, "html.parser")):
        reader.visit(node, is_open=is_open)
    reader.flush()


def read_inline(markup: str) -> str:
    """What is seen of a line of text with tags in it. Raises UnreadableError."""
    return "".join(str(node) for node, _ in _walk(BeautifulSoup(markup, "html.parser")) if _is_text(node))


def _is_text(node: PageElement) -> bool:
    return isinstance(node, NavigableString) and not isinstance(node, PreformattedString)


def _walk(root: Tag) -> Iterator[tuple[PageElement, bool]]:
    """Every visible node in order, tags twice: opened, closed. A deep page takes no deep stack of ours."""
    open_tags: list[tuple[Tag, Iterator[PageElement]]] = [(root, iter(root.contents))]
    while open_tags:
        tag, rest = open_tags[-1]
        node = next(rest, None)
        if node is None:
            open_tags.pop()
            yield tag, False
        elif not isinstance(node, Tag):
            yield node, True
        elif not _is_hidden(node):
            if len(open_tags) > MAX_DEPTH:
                raise UnreadableError("too-deep", f"The page nests its elements more than {MAX_DEPTH} deep.")
            open_tags.append((node, iter(node.contents)))
            yield node, True


def _is_hidden(tag: Tag) -> bool:
    return (
        tag.name in _LEFT_OUT
        or tag.has_attr("hidden")
        or str(tag.get("aria-hidden", "")).lower() == "true"
        or bool(_UNSEEN.search(str(tag.get("style", ""))))
    )


class _PageReader:
    """Collects inline text until a block ends, and rows until their table does."""

    def __init__(self, outline: Outline) -> None:
        self._outline = outline
        self._text: list[str] = []
        self._rows: list[list[str]] = []
        self._row: list[str] = []
        self._cell_depth = 0
        self._prefix = ""
        self._is_code = False

    def visit(self, node: PageElement, *, is_open: bool) -> None:
        if isinstance(node, Tag):
            self._visit_tag(node.name, is_open=is_open)
        elif _is_text(node):
            self._text.append(str(node) if self._is_code else " ".join(re.split(r"\s+", str(node))))

    def flush(self) -> None:
        """All that was collected: a row of a single cell is laid out as a table, and none."""
        for row in self._rows:
            if len(row) == 1:
                self._outline.add_block(row[0])
        self._outline.add_rows([row for row in self._rows if len(row) > 1])
        self._rows = []
        self._end_block()

    def _visit_tag(self, name: str, *, is_open: bool) -> None:
        if name in _HEADINGS:
            self._visit_heading(name, is_open=is_open)
        elif name in _TABLE:
            self._visit_table(name, is_open=is_open)
        elif name == "br":
            self._text.append("\n" * is_open)
        elif name == "pre":
            self._visit_code(is_open=is_open)
        elif name not in _INLINE:
            self._end_block()
            self._prefix = "- " if name == "li" and is_open else self._prefix

    def _visit_heading(self, name: str, *, is_open: bool) -> None:
        if is_open:
            self.flush()
        else:
            self._outline.add_heading(int(name[1]), self._take())

    def _visit_table(self, name: str, *, is_open: bool) -> None:
        if name == "table":
            self.flush()
        elif name == "tr":
            self._rows += [] if is_open else [self._row]
            self._row = []
        else:
            self._row += [] if is_open else [self._take()]
            self._cell_depth += 1 if is_open else -1

    def _visit_code(self, *, is_open: bool) -> None:
        if is_open:
            self._end_block()
        elif code := "".join(self._text).strip("\n"):
            self._outline.add_block(f"```\n{code}\n```")
            self._text = []
        self._is_code = is_open

    def _end_block(self) -> None:
        if self._cell_depth:
            self._text.append("\n")
        elif text := self._take():
            self._outline.add_block(self._prefix + text)
            self._prefix = ""

    def _take(self) -> str:
        lines = (" ".join(line.split()) for line in "".join(self._text).split("\n"))
        self._text = []
        return "\n".join(filter(None, lines))
