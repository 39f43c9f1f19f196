"""A file of the shared library, with whose it is."""

import hashlib

from msgspec import Struct
from msgspec.json import encode

from rag.engine.types import Section


class LibraryFile(Struct, frozen=True, kw_only=True):
    """`path` names it within its collection; `licence` is an SPDX identifier. An empty `lang` is worked out."""

    path: str
    media_type: str
    content: bytes
    source: str
    licence: str
    attribution: str = ""
    lang: str = ""
    title: str = ""
    sections: tuple[Section, ...] = ()  # of what is our own and read already

    @property
    def sha256(self) -> str:
        """Of all that ends up in the library: another licence is a change, too."""
        facts = [self.path, self.media_type, self.source, self.licence, self.attribution, self.lang, self.title]
        return hashlib.sha256(encode(facts) + self.content).hexdigest()


class CorpusError(Exception):
    """A folder or manifest that cannot be taken in as it is. One line for each fault."""
