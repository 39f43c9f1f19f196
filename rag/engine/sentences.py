"""A text cut into sentences, English or French, with the abbreviations and figures of this field left whole."""

import re

_END = re.compile(r"(?<=[.!?…])[\"'»”)\]]*\s+(?=[\"'«“(\[]?[^\Wa-z_]|[\"'«“(\[])")
_ABBREVIATED = re.compile(
    r"(?:\b(?:e\.g|i\.e|etc|cf|vs|p\.\s?ex|ex|env|approx|no|n°|fig|sec|max|min|M|Mme)|\b[A-Z])\.$"
)


def cut_sentences(text: str) -> list[str]:
    """In order, blanks trimmed. They end at a full stop, a question or an exclamation mark before a capital."""
    sentences: list[str] = []
    for line in text.splitlines():
        for piece in _END.split(line):
            part = piece.strip()
            if not part:
                continue
            if sentences and _ABBREVIATED.search(sentences[-1]) and line.find(sentences[-1]) >= 0:
                sentences[-1] = f"{sentences[-1]} {part}"
            else:
                sentences.append(part)
    return sentences
