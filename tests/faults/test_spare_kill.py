"""kill -9 while the pool is filled or a spare changes hands: no schema without an owner, no box without a schema."""

import subprocess
import sys

import pytest

from tenants.models.dazbox import Dazbox, DazboxState
from tenants.models.spare import SpareSchema
from tenants.provisioning.schema import resume_provisioning
from tenants.provisioning.spare import tend_pool
from tests.committed import ROOT, child_environment, list_box_roles, list_box_schemas
from tests.faults.embedded_instance import eventually
from tests.faults.test_provisioning_kill import (
    AT_COMMIT,
    AT_DDL,
    AT_ROW,
    Session,
    await_blocked,
    child_that_registers,
    closed_gate,
    is_backend_gone,
    make_request,
    open_for_good,
    session,
)

__all__ = ["session"]
pytestmark = pytest.mark.fault
FILL = "import django; django.setup()\nfrom tenants.provisioning.spare import tend_pool\ntend_pool(1)"
WHILE_FILLING = [AT_DDL.format("CREATE TABLE"), AT_ROW.format("INSERT ON tenants_spareschema")]
WHILE_TAKING = [AT_ROW.format("DELETE ON tenants_spareschema"), AT_ROW.format("UPDATE ON tenants_dazbox")]
AT_LAST = AT_COMMIT.format("INSERT ON tenants_spareschema")


def kill_while_filling(session: Session, gate: str) -> None:
    environment = child_environment(DJANGO_SETTINGS_MODULE="mcp_saas.settings.test")
    with closed_gate(session, gate), subprocess.Popen([sys.executable, "-c", FILL], cwd=ROOT, env=environment) as child:
        backend = await_blocked(session, child)  # type: ignore[arg-type]
        child.kill()
    assert eventually(lambda: is_backend_gone(session, backend))
    open_for_good(session)


@pytest.mark.parametrize("gate", WHILE_FILLING, ids=["role and schema made", "row written"])
def test_killed_while_filling_nothing_is_left_and_the_next_fills_up(session: Session, gate: str) -> None:
    kill_while_filling(session, gate)
    assert (list_box_schemas(), list_box_roles(), SpareSchema.objects.count()) == ([], [], 0)
    assert tend_pool(1) == 1
    assert list_box_schemas() == list_box_roles() == [SpareSchema.objects.get().schema_name]


def test_killed_while_committing_the_spare_is_there_with_its_row(session: Session) -> None:
    kill_while_filling(session, AT_LAST)
    assert list_box_schemas() == list_box_roles() == [SpareSchema.objects.get().schema_name]
    assert tend_pool(1) == 0


@pytest.mark.parametrize("gate", WHILE_TAKING, ids=["row taken", "state written"])
def test_killed_while_taking_the_spare_is_still_one_and_the_resume_takes_it(session: Session, gate: str) -> None:
    tend_pool(1)
    spare = SpareSchema.objects.get().schema_name
    gate = gate.replace("tenants_dazbox FOR EACH ROW", "tenants_dazbox FOR EACH ROW WHEN (NEW.state = 'active')")
    with child_that_registers(make_request()) as child:
        with closed_gate(session, gate):
            backend = await_blocked(session, child)
            child.kill()
            child.wait(60)
        assert eventually(lambda: is_backend_gone(session, backend))
    open_for_good(session)
    assert (Dazbox.objects.get().state, SpareSchema.objects.get().schema_name) == (DazboxState.PROVISIONING, spare)
    assert resume_provisioning() == 1
    box = Dazbox.objects.get()
    assert (box.state, box.schema_name, list_box_schemas()) == (DazboxState.ACTIVE, spare, [spare])
    assert list_box_roles() == [spare]
    assert SpareSchema.objects.count() == 0
