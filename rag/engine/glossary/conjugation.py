"""The forms of French verbs, by the ending of the infinitive, all without accents (`forms/french_verbs.txt`)."""

from rag.engine.glossary.data import read_forms

ENDINGS = read_forms("french_verbs")
LONGEST = max(len(ending) for ending in ENDINGS)


def conjugate(infinitive: str) -> list[str]:
    """All common forms of a verb, from its infinitive without accents; what is no verb has only itself."""
    for length in range(min(LONGEST, len(infinitive)), 1, -1):
        ending = infinitive[-length:]
        if ending in ENDINGS:
            trunk = infinitive[:-length]
            return [trunk + form for form in ENDINGS[ending]]
    return [infinitive]
