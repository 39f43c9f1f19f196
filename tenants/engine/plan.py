"""Plans: how much of each thing a box may have. A new plan or limit is a line here."""

import datetime as dt
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from mcp_saas.kit.errors import Problem

PlanCode = Literal["home", "pro", "hub"]
LimitName = Literal[
    "channels",
    "snapshots_per_hour",
    "llm_tokens_per_day",
    "rag_documents",
    "rag_mb",
    "rag_chunks",
    "webhooks",
    "mcp_calls_per_minute",
]


@dataclass(frozen=True, slots=True)
class Plan:
    """`is_self_service`: an owner may choose it themselves; else a shop or an operator does."""

    code: PlanCode
    title: str
    is_self_service: bool
    limits: Mapping[LimitName, int]


def _plan(code: PlanCode, title: str, *numbers: int, is_self_service: bool = False) -> Plan:
    """`numbers` in the order of LimitName."""
    return Plan(code, title, is_self_service, dict(zip(LIMIT_NAMES, numbers, strict=True)))


LIMIT_NAMES: tuple[LimitName, ...] = LimitName.__args__  # type: ignore[attr-defined]
DEFAULT_PLAN: PlanCode = "home"
#                                channels snapshots/h LLM tokens/d documents   MB  passages webhooks MCP calls/min
PLANS: Mapping[str, Plan] = {
    plan.code: plan
    for plan in (
        _plan("home", "Home node", 500, 600, 100_000, 200, 100, 20_000, 5, 60, is_self_service=True),
        _plan("pro", "Routing node", 3_000, 1_200, 1_000_000, 2_000, 1_000, 200_000, 20, 300),
        _plan("hub", "Hub", 20_000, 3_600, 10_000_000, 20_000, 10_000, 2_000_000, 100, 1_200),
    )
}


def refuse_beyond(name: LimitName, limit: int, *, detail: str, reset: dt.timedelta | None = None) -> Problem:
    """`reset`: in what time there will be room again; None: not by waiting."""
    words = f"The plan allows {limit} {name.replace('_', ' ')}. {detail}".strip()
    problem = Problem(429, "quota-exceeded", "Beyond the plan", detail=f"{words} A larger plan allows more.")
    problem.headers = {"RateLimit-Policy": f'"{name}";q={limit}', "RateLimit": f'"{name}";r=0'}
    if reset is not None:
        seconds = max(1, math.ceil(reset.total_seconds()))
        problem.headers["RateLimit"] += f";t={seconds}"
        problem.headers["Retry-After"] = str(seconds)
    return problem
