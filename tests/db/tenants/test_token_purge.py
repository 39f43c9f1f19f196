"""What no sign-in can need any more goes, bite by bite; what may be needed stays."""

import datetime as dt
from uuid import uuid4

import pytest
from django.utils import timezone

from tenants.models.api_key import ApiKey
from tenants.models.operator_factor import FailedSignIn
from tenants.models.refresh_token import RefreshToken, SpentAssertion
from tenants.tasks import purge_tokens as purge_task
from tenants.tokens.purge import purge_tokens
from tenants.tokens.refresh import LIFETIME, issue_tokens, rotate_refresh
from tests.factories import Box, make_api_key

DAY, MOMENT = dt.timedelta(days=1), dt.timedelta(seconds=5)
Ages = dict[str, dt.timedelta | None]


def add_refresh(number: int, *, age: dt.timedelta, used: dt.timedelta | None, revoked: dt.timedelta | None) -> bytes:
    now = timezone.now()
    row = RefreshToken.objects.create(
        digest=number.to_bytes(32),
        family=uuid4(),
        subject="x",
        scope="read",
        expires_at=now - age + LIFETIME,
        used_at=now - used if used is not None else None,
        revoked_at=now - revoked if revoked is not None else None,
    )
    return bytes(row.digest)


CASES: dict[str, tuple[Ages, bool]] = {
    "new": ({"age": MOMENT, "used": None, "revoked": None}, True),
    "of a box that slept for weeks": ({"age": 29 * DAY, "used": None, "revoked": None}, True),
    "expired": ({"age": LIFETIME + MOMENT, "used": None, "revoked": None}, False),
    "just spent": ({"age": DAY, "used": MOMENT, "revoked": None}, True),
    "spent six days ago": ({"age": 7 * DAY, "used": 6 * DAY, "revoked": None}, True),
    "spent a week ago": ({"age": 8 * DAY, "used": 7 * DAY + MOMENT, "revoked": None}, False),
    "old but spent today": ({"age": 20 * DAY, "used": MOMENT, "revoked": None}, True),
    "revoked today": ({"age": DAY, "used": None, "revoked": MOMENT}, True),
    "revoked a week ago": ({"age": 9 * DAY, "used": None, "revoked": 7 * DAY + MOMENT}, False),
}


def test_refresh_tokens_go_when_their_reuse_says_nothing_any_more(db: None) -> None:
    added = {name: add_refresh(number, **ages) for number, (name, (ages, _)) in enumerate(CASES.items())}  # type: ignore[arg-type]
    purge_tokens()
    left = {bytes(digest) for digest in RefreshToken.objects.values_list("digest", flat=True)}
    assert {name: digest in left for name, digest in added.items()} == {
        name: stays for name, (_, stays) in CASES.items()
    }


def test_a_family_in_use_goes_on_after_the_purge(db: None) -> None:
    refresh = issue_tokens(subject="x", scope="operator", dazbox=None).refresh
    for _ in range(3):
        refresh = rotate_refresh(refresh).refresh
    RefreshToken.objects.exclude(used_at=None).update(
        used_at=timezone.now() - 8 * DAY, expires_at=timezone.now() - 9 * DAY + LIFETIME
    )
    assert purge_tokens() == 3
    assert rotate_refresh(refresh).refresh


def test_spent_assertions_go_when_they_could_not_be_replayed(db: None) -> None:
    now = timezone.now()
    SpentAssertion.objects.create(jti="past", expires_at=now - MOMENT)
    SpentAssertion.objects.create(jti="future", expires_at=now + MOMENT)
    purge_tokens()
    assert list(SpentAssertion.objects.values_list("jti", flat=True)) == ["future"]


def test_failed_attempts_go_after_a_quarter_of_an_hour(db: None) -> None:
    now = timezone.now()
    for minutes in (14, 16):
        FailedSignIn.objects.create(name_digest=bytes(32), attempted_at=now - dt.timedelta(minutes=minutes))
    assert purge_tokens() == 1
    assert FailedSignIn.objects.get().attempted_at > now - dt.timedelta(minutes=15)


def test_dead_api_keys_are_listed_for_three_months(charlie: Box) -> None:
    now = timezone.now()
    make_api_key(charlie, name="live")
    make_api_key(charlie, name="ended", revoked_at=now - 89 * DAY)
    make_api_key(charlie, name="ended long ago", revoked_at=now - 91 * DAY)
    make_api_key(charlie, name="expired long ago", expires_at=now - 91 * DAY)
    purge_tokens()
    assert set(ApiKey.objects.values_list("name", flat=True)) == {"live", "ended"}


@pytest.mark.parametrize(("bite", "max_bites", "left"), [(3, 2, 4), (3, 4, 0), (10, 1, 0)])
def test_a_call_takes_so_many_and_the_next_the_rest(db: None, bite: int, max_bites: int, left: int) -> None:
    past = timezone.now() - MOMENT
    SpentAssertion.objects.bulk_create(SpentAssertion(jti=str(number), expires_at=past) for number in range(10))
    assert purge_tokens(bite=bite, max_bites=max_bites) == 10 - left
    assert SpentAssertion.objects.count() == left
    purge_task()
    assert SpentAssertion.objects.count() == 0
