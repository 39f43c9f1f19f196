"""Operators: password and one-time code, at the API and at the admin alike, five attempts in a quarter of an hour."""

import base64
import datetime as dt
import io
import time
from functools import partial
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection
from django.test import Client

from mcp_saas.kit.errors import Problem
from tenants.models.operator_factor import FailedSignIn, OperatorFactor
from tenants.tokens import totp
from tenants.tokens.operator import MAX_FAILURES, WINDOW, sign_in_operator
from tenants.tokens.totp import accept_code, enrol
from tests.api.problem import assert_problem, assert_refused_at
from tests.committed import committed_db, run_together
from tests.conftest import ApiClient

__all__ = ["committed_db"]
TOKEN, LOG_IN = "/api/v1/auth/token", "/admin/login/"
PASSWORD = "a-long-password"
RFC_SECRET = b"12345678901234567890"
RFC_VECTORS = {59: "287082", 1111111109: "081804", 1111111111: "050471", 1234567890: "005924", 20000000000: "353130"}


@pytest.fixture
def olga(db: None) -> User:
    return make_operator()


def make_operator() -> User:
    return User.objects.create_user("olga", password=PASSWORD, is_staff=True, is_superuser=True)


@pytest.fixture
def required(settings: Any) -> None:
    settings.ENV = settings.ENV.model_copy(update={"operator_totp": "required"})


def read_secret(uri: str) -> bytes:
    return base64.b32decode(parse_qs(urlsplit(uri).query)["secret"][0])


def code_of(secret: bytes, *, now: float | None = None) -> str:
    moment = int(time.time() if now is None else now)
    return TOTP(secret, 6, SHA1(), 30).generate(moment).decode()  # noqa: S303 - RFC 6238


def wrong_code(secret: bytes) -> str:
    near = {code_of(secret, now=time.time() + 30 * step) for step in range(-3, 4)}
    return next(code for code in (f"{number:06d}" for number in range(10)) if code not in near)


def sign_in(api: ApiClient, otp: str | None = None, **changes: str) -> Any:
    body = {"username": "olga", "password": PASSWORD} | ({"otp": otp} if otp else {}) | changes
    return api.post(TOKEN, body)


def log_in(otp: str = "", *, password: str = PASSWORD) -> tuple[bool, bytes]:
    """Whether the admin let one in, and its page."""
    client = Client()
    answer = client.post(LOG_IN, {"username": "olga", "password": password, "otp": otp})
    return "_auth_user_id" in client.session, answer.content


@pytest.mark.parametrize(("moment", "code"), RFC_VECTORS.items())
def test_codes_are_those_of_rfc_6238(olga: User, monkeypatch: pytest.MonkeyPatch, moment: int, code: str) -> None:
    monkeypatch.setattr(totp.os, "urandom", lambda count: RFC_SECRET[:count])
    enrol(olga)
    assert accept_code(OperatorFactor.objects.get(), code, now=moment)


def test_a_code_is_good_a_step_early_and_a_step_late_but_no_more(olga: User) -> None:
    secret = read_secret(enrol(olga))
    now = 1_800_000_015
    outcomes = {}
    for step in (-2, -1, 0, 1, 2):
        OperatorFactor.objects.update(last_step=0)
        outcomes[step] = accept_code(OperatorFactor.objects.get(), code_of(secret, now=now + 30 * step), now=now)
    assert outcomes == {-2: False, -1: True, 0: True, 1: True, 2: False}


def test_a_code_is_good_once_and_ends_those_before_it(olga: User) -> None:
    secret, now = read_secret(enrol(olga)), 1_800_000_015
    accept = partial(accept_code, OperatorFactor.objects.get(), now=now)
    assert [accept(code_of(secret, now=now)) for _ in range(2)] == [True, False]
    assert not accept(code_of(secret, now=now - 30))
    assert accept(code_of(secret, now=now + 30))


