"""Why what was done cannot be compared with what was before."""

from recommendations.engine.advice import Language

WHY_NONE: dict[Language, dict[str, str]] = {
    "en": {
        "earns_nothing": "it is about no channel that earns",
        "no_days_before": "less than a day of forwards is known before it",
        "too_soon": "less than a day has passed",
        "changed_again": "it was changed again within a day",
    },
    "fr": {
        "earns_nothing": "cela ne concerne aucun canal qui rapporte",
        "no_days_before": "moins d'un jour de paiements relayés est connu avant",
        "too_soon": "moins d'un jour a passé",
        "changed_again": "cela a encore changé dans la journée",
    },
}


def tell_why_none(reason: str, language: Language) -> str:
    return WHY_NONE[language][reason]
