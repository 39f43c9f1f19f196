"""The access matrix is judged: each filter between tenants is taken out of a copy of the source, and it must see it."""

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MATRIX = "tests/api/test_access_matrix.py"


@dataclass(frozen=True)
class Filter:
    """`present` stands once in the file; `absent` in its place lets in those callers of the matrix who are `barred`."""

    name: str
    path: str
    present: str
    absent: str
    barred: str = "another"


FILTERS = (
    Filter("the node of the token", "tenants/api/view.py", 'kwargs.get("pubkey") != tenant.pubkey', "False"),
    Filter("the owner of a box", "tenants/api/owner.py", ".filter(owner_id=owner_of(request))", ""),
    Filter("the owner of listed boxes", "tenants/selectors.py", "rows.filter(owner_id=owner_id) if owner_id else ", ""),
    Filter("the owner of an export", "nodes/pipeline/export/order.py", ".filter(owner_id=owner_id)", ""),
    Filter("the owner of an operation", "tenants/api/operations.py", "row is None or not is_theirs", "row is None"),
    Filter(
        "the owner of a user code",
        "tenants/provisioning/authorization.py",
        " or row.owner_id not in {None, owner_id}",
        "",
    ),
    Filter("the box of an API key", "tenants/tokens/api_key.py", "dazbox_id=tenant_id, id=key_id", "id=key_id"),
    Filter("what is in service", "tenants/selectors.py", "row[4] == DazboxState.ACTIVE", "True", "suspended"),
    Filter("the version of a token", "tenants/api/authentication.py", "if is_revoked(grant):", "if False:", "handed"),
    Filter("the scope of a token", "mcp_saas/api/auth.py", "if request.user.scopes & self.scopes:", "if True:", "shop"),
)


def judge_filters(home: Path) -> int:
    """0 when the matrix passes on the copy as it is, and fails without any one of the filters."""
    copy = home / "source"
    shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns("var", ".*", "__pycache__", "node_modules"))
    found = [] if run_matrix(copy) == 0 else ["the source as it is"]
    print(f"  with all filters: {'the matrix fails' if found else 'it passes'}", flush=True)
    for one in FILTERS:
        is_missed = is_noticed_without(one, copy)
        print(f"  without {one.name}: {'the matrix fails' if is_missed else 'NOBODY NOTICES'}", flush=True)
        found += [] if is_missed else [one.name]
    return int(bool(found))


def is_noticed_without(one: Filter, copy: Path) -> bool:
    """Raises ValueError where the source is not as the filter says."""
    file = copy / one.path
    text = file.read_text()
    if text.count(one.present) != 1:
        raise ValueError(f"{one.present!r} is not once in {one.path}: say in {__file__} how it is now")
    file.write_text(text.replace(one.present, one.absent))
    try:
        return run_matrix(copy, one.barred) == 1
    finally:
        file.write_text(text)


def run_matrix(copy: Path, callers: str = "") -> int:
    """pytest's own word: 0 all passed, 1 some failed, else it could not even run."""
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "-k", callers, MATRIX]
    done = subprocess.run(command, cwd=copy, check=False, capture_output=True, text=True)
    end = done.stdout[-2_000:]
    is_error = done.returncode > 1 or " error" in end.splitlines()[-1]
    print(end if is_error else "", end="", flush=True)
    return 2 if is_error else done.returncode
