"""The cloud's refusals (RFC 9457 problem documents) as one line and a decision."""

import time

from nodes.agent.errors import CloudError
from nodes.sources.driver.door import Answer

# No, but only for now: timeout, the same request is still in flight, too early, too many requests.
PASSING_STATUSES = frozenset({408, 409, 425, 429})


def read_result(answer: Answer, name: str) -> dict[str, object]:
    """The JSON object of a 2xx answer. Raises CloudError with the problem's title and detail for every other."""
    if not 200 <= answer.status < 300:
        raise explain_problem(answer, name)
    try:
        return answer.read_object()
    except ValueError as error:
        raise CloudError(f"{name} did not answer with JSON: is the address right?") from error


def explain_problem(answer: Answer, name: str) -> CloudError:
    try:
        problem = answer.read_object()
    except ValueError:
        problem = {}
    parts = [problem.get("title"), problem.get("detail"), explain_first_field(problem.get("errors"))]
    said = ": ".join(part for part in parts if isinstance(part, str)) or "without a reason"
    return CloudError(
        f"{name} answered {answer.status}: {said}",
        permanent=answer.status < 500 and answer.status not in PASSING_STATUSES,
        retry_after_s=answer.read_retry_after_s(time.time()),
    )


def explain_first_field(errors: object) -> str | None:
    """Where in the body the first fault is; the others show once it is put right."""
    first = errors[0] if isinstance(errors, list) and errors else None
    return f"{first.get('pointer')} {first.get('detail')}" if isinstance(first, dict) else None
