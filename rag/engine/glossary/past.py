"""The past participle of the English verbs that the glossary renders French ones by."""

from rag.engine.glossary.data import read_forms, word_list

IRREGULAR = read_forms("english_participles")
DOUBLING = word_list("doubling")
VOWELS = "aeiou"


def past(english: str) -> str:
    """ "lose" -> "lost", "back up" -> "backed up"."""
    verb, _, rest = english.partition(" ")
    return " ".join(part for part in (participle(verb), rest) if part)


def participle(verb: str) -> str:
    if verb in IRREGULAR:
        return IRREGULAR[verb][0]
    if verb.endswith("e"):
        return f"{verb}d"
    if verb.endswith("y") and verb[-2:-1] not in VOWELS:
        return f"{verb[:-1]}ied"
    return f"{verb}{verb[-1] if verb in DOUBLING else ''}ed"
