"""What leaves us in a log line or an error report says ids: no names of nodes in full, and none of their secrets.

Texts are recognised by their form, wherever they stand: in a message of ours, an exception, another library's line.
Fields are recognised by their names as well. A form is only taken for a secret where it is long and mixed enough.
"""

import re
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Any

HIDDEN = "<hidden>"
MAX_DEPTH = 12  # of values in values; what lies deeper is hidden
SECRET_NAMES = (
    "macaroon", "preimage", "payment_request", "payment_hash", "signature", "assertion", "claim_code", "refresh",
    "rune", "invoice", "bolt11", "bolt12", "password", "passwd", "secret", "token", "api_key", "apikey",
    "authorization", "cookie", "credential", "private", "mnemonic", "seed_phrase", "seed_words", "dsn",
)  # fmt: skip
_SECRET_NAME = re.compile("|".join(SECRET_NAMES), re.IGNORECASE)
_PUBKEY = re.compile(r"(?<![0-9A-Za-z])(0[23][0-9a-f]{6})[0-9a-f]{52}([0-9a-f]{6})(?![0-9A-Za-z])")
# PostgreSQL's: it quotes the row. Up to the end of its line; in JSON a line ends with the two characters `\n`.
_DETAIL = re.compile(r'(\\n|\n)DETAIL:(?:[^\\"\n]|\\[^n])*')
_SECRETS = (
    re.compile(r"\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*"),  # JWT
    re.compile(r"\bdz_live_[\w-]{8,}"),  # our own API keys
    re.compile(r"\bsk-[\w-]{16,}"),  # OpenAI's
    re.compile(r"\b[0-9]{6,12}:[\w-]{30,}"),  # Telegram's bots
    re.compile(r"\bwhsec_[\w+/=-]{16,}"),  # Standard Webhooks
    re.compile(r"(?<![0-9A-Za-z])ln(?:bcrt|bc|tbs|tb|sb)[0-9]*[munp]?1[02-9ac-hj-np-z]{40,}", re.IGNORECASE),  # BOLT 11
    re.compile(r"(?<![0-9A-Za-z])ln[ioru]1[02-9ac-hj-np-z]{40,}", re.IGNORECASE),  # BOLT 12
    re.compile(r"(?<![0-9A-Za-z])(?:0201036c6e64|0201)[0-9a-fA-F]{60,}"),  # macaroon, version 2, as LND writes it
    re.compile(r"(?<![\w+/-])(?:AgED|MDA)[\w+/-]{40,}={0,2}"),  # macaroons in base64
    re.compile(r"(?<![0-9A-Za-z])[0-9a-fA-F]{100,}"),  # keys and messages in hex, longer than any id
)
# Runes and tokens: base64url of 32 bytes or more. Names of code have no digits and both cases at once.
_LONG = re.compile(r"(?<![\w-])[\w-]{43,}={0,2}")
_RUN = re.compile(r"[\w+/.:=-]{16,}")  # no shorter run holds what is looked for by its form
_PASSWORD = re.compile(r"(?<=://)[^/\s:@\"]*:[^/\s@\"]+(?=@)")  # of an address
_NAMED = re.compile(
    r"(?i)\b(bearer|basic|macaroon|rune|preimage|password|api[_-]?key|secret|token)(\\?[\"']?\s?[=:]\s?\\?[\"']?|\s)"
    r"([\w+/=.-]{16,})"
)


def scrub_text(text: str) -> str:
    """The text with public keys shortened (`02ab12cd…9f3e1a`) and secrets hidden; unchanged where there are none."""
    if "DETAIL:" in text:
        text = _DETAIL.sub(rf"\1DETAIL: {HIDDEN}", text)
    if "://" in text:
        text = _PASSWORD.sub(HIDDEN, text)
    return _NAMED.sub(rf"\1\2{HIDDEN}", _RUN.sub(_scrub_run, text))


def _scrub_run(found: re.Match[str]) -> str:
    run = found[0]
    for secret in _SECRETS:
        run = secret.sub(HIDDEN, run)
    return _PUBKEY.sub(r"\1…\2", _LONG.sub(_hide_mixed, run))


def _hide_mixed(found: re.Match[str]) -> str:
    text = found[0]
    is_mixed = text != text.lower() and text != text.upper() and any(map(str.isdigit, text))
    return HIDDEN if is_mixed else text


def scrub_value(value: Any, *, depth: int = 0) -> Any:
    """The same in all texts of a value of JSON's kinds; fields with the name of a secret are hidden whole."""
    if isinstance(value, str):
        return scrub_text(value)
    if value is None or isinstance(value, bool | int | float):
        return value
    if depth >= MAX_DEPTH:
        return HIDDEN
    if isinstance(value, Mapping):
        fields = [(str(name), field) for name, field in value.items()]
        return {
            scrub_text(name): HIDDEN if field and is_secret_name(name) else scrub_value(field, depth=depth + 1)
            for name, field in fields
        }
    if isinstance(value, list | tuple | AbstractSet):
        return [scrub_value(item, depth=depth + 1) for item in value]
    return HIDDEN if isinstance(value, bytes | bytearray | memoryview) else scrub_text(str(value))


def is_secret_name(name: str) -> bool:
    """Whether a field so named holds a secret. Counts of them do not: `tokens`."""
    return bool(_SECRET_NAME.search(name)) and name not in {"tokens", "token_version", "max_tokens"}
