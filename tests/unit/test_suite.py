"""`make test`: what failed by the way alone is named, and what is broken fails the run."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.embedded_instance import PROJECT

TWO = ("-n", "2", "--dist", "loadfile")
TESTS = """
import pathlib
import pytest

def note(name):
    with pathlib.Path("ran").open("a") as ran:
        ran.write(name + "\\n")
    return pathlib.Path("ran").read_text().split().count(name)

def test_sound():
    note("sound")

@pytest.mark.parametrize("number", range({shaky}))
def test_shaky(number):
    assert note(f"shaky{{number}}") > 1

@pytest.mark.parametrize("number", range({broken}))
def test_broken(number):
    note(f"broken{{number}}")
    raise LookupError

@pytest.fixture
def crooked():
    yield
    assert note("crooked") > 1

@pytest.mark.parametrize("number", range({crooked}))
def test_whose_end_is_shaky(number, crooked):
    pass
"""


def run(folder: Path, *arguments: str, shaky: int = 0, broken: int = 0, crooked: int = 0) -> tuple[int, str, list[str]]:
    """The exit code, what was said, and what ran, in order."""
    (folder / "pytest.ini").write_text("[pytest]\naddopts = -p xdist\n")
    (folder / "test_it.py").write_text(TESTS.format(shaky=shaky, broken=broken, crooked=crooked))
    command = [sys.executable, "-m", "tests.suite", *arguments]
    environment = dict(os.environ) | {"PYTHONPATH": str(PROJECT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}  # noqa: TID251 - it is handed on, not read
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, (folder / "ran").read_text().split()


@pytest.mark.parametrize("arguments", [(), TWO], ids=["one process", "two"])
def test_what_passes_by_itself_is_named_and_fails_no_run(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    code, said, ran = run(tmp_path, *arguments, shaky=2, crooked=1)

    assert code == 0
    assert [line.split()[4] for line in said.splitlines()[-3:] if line.startswith("SHAKY, to be mended: ")] == [
        "test_it.py::test_shaky[0]",
        "test_it.py::test_shaky[1]",
        "test_it.py::test_whose_end_is_shaky[0]",
    ]
    assert sorted(ran) == sorted(["sound", *["shaky0", "shaky1", "crooked"] * 2])


def test_what_fails_again_fails_the_run_and_the_shaky_are_named_all_the_same(tmp_path: Path) -> None:
    code, said, ran = run(tmp_path, shaky=1, broken=1)

    assert code == pytest.ExitCode.TESTS_FAILED
    assert [line.split()[4] for line in said.splitlines() if "SHAKY" in line] == ["test_it.py::test_shaky[0]"]
    assert sorted(ran) == ["broken0", "broken0", "shaky0", "shaky0", "sound"]


def test_many_at_once_are_no_accident(tmp_path: Path) -> None:
    code, said, ran = run(tmp_path, shaky=6)

    assert (code, "SHAKY" in said) == (pytest.ExitCode.TESTS_FAILED, False)
    assert len(ran) == 7


def test_a_run_without_failures_is_one_run(tmp_path: Path) -> None:
    code, said, ran = run(tmp_path)

    assert (code, "SHAKY" in said, ran) == (0, False, ["sound"])
