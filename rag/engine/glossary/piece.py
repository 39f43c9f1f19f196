"""A piece of a question: French words that were read as one, with their English."""

import msgspec

from rag.engine.glossary.lexicon import Entry, Kind


class Piece(msgspec.Struct, frozen=True):
    """`french`: the words as typed, elisions undone. `english` empty: English has no word for it. `entry` is None for
    what the glossary does not know.
    """

    french: tuple[str, ...]
    english: str
    kind: Kind
    entry: Entry | None = None

    @property
    def is_single(self) -> bool:
        return len(self.french) == 1
