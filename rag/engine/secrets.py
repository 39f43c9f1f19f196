"""What goes to a model of somebody else holds no key, macaroon, rune, invoice or seed, whoever typed it there.

Each is put in words of our own before and, in quotes of the answer, back afterwards: a quote is held against the text
as it stands. Channels and amounts stay: answers are about them.
"""

import re
from collections.abc import MutableMapping
from string import ascii_uppercase

from rag.engine.stop_words import STOP_WORDS

_LEAST_SEED_WORDS = 12  # BIP 39: 12 to 24
_MOST_STOP_WORDS = 0.34  # of a seed; prose has more, and words of one and two letters between
_SEED = re.compile(r"(?<![a-z])[a-z]{3,8}(?:[ \n,]{1,3}[a-z]{3,8}){11,}(?![a-z])")
_BASE64 = "A-Za-z0-9+/_-"
_MIXED = rf"(?<![{_BASE64}])(?=[{_BASE64}]*\d)(?=[{_BASE64}]*[A-Z])(?=[{_BASE64}]*[a-z])[{_BASE64}]{{40,}}={{0,2}}"
_SECRETS = tuple(
    (re.compile(pattern), name)
    for pattern, name in (
        (r"(?i)\bln(?:bcrt|bc|tbs|tb)[0-9]*[munp]?1[02-9ac-hj-np-z]{20,}", "invoice"),
        (r"(?i)\b(?:lno|lni|lnr|lnurl)1[02-9ac-hj-np-z]{20,}", "invoice"),
        (r"\beyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]*)?", "token"),
        (r"\b(?:sk|pk|rk|dz_live)[-_][A-Za-z0-9_-]{16,}", "key"),
        (r"(?i)\b0[23][0-9a-f]{64}\b", "pubkey"),
        (r"(?i)(?<![0-9a-z])[0-9a-f]{32,}(?![0-9a-z])", "secret"),
        (_MIXED, "secret"),
    )
)  # fmt: skip


def hide_secrets(text: str, hidden: MutableMapping[str, str]) -> str:
    """Each by a name, the same in all texts that share `hidden`, which is told what each name stands for."""
    names = {secret: name for name, secret in hidden.items()}

    def hide(secret: str, kind: str) -> str:
        if secret not in names:
            names[secret] = f"[{kind} {_spell(len(names))}]"
            hidden[names[secret]] = secret
        return names[secret]

    for pattern, kind in _SECRETS:
        text = pattern.sub(lambda found, kind=kind: hide(found[0], kind), text)  # type: ignore[misc]
    return _SEED.sub(lambda found: hide(found[0], "seed") if _looks_drawn(found[0]) else found[0], text)


def show_secrets(text: str, hidden: MutableMapping[str, str]) -> str:
    """As it was."""
    for name, secret in hidden.items():
        text = text.replace(name, secret)
    return text


def _spell(number: int) -> str:
    """A, B ... Z, AA: a figure would be taken for one."""
    letters = ascii_uppercase[number % 26]
    return letters if number < 26 else _spell(number // 26 - 1) + letters


def _looks_drawn(run: str) -> bool:
    """Words drawn by lot, not put into sentences."""
    words = re.split(r"[ \n,]+", run)
    stops = sum(word in STOP_WORDS["en"] or word in STOP_WORDS["fr"] for word in words)
    return len(words) >= _LEAST_SEED_WORDS and stops <= _MOST_STOP_WORDS * len(words)
