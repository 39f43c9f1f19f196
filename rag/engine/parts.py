"""A passage cut into what may be quoted as it stands: sentences, items of lists, lines of code.

`plain.list_blocks` tells them apart by their indentation.
"""

from collections.abc import Iterator
from typing import NamedTuple

from rag.engine.citation import MAX_SENTENCE_CHARS
from rag.engine.evidence import Evidence
from rag.engine.plain import CODE, ITEM, has_markup
from rag.engine.sentences import cut_sentences
from rag.engine.suspicion import speaks_to_assistant

MIN_WORDS = 5  # a shorter sentence says something only with the one after it
_END = ".!?\u2026"
_CLOSING = "\"'\u201d\u00bb)]\u00a0 "


class Part(NamedTuple):
    """`block`: which paragraph, item or line of the passage it is of, from 0."""

    text: str
    block: int
    is_code: bool = False
    is_item: bool = False

    @property
    def is_whole(self) -> bool:
        """A sentence from its beginning to its end."""
        bare = self.text.rstrip(_CLOSING)
        return bool(bare) and bare[-1] in _END and not self.text[0].islower()


def list_parts(passage: Evidence) -> list[Part]:
    """In order. Orders to the assistant, markup and endless sentences are left out."""
    return [part for part in _cut(passage.text) if _may_be_shown(part.text)]


def join_parts(parts: list[Part]) -> list[list[Part]]:
    """Those that say something only together: what ends in a colon or breaks off with the code or the items it leads
    to, a short sentence with the next. What leads to nothing is left out.
    """
    units: list[list[Part]] = []
    for part in parts:
        if units and _leads_to(units[-1], part):
            units[-1].append(part)
        else:
            units.append([part])
    return [unit for unit in units if unit[0].is_whole or len(unit) > 1]


def _leads_to(unit: list[Part], part: Part) -> bool:
    last = unit[-1]
    if part.is_code:
        return last.is_code or not last.is_whole
    if part.is_item and part.block != last.block:
        return unit[0].text.endswith(":") and not last.is_code
    return part.block == last.block and len(last.text.split()) < MIN_WORDS


def _cut(text: str) -> Iterator[Part]:
    for block, line in enumerate(text.splitlines()):
        if line.startswith(CODE):
            yield Part(line.strip(), block, is_code=True)
        else:
            is_item = line.startswith(ITEM)
            yield from (Part(sentence, block, is_item=is_item) for sentence in cut_sentences(line))


def _may_be_shown(text: str) -> bool:
    return len(text) <= MAX_SENTENCE_CHARS and not has_markup(text) and not speaks_to_assistant(text)
