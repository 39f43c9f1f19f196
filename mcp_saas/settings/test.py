"""Settings of the test run: the same code, faster password hashing."""

from mcp_saas.settings.base import *  # noqa: F403 - a profile is the base with a few lines changed

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
