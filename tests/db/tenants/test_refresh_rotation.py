"""Refresh tokens: one winner, the same successor for whoever lost the answer, the end of the family for a thief."""

import datetime as dt
import threading
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from django.db import transaction
from django.utils import timezone

from mcp_saas.kit.errors import Problem
from tenants.models.refresh_token import RefreshToken
from tenants.tokens.refresh import GRACE, TokenPair, issue_tokens, revoke_family, revoke_refresh, rotate_refresh
from tests.committed import find_blocked, other_session, run_together
from tests.faults.embedded_instance import eventually

CROWD = 8


def issue() -> str:
    return issue_tokens(subject="operator", scope="operator", dazbox=None).refresh


def age(seconds: float) -> None:
    """As if every rotation had happened so much earlier."""
    for row in RefreshToken.objects.exclude(used_at=None):
        row.used_at -= dt.timedelta(seconds=seconds)
        row.save(update_fields=["used_at"])


def is_refused(raw: str) -> bool:
    try:
        rotate_refresh(raw)
    except Problem as problem:
        return (problem.status, problem.code) == (401, "invalid-refresh")
    return False


def family() -> UUID:
    [found] = set(RefreshToken.objects.values_list("family", flat=True))
    return found


def test_a_token_is_exchanged_for_a_successor_of_its_family(db: None) -> None:
    first = issue()
    second = rotate_refresh(first).refresh
    third = rotate_refresh(second).refresh
    assert len({first, second, third}) == 3
    assert RefreshToken.objects.filter(family=family()).count() == 3
    assert RefreshToken.objects.filter(used_at=None).count() == 1


def test_a_repeat_within_the_grace_gets_the_very_same_successor(db: None) -> None:
    first = issue()
    successor = rotate_refresh(first).refresh
    age(GRACE.total_seconds() - 2)
    assert rotate_refresh(first).refresh == successor
    assert RefreshToken.objects.count() == 2
    assert rotate_refresh(successor).refresh not in {first, successor}


def test_reuse_after_the_grace_ends_the_family_and_no_other(db: None) -> None:
    first, other = issue(), issue()
    successor = rotate_refresh(first).refresh
    age(GRACE.total_seconds() + 1)
    assert is_refused(first)
    assert is_refused(successor)
    assert not is_refused(other)


def test_a_revoked_family_has_no_grace(db: None) -> None:
    first = issue()
    successor = rotate_refresh(first).refresh
    revoke_refresh(successor)
    assert is_refused(first)
    assert is_refused(successor)


def test_an_expired_token_is_refused_and_costs_no_family(db: None) -> None:
    first = issue()
    RefreshToken.objects.update(expires_at=timezone.now())
    assert is_refused(first)
    assert RefreshToken.objects.filter(revoked_at=None).count() == 1


@pytest.mark.parametrize("raw", ["", "dzr_", "dzr_unknown", "ü" * 300, "dzr_\x00"])
def test_a_token_that_is_none_is_refused(db: None, raw: str) -> None:
    issue()
    assert is_refused(raw)
    revoke_refresh(raw)
    assert RefreshToken.objects.filter(revoked_at=None, used_at=None).count() == 1


def test_the_token_itself_is_not_stored(db: None) -> None:
    first = issue()
    successor = rotate_refresh(first).refresh
    stored = [bytes(digest) for digest in RefreshToken.objects.values_list("digest", flat=True)]
    assert len(stored) == 2
    assert not [raw for raw in (first, successor) if any(raw.encode() in digest for digest in stored)]


def test_at_once_all_get_the_same_successor_and_one_row_is_written(committed_db: None) -> None:
    first = issue()
    answers = run_together([partial(rotate_refresh, first)] * CROWD)
    successors = {answer.refresh for answer in answers if isinstance(answer, TokenPair)}
    assert [answer for answer in answers if not isinstance(answer, TokenPair)] == []
    assert len(successors) == 1
    assert RefreshToken.objects.filter(family=family()).count() == 2
    assert RefreshToken.objects.filter(used_at=None, revoked_at=None).count() == 1


def test_a_chain_rotated_by_many_at_once_stays_one_line(committed_db: None) -> None:
    raw = issue()
    for _ in range(5):
        answers: list[Any] = run_together([partial(rotate_refresh, raw)] * 4)
        [raw] = {answer.refresh for answer in answers}
    assert RefreshToken.objects.count() == 6
    assert RefreshToken.objects.filter(used_at=None).count() == 1


def test_thieves_and_owner_at_once_after_the_grace_are_all_refused_in_the_end(committed_db: None) -> None:
    first = issue()
    successor = rotate_refresh(first).refresh
    age(GRACE.total_seconds() + 1)
    answers = run_together([partial(rotate_refresh, first)] * 4 + [partial(rotate_refresh, successor)] * 4)
    assert all(isinstance(answer, Problem) for answer in answers[:4])
    assert not RefreshToken.objects.filter(revoked_at=None).exists()
    assert is_refused(successor)


def test_a_rotation_under_way_does_not_outlive_the_end_of_its_family(committed_db: None) -> None:
    """The successor is written but not yet committed when the family is revoked."""
    first = issue()
    family_id, is_rotated = family(), threading.Event()

    def rotate_slowly() -> TokenPair:
        with other_session() as session, transaction.atomic():
            pair = rotate_refresh(first)
            is_rotated.set()
            assert eventually(lambda: find_blocked(session) != [])  # the end of the family waits for our row
        return pair

    def revoke_meanwhile() -> None:
        assert is_rotated.wait(10)
        revoke_family(family_id)

    pair, _ = run_together([rotate_slowly, revoke_meanwhile])
    assert isinstance(pair, TokenPair)
    assert is_refused(pair.refresh)
    assert not RefreshToken.objects.filter(revoked_at=None).exists()
