"""Dazboxes that are made once for a file and last to its end, for files with many tests that change little.

Such a file says `alice, bob, charlie, db = lasting.alice, lasting.bob, lasting.charlie, lasting.db`. Each test then
works on a savepoint of its own; the boxes of the tests before it are there too, so no test may count all boxes.
"""

import dataclasses
from collections.abc import Iterator

import pytest
from django.db import transaction

from tenants import selectors
from tenants.models.dazbox import Dazbox
from tests.factories import Box


@pytest.fixture
def db(lasting_db: None) -> Iterator[None]:
    """What the test writes is taken back, and what this process remembers of the boxes is forgotten."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)
    selectors._standings.clear()


@pytest.fixture
def alice(lasting_alice: Box, db: None) -> Box:
    return copy_box(lasting_alice)


@pytest.fixture
def bob(lasting_bob: Box, db: None) -> Box:
    return copy_box(lasting_bob)


@pytest.fixture
def charlie(lasting_charlie: Box, db: None) -> Box:
    return copy_box(lasting_charlie)


def copy_box(box: Box) -> Box:
    """As it stands in the database: a test may change its own."""
    return dataclasses.replace(box, dazbox=Dazbox.objects.get(id=box.dazbox.id), channels=list(box.channels))
