"""What answers say in their own words, in both languages: no evidence, a lead before quotes, names of things."""

from rag.engine.evidence import Language

NO_EVIDENCE: dict[Language, str] = {
    "en": "I found nothing that answers this, so I do not answer it.",
    "fr": "Je n'ai rien trouvé qui réponde à cette question, je n'y réponds donc pas.",
}
WOULD_HELP: dict[Language, tuple[str, ...]] = {
    "en": (
        "Name a channel by its id (800000x1x0), its peer's alias or its peer's public key.",
        "Ask about fees, liquidity, channels, backups, security or costs.",
        "Add a document that tells it: POST /api/v1/knowledge/documents.",
    ),
    "fr": (
        "Nommez un canal par son identifiant (800000x1x0), l'alias ou la clé publique de son pair.",
        "Posez une question sur les frais, la liquidité, les canaux, les sauvegardes, la sécurité ou les coûts.",
        "Ajoutez un document qui en parle : POST /api/v1/knowledge/documents.",
    ),
}
LIBRARY_AWAY: dict[Language, str] = {
    "en": "The library cannot be searched at the moment: ask again in a minute.",
    "fr": "La bibliothèque ne peut pas être consultée pour le moment : réessayez dans une minute.",
}
WITHHELD: dict[Language, str] = {
    "en": "Something was found and left out: it gives orders to whoever answers. Look at your documents.",
    "fr": "Un passage a été trouvé et écarté : il donne des ordres à qui répond. Vérifiez vos documents.",
}
NO_SUCH_CHANNEL: dict[Language, str] = {
    "en": "Your node has no channel of that name: check the id, the alias or the key.",
    "fr": "Votre nœud n'a pas de canal de ce nom : vérifiez l'identifiant, l'alias ou la clé.",
}
QUOTE_MARKS: dict[Language, tuple[str, str]] = {"en": ("\u201c", "\u201d"), "fr": ("\u00ab\u00a0", "\u00a0\u00bb")}


def quote(text: str, language: Language) -> str:
    before, after = QUOTE_MARKS[language]
    return f"{before}{text}{after}"
