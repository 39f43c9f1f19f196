"""The status as a page: one document, nothing loaded from elsewhere, and no data in it. It asks for them with the
reader's token, which stays in this tab.
"""

import base64
import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

import msgspec

from bridge.gateway.page.words import WORDS

Language = Literal["en", "fr"]
LANGUAGES: tuple[Language, ...] = ("en", "fr")
Header = tuple[bytes, bytes]
FOLDER = Path(__file__).parent


def render(language: Language) -> tuple[bytes, tuple[Header, ...]]:
    """The page, and its headers: a policy that lets these very script and style run and no other."""
    words = WORDS[language]
    style, script = (read(name) for name in ("status.css", "status.js"))
    data = msgspec.json.encode(words).decode().replace("<", "\\u003c")
    page = read("status.html")
    for name, text in {
        "language": language,
        "title": words["title"],
        "style": style,
        "script": script,
        "words": data,
    }.items():
        page = page.replace("{{" + name + "}}", text)
    policy = (
        f"default-src 'none'; script-src '{fingerprint(script)}'; style-src '{fingerprint(style)}'; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return page.encode(), (
        (b"content-type", b"text/html; charset=utf-8"),
        (b"content-language", language.encode()),
        (b"content-security-policy", policy.encode()),
        (b"x-content-type-options", b"nosniff"),
        (b"referrer-policy", b"no-referrer"),
        (b"cache-control", b"no-cache"),
        (b"vary", b"accept, accept-language"),
    )


def read(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")


def fingerprint(text: str) -> str:
    """As a Content-Security-Policy names an inline script or style."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def choose_language(headers: Iterable[Header]) -> Language:
    """The first of ours that Accept-Language names; English otherwise."""
    for name, value in headers:
        if name == b"accept-language":
            for part in value.decode("latin-1").lower().split(","):
                match part.strip()[:2]:
                    case "fr":
                        return "fr"
                    case "en":
                        return "en"
    return "en"
