"""What the role in DATABASE_URL must be allowed: no more than docs/embedded.md says, and what is missing is told."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from mcp_saas.embedded.place import choose_place, find_programs
from mcp_saas.embedded.postgres import run_program, start_postgres
from mcp_saas.embedded.state import open_state
from mcp_saas.embedded.supervisor import Supervisor
from tenants.provisioning.rights import check_rights
from tests.committed import ROOT, child_environment
from tests.faults.embedded_instance import discard_home

pytestmark = pytest.mark.fault
LOGIN, OWNER, DATABASE, PASSWORD = "another_service", "another_owner", "test_rights", "not-secret"
BUILD = """
import django; django.setup()
from nodes.models.node import OwnNode
from tenants.context import enter_tenant
from tests.factories import make_box
box = make_box("first")
with enter_tenant(box.tenant):
    OwnNode.objects.create(forward_cursor="its own")
    print(OwnNode.objects.get().forward_cursor)
"""


DROP_WITH_LARGE_OBJECT = """
import sys
import django; django.setup()
from django.db import connection
from tenants.context import enter_tenant
from tenants.provisioning.schema import drop_schema
from tests.factories import make_box
box = make_box(sys.argv[1])
with enter_tenant(box.tenant), connection.cursor() as cursor:
    cursor.execute("SELECT lo_from_bytea(0, 'kept')")
drop_schema(box.dazbox.schema_name)
drop_schema(box.dazbox.schema_name)
print("dropped")
"""


@pytest.fixture(scope="module")
def superuser_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server of its own: what an administrator has to do needs one, and roles are a whole server's."""
    with open_state(tmp_path_factory.mktemp("server") / "home") as state:
        supervisor = Supervisor(state)
        try:
            start_postgres(state, supervisor, is_durable=False)
            supervisor.stop_all()
            place = choose_place(state)
            single = [str(find_programs(place) / "postgres"), "--single", "-D", str(place.data), "-F", "postgres"]
            run_program(single, place, statement="ALTER ROLE dazbox SUPERUSER\n")
            yield start_postgres(state, supervisor, is_durable=False)
        finally:
            supervisor.stop_all()
            discard_home(state.home)


@pytest.fixture
def server(superuser_url: str) -> Iterator[psycopg.Connection]:
    """In the hands of its administrator; the service's roles and database are removed at the end."""
    with psycopg.connect(superuser_url, autocommit=True) as session:
        yield session
        session.execute(f"DROP DATABASE {DATABASE} WITH (FORCE)")
        boxes = session.execute("SELECT rolname FROM pg_roles WHERE starts_with(rolname, 'dz_')").fetchall()
        for role in (*(name for (name,) in boxes), OWNER, LOGIN):
            session.execute(f"DROP ROLE IF EXISTS {role}")


def make_login(server: psycopg.Connection, attributes: str) -> None:
    """The SQL of docs/embedded.md."""
    server.execute(f"CREATE ROLE {LOGIN} LOGIN PASSWORD '{PASSWORD}' {attributes}")
    server.execute(f"CREATE DATABASE {DATABASE} OWNER {LOGIN}")


@pytest.fixture
def service_url(superuser_url: str) -> str:
    parts = urlsplit(superuser_url)
    netloc = f"{LOGIN}:{PASSWORD}@{parts.netloc.rpartition('@')[2]}"
    return parts._replace(netloc=netloc, path=f"/{DATABASE}").geturl()


