"""What the child process tells its parent."""

from msgspec import Struct

from rag.engine.types import Section
from rag.sources.parser.errors import Reason


class Outcome(Struct, frozen=True, kw_only=True):
    """Sections, or a reason why there are none."""

    sections: list[Section] = []
    code: Reason | None = None
    reason: str = ""
