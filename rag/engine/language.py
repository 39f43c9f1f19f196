"""Is a text English or French? Those are the languages the knowledge base speaks."""

from functools import cache
from typing import Any, Final, Literal, get_args

from py3langid.langid import MODEL_FILE, LanguageIdentifier

Language = Literal["en", "fr"]
LANGUAGES: Final[tuple[Language, ...]] = get_args(Language)
_READ: Final = 4000  # characters: a page tells as much as a book


def detect_language(text: str) -> Language:
    """By the frequency of letter sequences (Lui and Baldwin 2012, langid.py). A text without words is English.

    Judged in small letters: what it is held against has few capitals.
    """
    sample = text[:_READ].lower()
    if not any(map(str.isalpha, sample)):
        return "en"
    found: Language = "fr" if _identifier().classify(sample)[0] == "fr" else "en"
    return found


@cache
def _identifier() -> Any:
    identifier = LanguageIdentifier.from_model_file(MODEL_FILE)
    identifier.set_languages(list(LANGUAGES))
    return identifier
