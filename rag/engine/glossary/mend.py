"""The order of words: French to English, for the patterns that questions are made of."""

from rag.engine.glossary.data import word_list
from rag.engine.glossary.french import fold
from rag.engine.glossary.lexicon import Kind
from rag.engine.glossary.past import past
from rag.engine.glossary.piece import Piece

NEGATIONS = {"pas": "not", "plus": "no longer", "jamais": "never", "guere": "hardly", "point": "not"}
REACH = 4  # pieces after "ne" in which its other half is looked for
ASKING, INVERTED, PERFECT, HELPERS = (word_list(name) for name in ("asking", "inverted", "perfect", "helpers"))
OF = frozenset({"de", "du", "des"})
OBJECTS = {"le": "it", "la": "it", "les": "them", "leur": "them", "lui": "it", "me": "me"}
NAMED = frozenset({Kind.NOUN, Kind.ADJECTIVE})
BEFORE_INFINITIVE = {"pour": "to", "de": "to", "a": "to"}


def mend(pieces: list[Piece]) -> list[Piece]:
    in_order = put_objects_last(join_negations(put_in_the_past(pieces)))
    return put_adjectives_first(choose_small_words(join_nouns(in_order)))


def put_in_the_past(pieces: list[Piece]) -> list[Piece]:
    """ "ai perdu" -> "have lost", "est confirmée" -> "is confirmed"."""
    return [
        say(piece, past(piece.english)) if piece.kind == Kind.VERB and is_helped(pieces[:place]) else piece
        for place, piece in enumerate(pieces)
    ]


def is_helped(before: list[Piece]) -> bool:
    """Whether a verb stands behind "is" or "has", with small words between them at most."""
    for piece in reversed(before[-REACH:]):
        if piece.english in PERFECT:
            return True
        if piece.kind != Kind.WORD:
            return False
    return False


def join_nouns(pieces: list[Piece]) -> list[Piece]:
    """ "transactions de balayage" -> "sweep transactions". An article between them ("du", "de la") keeps the order."""
    mended: list[Piece] = []
    for piece in pieces:
        is_pair = len(mended) > 1 and piece.kind == mended[-2].kind == Kind.NOUN and is_bare_of(mended[-1])
        if is_pair and piece.english and mended[-2].english:
            noun = mended[-2]
            mended[-2:] = [
                Piece((*noun.french, *piece.french), f"{piece.english} {noun.english}", Kind.NOUN, noun.entry)
            ]
        else:
            mended.append(piece)
    return mended


def is_bare_of(piece: Piece) -> bool:
    return piece.is_single and fold(piece.french[0]) == "de"


def put_objects_last(pieces: list[Piece]) -> list[Piece]:
    """ "l'atténuer" -> "mitigate it"."""
    mended = list(pieces)
    for place in range(len(mended) - 1):
        piece, after = mended[place], mended[place + 1]
        word = fold(piece.french[0])
        if piece.is_single and piece.kind == Kind.WORD and word in OBJECTS and after.kind == Kind.VERB:
            mended[place : place + 2] = [after, say(piece, OBJECTS[word])]
    return mended


def join_negations(pieces: list[Piece]) -> list[Piece]:
    """ "ne trouve pas" -> "not find", "ne marche plus" -> "no longer work"; a "ne" without other half is left out."""
    mended = list(pieces)
    for place, piece in enumerate(pieces):
        if fold(piece.french[0]) != "ne" or not piece.is_single:
            continue
        halves = [other for other in range(place + 1, min(place + 1 + REACH, len(pieces))) if is_half(pieces[other])]
        negation = NEGATIONS[fold(pieces[halves[0]].french[0])] if halves else ""
        comes_after = place + 1 < len(pieces) and pieces[place + 1].english in HELPERS  # "is not", but "not find"
        mended[place] = say(piece, "" if comes_after else negation)
        for half in halves[:1]:
            mended[half] = say(pieces[half], negation if comes_after else "")
    return mended


def is_half(piece: Piece) -> bool:
    return piece.is_single and fold(piece.french[0]) in NEGATIONS


def choose_small_words(pieces: list[Piece]) -> list[Piece]:
    """ "de" is "of" after a noun and nothing after a verb; "comment" before an infinitive is "how to"."""
    mended: list[Piece] = []
    for place, piece in enumerate(pieces):
        english = chosen(piece, mended[-1] if mended else None, after=pieces[place + 1 : place + 2])
        mended.append(say(piece, english))
    return mended


def chosen(piece: Piece, before: Piece | None, *, after: list[Piece]) -> str:
    if not piece.is_single or piece.kind != Kind.WORD:
        return piece.english
    word = fold(piece.french[0])
    if after and after[0].kind == Kind.VERB and is_infinitive(after[0]):
        if word in ASKING:
            return "what to" if word == "que" else f"{piece.english} to"
        if word in BEFORE_INFINITIVE:
            return BEFORE_INFINITIVE[word]
    if word == "des" and not piece.english.startswith("of"):
        return piece.english  # "dès"
    return by_what_is_before(word, before, otherwise=piece.english)


def by_what_is_before(word: str, before: Piece | None, *, otherwise: str) -> str:
    is_after_name = before is not None and before.kind in NAMED
    is_after_verb = before is not None and before.kind == Kind.VERB
    if word == "que" and before is None:
        return "what"
    if word == "qui" and not is_after_name:
        return "who"
    if word in OF:
        return ("of the" if word == "du" else "of") if is_after_name else ""
    is_some_of = before is not None and word in {"la", "le"} and fold(before.french[-1]) == "de" and not before.english
    is_turned_round = is_after_verb and word in INVERTED  # "choisit-il"; "obtenir de la liquidité" is some of it
    return "" if is_some_of or is_turned_round else otherwise


def is_infinitive(piece: Piece) -> bool:
    return fold(piece.french[0]).endswith(("er", "ir", "re"))


def put_adjectives_first(pieces: list[Piece]) -> list[Piece]:
    """ "canal privé inactif" -> "inactive private channel". Only what stands right behind a noun moves."""
    mended: list[Piece] = []
    noun: int | None = None  # where the noun stands that adjectives go before
    for piece in pieces:
        if not piece.english:
            mended.append(piece)
        elif piece.kind == Kind.ADJECTIVE and noun is not None:
            mended.insert(noun, piece)
        else:
            noun = len(mended) if piece.kind == Kind.NOUN else None
            mended.append(piece)
    return mended


def say(piece: Piece, english: str) -> Piece:
    return Piece(piece.french, english, piece.kind, piece.entry)