def test_the_secret_is_sealed_for_its_operator(olga: User) -> None:
    secret = read_secret(enrol(olga))
    ida = User.objects.create_user("ida", password=PASSWORD, is_staff=True)
    with connection.cursor() as cursor:
        cursor.execute("SELECT string_agg(row_to_json(t)::text, ',') FROM tenants_operatorfactor t")
        [stored] = cursor.fetchone()
    assert secret.hex() not in stored
    OperatorFactor.objects.create(user=ida, sealed_secret=OperatorFactor.objects.get(user=olga).sealed_secret)
    assert sign_in_operator("ida", PASSWORD, otp=code_of(secret)) is None
    assert sign_in_operator("olga", PASSWORD, otp=code_of(secret)) == olga


def test_a_rotated_secret_key_opens_it_while_the_old_one_is_a_fallback(olga: User, settings: Any) -> None:
    secret = read_secret(enrol(olga))
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "another" * 10, [settings.SECRET_KEY]
    assert sign_in_operator("olga", PASSWORD, otp=code_of(secret)) == olga
    settings.SECRET_KEY_FALLBACKS = []
    assert sign_in_operator("olga", PASSWORD, otp=code_of(secret, now=time.time() + 30)) is None


def test_an_enrolled_operator_signs_in_with_both_and_with_nothing_less(api: ApiClient, olga: User) -> None:
    secret = read_secret(enrol(olga))
    refusals = [sign_in(api), sign_in(api, wrong_code(secret)), sign_in(api, code_of(secret), password="wrong")]
    for answer in refusals:
        assert_problem(answer, 401)
        assert answer.json | {"instance": ""} == refusals[0].json | {"instance": ""}
    code = code_of(secret)
    assert sign_in(api, code).status == 200
    assert_problem(sign_in(api, code), 401)


@pytest.mark.parametrize("otp", ["12345", "1234567", "12345a", "١٢٣٤٥٦", "123456\n", ""])
def test_a_code_is_six_digits(api: ApiClient, db: None, otp: str) -> None:
    assert_refused_at(api.post(TOKEN, {"username": "olga", "password": PASSWORD, "otp": otp}), "/otp")


def test_a_shop_has_no_code(api: ApiClient, db: None) -> None:
    assert_refused_at(api.post(TOKEN, {"client_id": "a", "client_secret": "b", "otp": "123456"}), "")


def test_where_a_second_factor_is_required_none_gets_in_without(api: ApiClient, olga: User, required: None) -> None:
    assert_problem(sign_in(api), 401)
    assert_problem(sign_in(api, "123456"), 401)
    assert not log_in()[0]
    secret = read_secret(enrol(olga))
    assert sign_in(api, code_of(secret)).status == 200


def test_where_it_is_optional_the_password_is_enough(api: ApiClient, olga: User) -> None:
    assert sign_in(api).status == 200
    assert log_in()[0]


def test_the_admin_asks_for_the_code_as_well(olga: User) -> None:
    assert b'name="otp"' in Client().get(LOG_IN).content
    secret = read_secret(enrol(olga))
    assert not log_in()[0]
    assert not log_in(wrong_code(secret))[0]
    assert not log_in("abc")[0]
    code = code_of(secret)
    assert log_in(code)[0]
    assert not log_in(code)[0]


def test_the_admin_says_what_is_wrong_once_and_where_it_is(olga: User) -> None:
    refused, page = log_in(password="wrong")
    assert (refused, page.count(b"errornote")) == (False, 1)
    refused, page = log_in("abc")
    assert (refused, page.count(b"errornote"), page.count(b"Enter a valid value.")) == (False, 0, 1)


def test_the_admin_lets_in_no_one_who_is_not_staff(db: None) -> None:
    User.objects.create_user("olga", password=PASSWORD)
    assert not log_in()[0]


