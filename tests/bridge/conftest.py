"""What the tests of the gateway's edge share."""

import pytest

from mcp_saas.settings.environment import Environment


@pytest.fixture
def redis_url(settings: object) -> str:
    env: Environment = settings.ENV  # type: ignore[attr-defined]
    return env.redis_url
