"""What is asked, as JSON."""

from typing import Annotated, Literal

from msgspec import Struct

from mcp_saas.kit.text import telling

Question = Annotated[str, telling(max_length=1000)]


class AskBody(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A question in English or French. `language`: of the answer; null: the question's."""

    question: Question
    stream: bool = False
    language: Literal["en", "fr"] | None = None