def run(url: str, tmp_path: Path, *command: str, profile: str = "dev") -> subprocess.CompletedProcess[str]:
    environment = child_environment(
        DATABASE_URL=url, DATABASE_OWNER=OWNER, JWT_KEYS_DIR=str(tmp_path), PROFILE=profile, SECRET_KEY="x" * 50,
        DJANGO_SETTINGS_MODULE="mcp_saas.settings.test",
    )  # fmt: skip
    return subprocess.run(
        [sys.executable, *command], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("inherits", ["NOINHERIT", "INHERIT"])
def test_an_ordinary_role_with_createrole_and_its_own_database_is_enough(
    server: psycopg.Connection, service_url: str, tmp_path: Path, inherits: str
) -> None:
    make_login(server, f"{inherits} CREATEROLE")
    prepared = run(service_url, tmp_path, "manage.py", "prepare")
    assert (prepared.returncode, prepared.stderr) == (0, "")
    built = run(service_url, tmp_path, "-c", BUILD)
    assert (built.returncode, built.stdout) == (0, "its own\n"), built.stderr
    assert run(service_url, tmp_path, "manage.py", "check", "--database", "default").returncode == 0
    rights = "SELECT pg_has_role(%s, oid, 'USAGE'), pg_has_role(%s, oid, 'SET') FROM pg_roles WHERE rolname = %s"
    assert server.execute(rights, [LOGIN, LOGIN, OWNER]).fetchone() == (False, True)


def test_a_box_is_dropped_with_the_large_objects_of_its_role_where_it_may_make_some(
    server: psycopg.Connection, superuser_url: str, service_url: str, tmp_path: Path
) -> None:
    make_login(server, "CREATEROLE")
    assert run(service_url, tmp_path, "manage.py", "prepare").returncode == 0
    refused = run(service_url, tmp_path, "-c", DROP_WITH_LARGE_OBJECT, "first")
    assert "permission denied for function lo_from_bytea" in refused.stderr
    inside = urlsplit(superuser_url)._replace(path=f"/{DATABASE}").geturl()
    with psycopg.connect(inside, autocommit=True) as session:
        session.execute("GRANT EXECUTE ON FUNCTION lo_from_bytea(oid, bytea) TO PUBLIC")
        dropped = run(service_url, tmp_path, "-c", DROP_WITH_LARGE_OBJECT, "second")
        assert (dropped.returncode, dropped.stdout) == (0, "dropped\n"), dropped.stderr
        assert session.execute("SELECT count(*) FROM pg_largeobject_metadata").fetchone() == (0,)


def test_a_database_of_somebody_elses_is_warned_of(
    server: psycopg.Connection, service_url: str, tmp_path: Path
) -> None:
    make_login(server, "CREATEROLE")
    server.execute(f"ALTER DATABASE {DATABASE} OWNER TO dazbox; GRANT CREATE ON DATABASE {DATABASE} TO {LOGIN}")
    run(service_url, tmp_path, "manage.py", "prepare")
    checked = run(service_url, tmp_path, "manage.py", "check", "--database", "default")
    assert f"REVOKE TEMP ON DATABASE {DATABASE} FROM PUBLIC" in checked.stderr


def test_a_role_that_may_make_no_roles_is_told_so_in_one_line(
    server: psycopg.Connection, service_url: str, tmp_path: Path
) -> None:
    make_login(server, "")
    prepared = run(service_url, tmp_path, "manage.py", "prepare")
    assert prepared.returncode == 1
    assert f"{LOGIN} needs CREATEROLE, or somebody else must make the role {OWNER}: ALTER ROLE" in prepared.stderr
    assert "Traceback" not in prepared.stderr


def test_an_owner_made_by_an_administrator_is_taken_as_it_is(
    server: psycopg.Connection, service_url: str, tmp_path: Path
) -> None:
    make_login(server, "")
    server.execute(f"CREATE ROLE {OWNER} NOLOGIN CREATEROLE")
    server.execute(f"GRANT {OWNER} TO {LOGIN} WITH INHERIT FALSE, SET TRUE")
    assert run(service_url, tmp_path, "manage.py", "prepare").returncode == 0


def test_a_login_that_inherits_from_the_owner_is_refused(
    server: psycopg.Connection, service_url: str, tmp_path: Path
) -> None:
    make_login(server, "")
    server.execute(f"CREATE ROLE {OWNER} NOLOGIN CREATEROLE")
    server.execute(f"GRANT {OWNER} TO {LOGIN} WITH INHERIT TRUE")
    prepared = run(service_url, tmp_path, "manage.py", "prepare")
    assert prepared.returncode == 1
    assert f"{LOGIN} inherits the rights of {OWNER}, so it reads every box: GRANT" in prepared.stderr


def test_a_superuser_is_warned_of_in_dev_and_refused_in_service(superuser_url: str, tmp_path: Path) -> None:
    command = ("manage.py", "check", "--database", "default")
    in_dev, in_service = (run(superuser_url, tmp_path, *command, profile=name) for name in ("dev", "production"))
    assert (in_dev.returncode, in_service.returncode) == (0, 1)
    assert "(tenants.W001) dazbox is a superuser, for whom the boxes' roles are no bounds" in in_dev.stderr
    assert "ImproperlyConfigured: DATABASE_URL logs in as a superuser" in in_service.stderr.splitlines()[-1]


def test_the_rights_of_this_very_run_are_complete(db: None) -> None:
    assert [fault for fault in check_rights(databases=["default"]) if fault.id != "tenants.W001"] == []
