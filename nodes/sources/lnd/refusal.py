"""LND's refusals in plain words, with the decision what to do."""

import time

from nodes.sources.driver.door import Answer
from nodes.sources.driver.errors import Fault, NodeError

# LND says all of these with HTTP 500 and code 2; none of them goes away by itself.
MACAROON_COMPLAINTS = ("macaroon", "permission denied", "verification failed", "unauthorized")
LOCKED_COMPLAINTS = ("wallet locked", "wallet not created", "wallet not found")
STARTING_COMPLAINTS = ("starting up", "not yet ready", "waiting to start", "server is still in the process of starting")
# gRPC codes by which LND itself says no to a request it understood; the others are about the moment.
NO_CODES = frozenset({2, 3, 5, 9, 11, 12})  # unknown, invalid argument, not found, precondition, range, unimplemented


def explain_refusal(name: str, answer: Answer) -> NodeError:
    code, message = read_message(answer)
    fault = judge_refusal(answer.status, code, message=message.lower())
    said = f"{name} answered {answer.status}: {message}"
    if fault is Fault.FORBIDDEN:
        said = f"{name} refuses the macaroon: {message}"
    return NodeError(said, fault=fault, permanent=fault is Fault.FORBIDDEN, retry_after_s=read_pause_s(answer))


def judge_refusal(status: int, code: int | None, *, message: str) -> Fault:
    if status in {401, 403} or any(complaint in message for complaint in MACAROON_COMPLAINTS):
        return Fault.FORBIDDEN
    if any(complaint in message for complaint in LOCKED_COMPLAINTS):
        return Fault.LOCKED
    if any(complaint in message for complaint in STARTING_COMPLAINTS):
        return Fault.STARTING
    if code in NO_CODES or (400 <= status < 500 and status not in {408, 425, 429}):
        return Fault.REFUSED
    return Fault.UNAVAILABLE


def read_pause_s(answer: Answer) -> float | None:
    return answer.read_retry_after_s(time.time())


def read_message(answer: Answer) -> tuple[int | None, str]:
    """gRPC code and words; no code: it was not LND that answered."""
    try:
        fields = answer.read_object()
    except ValueError:
        return None, "without a reason"
    code, message = fields.get("code"), fields.get("message")
    words = answer.hide_secret(message) if isinstance(message, str) else "without a reason"
    return code if type(code) is int else None, words
