"""A question as each kind of document is asked it: its text in their language, its words and what they weigh."""

from collections.abc import Mapping

from msgspec import Struct

from rag.engine.glossary.field_words import find_field_words
from rag.engine.glossary.translate import Term, translate_question
from rag.engine.language import Language
from rag.engine.sparse import Terms, index_terms
from rag.engine.tokenise import tokenise
from rag.engine.weights import FIELD_TERM


class Question(Struct, frozen=True, kw_only=True):
    """`field_words` is a text of its own: what the field calls the things that are asked about. `words`: stems."""

    text: str
    lang: Language  # of the documents it is put to
    words: Mapping[str, float]
    asked_words: Mapping[str, float]  # those it was asked in, without the field's
    field_words: str = ""

    def number_terms(self, *, key: bytes | None = None) -> Terms:
        return index_terms(self.words, key=key)


def read_question(text: str, *, asked_in: Language, documents: Language) -> Question:
    """Nothing is translated into French: of an English question, French documents may have the names and numbers."""
    if documents == "fr":
        words = dict.fromkeys(tokenise(text, "fr"), 1.0)
        return Question(text=text, lang="fr", words=words, asked_words=words)
    if asked_in == "en":
        return _add_field_words(text, dict.fromkeys(tokenise(text, "en"), 1.0))
    translation = translate_question(text)
    return _add_field_words(translation.english, _stem(translation.terms))


def _add_field_words(text: str, words: dict[str, float]) -> Question:
    named = ", ".join(find_field_words(text))
    weighed = dict.fromkeys(tokenise(named, "en"), FIELD_TERM)
    return Question(text=text, lang="en", words=weighed | words, asked_words=words, field_words=named)


def _stem(terms: tuple[Term, ...]) -> dict[str, float]:
    words: dict[str, float] = {}
    for term in terms:
        for word in tokenise(term.word, "en"):
            words[word] = max(words.get(word, 0.0), term.weight)
    return words
