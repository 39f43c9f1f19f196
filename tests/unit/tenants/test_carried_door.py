"""A thread that is sent from behind a tenant's door stays behind that one, whoever else is let in meanwhile."""

import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest

from tenants.context import (
    NoTenantError,
    TenantRef,
    carry_door,
    current_door,
    current_schema,
    current_tenant,
    enter_tenant,
)

NORTH, SOUTH = (TenantRef(uuid.uuid4(), f"dz_{name}0000", "02" + "ab" * 32) for name in ("north", "south"))


def name_place() -> tuple[TenantRef, str]:
    return current_tenant(), current_schema()


def test_each_thread_is_behind_the_door_it_was_sent_from() -> None:
    with ThreadPoolExecutor(1) as pool:
        with enter_tenant(NORTH):
            north = carry_door(name_place)
        with enter_tenant(SOUTH):
            found = [pool.submit(work).result() for work in (north, carry_door(name_place))]
        assert found == [(NORTH, NORTH.schema_name), (SOUTH, SOUTH.schema_name)]
        with pytest.raises(NoTenantError):
            pool.submit(current_tenant).result()  # nothing stays behind in the thread


def test_it_finds_what_was_kept_at_the_door() -> None:
    with ThreadPoolExecutor(1) as pool, enter_tenant(NORTH):
        current_door().kept["key"] = "north's"
        assert pool.submit(carry_door(lambda: current_door().kept["key"])).result() == "north's"


def test_from_outside_no_door_is_carried() -> None:
    with pytest.raises(NoTenantError):
        carry_door(name_place)
