"""The English look of a French word that no entry has: endings that the two languages share by their Latin."""

ENDINGS = (
    ("issement", "ishment"), ("ification", "ification"), ("isation", "ization"), ("ement", "ement"), ("tion", "tion"),
    ("logie", "logy"), ("graphie", "graphy"), ("metrie", "metry"), ("nomie", "nomy"), ("bilite", "bility"),
    ("ateur", "ator"), ("atrice", "ator"), ("iteur", "itor"), ("teur", "tor"), ("ique", "ic"), ("isme", "ism"),
    ("iste", "ist"), ("aire", "ary"), ("oire", "ory"), ("euse", "ous"), ("eux", "ous"), ("ive", "ive"), ("if", "ive"),
    ("elle", "al"), ("el", "al"), ("aux", "al"), ("ale", "al"), ("iser", "ize"), ("ifier", "ify"), ("ance", "ance"),
    ("ence", "ence"), ("able", "able"), ("ible", "ible"), ("ite", "ity"), ("ete", "ety"), ("erie", "ery"), ("ie", "y"),
    ("ment", "ly"), ("uer", "uate"), ("er", "ate"),
)  # fmt: skip
SHORTEST = 4  # letters before the ending: of less nothing can be said


def guess(folded: str) -> str | None:
    """A guess at the English of a French word, lower case and without accents; None where no ending is shared."""
    word = folded.removesuffix("s") if not folded.endswith(("ss", "us")) else folded
    for french, english in ENDINGS:
        if word.endswith(french) and len(word) - len(french) >= SHORTEST:
            return word.removesuffix(french) + english
    return None
