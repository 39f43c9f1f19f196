"""What the field calls the things a question names in everyday words: "nobody can pay me" is inbound liquidity.

An English embedder of general texts knows neither HTLCs nor towers; these words, written by hand, are what brings a
question to the texts that answer it. They are added to the question and never replace a word of it.
"""

import re
from functools import cache

from rag.engine.glossary.data import read_lines

_WORDS = re.compile(r"[a-z0-9'-]+")


def find_field_words(question: str) -> tuple[str, ...]:
    """Of an English question, each once, those it has itself left out."""
    words = _WORDS.findall(question.lower())
    asked = f" {' '.join(words)} "
    found = [term for phrase, terms in _everyday() if f" {phrase} " in asked for term in terms]
    return tuple(dict.fromkeys(term for term in found if f" {term} " not in asked))


@cache
def _everyday() -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Longest phrases first."""
    pairs = [
        (phrase.strip(), tuple(term.strip() for term in terms.split(",")))
        for _, line in read_lines("everyday")
        for phrases, _, terms in [line.partition(":")]
        for phrase in phrases.split(",")
    ]
    return tuple(sorted(pairs, key=lambda pair: -len(pair[0])))
