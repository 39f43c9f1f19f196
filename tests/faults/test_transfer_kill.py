"""kill -9 in the middle of a transfer: the box is its owner's with all its history, or on its way without it."""

import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from nodes.models.forward import ForwardDay
from tenants.context import enter_tenant
from tenants.models.claim import Claim
from tenants.models.dazbox import Dazbox, DazboxState
from tenants.tokens.device_key import find_live_keys
from tests.committed import ROOT, child_environment, list_box_schemas
from tests.conftest import fill_box
from tests.factories import Box, make_box
from tests.faults.embedded_instance import eventually
from tests.faults.test_provisioning_kill import (
    AT_DDL,
    AT_ROW,
    AT_STATE,
    AT_STATE_COMMIT,
    Session,
    await_blocked,
    closed_gate,
    is_backend_gone,
    open_for_good,
    session,
)

__all__ = ["session"]  # the fixture
pytestmark = pytest.mark.fault
CHILD = """
import datetime as dt, sys, uuid
import django
django.setup()
from tenants.provisioning.transfer import TransferTerms, transfer_dazbox
terms = TransferTerms(expires_in=dt.timedelta(days=1), wipes_history=True)
transfer_dazbox(uuid.UUID(sys.argv[1]), terms, actor="test")
"""
BOUNDARIES = {
    "history dropped": AT_DDL.format("CREATE TABLE"),
    "state written": AT_STATE.format("transferring"),
    "key ended": AT_ROW.format("UPDATE ON tenants_devicekey"),
    "code made": AT_ROW.format("INSERT ON tenants_claim"),
    "committing": AT_STATE_COMMIT.format("transferring"),
}


@contextmanager
def child_that_transfers(box: Box) -> Iterator["subprocess.Popen[str]"]:
    environment = child_environment(DJANGO_SETTINGS_MODULE="mcp_saas.settings.test")
    command = [sys.executable, "-c", CHILD, str(box.dazbox.id)]
    with subprocess.Popen(command, cwd=ROOT, env=environment, text=True) as child:
        try:
            yield child
        finally:
            child.kill()


def is_untouched(box: Box) -> bool:
    with enter_tenant(box.tenant):
        has_history = ForwardDay.objects.exists()
    has_open_claim = Claim.objects.filter(dazbox=box.dazbox, used_at=None).exists()
    return has_history and len(find_live_keys(box.dazbox.id)) == 1 and not has_open_claim


@pytest.mark.parametrize("gate", BOUNDARIES.values(), ids=BOUNDARIES)
def test_killed_in_the_middle_a_transfer_has_happened_whole_or_not_at_all(session: Session, gate: str) -> None:
    box = fill_box(make_box(f"sold {uuid.uuid4()}"), forwards=5)
    with child_that_transfers(box) as child:
        with closed_gate(session, gate):
            backend = await_blocked(session, child)
            child.kill()
            child.wait(60)
        assert eventually(lambda: is_backend_gone(session, backend))
    open_for_good(session)
    state = Dazbox.objects.get(id=box.dazbox.id).state
    assert (state, is_untouched(box)) in {(DazboxState.ACTIVE, True), (DazboxState.TRANSFERRING, False)}
    assert list_box_schemas() == [box.dazbox.schema_name]
