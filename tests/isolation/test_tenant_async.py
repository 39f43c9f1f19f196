"""Coroutines of several tenants on one event loop: each has its own context, so each sees its own tenant."""

import asyncio
from collections.abc import Coroutine, Iterator
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.db import ProgrammingError, connections

from nodes.models.node import OwnNode
from tenants.context import current_schema, enter_tenant, use_schema
from tests.committed import committed_database
from tests.factories import Box, make_box

ROUNDS = 40


@pytest.fixture(scope="module")
def trio(django_db_setup: None, django_db_blocker: Any) -> Iterator[list[Box]]:
    with committed_database(django_db_blocker):
        boxes = [make_box(name) for name in ("east", "west", "centre")]
        for box in boxes:
            with enter_tenant(box.tenant):
                OwnNode.objects.create(forward_cursor=box.name)
        yield boxes


def run(main: Coroutine[Any, Any, Any]) -> Any:
    """Runs it and closes the connection of the thread in which async code talks to the database."""

    async def run_and_close() -> Any:
        try:
            return await main
        finally:
            await sync_to_async(connections.close_all)()

    return asyncio.run(run_and_close())


def read_marker() -> str:
    return OwnNode.objects.get().forward_cursor


def read_marker_and_close() -> str:
    try:
        return read_marker()
    finally:
        connections.close_all()


async def read_again_and_again(box: Box) -> list[str]:
    seen = []
    for _ in range(ROUNDS):
        with enter_tenant(box.tenant):
            seen.append((await OwnNode.objects.aget()).forward_cursor)
            await asyncio.sleep(0)
            seen.append(await sync_to_async(read_marker)())
            seen.extend([marker async for marker in OwnNode.objects.values_list("forward_cursor", flat=True)])
    return seen


async def gather_all(coroutines: list[Coroutine[Any, Any, Any]]) -> list[Any]:
    return await asyncio.gather(*coroutines)


def test_gathered_coroutines_read_their_own_tenant_only(trio: list[Box]) -> None:
    seen = run(gather_all([read_again_and_again(box) for box in trio]))
    assert seen == [[box.name] * (3 * ROUNDS) for box in trio]


def test_threads_that_async_code_hands_work_to_take_the_tenant_along(trio: list[Box]) -> None:
    async def read_in_any_thread(box: Box) -> str:
        with enter_tenant(box.tenant):
            return await sync_to_async(read_marker_and_close, thread_sensitive=False)()

    seen = run(gather_all([read_in_any_thread(box) for box in trio * 8]))
    assert seen == [box.name for box in trio * 8]


def test_a_coroutine_started_outside_a_tenant_fails_closed_beside_one_inside(trio: list[Box]) -> None:
    async def read_without_tenant() -> str:
        return (await OwnNode.objects.aget()).forward_cursor

    async def read_both() -> list[Any]:
        pair = read_again_and_again(trio[0]), read_without_tenant()
        return list(await asyncio.gather(*pair, return_exceptions=True))

    inside, outside = run(read_both())
    assert inside == ["east"] * (3 * ROUNDS)
    assert isinstance(outside, ProgrammingError)


def test_a_task_keeps_the_tenant_it_was_started_in_though_its_starter_leaves(trio: list[Box]) -> None:
    async def start_and_leave() -> tuple[str, str]:
        with enter_tenant(trio[0].tenant):
            task = asyncio.create_task(sync_to_async(read_marker)())
        with use_schema("dz_template"):
            return await task, current_schema()

    assert run(start_and_leave()) == ("east", "dz_template")
