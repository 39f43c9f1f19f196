"""kill -9 at every boundary of provisioning: afterwards a repeat or the resume makes it whole, one box with one schema.

The child is a process of its own. It is held at a boundary by the database: by a table lock, or by a trigger that waits
for an advisory lock of ours; nothing of the product is replaced.
"""

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import astuple, dataclass
from typing import Any

import msgspec
import psycopg
import pytest

from tenants.models.claim import Claim
from tenants.models.dazbox import Dazbox, DazboxState
from tenants.models.device_key import DeviceKey
from tenants.models.operation import Operation, OperationStatus
from tenants.models.schedule import CycleSchedule
from tenants.provisioning.device import DeviceRequest, register_device
from tenants.provisioning.schema import resume_provisioning
from tests.committed import (
    ROOT,
    child_environment,
    find_blocked,
    list_box_roles,
    list_box_schemas,
    other_session,
    run_together,
)
from tests.factories import make_device_request
from tests.faults.embedded_instance import eventually

pytestmark = pytest.mark.fault
Session = psycopg.Connection[Any]
CHILD = """
import json, sys
import django
django.setup()
from tenants.provisioning.device import DeviceRequest, register_device
register_device(DeviceRequest(*json.loads(sys.argv[1])))
print("registered", flush=True)
sys.stdin.read()
"""
GATE = 4711
FUNCTIONS = """
CREATE FUNCTION wait_at_gate() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN PERFORM pg_advisory_xact_lock_shared(4711); RETURN NULL; END $$;
CREATE FUNCTION wait_in_script() RETURNS void LANGUAGE sql AS 'SELECT pg_advisory_xact_lock_shared(4711)';
"""
AT_ROW = "CREATE TRIGGER gate AFTER {} FOR EACH ROW EXECUTE FUNCTION wait_at_gate()"
AT_COMMIT = (
    "CREATE CONSTRAINT TRIGGER gate AFTER {} DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION wait_at_gate()"
)
AT_STATE = AT_ROW.format("UPDATE ON tenants_dazbox").replace("EXECUTE", "WHEN (NEW.state = '{}') EXECUTE")
AT_STATE_COMMIT = AT_COMMIT.format("UPDATE ON tenants_dazbox").replace("EXECUTE", "WHEN (NEW.state = '{}') EXECUTE")
WAIT = "SELECT public.wait_in_script();"
# Inside the script of the template, in front of the first statement that begins like this.
AT_DDL = f"UPDATE tenants_schematemplate SET ddl = regexp_replace(ddl, '(^|\\n)({{}})', '\\1{WAIT}\\2')"  # noqa: S608 - our own words
OPEN_DDL = f"UPDATE tenants_schematemplate SET ddl = replace(ddl, '{WAIT}', '')"  # noqa: S608
AT_READ = "LOCK TABLE {} IN ACCESS EXCLUSIVE MODE"


@dataclass(frozen=True)
class Boundary:
    """Where the child is held, and the state its death leaves."""

    gate: str | None
    leaves: DazboxState | None


BOUNDARIES = {
    "before the claim is read": Boundary(AT_READ.format("tenants_claim"), None),
    "box written": Boundary(AT_ROW.format("INSERT ON tenants_dazbox"), None),
    "nonce spent": Boundary(AT_ROW.format("UPDATE ON tenants_challenge"), None),
    "claim spent": Boundary(AT_ROW.format("UPDATE ON tenants_claim"), None),
    "operation written": Boundary(AT_ROW.format("INSERT ON tenants_operation"), None),
    "device key written": Boundary(AT_ROW.format("INSERT ON tenants_devicekey"), None),
    "committing box and claim": Boundary(AT_COMMIT.format("INSERT ON tenants_cycleschedule"), DazboxState.CLAIMED),
    "box and claim committed": Boundary(AT_READ.format("tenants_schematemplate"), DazboxState.CLAIMED),
    "attempt noted": Boundary(AT_STATE.format("provisioning"), DazboxState.CLAIMED),
    "committing the attempt": Boundary(AT_STATE_COMMIT.format("provisioning"), DazboxState.PROVISIONING),
    "attempt counted": Boundary(AT_ROW.format("UPDATE ON tenants_operation"), DazboxState.CLAIMED),
    "role and schema made": Boundary(AT_DDL.format("CREATE TABLE"), DazboxState.PROVISIONING),
    "tables made": Boundary(AT_DDL.format("CREATE INDEX|CREATE UNIQUE INDEX"), DazboxState.PROVISIONING),
    "tables and indexes made": Boundary(AT_DDL.format("INSERT"), DazboxState.PROVISIONING),
    "schema made, state written": Boundary(AT_STATE.format("active"), DazboxState.PROVISIONING),
    "committing the schema": Boundary(AT_STATE_COMMIT.format("active"), DazboxState.ACTIVE),
    "answer not yet given": Boundary(None, DazboxState.ACTIVE),
}