def test_five_failures_lock_the_name_at_both_doors(api: ApiClient, olga: User) -> None:
    for _ in range(MAX_FAILURES - 1):
        assert_problem(sign_in(api, password="wrong"), 401)
    assert not log_in(password="wrong")[0]
    locked = sign_in(api)
    assert_problem(locked, 429)
    assert locked.json["type"].endswith("locked-out")
    assert 0 < int(locked.headers["Retry-After"]) <= WINDOW.total_seconds() + 1
    is_in, page = log_in()
    assert not is_in
    assert b"15 minutes" in page
    assert FailedSignIn.objects.count() == MAX_FAILURES  # knocking on does not make it longer
    for row in FailedSignIn.objects.all():
        row.attempted_at -= WINDOW
        row.save()
    assert sign_in(api).status == 200


def test_an_unknown_name_is_locked_the_same_way_and_no_other_with_it(api: ApiClient, olga: User) -> None:
    statuses = [sign_in(api, username="nobody").status for _ in range(MAX_FAILURES + 1)]
    assert statuses == [401] * MAX_FAILURES + [429]
    assert sign_in(api).status == 200


def test_a_success_gives_the_attempts_back(api: ApiClient, olga: User) -> None:
    for _ in range(3):
        for _ in range(MAX_FAILURES - 1):
            assert_problem(sign_in(api, password="wrong"), 401)
        assert sign_in(api).status == 200
    assert not FailedSignIn.objects.exists()


def test_a_locked_name_costs_no_hashing(olga: User, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(MAX_FAILURES):
        assert sign_in_operator("olga", "wrong", otp=None) is None
    seen: list[str] = []
    monkeypatch.setattr(User, "check_password", lambda user, raw: seen.append(raw))
    with pytest.raises(Problem):
        sign_in_operator("olga", PASSWORD, otp=None)
    assert seen == []


@pytest.mark.fault
def test_of_twenty_guesses_at_once_five_are_looked_at_at_most(committed_db: None) -> None:
    guesses = run_together([partial(sign_in_operator, "guessed", "wrong", otp=None)] * 20)
    assert sum(guess is None for guess in guesses) <= MAX_FAILURES
    assert all(guess is None or (isinstance(guess, Problem) and guess.status == 429) for guess in guesses)
    FailedSignIn.objects.all().delete()


@pytest.mark.fault
def test_of_eight_who_give_one_code_at_once_one_gets_in(committed_db: None) -> None:
    user = make_operator()
    try:
        code = code_of(read_secret(enrol(user)))
        factor = OperatorFactor.objects.get(user=user)
        assert sorted(map(bool, run_together([partial(accept_code, factor, code)] * 8))) == [False] * 7 + [True]
    finally:
        user.delete()


def test_enrolment_prints_the_uri_once(db: None, tmp_path: Any, api: ApiClient) -> None:
    (tmp_path / "password").write_text(PASSWORD)

    def create(**options: Any) -> str:
        out = io.StringIO()
        call_command("create_operator", "olga", password_file=str(tmp_path / "password"), stdout=out, **options)
        return out.getvalue()

    assert "otpauth" not in create()
    said = create(totp=True)
    uri = next(word for word in said.split() if word.startswith("otpauth://totp/"))
    assert "issuer=Dazbox" in uri
    assert "otpauth" not in create()
    assert sign_in(api, code_of(read_secret(uri))).status == 200


def test_where_it_is_required_the_command_enrols_unasked(db: None, tmp_path: Any, required: None) -> None:
    (tmp_path / "password").write_text(PASSWORD)
    said = [io.StringIO(), io.StringIO()]
    for out in said:
        call_command("create_operator", "olga", password_file=str(tmp_path / "password"), stdout=out)
    assert ["otpauth://" in out.getvalue() for out in said] == [True, False]


def test_the_window_is_a_quarter_of_an_hour() -> None:
    assert (5, dt.timedelta(minutes=15)) == (MAX_FAILURES, WINDOW)
