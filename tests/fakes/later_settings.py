"""Settings of a later release, which has more migrations."""

from mcp_saas.settings.test import *  # noqa: F403 - the same but for one line

MIGRATION_MODULES = {"nodes": "tests.fakes.later_migrations"}