@pytest.fixture
def session(committed_db: None) -> Iterator[Session]:
    with other_session() as session:
        session.execute(FUNCTIONS)
        try:
            yield session
        finally:
            session.execute(OPEN_DDL)
            session.execute("DROP FUNCTION wait_at_gate, wait_in_script CASCADE")


@contextmanager
def closed_gate(session: Session, gate: str) -> Iterator[None]:
    """Whoever comes to the boundary waits until the end of the block."""
    if gate.startswith("LOCK"):
        with session.transaction():
            session.execute(gate)
            yield
        return
    session.execute("SELECT pg_advisory_lock(%s)", [GATE])
    session.execute(gate)
    try:
        yield
    finally:
        session.execute("SELECT pg_advisory_unlock(%s)", [GATE])


def open_for_good(session: Session) -> None:
    session.execute(OPEN_DDL)
    session.execute("DROP FUNCTION wait_at_gate, wait_in_script CASCADE")
    session.execute(FUNCTIONS)


def make_request() -> DeviceRequest:
    return make_device_request("killed")


@contextmanager
def child_that_registers(request: DeviceRequest) -> Iterator[subprocess.Popen[str]]:
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, msgspec.json.encode(astuple(request)).decode()],
        cwd=ROOT, env=child_environment(DJANGO_SETTINGS_MODULE="mcp_saas.settings.test"),
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    with child:
        try:
            yield child
        finally:
            child.kill()


def await_blocked(session: Session, child: subprocess.Popen[str]) -> int:
    """The backend of the child, which stands at the gate."""
    assert eventually(lambda: find_blocked(session) != [] or child.poll() is not None)
    [backend] = find_blocked(session)
    return backend


def is_backend_gone(session: Session, backend: int) -> bool:
    return session.execute("SELECT FROM pg_stat_activity WHERE pid = %s", [backend]).fetchone() is None


def kill_at(session: Session, request: DeviceRequest, boundary: Boundary) -> None:
    """Returns when the server has noticed the death, too."""
    with child_that_registers(request) as child:
        if boundary.gate is None:
            assert child.stdout is not None
            assert child.stdout.readline() == "registered\n"
            child.kill()
            return
        with closed_gate(session, boundary.gate):
            backend = await_blocked(session, child)
            child.kill()
            child.wait(60)
        assert eventually(lambda: is_backend_gone(session, backend))
    open_for_good(session)


def assert_one_box_in_service() -> None:
    [box] = Dazbox.objects.all()
    assert box.state == DazboxState.ACTIVE
    assert list_box_schemas() == list_box_roles() == [box.schema_name]
    assert CycleSchedule.objects.filter(dazbox=box).count() == 1
    assert Claim.objects.get().dazbox_id == box.id
    assert DeviceKey.objects.get().dazbox_id == box.id
    operation = Operation.objects.get()
    assert (operation.dazbox_id, operation.status) == (box.id, OperationStatus.SUCCEEDED)


@pytest.mark.parametrize("boundary", BOUNDARIES.values(), ids=BOUNDARIES)
def test_killed_at_a_boundary_provisioning_is_finished_by_whoever_comes_next(
    session: Session, boundary: Boundary
) -> None:
    request = make_request()
    kill_at(session, request, boundary)
    boxes = list(Dazbox.objects.all())
    assert [box.state for box in boxes] == ([boundary.leaves] if boundary.leaves else [])
    in_service = [box.schema_name for box in boxes if box.state == DazboxState.ACTIVE]
    assert (list_box_schemas(), list_box_roles()) == (in_service, in_service)
    assert resume_provisioning() == (1 if boundary.leaves in {DazboxState.CLAIMED, DazboxState.PROVISIONING} else 0)
    assert register_device(request).is_new is (boundary.leaves is None)
    assert_one_box_in_service()


def test_killed_again_and_again_a_repeat_goes_on_where_it_stood(session: Session) -> None:
    request = make_request()
    for name in ("claim spent", "box and claim committed", "tables made", "schema made, state written"):
        kill_at(session, request, BOUNDARIES[name])
    assert register_device(request).is_new is False
    assert_one_box_in_service()


def test_a_resume_beside_one_that_is_still_at_it_waits_and_takes_over_when_it_dies(session: Session) -> None:
    request = make_request()
    with child_that_registers(request) as child:

        def kill_when_somebody_waits() -> None:
            with closed_gate(session, AT_DDL.format("INSERT")):
                await_blocked(session, child)
                is_held.set()
                assert eventually(lambda: len(find_blocked(session)) == 2)
                child.kill()
                child.wait(60)

        def resume() -> int:
            assert is_held.wait(90)
            return resume_provisioning()

        is_held = threading.Event()
        killed, resumed = run_together([kill_when_somebody_waits, resume])
    assert (killed, resumed) == (None, 1)
    assert_one_box_in_service()
