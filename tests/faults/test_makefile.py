"""The Makefile: an installation that was broken off is mended by the next `make`; what `make test` runs."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.embedded_instance import PROJECT


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """As far as the environment is concerned, with nothing to download, and a Python that puts no pip into it: that
    takes longer than all the rest.
    """
    shutil.copy(PROJECT / "Makefile", tmp_path)
    (tmp_path / "requirements").mkdir()
    for name in ("run.txt", "dev.txt"):
        (tmp_path / "requirements" / name).touch()
    python = tmp_path / "python"
    python.write_text(
        f'#!/bin/sh\n[ "$2" = venv ] && exec {sys.executable} "$@" --without-pip\nexec {sys.executable} "$@"\n'
    )
    python.chmod(0o755)
    return tmp_path


def make(clone: Path, target: str, *settings: str) -> subprocess.CompletedProcess[str]:
    command = ["make", f".venv/{target}.stamp", f"PYTHON={clone / 'python'}", *settings]
    return subprocess.run(command, cwd=clone, capture_output=True, text=True, check=False)


def test_what_a_broken_off_installation_left_is_replaced_by_the_next(clone: Path) -> None:
    (clone / ".venv" / "bin").mkdir(parents=True)
    (clone / ".venv" / "bin" / "python").symlink_to("/nowhere")
    assert make(clone, "run", "INSTALL=false").returncode == 2
    (clone / ".venv" / "half").touch()
    assert make(clone, "run", "INSTALL=true").returncode == 0
    assert not (clone / ".venv" / "half").exists()
    assert "is up to date" in make(clone, "run").stdout
    (clone / ".venv" / "half").touch()
    assert make(clone, "dev", "INSTALL=false").returncode == 2
    assert "Making a virtual environment" in make(clone, "dev", "INSTALL=true").stdout
    assert not (clone / ".venv" / "half").exists()
    assert "is up to date" in make(clone, "dev").stdout


@pytest.mark.parametrize(
    ("settings", "command"),
    [((), "tests.suite -n 2 --dist loadfile --no-loadscope-reorder"), (("ARGS=-k vectors",), "pytest -k vectors")],
    ids=["all", "a part"],
)
def test_a_part_of_the_tests_is_run_by_pytest_alone(clone: Path, settings: tuple[str, ...], command: str) -> None:
    shown = subprocess.run(
        ["make", "--no-print-directory", "--dry-run", "test", *settings],
        cwd=clone,
        capture_output=True,
        text=True,
        check=True,
    )
    assert shown.stdout.splitlines()[-1] == f".venv/bin/python -m {command}"
