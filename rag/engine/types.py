"""What a document is to everything after its parser: sections with the headings above them, cut into chunks."""

from msgspec import Struct


class Section(Struct, frozen=True):
    """The text between two headings. `heading_path`: from the document's title down to the section's own heading."""

    heading_path: tuple[str, ...]
    text: str


class Chunk(Struct, frozen=True):
    """One piece that is embedded, found and quoted. `position` counts from 0 through its document."""

    position: int
    heading_path: tuple[str, ...]
    text: str

    @property
    def passage(self) -> str:
        """What is embedded and indexed: the headings say what the text is about, often in words it does not repeat."""
        return "\n".join([*filter(None, [" > ".join(self.heading_path)]), self.text])
