"""Markdown (CommonMark with tables): text, code and tables; of links and images the words alone; HTML as a page's."""

import html
from collections.abc import Iterator, Sequence

from markdown_it import MarkdownIt
from markdown_it.token import Token

from rag.engine.types import Section
from rag.sources.parser.errors import UnreadableError
from rag.sources.parser.html import add_markup, read_inline
from rag.sources.parser.outline import Outline
from rag.sources.parser.sniff import decode_text

_DEEPEST = 60  # blocks within blocks: the parser calls itself several times for each
_parser = MarkdownIt("commonmark", {"maxNesting": _DEEPEST}).enable("table")


def read_markdown(content: bytes) -> list[Section]:
    """Raises UnreadableError."""
    outline = Outline()
    tokens = iter(_parse(decode_text(content)))
    prefix = ""
    for token in tokens:
        if token.type == "heading_open":
            outline.add_heading(int(token.tag[1]), _read_inline(next(tokens)))
        elif token.type == "table_open":
            outline.add_rows(list(_read_rows(tokens)))
        elif token.type == "list_item_open":
            prefix = "- "
        elif token.type == "inline":
            outline.add_block(prefix + _read_inline(token))
            prefix = ""
        elif token.type in {"fence", "code_block"}:
            outline.add_block(f"```{token.info.strip()[:20]}\n{token.content.rstrip()}\n```")
        elif token.type == "html_block":
            add_markup(outline, token.content)
    return outline.finish()


def _parse(text: str) -> list[Token]:
    """Raises UnreadableError for what is nested so deep that the parser would leave it out."""
    found = _parser.parse(text)
    if any(token.level >= _DEEPEST - 1 for token in found):
        raise UnreadableError("too-deep", f"The text nests lists and quotes more than {_DEEPEST // 2} deep.")
    return found


def _read_rows(tokens: Iterator[Token]) -> Iterator[list[str]]:
    row: list[str] = []
    for token in tokens:
        if token.type == "table_close":
            return
        if token.type == "inline":
            row.append(_read_inline(token))
        elif token.type == "tr_close":
            yield row
            row = []


def _read_inline(token: Token) -> str:
    """Tags in the line hide what they would hide on a page."""
    parts = token.children or []
    if any(part.type == "html_inline" for part in parts):
        return read_inline("".join(_write_parts(parts))).strip()
    return "".join(_read_parts(parts)).strip()


def _read_parts(parts: Sequence[Token]) -> Iterator[str]:
    for part in parts:
        yield "\n" if part.type in {"softbreak", "hardbreak"} else part.content


def _write_parts(parts: Sequence[Token]) -> Iterator[str]:
    for part in parts:
        yield part.content if part.type == "html_inline" else html.escape("".join(_read_parts([part])), quote=False)
