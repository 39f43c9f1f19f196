"""Markdown (CommonMark with tables): text, code and tables; of links and images the words alone; HTML as a page's."""

from collections.abc import Iterator, Sequence

from markdown_it import MarkdownIt
from markdown_it.token import Token

from rag.engine.types import Section
from rag.sources.parser.html import add_markup
from rag.sources.parser.outline import Outline
from rag.sources.parser.sniff import decode_text

_parser = MarkdownIt("commonmark").enable("table")  # its own limit of nesting leaves deeper marks as text


def read_markdown(content: bytes) -> list[Section]:
    """Raises UnreadableError."""
    outline = Outline()
    tokens = iter(_parser.parse(decode_text(content)))
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
    return "".join(_read_parts(token.children or [])).strip()


def _read_parts(parts: Sequence[Token]) -> Iterator[str]:
    for part in parts:
        if part.type in {"softbreak", "hardbreak"}:
            yield "\n"
        elif part.type != "html_inline":
            yield part.content
