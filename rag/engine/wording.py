"""What answers say in their own words, in both languages: no evidence, a lead before quotes, what would help."""

from rag.engine.evidence import Language

NO_EVIDENCE: dict[Language, str] = {
    "en": "I found nothing that answers this, so I do not answer it.",
    "fr": "Je n'ai rien trouvé qui réponde à cette question, je n'y réponds donc pas.",
}
NOT_UNDERSTOOD: dict[Language, str] = {
    "en": "I understand questions in English and in French; this seems to be neither.",
    "fr": "Je comprends les questions en anglais et en français ; celle-ci ne semble être ni l'un ni l'autre.",
}
# Before quotes that are in the other language than the answer.
OTHER_LANGUAGE: dict[Language, str] = {
    "en": "What was found on this is in French only:",
    "fr": "Ce qui a été trouvé à ce sujet n'existe qu'en anglais :",
}
SUBJECTS: dict[Language, str] = {
    "en": "Ask about fees, liquidity, channels, backups, security or costs.",
    "fr": "Posez une question sur les frais, la liquidité, les canaux, les sauvegardes, la sécurité ou les coûts.",
}
NEAREST: dict[Language, str] = {
    "en": "Nearest in the library: {title}",
    "fr": "Le plus proche dans la bibliothèque : {title}",
}
ADD_DOCUMENT: dict[Language, str] = {
    "en": "Add a document that tells it: POST /api/v1/knowledge/documents.",
    "fr": "Ajoutez un document qui en parle : POST /api/v1/knowledge/documents.",
}
LIBRARY_AWAY: dict[Language, str] = {
    "en": "The library cannot be searched at the moment: ask again in a minute.",
    "fr": "La bibliothèque ne peut pas être consultée pour le moment : réessayez dans une minute.",
}
WITHHELD: dict[Language, str] = {
    "en": "Something was found and left out: it gives orders to whoever answers. Look at your documents.",
    "fr": "Un passage a été trouvé et écarté : il donne des ordres à qui répond. Vérifiez vos documents.",
}
QUOTE_MARKS: dict[Language, tuple[str, str]] = {"en": ("\u201c", "\u201d"), "fr": ("\u00ab\u00a0", "\u00a0\u00bb")}


def list_library_help(language: Language, nearest: str) -> tuple[str, ...]:
    """`nearest`: the title of what the library has nearest to it; empty: nothing is near."""
    first = NEAREST[language].format(title=nearest) if nearest else SUBJECTS[language]
    return (first, ADD_DOCUMENT[language])


def quote(text: str, language: Language) -> str:
    before, after = QUOTE_MARKS[language]
    return f"{before}{text}{after}"
