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
    "rune", "invoice", "bolt11", "bolt12", "password", "passwd", "secret", "token", "api_key", "apikey", "adminkey",
    "inkey", "authorization", "cookie", "sessionid", "session_key", "credential", "private", "mnemonic", "seed_phrase",
    "seed_words", "dsn", "nsec", "lnurl", "totp",
)  # fmt: skip
_SECRET_NAME = re.compile("|".join(SECRET_NAMES), re.IGNORECASE)
# Not the middle of a longer number in hex; in an address a letter of hex may stand before it, as %20 does.
_PUBKEY = re.compile(
    r"(?:(?<![0-9a-f])|(?<=%[0-9a-f]{2}))(0[23][0-9a-f]{6})[0-9a-f]{52}([0-9a-f]{6})(?![0-9a-f])", re.IGNORECASE
)
# PostgreSQL's: it quotes the row. Up to the end of its line; in JSON a line ends with the two characters `\n`.
_DETAIL = re.compile(r'(\\n|\n)DETAIL:(?:[^\\"\n]|\\[^n])*')
_SECRETS = (
    re.compile(r"\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*"),  # JWT
    re.compile(r"\bdz_live_[\w-]{8,}"),  # our own API keys
    re.compile(r"\bsk-[\w-]{16,}"),  # OpenAI's
    re.compile(r"(?<![0-9])[0-9]{6,12}:[\w-]{30,}"),  # Telegram's bots; in addresses `bot` stands before it
    re.compile(r"\bwhsec_[\w+/=-]{16,}"),  # Standard Webhooks
    re.compile(r"(?<![0-9A-Za-z])ln(?:bcrt|bc|tbs|tb|sb)[0-9]*[munp]?1[02-9ac-hj-np-z]{40,}", re.IGNORECASE),  # BOLT 11
    re.compile(r"(?<![0-9A-Za-z])ln[ioru]1[+02-9ac-hj-np-z]{40,}", re.IGNORECASE),  # BOLT 12, also cut with +
    re.compile(r"(?<![0-9A-Za-z])(?:lnurl|nsec|ncryptsec)1[02-9ac-hj-np-z]{40,}", re.IGNORECASE),  # LUD-01, NIP-19, -49
    re.compile(r"(?<![0-9A-Za-z])(?:0201036c6e64|0201)[0-9a-fA-F]{60,}"),  # macaroon, version 2, as LND writes it
    re.compile(r"(?<![\w+/-])(?:AgED|MDA)[\w+/-]{40,}={0,2}"),  # macaroons in base64
    re.compile(r"(?<![0-9A-Za-z])[0-9a-fA-F]{100,}"),  # keys and messages in hex, longer than any id
)
# Runes and tokens: base64url of 32 bytes or more. Names of code have no digits and both cases at once.
_LONG = re.compile(r"(?<![\w-])[\w-]{43,}={0,2}")
# No shorter run holds what is looked for by its form. Before it, a character as JSON or `repr` escape it: in a finished
# line a new line ends in a letter, and a quotation mark may end in a digit.
_RUN = re.compile(r"(\\(?:u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|[bfnrt]))?([\w+/.:=%-]{16,})")
_PASSWORD = re.compile(r"(?<=://)[^/\s:@\"]*:[^/\s@\"]+(?=@)")  # of an address
# Eight escaped bytes near each other, as `repr` writes them, in JSON with two strokes.
_BYTES = re.compile(r"\\{1,2}x[0-9a-f]{2}(?:[^\\\"'\n]{0,12}\\{1,2}[xnrt\\'][0-9a-f]{0,2}){7,}[^\\\"'\n]{0,40}")
# Before a value: all words that `_NAMED` and `_SHORT` know, to be looked for first, for that costs far less.
_NAMES = (
    "bearer", "basic", "macaroon", "rune", "preimage", "passw", "api_key", "api-key", "apikey", "secret", "token",
    "authorization",
)  # fmt: skip
_NAMED = re.compile(
    r"(bearer|basic|macaroon|rune|preimage|password|api[_-]?key|secret|token)(\\?[\"']?\s?[=:]\s?\\?[\"']?|\s)"
    r"([\w+/=.-]{16,})",
    re.IGNORECASE,
)
# However short: nothing else is told of by these names.
_SHORT = re.compile(
    r"(passw(?:or)?d|authorization)(\\?[\"']?\s?[=:]\s?\\?[\"']?(?:(?:basic|bearer)\s)?)([^\s\"'\\,;&<]+)",
    re.IGNORECASE,
)


def scrub_text(text: str) -> str:
    """The text with public keys shortened (`02ab12cd…9f3e1a`) and secrets hidden; unchanged where there are none."""
    if "DETAIL:" in text:
        text = _DETAIL.sub(rf"\1DETAIL: {HIDDEN}", text)
    if "://" in text:
        text = _PASSWORD.sub(HIDDEN, text)
    if "\\x" in text:
        text = _BYTES.sub(HIDDEN, text)
    text = _RUN.sub(_scrub_run, text)
    lowered = text.lower()
    if not any(name in lowered for name in _NAMES):
        return text
    return _SHORT.sub(rf"\1\2{HIDDEN}", _NAMED.sub(rf"\1\2{HIDDEN}", text))


def _scrub_run(found: re.Match[str]) -> str:
    escape, run = found.groups(default="")
    for secret in _SECRETS:
        run = secret.sub(HIDDEN, run)
    return escape + _PUBKEY.sub(r"\1…\2", _LONG.sub(_hide_mixed, run))


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
        return _scrub_items(list(value), depth=depth + 1)
    return HIDDEN if isinstance(value, bytes | bytearray | memoryview) else scrub_text(str(value))


def _scrub_items(items: list[Any], *, depth: int) -> list[Any]:
    """A pair is a field as well, as headers are: its first text names the other."""
    if len(items) == 2 and isinstance(items[0], str) and is_secret_name(items[0]):
        return [scrub_text(items[0]), HIDDEN]
    return [scrub_value(item, depth=depth) for item in items]


def is_secret_name(name: str) -> bool:
    """Whether a field so named holds a secret, in code or as a header. Counts of them do not: `tokens`."""
    found = _SECRET_NAME.search(name.replace("-", "_"))
    return bool(found) and name not in {"tokens", "token_version", "max_tokens"}
