"""What a child is given, what it is not, and that nothing of it stays."""

import asyncio
import ctypes
import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from uuid import UUID

import psutil
import pytest
from msgspec.structs import replace

from bridge.engine.server import Pool, TenantSecret
from bridge.sources.connection import Connection
from bridge.sources.opener import open_connection
from bridge.sources.stdio.launch import ASK_VERSION, CREATE_RULESET
from tests.bridge.sources.stage import Log, call_text, make_server, opened, run, until

ROOT = Path(__file__).parents[3]


def is_alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


async def spawn(connection: Connection, *, own_session: bool) -> int:
    return int(await call_text(connection, "spawn", {"own_session": own_session}))


def test_a_child_sees_four_variables_of_ours_and_its_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgres://user:secret@localhost/db")
    monkeypatch.setenv("TZ", "UTC")

    async def scenario() -> None:
        with (tmp_path / "secret").open("wb") as secret:
            os.set_inheritable(secret.fileno(), True)
            async with opened(make_server("faulty.py", env={"TOKEN": "its own"}, cwd=str(tmp_path))) as connection:
                state = json.loads(await call_text(connection, "state"))
        assert set(state["environment"]) - {"PATH", "HOME", "LANG", "TZ", "LC_CTYPE"} == {"TOKEN", "MCP_CHILD_OF"}
        assert state["environment"]["TOKEN"] == "its own"
        assert [name for name, link in state["descriptors"].items() if int(name) > 2 and link != "gone"] == []
        assert state["cwd"] == str(tmp_path)

    run(scenario)


def test_a_tenant_s_own_child_gets_of_it_the_variables_its_operator_left_to_tenants() -> None:
    async def scenario() -> None:
        server = make_server("faulty.py", env={"HOST": "mail.example"})
        server = replace(server, pool=Pool("per_credential", own_env=("PASSWORD",)))
        own = {"PASSWORD": "x", "HOST": "evil.example", "LD_PRELOAD": "/evil.so"}
        secret = TenantSecret(server.name, UUID(int=1), env=own)
        connection = await open_connection(server, secret=secret, on_log=Log().write)
        state = json.loads(await call_text(connection, "state"))
        await connection.close()
        assert (state["environment"]["HOST"], state["environment"]["PASSWORD"]) == ("mail.example", "x")
        assert "LD_PRELOAD" not in state["environment"]

    run(scenario)


def test_a_child_looks_into_no_process_but_its_own_children() -> None:
    """The gateway's environment holds its keys, another child's the secrets of a tenant."""
    if ctypes.CDLL(None).syscall(CREATE_RULESET, None, 0, ASK_VERSION) < 2:
        pytest.skip("this kernel has no Landlock")

    async def scenario() -> None:
        async with opened(make_server("faulty.py")) as one, opened(make_server("faulty.py")) as other:
            assert other.pid is not None
            for stranger in (os.getpid(), other.pid):
                assert await call_text(one, "peek", {"pid": stranger}) == "PermissionError"
            own = await spawn(one, own_session=True)
            assert await call_text(one, "peek", {"pid": own}) != "PermissionError"

    run(scenario)


def test_a_child_has_its_limits_a_session_of_its_own_and_no_ignored_signal() -> None:
    async def scenario() -> None:
        server = make_server("faulty.py", memory_mb=200, open_files=64)
        async with opened(server) as connection:
            state = json.loads(await call_text(connection, "state"))
            assert state["limits"]["RLIMIT_NOFILE"] == [64, 64]
            assert state["limits"]["RLIMIT_CORE"] == [0, 0]
            assert state["sid"] == connection.pid
            assert state["nice"] >= 5
            assert set(state["ignored"]) <= {signal.SIGPIPE, signal.SIGXFSZ}, "Python's own"
            assert await call_text(connection, "hoard", {"bytes": 100 << 20}) == str(100 << 20)
            assert await call_text(connection, "hoard", {"bytes": 300 << 20}) == "no more memory"

    run(scenario)


@pytest.mark.parametrize("own_session", [False, True])
@pytest.mark.parametrize("stubborn", [False, True])
def test_closing_ends_the_child_and_its_children(own_session: bool, stubborn: bool) -> None:
    async def scenario() -> None:
        log = Log()
        async with opened(make_server("faulty.py", *["--stubborn"] * stubborn), log=log) as connection:
            grandchild = await spawn(connection, own_session=own_session)
            pid = connection.pid or 0
            assert is_alive(grandchild)
            await connection.close(grace_s=0.2)
            assert not psutil.pid_exists(pid), "it is reaped"
            await until(lambda: not is_alive(grandchild))
        assert log.of("life") == [f"it was ended by {'SIGKILL'}" if stubborn else "it ended with status 0"]

    run(scenario)


def test_a_crash_takes_the_children_of_the_child_along() -> None:
    async def scenario() -> None:
        async with opened(make_server("faulty.py")) as connection:
            grandchild = await spawn(connection, own_session=True)
            os.kill(connection.pid or 0, signal.SIGKILL)
            await until(lambda: not is_alive(grandchild))
            assert await connection.ended == "the server is gone: it was ended by SIGKILL"

    run(scenario)


def test_a_killed_warden_is_replaced() -> None:
    async def scenario() -> None:
        async with opened(make_server("fast_echo.py")):
            warden = find_warden()
            os.kill(warden, signal.SIGKILL)
            await until(lambda: not is_alive(warden))
        async with opened(make_server("faulty.py")) as connection:
            grandchild = await spawn(connection, own_session=True)
        await until(lambda: not is_alive(grandchild))
        assert find_warden() != warden

    run(scenario)


def find_warden() -> int:
    [pid] = find_children("warden.py")
    return pid


def find_children(script: str) -> list[int]:
    """Those of ours that live."""
    found = []
    for child in psutil.Process().children():
        with suppress(psutil.NoSuchProcess):
            found += [child.pid] if is_alive(child.pid) and script in " ".join(child.cmdline()) else []
    return found


@pytest.mark.fault
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_no_orphan_outlives_a_killed_gateway(number: signal.Signals) -> None:
    """The child does not heed the end of its input, nor SIGTERM; its child has left its group and session."""
    owner = subprocess.Popen(
        [sys.executable, "-m", "tests.bridge.sources.owner"], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert owner.stdout is not None
    pids = [int(word) for word in owner.stdout.readline().split()]
    assert len(pids) == 3
    assert all(is_alive(pid) for pid in pids)
    owner.send_signal(number)
    owner.wait(60)
    owner.stdout.close()

    async def scenario() -> None:
        await until(lambda: not any(is_alive(pid) for pid in pids))

    run(scenario)
    assert [pid for pid in pids if is_alive(pid)] == []


def test_opening_that_is_given_up_leaves_nothing() -> None:
    async def scenario() -> None:
        async def open_forever() -> None:
            async with opened(make_server("faulty.py", "--probe", "silent", "--era", "modern", "--stubborn")):
                pass

        task = asyncio.ensure_future(open_forever())
        await until(lambda: find_children("faulty.py"))
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await until(lambda: find_children("faulty.py") == [])
        assert task.cancelled()

    run(scenario)
