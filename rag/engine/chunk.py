"""Sections cut into chunks: at headings first, then between blocks, then between sentences.

The same sections give the same chunks, and a change in one section leaves the chunks of all others as they are.
"""

import re
from collections.abc import Iterable, Iterator, Sequence

from rag.engine.types import Chunk, Section

MAX_CHARS = 1_200  # of one chunk, without its heading path: about 300 tokens of MiniLM's 512, the headings beside them
_FENCE = re.compile(r"^\s{0,3}(`{3,}|~{3,})")
_SENTENCE_END = re.compile(r"""(?:(?<=[.!?…])|(?<=[.!?…]["'»”)\]]))\s+""")
_PARAGRAPH, _LINE = "\n\n", "\n"


def cut(sections: Sequence[Section]) -> list[Chunk]:
    """No chunk is longer than MAX_CHARS, none is empty, and none spans two sections."""
    pieces = [(section.heading_path, piece) for section in sections for piece in _cut_text(section.text)]
    return [Chunk(position, path, text) for position, (path, text) in enumerate(pieces)]


def _cut_text(text: str) -> list[str]:
    return list(_pack((piece for block in _split_blocks(text) for piece in _fit(block)), glue=_PARAGRAPH))


def _split_blocks(text: str) -> Iterator[str]:
    """Paragraphs, lists and tables end at a blank line, code at its closing fence."""
    block: list[str] = []
    fence = ""
    for line in text.splitlines():
        mark = _FENCE.match(line)
        if not fence and (mark or not line.strip()):
            yield from _join(block)
            block = []
        if line.strip() or fence:
            block.append(line.rstrip())
        if fence and line.strip().startswith(fence) and not line.strip().strip(fence[0]):
            yield from _join(block)
            block, fence = [], ""
        elif mark and not fence:
            fence = mark[1]
    yield from _join(block)


def _join(lines: Sequence[str]) -> list[str]:
    joined = _LINE.join(lines).strip(_LINE)
    return [joined] if joined.strip() else []


def _fit(block: str) -> Iterator[str]:
    """The block itself where it fits; else its lines together, its sentences, or its words."""
    if len(block) <= MAX_CHARS:
        yield block
    elif _LINE in block:
        yield from _pack((part for line in block.splitlines() for part in _fit(line)), glue=_LINE)
    elif len(sentences := _SENTENCE_END.split(block)) > 1:
        yield from _pack((part for sentence in sentences for part in _fit(sentence)), glue=" ")
    elif len(words := block.split()) > 1:
        yield from _pack((part for word in words for part in _fit(word)), glue=" ")
    else:
        yield from (block[start : start + MAX_CHARS] for start in range(0, len(block), MAX_CHARS))


def _pack(pieces: Iterable[str], *, glue: str) -> Iterator[str]:
    """Neighbours together as long as they fit."""
    packed = ""
    for piece in pieces:
        if packed and len(packed) + len(glue) + len(piece) > MAX_CHARS:
            yield packed
            packed = piece
        else:
            packed = f"{packed}{glue}{piece}" if packed else piece
    if packed.strip():
        yield packed
