"""What the code of a problem means, it means everywhere: in the source and in docs/api/problems.md."""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[3]
PARTS = ("status", "code", "title")
RAISED_BY = {"Problem", "refuse_value"}


def read_problems() -> Iterator[tuple[str, int, str]]:
    """Code, status and title of every problem that the source names."""
    for path in (path for app in ("mcp_saas", "nodes", "tenants", "bridge") for path in (ROOT / app).rglob("*.py")):
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(call, ast.Call) and getattr(call.func, "id", "") in RAISED_BY:
                given = dict(zip(PARTS, call.args, strict=False)) if len(call.args) >= 3 else {}
                given |= {keyword.arg: keyword.value for keyword in call.keywords if keyword.arg in PARTS}
                words = [part.value for part in map(given.get, PARTS) if isinstance(part, ast.Constant)]
                if len(words) == len(PARTS):
                    yield str(words[1]), int(str(words[0])), str(words[2])


def read_documented() -> dict[str, str]:
    """The statuses in the table of the docs, by code."""
    rows = re.findall(r"^\| ([a-z, -]+) \| ([0-9, ]+) \|", (ROOT / "docs/api/problems.md").read_text(), re.MULTILINE)
    return {code: statuses for codes, statuses in rows for code in codes.split(", ")}


def test_a_code_has_one_status_and_one_title() -> None:
    meanings = defaultdict(set)
    for code, status, title in read_problems():
        meanings[code].add((status, title))
    assert len(meanings) > 40
    assert {code: found for code, found in meanings.items() if len(found) > 1} == {}


def test_every_code_stands_in_the_docs_with_its_status() -> None:
    documented = read_documented()
    missing = {code for code, status, _ in read_problems() if str(status) not in documented.get(code, "")}
    assert missing == set()
