"""A connection makes room for a new one after so many distinct boxes, between requests and never inside one."""

from typing import Any

import pytest
from django.core.signals import request_finished
from django.db import close_old_connections, connection

from tenants.context import enter_tenant
from tests.factories import Box, make_box

LIMIT = 3


@pytest.fixture
def boxes(committed_db: None, settings: Any) -> list[Box]:
    boxes = [make_box(f"served {number}") for number in range(LIMIT)]
    settings.ENV = settings.ENV.model_copy(update={"tenants_per_connection": LIMIT})
    connection.close()
    return boxes


def ask(box: Box) -> int:
    """A query for a box. Returns the backend that answered it."""
    with enter_tenant(box.tenant), connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid() FROM (SELECT count(*) FROM nodes_channel) counted")
        [backend] = cursor.fetchone()
    return int(backend)


def serve(box: Box) -> int:
    """One request for a box."""
    backend = ask(box)
    close_old_connections()
    return backend


def test_a_backend_serves_so_many_boxes_and_then_another_takes_its_place(boxes: list[Box]) -> None:
    backends = [serve(box) for box in boxes * 2]
    assert backends[:LIMIT] == backends[:1] * LIMIT
    assert backends[LIMIT:] == backends[LIMIT : LIMIT + 1] * LIMIT
    assert backends[0] != backends[LIMIT]


def test_the_same_boxes_over_and_over_keep_their_backend(boxes: list[Box]) -> None:
    assert len({serve(box) for box in boxes[: LIMIT - 1] * 5}) == 1


def test_no_connection_is_closed_in_the_middle_of_a_request(boxes: list[Box]) -> None:
    backends = {ask(box) for box in boxes * 2}
    assert len(backends) == 1
    close_old_connections()
    assert ask(boxes[0]) not in backends


def test_the_end_of_a_request_is_the_moment() -> None:
    assert close_old_connections in [receiver() for _, receiver, *_ in request_finished.receivers]


def test_a_connection_that_is_closed_already_is_left_alone(committed_db: None) -> None:
    connection.close()
    connection.close_if_unusable_or_obsolete()
    assert connection.connection is None
