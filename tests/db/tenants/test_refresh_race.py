"""Refresh tokens under races: one line of successors, and no successor that outlives the end of its family.

What one caller after the other sees is in tests/api/tenants/test_refresh.py.
"""

import datetime as dt
import threading
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from django.db import transaction
from django.db.models import F

from mcp_saas.kit.errors import Problem
from tenants.api.authentication import is_revoked
from tenants.models.refresh_token import RefreshToken
from tenants.provisioning.transfer import TransferTerms, transfer_dazbox
from tenants.selectors import forget_standing
from tenants.tokens.access import verify_access_token
from tenants.tokens.refresh import (
    GRACE,
    TokenPair,
    issue_tokens,
    revoke_access,
    revoke_family,
    revoke_refresh,
    rotate_refresh,
)
from tests.committed import find_blocked, other_session, run_together
from tests.factories import make_box
from tests.faults.embedded_instance import eventually
from tests.load.tokens import race_ours, race_stock


@pytest.fixture
def first(committed_db: None) -> str:
    return issue_tokens(subject="operator", scope="operator", dazbox=None).refresh


def age_beyond_grace() -> None:
    RefreshToken.objects.update(used_at=F("used_at") - GRACE - dt.timedelta(seconds=1))


def is_refused(raw: str) -> bool:
    try:
        rotate_refresh(raw)
    except Problem as problem:
        return (problem.status, problem.code) == (401, "invalid-refresh")
    return False


def family() -> UUID:
    [found] = set(RefreshToken.objects.values_list("family", flat=True))
    return found


def test_a_token_rotated_by_many_at_once_stays_one_line(first: str) -> None:
    raw = first
    for _ in range(5):
        answers: list[Any] = run_together([partial(rotate_refresh, raw)] * 8)
        [raw] = {answer.refresh for answer in answers}
    assert RefreshToken.objects.count() == 6
    assert RefreshToken.objects.filter(used_at=None, revoked_at=None).count() == 1


@pytest.mark.fault
def test_of_eight_at_once_one_wins_where_the_stock_rotation_lets_several(committed_db: None) -> None:
    """Check 26."""
    assert [race_ours() for _ in range(5)] == [1] * 5
    stock = race_stock(rounds=10)
    assert len(stock) == 10
    assert max(stock) > 1, "simplejwt's rotation has become atomic: ours may go"


def test_a_family_that_was_ended_has_no_grace(first: str) -> None:
    successor = rotate_refresh(first).refresh
    revoke_refresh(successor)
    assert is_refused(first)
    assert is_refused(successor)


def test_thief_and_owner_at_once_after_the_grace_are_all_refused_in_the_end(first: str) -> None:
    successor = rotate_refresh(first).refresh
    age_beyond_grace()
    answers = run_together([partial(rotate_refresh, first)] * 4 + [partial(rotate_refresh, successor)] * 4)
    assert [answer for answer in answers[:4] if not isinstance(answer, Problem)] == []
    assert not RefreshToken.objects.filter(revoked_at=None).exists()
    assert is_refused(successor)


def test_a_rotation_under_way_does_not_outlive_the_end_of_its_family(first: str) -> None:
    """The successor is written but not yet committed when the family is ended."""
    family_id, is_rotated = family(), threading.Event()

    def rotate_slowly() -> TokenPair:
        with other_session() as session, transaction.atomic():
            pair = rotate_refresh(first)
            is_rotated.set()
            assert eventually(lambda: find_blocked(session) != [])  # the end of the family waits for our row
        return pair

    def end_meanwhile() -> None:
        assert is_rotated.wait(60)
        revoke_family(family_id)

    pair, ended = run_together([rotate_slowly, end_meanwhile])
    assert isinstance(pair, TokenPair)
    assert ended is None
    assert is_refused(pair.refresh)
    assert not RefreshToken.objects.filter(revoked_at=None).exists()


def test_a_refresh_while_a_box_is_signed_out_gives_no_token_that_outlives_it(committed_db: None) -> None:
    """The refresh comes first to its token's row; the signing-out waits for it, its new version not yet to be seen."""
    box, is_locked = make_box("ours"), threading.Event()
    first = issue_tokens(subject=str(box.dazbox.id), scope="device read act", dazbox=box.dazbox).refresh

    def refresh_slowly() -> TokenPair:
        with other_session() as session, transaction.atomic():
            RefreshToken.objects.select_for_update().get(dazbox=box.dazbox)
            is_locked.set()
            assert eventually(lambda: find_blocked(session) != [])
            return rotate_refresh(first)

    def sign_out_meanwhile() -> None:
        assert is_locked.wait(60)
        revoke_access(box.dazbox.id)

    pair, signed_out = run_together([refresh_slowly, sign_out_meanwhile])
    assert isinstance(pair, TokenPair)
    assert signed_out is None
    forget_standing(box.dazbox.id)
    assert is_revoked(verify_access_token(pair.access.encode()))
    assert is_refused(pair.refresh)


def test_a_transfer_and_a_refresh_at_once_both_come_to_their_end(committed_db: None) -> None:
    """The refresh holds its token's row, and its successor will ask for the box's when it is committed."""
    box, is_rotated = make_box("ours"), threading.Event()
    first = issue_tokens(subject=str(box.dazbox.id), scope="device read act", dazbox=box.dazbox).refresh

    def refresh_slowly() -> TokenPair:
        with other_session() as session, transaction.atomic():
            pair = rotate_refresh(first)
            is_rotated.set()
            assert eventually(lambda: find_blocked(session) != [])
        return pair

    def transfer_meanwhile() -> None:
        assert is_rotated.wait(60)
        transfer_dazbox(box.dazbox.id, TransferTerms(expires_in=dt.timedelta(days=1)), actor="test")

    pair, transferred = run_together([refresh_slowly, transfer_meanwhile])
    assert transferred is None
    assert isinstance(pair, TokenPair)
    assert is_refused(pair.refresh)
