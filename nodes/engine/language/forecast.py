"""Why there is no forecast, in words."""

from nodes.engine.error_bounds import MIN_DAYS, MIN_ERRORS
from nodes.engine.forecast import Why
from nodes.engine.language.sentence import Language

NEEDED = MIN_DAYS + MIN_ERRORS - 1  # and the days of the horizon itself
WORDS: dict[Language, dict[Why, str]] = {
    "en": {
        "history": f"No data: {NEEDED} whole days of forwards, and the days to look ahead, must be known first.",
        "steady": "It drains to neither side.",
        "far": "It is more than a year off, by what is known.",
    },
    "fr": {
        "history": f"Pas de données : il faut d'abord connaître {NEEDED} jours entiers de transferts, plus autant de"
        " jours qu'on regarde en avant.",
        "steady": "Il ne se vide d'aucun côté.",
        "far": "C'est dans plus d'un an, d'après ce qu'on sait.",
    },
}


def tell_why(why: Why | None, language: Language) -> str | None:
    return WORDS[language][why] if why else None
