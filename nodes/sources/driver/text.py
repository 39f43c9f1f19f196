"""What strangers wrote, fit to be kept and shown."""

import unicodedata

MAX_TEXT_CHARS = 128


def clean_text(text: str) -> str:
    """Strangers write aliases: no control characters, no half characters, no more than the contract allows."""
    return "".join(char for char in text if unicodedata.category(char) not in {"Cc", "Cs"})[:MAX_TEXT_CHARS]
