"""By program, not by trust: what of a drafted answer its evidence bears out. The rest goes."""

import re
from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

from msgspec.structs import replace

from rag.engine.evidence import Citation, Evidence, Language, Sentence
from rag.engine.figures import find_unfounded, read_figures
from rag.engine.plain import has_markup, make_plain
from rag.engine.suspicion import speaks_to_assistant
from rag.engine.tokenise import tokenise

MIN_QUOTE_CHARS = 8  # shorter ones occur anywhere; a whole short evidence may be quoted all the same
MAX_SENTENCE_CHARS = 600
MIN_SUPPORT = 0.5  # of a sentence's words that its evidence uses too, where both are of one language
MAX_STRANGERS = 2  # words beyond that share are no matter in a short sentence
_SECRETS = re.compile(
    r"\b(?:[0-9a-fA-F]{48,}|[A-Za-z0-9+/_-]{60,}={0,2}|sk-[A-Za-z0-9_-]{16,}|ln(?:bc|tb)[0-9a-z]{40,})"
)
_NAMES = re.compile(r"\b[a-zA-Z][^\W_]*_\w+\b|\b[A-Z][A-Z0-9_]{4,}\b|--[a-z][\w-]+|\b\w+\(\)?")
Fault = Literal[
    "empty", "uncited", "unknown_evidence", "foreign_quote", "unfounded_figure", "unfounded_words", "markup",
    "instruction", "secret", "repeated",
]  # fmt: skip


class Verified(NamedTuple):
    """The sentences that may be shown, in order, and why each of the others may not."""

    sentences: tuple[Sentence, ...]
    faults: tuple[Fault, ...]


def verify(
    drafted: Sequence[Sentence], evidence: Mapping[str, Evidence], *, language: Language, private: str = ""
) -> Verified:
    """A sentence stays when each thing it cites was found for this asker in this call and holds the quote, when each
    figure and each technical name in it occurs in what it cites, and when it is plain text that gives nobody orders.

    `private` is text that no sentence may repeat: the system's own words to the model.
    """
    kept: list[Sentence] = []
    faults: list[Fault] = []
    for sentence in drafted:
        fault = _find_fault(sentence, evidence, language=language, private=private)
        if fault is None and any(sentence.text == other.text for other in kept):
            fault = "repeated"
        if fault is None:
            kept.append(replace(sentence, text=make_plain(sentence.text)))
        else:
            faults.append(fault)
    return Verified(tuple(kept), tuple(faults))


def find_quote(quote: str, text: str) -> str | None:
    """The place of `text` that reads like the quote, blanks and line breaks apart, as it stands there; or None."""
    words = quote.split()
    if not words:
        return None
    found = re.search(r"\s+".join(re.escape(word) for word in words), text)
    return found[0] if found else None


def _find_fault(
    sentence: Sentence, evidence: Mapping[str, Evidence], *, language: Language, private: str
) -> Fault | None:
    if not sentence.text.strip() or len(sentence.text) > MAX_SENTENCE_CHARS:
        return "empty"
    return (
        _find_fault_of_form(sentence.text, private)
        or _find_fault_of_citations(sentence, evidence)
        or _find_fault_of_content(
            sentence.text, [evidence[citation.id] for citation in sentence.citations], language=language
        )
    )


def _find_fault_of_form(text: str, private: str) -> Fault | None:
    if has_markup(text):
        return "markup"
    if speaks_to_assistant(text) or _repeats(text, private):
        return "instruction"
    return "secret" if _SECRETS.search(text) else None


def _find_fault_of_citations(sentence: Sentence, evidence: Mapping[str, Evidence]) -> Fault | None:
    if not sentence.citations:
        return "uncited"
    for citation in sentence.citations:
        known = evidence.get(citation.id)
        if known is None:
            return "unknown_evidence"
        if not is_quoted(citation, known):
            return "foreign_quote"
    return None


def is_quoted(citation: Citation, known: Evidence) -> bool:
    quote = " ".join(citation.quote.split())
    is_long_enough = len(quote) >= min(MIN_QUOTE_CHARS, len(known.text.strip()))
    return is_long_enough and find_quote(quote, known.text) is not None


def _find_fault_of_content(text: str, cited: list[Evidence], *, language: Language) -> Fault | None:
    grounds = [read_figures(f"{one.title}\n{one.text}", one.language) for one in cited]
    if find_unfounded(read_figures(text, language), grounds):
        return "unfounded_figure"
    known = "\n".join(f"{one.title}\n{one.text}\n{one.rule or ''}\n{one.held_by or ''}" for one in cited).lower()
    if any(name.lower() not in known for name in _NAMES.findall(text)):
        return "unfounded_words"
    if all(one.language == language for one in cited) and not _is_supported(text, known, language=language):
        return "unfounded_words"
    return None


def _is_supported(text: str, known: str, *, language: Language) -> bool:
    words = set(tokenise(text, language))
    strangers = words - set(tokenise(known, language))
    return len(strangers) <= max(MAX_STRANGERS, (1 - MIN_SUPPORT) * len(words)) and strangers != words


def _repeats(text: str, private: str) -> bool:
    """Eight words in a row are no chance."""
    words, own = text.lower().split(), " ".join(private.lower().split())
    runs = (" ".join(words[start : start + 8]) for start in range(max(1, len(words) - 7)))
    return bool(own) and len(words) >= 8 and any(run in own for run in runs)
