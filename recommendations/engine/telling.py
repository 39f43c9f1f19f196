"""Records of a node as sentences that an answer may quote. Names of strangers are made harmless."""

import datetime as dt
from decimal import Decimal

from mcp_saas.kit.alias import tame_alias
from rag.engine.evidence import Language
from rag.engine.plain import has_markup, make_plain
from rag.engine.suspicion import speaks_to_assistant
from recommendations.engine.fact_words import WORDS

NARROW_BLANK = "\u202f"  # between thousands in French
WITHOUT_QUOTES = dict.fromkeys(map(ord, "\u201c\u201d\u00ab\u00bb"))  # ours stand around a name
MAX_ERROR_CHARS = 160


def tell(key: str, language: Language, **values: object) -> str:
    """Whole numbers are grouped by thousands as the language does, instants are those of UTC by minutes."""
    return WORDS[language][key].format(**{name: _show(value, language) for name, value in values.items()})


def name_channel(short_channel_id: str, alias: str | None, *, language: Language) -> str:
    """With its peer's alias, unless that is more than a name."""
    peer = tame_name(alias or "")
    if not peer:
        return tell("nobody", language, scid=short_channel_id)
    return tell("peer", language, scid=short_channel_id, peer=peer)


def tame_name(name: str) -> str:
    """Nothing is left of one that is more than a name."""
    if has_markup(name) or speaks_to_assistant(name):
        return ""
    return tame_alias(make_plain(name).translate(WITHOUT_QUOTES))


def tell_sat(msat: int, language: Language) -> str:
    """In sat, to the millisatoshi."""
    whole, rest = divmod(msat, 1000)
    parts = f"{rest:03}".rstrip("0")
    return f"{_show(whole, language)}{_point(language) if parts else ''}{parts}"


def tell_share(share: float, language: Language) -> str:
    """A number from 0 to 1, to the hundredth."""
    return f"{Decimal(str(share)):.2f}".replace(".", _point(language))


def tell_instant(instant: dt.datetime) -> str:
    """By minutes, in UTC."""
    return f"{instant.astimezone(dt.UTC):%Y-%m-%d %H:%M}"


def tell_error(error: str | None, language: Language) -> str:
    """What a node said, which may be anything."""
    plain = make_plain(error or "")[:MAX_ERROR_CHARS]
    return "" if not plain or speaks_to_assistant(error or "") else tell("error", language, error=plain)


def _show(value: object, language: Language) -> object:
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        return f"{value:,}".replace(",", NARROW_BLANK) if language == "fr" else f"{value:,}"
    return tell_instant(value) if isinstance(value, dt.datetime) else value


def _point(language: Language) -> str:
    return "," if language == "fr" else "."
