"""What is revoked is refused by every process within five seconds; what was verified is not trusted for longer."""

import time
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings as django_settings
from django.core.management import CommandError, call_command
from django.utils import timezone
from rest_framework_simplejwt.exceptions import TokenError

import tenants.selectors
import tenants.tokens.access
from mcp_saas.kit.ttl_cache import TRUSTED_S, TtlCache
from tenants.api.authentication import is_revoked
from tenants.context import current_tenant, enter_tenant
from tenants.keys import REREAD_S, write_signing_key
from tenants.models.dazbox import Dazbox, new_schema_name
from tenants.selectors import find_active_tenant, find_standing
from tenants.tokens.access import mint_access_token, verify_access_token
from tenants.tokens.refresh import revoke_access
from tests.api.problem import assert_problem
from tests.api.tenants.forgery import by_ec, our_key, read_token, seal
from tests.clock import Clock
from tests.conftest import ApiClient
from tests.factories import Box, pubkey_of


@pytest.fixture
def another_process(monkeypatch: pytest.MonkeyPatch) -> Iterator[Clock]:
    """Caches as another process has them: they hear nothing of what happens here but what they read."""
    clock = Clock()
    monkeypatch.setattr(tenants.selectors, "_standings", TtlCache(max_entries=100, clock=clock))
    monkeypatch.setattr(tenants.tokens.access, "_verified", TtlCache(max_entries=100, clock=clock))
    return clock


def sign_in(api: ApiClient, box: Box) -> dict[str, str]:
    return dict(api.post("/api/v1/auth/device-token", {"assertion": box.sign_assertion()}).json)


def test_caches_leave_a_second_of_the_five_to_the_request_itself() -> None:
    assert max(TRUSTED_S, REREAD_S) <= 4


def test_a_revoked_box_is_signed_out_and_signs_in_anew(api: ApiClient, alice: Box, bob: Box) -> None:
    before, bobs = sign_in(api, alice), sign_in(api, bob)
    assert api.get(alice.path("mode"), token=before["access"]).status == 200
    call_command("revoke_access", str(alice.dazbox.id))
    refused = api.get(alice.path("mode"), token=before["access"])
    assert_problem(refused, 401)
    assert "invalid_token" in refused.headers["WWW-Authenticate"]
    assert_problem(api.post("/api/v1/auth/refresh", {"refresh": before["refresh"]}), 401)
    after = sign_in(api, alice)
    assert api.get(alice.path("mode"), token=after["access"]).status == 200
    again = api.post("/api/v1/auth/refresh", {"refresh": after["refresh"]}).json
    assert api.get(alice.path("mode"), token=again["access"]).status == 200
    assert api.get(bob.path("mode"), token=bobs["access"]).status == 200


def test_another_process_refuses_it_five_seconds_later_at_most(
    api: ApiClient, alice: Box, another_process: Clock
) -> None:
    """Check 34."""
    token = sign_in(api, alice)["access"]
    assert api.get(alice.path("mode"), token=token).status == 200
    Dazbox.objects.filter(id=alice.dazbox.id).update(token_version=1)
    another_process.now_s += 5
    assert_problem(api.get(alice.path("mode"), token=token), 401)


def test_a_box_taken_out_of_service_is_refused_five_seconds_later_at_most(
    api: ApiClient, alice: Box, another_process: Clock
) -> None:
    token = sign_in(api, alice)["access"]
    assert api.get(alice.path("mode"), token=token).status == 200
    Dazbox.objects.filter(id=alice.dazbox.id).update(state="provisioning")
    another_process.now_s += 5
    assert_problem(api.get(alice.path("mode"), token=token), 401)
    Dazbox.objects.filter(id=alice.dazbox.id).update(state="active")
    assert api.get(alice.path("mode"), token=token).status == 200  # and back in at once


def test_a_quiet_moment_asks_the_database_once(alice: Box, django_assert_num_queries: Any) -> None:
    tenants.selectors.forget_standing(alice.dazbox.id)
    with django_assert_num_queries(1):
        assert {find_active_tenant(alice.dazbox.id) for _ in range(20)} == {alice.tenant}


def test_a_box_that_does_not_exist_yet_is_asked_for_anew(db: None) -> None:
    coming = uuid4()
    assert find_standing(coming) is None
    Dazbox.objects.create(id=coming, schema_name=new_schema_name(), pubkey=pubkey_of("new"), state="active")
    assert find_active_tenant(coming) is not None


def test_a_token_without_a_box_has_no_version_to_be_revoked(db: None) -> None:
    token = mint_access_token(subject="operator:1", scopes=["operator"], tenant_id=None)
    assert not is_revoked(verify_access_token(token.encode()))


@pytest.mark.parametrize("version", ["0", None, 0.0, False, -1, 1, 2**70])
def test_a_version_that_is_not_the_boxs_is_refused(api: ApiClient, charlie: Box, version: object) -> None:
    header, claims = read_token(sign_in(api, charlie)["access"])
    forged = seal(header, claims | {"tv": version}, by_ec(our_key().private))
    assert_problem(api.get(charlie.path("mode"), token=forged), 401)


def test_a_verified_token_is_not_trusted_beyond_its_expiry(db: None) -> None:
    """The leeway for clocks is the verification's to give, and it does not give it for long."""
    header, claims = read_token(mint_access_token(subject="x", scopes=["read"], tenant_id=None))
    now = time.time()
    for exp, is_good in ((now + 60, True), (now - 10, True), (now - 31, False)):
        raw = seal(header, claims | {"exp": int(exp)}, by_ec(our_key().private)).encode()
        if is_good:
            assert verify_access_token(raw).principal.subject == "x"
            assert verify_access_token(raw).expires_at == int(exp)
        else:
            with pytest.raises(TokenError):
                verify_access_token(raw)


def test_a_verified_token_of_a_retired_key_is_refused_with_the_ring_it_left(settings: Any, tmp_path: Any) -> None:
    raw = mint_access_token(subject="x", scopes=["read"], tenant_id=None).encode()
    assert verify_access_token(raw).principal.subject == "x"
    write_signing_key(tmp_path, signs_from=timezone.now())
    settings.ENV = django_settings.ENV.model_copy(update={"jwt_keys_dir": tmp_path})
    with pytest.raises(TokenError):
        verify_access_token(raw)


def test_a_command_for_an_unknown_box_says_so(db: None) -> None:
    with pytest.raises(CommandError, match="no such Dazbox"):
        call_command("revoke_access", str(uuid4()))


def test_revoking_leaves_the_tenant_one_is_in(alice: Box, bob: Box) -> None:
    with enter_tenant(bob.tenant):
        revoke_access(alice.dazbox.id)
        assert current_tenant() == bob.tenant
    assert Dazbox.objects.get(id=alice.dazbox.id).token_version == 1
