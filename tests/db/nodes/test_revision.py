"""What answers that are kept are named by comes with the keys of the box, in one message."""

import pytest
from django.db import transaction
from pytest_django import DjangoAssertNumQueries

from mcp_saas.kit.crypto import KeyMissingError
from nodes.selectors.revision import read_revision
from tenants.context import enter_tenant
from tenants.sealing.tenant import current_keys, destroy_keys
from tests.conftest import fill_box
from tests.factories import Box


def test_one_question_gives_the_revision_and_the_keys(
    alice: Box, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with enter_tenant(alice.tenant):
        known, sealed = read_revision(), current_keys().seal(b"x", table="t", column="c", row="r")
    with enter_tenant(alice.tenant), django_assert_num_queries(1):
        assert read_revision() == known
        assert current_keys().open(sealed, table="t", column="c", row="r") == b"x"
    with enter_tenant(alice.tenant), transaction.atomic():
        assert read_revision() == known
        assert read_revision() == known


def test_a_report_gives_another_revision(alice: Box) -> None:
    with enter_tenant(alice.tenant):
        before = read_revision()
        fill_box(alice, forwards=1)
        assert read_revision() != before


def test_without_its_keys_nothing_is_named(alice: Box) -> None:
    destroy_keys(alice.dazbox.id)
    with enter_tenant(alice.tenant), pytest.raises(KeyMissingError):
        read_revision()
