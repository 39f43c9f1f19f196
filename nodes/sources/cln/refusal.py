"""clnrest's refusals in plain words, with the decision what to do."""

import time

from nodes.sources.driver.door import Answer
from nodes.sources.driver.errors import Fault, NodeError

# Not derived from this node's secret, not for this call, taken back.
RUNE_CODES = frozenset({1501, 1502, 1503})
PASSING_STATUSES = frozenset({408, 425, 429})


def explain_refusal(name: str, answer: Answer) -> NodeError:
    code, message = read_message(answer)
    fault = judge_refusal(answer.status, code)
    said = f"{name} answered {answer.status}: {message}"
    if fault is Fault.FORBIDDEN:
        said = f"{name} refuses the rune: {message}"
    return NodeError(said, fault=fault, retry_after_s=answer.read_retry_after_s(time.time()))


def judge_refusal(status: int, code: int | None) -> Fault:
    """A code is lightningd's own: it understood and said no, under HTTP 500. Without one clnrest could not ask it."""
    if status in {401, 403} or code in RUNE_CODES:
        return Fault.FORBIDDEN
    if code is not None or (400 <= status < 500 and status not in PASSING_STATUSES):
        return Fault.REFUSED
    return Fault.UNAVAILABLE


def read_message(answer: Answer) -> tuple[int | None, str]:
    """JSON-RPC code and words; no code: it was not lightningd that answered."""
    try:
        fields = answer.read_object()
    except ValueError:
        return None, "without a reason"
    code, message = fields.get("code"), fields.get("message")
    words = answer.hide_secret(message) if isinstance(message, str) else "without a reason"
    return code if type(code) is int else None, words
