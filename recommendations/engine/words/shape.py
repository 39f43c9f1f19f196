"""What each language has to say."""

from msgspec import Struct


class Situation(Struct, frozen=True, kw_only=True):
    """`explanation`: for those who are new to it."""

    action: str
    reason: str
    explanation: str
    steps: tuple[str, ...]


class Words(Struct, frozen=True, kw_only=True):
    """Situations by `name_situation`, parts of sentences, and the reasons why there is no number."""

    article: str  # of a channel, with the blank after it
    situations: dict[str, Situation]
    known: str
    bounds: str
    none: str
    lasts: str
    cost: str
    cost_unknown: str
    extrapolated: str
    why_none: dict[str, str]
    left_out: dict[str, str]
    parts: dict[str, str]
