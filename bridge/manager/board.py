"""Redis, where control plane and gateways leave each other word (`bridge.engine.board`). Calls never hang."""

from functools import cache
from typing import Any

import redis
from django.conf import settings
from redis.exceptions import RedisError

from bridge.engine.board import read_state_key
from mcp_saas.kit.errors import Problem

_BUDGET_S = 0.5
LONGEST_WAIT_S = 10.0


@cache
def board() -> Any:
    """The client of this process; threads share it."""
    return _connect(_BUDGET_S)


@cache
def patient_board() -> Any:
    """For reads that wait for something to come, at most LONGEST_WAIT_S."""
    return _connect(LONGEST_WAIT_S + _BUDGET_S)


def _connect(budget_s: float) -> Any:
    return redis.Redis.from_url(
        settings.ENV.redis_url, socket_timeout=budget_s, socket_connect_timeout=_BUDGET_S, retry=None
    )


def state_key() -> bytes | None:
    """MCP_STATE_KEY; None where no gateway is told anything."""
    key = settings.ENV.mcp_state_key
    return read_state_key(key.get_secret_value()) if key is not None else None


def refuse_without(error: RedisError) -> Problem:
    problem = Problem(
        503, "gateway-unreachable", "Gateways cannot be reached", detail="Redis does not answer: try again in a moment."
    )
    problem.headers["Retry-After"] = "2"
    return problem
