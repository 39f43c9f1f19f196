"""What every problem must look like, wherever it comes from."""

from types import SimpleNamespace


def assert_problem(answer: SimpleNamespace, status: int) -> None:
    assert answer.status == status, answer.raw
    assert answer.headers["Content-Type"] == "application/problem+json"
    problem = answer.json
    assert set(problem) <= {"type", "title", "status", "detail", "instance", "errors", "error"}
    assert problem["type"].startswith("https://dazbox.cloud/docs/problems/")
    assert problem["status"] == status
    assert problem["title"]
    assert problem["detail"]
    assert problem["instance"] == f"urn:uuid:{answer.headers['X-Request-Id']}"


def assert_refused_at(answer: SimpleNamespace, pointer: str, *, status: int = 400, code: str | None = None) -> None:
    """A problem whose only error points at `pointer`."""
    assert_problem(answer, status)
    [error] = answer.json["errors"]
    assert error["pointer"] == pointer
    assert error["detail"]
    assert code in {None, error["code"]}
