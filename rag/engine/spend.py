"""What asking a model may cost, told before it is asked."""

import math

MAX_ANSWER_TOKENS = 800
_OVERHEAD_TOKENS = 400  # the schema of the answer and the frame of messages
_CHARS_A_TOKEN = 3.0  # English prose has four or more, French a little less, figures and keys about three


def estimate_tokens(text: str) -> int:
    """Rather too many: bytes of UTF-8 over three."""
    return math.ceil(len(text.encode()) / _CHARS_A_TOKEN)


def estimate_call(system: str, user: str) -> int:
    """Tokens in and out of one request, at most."""
    return estimate_tokens(system) + estimate_tokens(user) + _OVERHEAD_TOKENS + MAX_ANSWER_TOKENS
