"""Shapes of plans."""

from msgspec import Struct

from tenants.engine.plan import LimitName, PlanCode


class DevicePlan(Struct, frozen=True, forbid_unknown_fields=True):
    """The plan of a Dazbox."""

    plan: PlanCode


class PlanAnswer(Struct, frozen=True):
    """How much of each thing a Dazbox with this plan may have."""

    code: PlanCode
    title: str
    is_self_service: bool
    limits: dict[LimitName, int]


class PlanList(Struct, frozen=True):
    """All plans, the smallest first."""

    items: list[PlanAnswer]
