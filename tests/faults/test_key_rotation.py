"""Check 57: token keys rotate under load, in two processes at once, and no token is refused that should open."""

import datetime as dt
import os
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import jwt
import pytest
from django.core.management import call_command
from rest_framework_simplejwt.exceptions import TokenError

import tenants.keys
from tenants.keys import read_key_ring, write_signing_key
from tenants.tokens.access import mint_access_token, verify_access_token
from tests.committed import ROOT
from tests.faults.embedded_instance import eventually

REREAD_S, SIGNS_AFTER = 0.05, dt.timedelta(seconds=0.5)  # the product's own are 5 s and 60 s
ROTATIONS = 3


class Process:
    """The other process, asked line by line."""

    def __init__(self, folder: Path) -> None:
        environment = dict(os.environ) | {"JWT_KEYS_DIR": str(folder)}  # noqa: TID251 - it is handed on, not read
        command = [sys.executable, "-m", "tests.fakes.token_worker", str(REREAD_S)]
        pipe = subprocess.PIPE
        self.child = subprocess.Popen(command, cwd=ROOT, env=environment, stdin=pipe, stdout=pipe, text=True)

    def ask(self, *words: str) -> str:
        assert self.child.stdin
        assert self.child.stdout
        self.child.stdin.write(" ".join(words) + "\n")
        self.child.stdin.flush()
        return self.child.stdout.readline().strip()


@pytest.fixture
def folder(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tenants.keys, "REREAD_S", REREAD_S)
    settings.ENV = settings.ENV.model_copy(update={"jwt_keys_dir": tmp_path / "jwt"})
    write_signing_key(tmp_path / "jwt", signs_from=dt.datetime.now(dt.UTC))
    return tmp_path / "jwt"


@pytest.fixture
def process(folder: Path) -> Iterator[Process]:
    process = Process(folder)
    with process.child:
        yield process
        assert process.child.stdin
        process.child.stdin.close()


def is_good(token: str) -> bool:
    try:
        verify_access_token(token.encode())
    except TokenError:
        return False
    return True


def kid_of(token: str) -> str:
    return str(jwt.get_unverified_header(token)["kid"])


@pytest.mark.fault
def test_keys_rotate_under_load_in_two_processes_without_one_refusal(folder: Path, process: Process) -> None:
    tokens: list[tuple[str, str, bool]] = []

    def exchange() -> tuple[str, str]:
        """Each makes a token for the other. The kids they signed with."""
        mine, theirs = mint_access_token(subject="load", scopes=["read"], tenant_id=None), process.ask("mint")
        tokens.append((mine, "checked by the other", process.ask("check", mine) == "yes"))
        tokens.append((theirs, "checked here", is_good(theirs)))
        return kid_of(mine), kid_of(theirs)

    def is_signed_with(kid: str) -> bool:
        return [exchange() for _ in range(10)][-1] == (kid, kid)

    def is_refused(token: str) -> bool:
        exchange()
        return not is_good(token) and process.ask("check", token) == "no"

    for _ in range(ROTATIONS):
        [old] = read_key_ring(folder).keys
        write_signing_key(folder, signs_from=dt.datetime.now(dt.UTC) + SIGNS_AFTER)
        [new] = set(read_key_ring(folder).keys) - {old}
        assert eventually(partial(is_signed_with, new))
        last = next(token for token, _, _ in reversed(tokens) if kid_of(token) == old)
        assert is_good(last)
        assert process.ask("check", last) == "yes"
        call_command("retire_jwt_key", read_key_ring(folder).keys[old].path.name, compromised=True)
        assert eventually(partial(is_refused, last))

    assert [case for case in tokens if not case[2]] == []
    assert len(tokens) > 100
    assert len({kid_of(token) for token, _, _ in tokens}) == ROTATIONS + 1
