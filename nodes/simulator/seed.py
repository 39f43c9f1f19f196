"""The simulator's only chance: generators that the same words always start the same way."""

import random


def seed_random(*words: object) -> random.Random:
    """Independent for different words. For models only: these numbers keep no secret."""
    return random.Random(":".join(map(str, words)))  # noqa: S311
