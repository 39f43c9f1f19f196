"""The choke point of the store of vectors: nobody gets around it, and it is seen when a part of it is gone."""

import copy
import pickle
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest
from qdrant_client import models

from rag.sources.qdrant import scope
from rag.sources.qdrant.errors import ForeignPointError, ScopeError
from tenants.context import NoTenantError
from tests.isolation.knowledge_probe import PROMISES, list_leaks

ROOT = Path(__file__).resolve().parents[2]
SCOPE = "rag/sources/qdrant/scope.py"
STORE = "rag/sources/qdrant/store.py"


@dataclass(frozen=True)
class Hole:
    """The source without one part: `present`, which stands once in the file, is `absent`; then `broken` do not hold."""

    name: str
    path: str
    present: str
    absent: str
    broken: str

    def cut(self, folder: Path) -> None:
        file = folder / self.path
        text = file.read_text()
        assert text.count(self.present) == 1, f"{self.present!r} is not once in {self.path}"
        file.write_text(text.replace(self.present, self.absent))


HOLES = (
    Hole("on root and prefetch", SCOPE, '"filter": _narrow(scope.reads, part.filter), ', "", "no query shows"),
    Hole("on prefetch", SCOPE, "inner = [_confine(scope, one) for one in", "inner = [one for one in", "no prefetch"),
    Hole("of IDF", SCOPE, '{"idf": models.IdfCorpusParams(corpus=_narrow(scope.reads, asked))}', "{}", "no score"),
    Hole(
        "of deletions",
        SCOPE,
        "return _narrow((scope.writes,), condition)",
        "return condition or models.Filter()",
        "no deletion",
    ),
    Hole("of the door", SCOPE, "if entered != tenant_id:", "if False:", "no scope"),
    Hole("of a search", STORE, "confine(scope, build_", "(lambda _, request: request)(scope, build_", "no query shows"),
)


def test_all_promises_hold_as_the_source_is() -> None:
    assert len(PROMISES) == 6
    assert list_leaks() == []


@pytest.mark.parametrize("hole", HOLES, ids=lambda hole: hole.name)
def test_a_filter_that_is_taken_out_is_noticed(hole: Hole, tmp_path: Path) -> None:
    for name in ("mcp_saas", "tenants", "nodes", "rag", "recommendations", "bridge", "tests/isolation", "tests/fakes"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("__init__.py", "points.py"):
        shutil.copy(ROOT / "tests" / name, tmp_path / "tests")
    hole.cut(tmp_path)
    done = subprocess.run(
        [sys.executable, "-B", "-m", "tests.isolation.knowledge_probe"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    assert any(line.startswith(hole.broken) for line in done.stdout.splitlines()), done.stdout + done.stderr


@pytest.mark.parametrize(
    "attempt",
    [
        lambda one: scope.Scope((scope.SHARED, str(uuid4())), "", made_by=object()),
        lambda one: setattr(one, "reads", (*one.reads, str(uuid4()))),
        copy.copy,
        copy.deepcopy,
        pickle.dumps,
    ],
)
def test_a_scope_cannot_be_made_changed_or_copied(attempt: Callable[[scope.Scope], object]) -> None:
    with pytest.raises(ScopeError):
        attempt(scope.shared())


def test_a_scope_of_a_tenant_is_made_behind_its_door_alone() -> None:
    with pytest.raises(NoTenantError):
        scope.of_tenant(uuid4())


def test_a_scope_of_a_departed_tenant_reads_nothing() -> None:
    with pytest.raises(ScopeError):
        scope.confine(scope.departed(uuid4()), models.QueryRequest(query=[1.0], limit=1))


def test_a_foreign_point_in_an_answer_is_counted_and_ends_the_search() -> None:
    before = scope.foreign_points.value
    payloads = [{"tenant": scope.SHARED}, {"tenant": str(uuid4())}, None]
    with pytest.raises(ForeignPointError, match="2 points"):
        scope.check_hits(scope.shared(), payloads)
    assert scope.foreign_points.value == before + 2
