"""Settings of staging and production. They refuse to start under the dev profile."""

import sys

from mcp_saas.settings.base import *  # noqa: F403 - a profile is the base with a few lines changed
from mcp_saas.settings.base import ENV

if ENV.profile == "dev":
    sys.exit(
        "Wrong setting PROFILE: mcp_saas.settings.prod needs PROFILE=staging or PROFILE=production. See .env.example"
    )
