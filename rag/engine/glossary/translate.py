"""French in English, questions and passages alike: the longest phrases first, then words, then the order of words.

Not a translator: what comes out is for an embedder and a word index, which need the words of the field and a sentence
that holds together.
"""

import re
from collections.abc import Iterator

import msgspec

from rag.engine.glossary.cognate import guess
from rag.engine.glossary.data import word_list
from rag.engine.glossary.french import fold, split
from rag.engine.glossary.lexicon import Entry, Kind, Lexicon, load
from rag.engine.glossary.mend import mend
from rag.engine.glossary.piece import Piece
from rag.engine.sentences import cut_sentences

FIELD_WEIGHT, EVERYDAY_WEIGHT, GUESS_WEIGHT = 1.0, 0.6, 0.4
ALTERNATIVE = 0.5  # of the weight, for each rendering after the first
SUBJECTS, ARTICLES, PLAIN_ENGLISH = word_list("subjects"), word_list("articles"), word_list("plain_english")
BEFORE_VOWEL = re.compile(r"\ba(?= [aeio])")
WORDS = re.compile(r"[^\W_][\w./-]*")
PARAGRAPH = "\n\n"


class Term(msgspec.Struct, frozen=True):
    """An English word in lower case, and what it should weigh in a search by words, 0 to 1."""

    word: str
    weight: float


class Translation(msgspec.Struct, frozen=True):
    """`untranslated`: words kept as they were typed: names, acronyms, and French the glossary does not have."""

    english: str
    terms: tuple[Term, ...]
    untranslated: tuple[str, ...]


def translate_question(question: str) -> Translation:
    pieces = list(read(split(question), lexicon=load()))
    english = BEFORE_VOWEL.sub("an", " ".join(piece.english for piece in mend(pieces) if piece.english))
    return Translation(
        english=english + ("?" if "?" in question and english else ""),
        terms=weigh(pieces),
        untranslated=tuple(piece.french[0] for piece in pieces if piece.entry is None),
    )


def translate_passage(passage: str) -> str:
    """Sentence by sentence. Lines of a paragraph are one text: a phrase may go on in the next line."""
    paragraphs = (cut_sentences(" ".join(paragraph.split())) for paragraph in passage.split(PARAGRAPH))
    return PARAGRAPH.join(". ".join(translate_question(one).english for one in found) for found in paragraphs if found)


def read(words: list[str], *, lexicon: Lexicon) -> Iterator[Piece]:
    keys = [lexicon.key(word) for word in words]
    place = 0
    while place < len(words):
        found = lexicon.phrase(keys[place:])
        length, entry = found or (1, one_word(words, place, lexicon=lexicon))
        yield render(tuple(words[place : place + length]), entry)
        place += length


def one_word(words: list[str], place: int, *, lexicon: Lexicon) -> Entry | None:
    """A word is read as a verb after "je" or "ne", or where an article follows it: "il porte", "ferme le canal"."""
    before = fold(words[place - 1]) if place else ""
    after = fold(words[place + 1]) if place + 1 < len(words) else ""
    is_verb = before in SUBJECTS or (bool(before) and before not in ARTICLES and after in ARTICLES)
    return lexicon.word(words[place], is_verb=is_verb, has_accents=not "".join(words).isascii())


def render(french: tuple[str, ...], entry: Entry | None) -> Piece:
    if entry is None:
        return Piece(french, french[0], Kind.NOUN)
    english = entry.renderings[0] if entry.renderings else ""
    if entry.kind == Kind.NOUN and len(french) == 1 and is_plural(fold(french[0]), entry):
        english = plural(english)
    return Piece(french, english, entry.kind, entry)


def is_plural(folded: str, entry: Entry) -> bool:
    is_listed = folded in {fold(form) for form in entry.forms}
    return folded.endswith("aux") or (folded.endswith(("s", "x")) and not is_listed)


def plural(english: str) -> str:
    if english.endswith(("s", "data", "information", "software", "hardware", "people")) or not english[-1:].isalpha():
        return english
    if english.endswith("y") and english[-2:-1] not in "aeiou":
        return english[:-1] + "ies"
    return english + ("es" if english.endswith(("x", "ch", "sh")) else "s")


def weigh(pieces: list[Piece]) -> tuple[Term, ...]:
    """Each English word once, with its highest weight; words that only hold a sentence together are out."""
    weights: dict[str, float] = {}
    for piece in pieces:
        for rendering, weight in weighed_renderings(piece):
            for word in WORDS.findall(rendering.lower()):
                if word not in PLAIN_ENGLISH:
                    weights[word] = max(weights.get(word, 0.0), weight)
    return tuple(Term(word, weight) for word, weight in weights.items())


def weighed_renderings(piece: Piece) -> list[tuple[str, float]]:
    if piece.entry is None:
        guessed = guess(fold(piece.french[0]))
        return [(piece.french[0], FIELD_WEIGHT), *([(guessed, GUESS_WEIGHT)] if guessed else [])]
    if piece.kind == Kind.WORD:
        return []
    weight = FIELD_WEIGHT if piece.entry.is_of_the_field else EVERYDAY_WEIGHT
    first, rest = piece.entry.renderings[:1], piece.entry.renderings[1:]
    return [(first_one, weight) for first_one in first] + [(other, weight * ALTERNATIVE) for other in rest]
