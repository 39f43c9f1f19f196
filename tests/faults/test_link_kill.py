"""kill -9 while an approved box is linked: its next look makes it whole, one box with one schema."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tenants.engine.plan import DEFAULT_PLAN
from tenants.models.dazbox import Dazbox, DazboxState
from tenants.models.device_authorization import DeviceAuthorization
from tenants.models.device_key import DeviceKey
from tenants.models.owner import Owner
from tenants.provisioning.authorization import begin_authorization, decide_authorization, poll_authorization
from tenants.provisioning.device import NewBox, NodeProof
from tests.committed import ROOT, child_environment, list_box_schemas
from tests.factories import make_device_request
from tests.faults.embedded_instance import eventually
from tests.faults.test_provisioning_kill import (
    AT_COMMIT,
    AT_DDL,
    AT_ROW,
    AT_STATE,
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
import sys
import django
django.setup()
from tenants.provisioning.authorization import poll_authorization
poll_authorization(sys.argv[1])
"""
BOUNDARIES = {
    "box written": AT_ROW.format("INSERT ON tenants_dazbox"),
    "authorization spent": AT_ROW.format("UPDATE ON tenants_deviceauthorization").replace(
        "EXECUTE", "WHEN (NEW.dazbox_id IS NOT NULL) EXECUTE"
    ),
    "committing the box": AT_COMMIT.format("INSERT ON tenants_cycleschedule"),
    "first table made": AT_DDL.format("CREATE TABLE"),
    "schema made, state written": AT_STATE.format("active"),
}


@contextmanager
def child_that_polls(device_code: str) -> Iterator["subprocess.Popen[str]"]:
    environment = child_environment(DJANGO_SETTINGS_MODULE="mcp_saas.settings.test")
    with subprocess.Popen([sys.executable, "-c", CHILD, device_code], cwd=ROOT, env=environment, text=True) as child:
        try:
            yield child
        finally:
            child.kill()


def begin_approved() -> str:
    """The device code of a box that an owner has approved."""
    request = make_device_request("linked", code="none")
    box = NewBox(request.pubkey, "linked", device_key=request.device_key, agent_version="1")
    codes = begin_authorization(box, NodeProof(request.nonce, request.signature), address="127.0.0.1")
    decide_authorization(codes.user_code, Owner.objects.create().id, approves=True)
    return codes.device_code


@pytest.mark.parametrize("gate", BOUNDARIES.values(), ids=BOUNDARIES)
def test_killed_at_a_boundary_the_next_look_finishes_it(session: Session, gate: str) -> None:
    device_code = begin_approved()
    with child_that_polls(device_code) as child:
        with closed_gate(session, gate):
            backend = await_blocked(session, child)
            child.kill()
            child.wait(60)
        assert eventually(lambda: is_backend_gone(session, backend))
    open_for_good(session)
    DeviceAuthorization.objects.update(polled_at=None)
    linked = poll_authorization(device_code)
    [box] = Dazbox.objects.all()
    assert (box.id, box.state, box.plan) == (linked.dazbox.id, DazboxState.ACTIVE, DEFAULT_PLAN)
    assert list_box_schemas() == [box.schema_name]
    assert DeviceKey.objects.get() == linked.key
