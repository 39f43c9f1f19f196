"""Kinds of text that several shapes have."""

from typing import Annotated

from msgspec import Meta

from mcp_saas.kit.text import spelled, telling, without_nul

Short = Annotated[str, without_nul(max_length=128)]
Reason = Annotated[str, telling(max_length=200)]
Base64Of32Bytes = Annotated[str, spelled(r"[A-Za-z0-9_-]{43}", "32 bytes in base64url without padding: 43 characters")]
Token = Annotated[str, Meta(min_length=1, max_length=4096)]
