"""The fingerprint of a tool: what a model reads of it, in one spelling. A changed word is another fingerprint."""

from bridge.engine.canonical import digest, write_canonical


def pin_tool(raw: bytes) -> str:
    """SHA-256 (hexadecimal) of the tool's canonical JSON. Raises ValueError for what has no single meaning."""
    return digest(write_canonical(raw))
