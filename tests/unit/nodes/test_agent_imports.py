"""The agent and the connectors stand alone on a box: the standard library, httpx, and cryptography in one file."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
NODES = ROOT / "nodes"
CONNECTORS = [NODES / "sources" / name for name in ("driver", "lnd", "cln")]
MODULES = sorted([
    *(NODES / "agent").glob("*.py"),
    NODES / "sources" / "node.py",
    *(module for folder in CONNECTORS for module in folder.glob("*.py")),
])
OURS = ("nodes.agent.", "nodes.sources.node", *(f"nodes.sources.{folder.name}." for folder in CONNECTORS))
IMPORT_ALL = """
import importlib, sys
for name in sys.argv[1:]:
    importlib.import_module(name)
print("\\n".join(sys.modules))
"""


def list_imports(module: Path) -> set[str]:
    names: set[str] = set()
    for statement in ast.walk(ast.parse(module.read_text())):
        if isinstance(statement, ast.Import):
            names |= {alias.name for alias in statement.names}
        elif isinstance(statement, ast.ImportFrom):
            assert statement.level == 0
            names.add(str(statement.module))
    return names


def name_module(module: Path) -> str:
    return ".".join(module.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


@pytest.mark.parametrize("module", MODULES, ids=name_module)
def test_a_module_needs_nothing_but_the_standard_library_and_httpx(module: Path) -> None:
    foreign = {name.split(".")[0] for name in list_imports(module) if not name.startswith(OURS)}

    allowed = {"httpx", "cryptography"} if module.stem == "device_key" else {"httpx"}
    assert foreign - set(sys.stdlib_module_names) <= allowed


def test_a_bare_interpreter_loads_the_agent_without_the_rest_of_the_project() -> None:
    names = [name_module(module) for module in MODULES]
    assert "nodes.agent.command" in names
    done = subprocess.run(
        [sys.executable, "-c", IMPORT_ALL, *names], cwd=ROOT, capture_output=True, text=True, check=True
    )

    loaded = set(done.stdout.split())
    assert "nodes.agent.command" in loaded
    ours = {name for name in loaded if name.startswith(("nodes", "mcp_saas", "tenants", "rag", "bridge", "recommend"))}
    assert ours == {"nodes", "nodes.sources", *names}
    assert not {name.split(".")[0] for name in loaded} & {"django", "msgspec", "jwt", "rest_framework", "celery"}
