"""What a child sees of our environment: these four, and nothing else."""

import os

PASSED = ("PATH", "HOME", "LANG", "TZ")


def make_environment(own: dict[str, str]) -> dict[str, str]:
    """`own`: what the server's entry in the catalogue gives it."""
    return {name: os.environ[name] for name in PASSED if name in os.environ} | own
