"""`manage.py simulate`, with workers of its own."""

import io
import json
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command


def test_a_campaign_writes_its_report_and_is_the_same_twice(tmp_path: Path) -> None:
    for name in ("first", "second"):
        call_command(
            "simulate", nodes=1, sizes=[20], seeds=1, days=1, policies=["as-is", "flat-100"], competitors=["frozen"],
            workers=1, out=tmp_path / name, stdout=io.StringIO(), stderr=io.StringIO(),
        )  # fmt: skip
    first, second = (json.loads((tmp_path / name / "outcomes.json").read_text()) for name in ("first", "second"))
    assert [outcome["policy"] for outcome in first] == ["as-is", "flat-100", "x0.75", "x1.5"]
    assert [outcome["days"] for outcome in first] == [outcome["days"] for outcome in second]
    assert "no claim" in (tmp_path / "first" / "report.md").read_text()
    assert "<svg" in (tmp_path / "first" / "report.html").read_text()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"policies": ["nobody"]}, "neither a file nor one of"),
        ({"period": 5}, "divisor of 24"),
        ({"graph": Path("/nonexistent.json")}, "no such file"),
        ({"nodes": 10_000}, "ask for fewer"),
        ({"days": 0}, "--days 0: must be 1 or more"),
        ({"seeds": -3}, "--seeds -3: must be 1 or more"),
        ({"nodes": 0}, "--nodes 0: must be 1 or more"),
        ({"sizes": [5_000]}, "Nodes with 5000 channels"),
    ],
)
def test_what_cannot_be_run_is_said_before_anything_runs(options: dict[str, object], message: str) -> None:
    with pytest.raises(CommandError, match=message):
        call_command("simulate", **options, stderr=io.StringIO())
