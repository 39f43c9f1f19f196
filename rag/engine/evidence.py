"""What an answer may stand on, and what stands on it."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

Language = Literal["en", "fr"]
LANGUAGES: tuple[Language, ...] = ("en", "fr")
UNDER = " \u203a "
EvidenceKind = Literal["fact", "passage"]


class Evidence(Struct, frozen=True, kw_only=True):
    """One fact of the asker's own node, or one passage of the library or of the asker's documents.

    `id` leads back to it: `decision:123`, `channel:800000x1x0`, `action:<uuid>`, `run:<uuid>`, or a chunk's id. `text`
    is what may be quoted; strangers may have written it.
    """

    id: str
    kind: EvidenceKind
    text: str
    language: Language
    title: str = ""  # its headings, outermost first, with UNDER between them
    other_heading: str = ""  # of the same section in the other language, where it was found by that
    source: str = ""  # who wrote it: `node`, `library`, `document`, or the name of a corpus
    licence: str = ""
    rule: str | None = None  # of a decision: which branch of which strategy spoke
    held_by: str | None = None

    @property
    def heading(self) -> str:
        """Of its own section."""
        return self.title.rpartition(UNDER)[2]


class Citation(Struct, frozen=True):
    """`quote` occurs in the text of the evidence of this id."""

    id: str
    quote: str


class Sentence(Struct, frozen=True):
    """One sentence of an answer, with all it stands on."""

    text: str
    citations: tuple[Citation, ...]
