"""Letters without their accents, as many people type them."""

import unicodedata


def strip_accents(text: str) -> str:
    """Also compatible forms made one: "ﬁ" is "fi"."""
    if text.isascii():
        return text
    return "".join(one for one in unicodedata.normalize("NFKD", text) if not unicodedata.combining(one))
