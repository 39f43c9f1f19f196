"""Credentials open for their box and their service alone, say when they were used, and go with their owner."""

import datetime as dt

import pytest
from django.db import connection
from django.utils import timezone

from mcp_saas.kit.crypto import SealBrokenError
from nodes.engine.credential import KeyAccess, ServerAccess, Service
from nodes.models.credential import Credential
from nodes.models.journal import JournalEntry
from nodes.pipeline.credential import set_credential
from nodes.pipeline.reencrypt import reencrypt_tenant
from nodes.selectors.credential import read_credential
from tenants.context import TenantRef, enter_tenant
from tenants.provisioning.transfer import TransferTerms, transfer_dazbox
from tests.api.tables import read_tables
from tests.factories import Box, make_offer

KEY = make_offer().secret
MACAROON = "0201036c6e64" + "5eed" * 40
URL = "https://lnd.example:8443"


def set_both(tenant: TenantRef) -> None:
    with enter_tenant(tenant):
        set_credential(Service.OPENAI, make_offer(), actor="test")
        set_credential(Service.LND, make_offer(MACAROON, url=URL), actor="test")


def count_in(tenant: TenantRef) -> int:
    with enter_tenant(tenant):
        return int(Credential.objects.count())


def use_at(tenant: TenantRef, last_used_at: dt.datetime) -> dt.datetime | None:
    """When it was used, after a reading now of one that was last used then."""
    with enter_tenant(tenant):
        Credential.objects.filter(service=Service.OPENAI).update(last_used_at=last_used_at)
        read_credential(Service.OPENAI)
        return Credential.objects.get(service=Service.OPENAI).last_used_at


def test_a_connector_gets_what_was_set_and_none_where_nothing_is(charlie: Box) -> None:
    set_both(charlie.tenant)
    with enter_tenant(charlie.tenant):
        assert read_credential(Service.OPENAI) == KeyAccess(KEY)
        assert read_credential(Service.LND) == ServerAccess(URL, MACAROON)
        assert read_credential(Service.AMBOSS) is None


def test_its_use_is_noted_once_an_hour(charlie: Box) -> None:
    set_both(charlie.tenant)
    now = timezone.now()
    with enter_tenant(charlie.tenant):
        read_credential(Service.OPENAI)
        used = dict(Credential.objects.values_list("service", "last_used_at"))
    assert used[Service.LND] is None
    assert used[Service.OPENAI] >= now
    recent, old = now - dt.timedelta(minutes=59), now - dt.timedelta(minutes=60)
    assert use_at(charlie.tenant, recent) == recent
    renewed = use_at(charlie.tenant, old)
    assert renewed is not None
    assert renewed >= now


def test_a_new_one_was_never_used(charlie: Box) -> None:
    set_both(charlie.tenant)
    with enter_tenant(charlie.tenant):
        read_credential(Service.OPENAI)
        set_credential(Service.OPENAI, make_offer("another"), actor="test")
        assert Credential.objects.get(service=Service.OPENAI).last_used_at is None


def test_nothing_of_it_is_stored_in_the_clear_or_printed(charlie: Box) -> None:
    set_both(charlie.tenant)
    stored = repr(read_tables(charlie))
    assert "openai" in stored
    assert not [text for text in (KEY, KEY[-4:], MACAROON, "lnd.example") if text in stored]
    with enter_tenant(charlie.tenant):
        access = read_credential(Service.LND)
    for shown in (access, make_offer(), [KeyAccess(KEY)]):
        assert not [text for text in (KEY, MACAROON, URL) if text in f"{shown} {shown!r}"]


def test_one_moved_to_another_service_or_box_does_not_open(charlie: Box, alice: Box) -> None:
    set_both(charlie.tenant)
    set_both(alice.tenant)
    with enter_tenant(alice.tenant), connection.cursor() as cursor:
        cursor.execute("SELECT access FROM nodes_credential WHERE service = 'openai'")
        [foreign] = cursor.fetchone()
    moves = {"lnd": "(SELECT access FROM nodes_credential WHERE service = 'openai')", "openai": "%s"}
    for service, value in moves.items():
        with enter_tenant(charlie.tenant), connection.cursor() as cursor:
            params = [foreign] if value == "%s" else []
            cursor.execute(f"UPDATE nodes_credential SET access = {value} WHERE service = '{service}'", params)  # noqa: S608
            with pytest.raises(SealBrokenError, match=rf"nodes_credential\.access of row {service}"):
                Credential.objects.get(service=service)


def test_sealed_anew_with_a_new_key_it_opens_as_before(charlie: Box) -> None:
    set_both(charlie.tenant)
    assert reencrypt_tenant(charlie.tenant) >= 2
    with enter_tenant(charlie.tenant):
        assert Credential.list_stale(limit=1) == []
        assert read_credential(Service.OPENAI) == KeyAccess(KEY)


@pytest.mark.parametrize("wipes_history", [True, False])
def test_a_transfer_deletes_all_of_them_at_once(charlie: Box, wipes_history: bool) -> None:
    set_both(charlie.tenant)
    connection.check_constraints()  # a request's end would have; a table with rows to check yet cannot be dropped
    terms = TransferTerms(expires_in=dt.timedelta(days=1), wipes_history=wipes_history)
    transfer_dazbox(charlie.dazbox.id, terms, actor="test")
    assert count_in(charlie.tenant) == 0
    with enter_tenant(charlie.tenant):
        told = [entry.detail.facts for entry in JournalEntry.objects.filter(kind="credential").order_by("id")]
    assert told[-1:] == ([] if wipes_history else [{"count": 2}])
