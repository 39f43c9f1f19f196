"""One request to an endpoint of a stranger's, and what came of it."""

import datetime as dt
import time
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

import httpcore
import httpx

from mcp_saas.kit.deadline import DeadlineBackend
from mcp_saas.kit.http import Answer, Guard, GuardedClient, UnsafeTargetError
from nodes.engine.webhook.plan import MAX_WAIT
from nodes.notify.message import Delivery, Later, Refused, Sent

WITHIN_S = 15.0  # all of it, however steadily bytes come
TIMEOUT = httpx.Timeout(WITHIN_S, connect=5)
MAX_ANSWER_BYTES = 4096  # what is longer is not read on: the status counts
SHOWN = 500  # characters of the answer that are kept
GONE = 410
BUSY = frozenset({429, 502, 503, 504})  # they speak of the endpoint, not of this message


@dataclass(frozen=True, slots=True)
class Exchange:
    """`is_away`: nothing else would have been taken either."""

    delivery: Delivery
    status: int | None
    duration_ms: int
    answer: str
    is_away: bool = False


def send_webhook(url: str, body: bytes, *, headers: dict[str, str], guard: Guard) -> Exchange:
    """Raises nothing: whatever the other side does is an outcome."""
    began_s = time.monotonic()
    network = DeadlineBackend(httpcore.SyncBackend(), WITHIN_S)
    sent = {"Content-Type": "application/json", "User-Agent": "Dazbox-Webhooks/1"} | headers
    try:
        with GuardedClient(
            guard, network=network, timeout=TIMEOUT, max_answer_bytes=MAX_ANSWER_BYTES, cuts_answer=True
        ) as client:
            answer = client.request("POST", url, content=body, headers=sent)
    except UnsafeTargetError as error:
        return Exchange(Later(f"Not sent: {error}"), None, _since(began_s), "", is_away=True)
    except httpx.HTTPError as error:
        return Exchange(Later(_explain(error)), None, _since(began_s), "", is_away=True)
    delivery = _judge(answer)
    return Exchange(delivery, answer.status, _since(began_s), _show(answer), is_away=answer.status in BUSY)


def _judge(answer: Answer) -> Delivery:
    if 200 <= answer.status < 300:
        return Sent()
    if answer.status == GONE:
        return Refused("It answered 410: gone for good")
    followed = ", and redirects are not followed" if 300 <= answer.status < 400 else ""
    return Later(f"It answered {answer.status}{followed}", _read_wait(answer))


def _explain(error: httpx.HTTPError) -> str:
    match error:
        case httpx.ConnectTimeout() | httpx.ConnectError():
            return "It could not be connected to, or its certificate is not valid"
        case httpx.TimeoutException():
            return f"It did not answer within {WITHIN_S:.0f} seconds"
    return f"It broke off ({type(error).__name__})"


def _read_wait(answer: Answer) -> int | None:
    """Retry-After in seconds, as a number or as an instant; None where there is none to obey."""
    text = answer.headers.get("Retry-After", "").strip()
    if text.isascii() and text.isdigit() and len(text) < 10:
        wait_s = int(text)
    else:
        try:
            wait_s = int((parsedate_to_datetime(text) - dt.datetime.now(dt.UTC)).total_seconds())
        except (ValueError, TypeError, OverflowError):
            return None
    return min(wait_s, int(MAX_WAIT.total_seconds())) if wait_s > 0 else None


def _show(answer: Answer) -> str:
    """What a person may look at: no control characters, and no NUL, which nothing stores."""
    text = answer.body[: SHOWN * 4].decode(errors="replace")
    return "".join(one if one.isprintable() or one == "\n" else " " for one in text)[:SHOWN]


def _since(began_s: float) -> int:
    return round((time.monotonic() - began_s) * 1000)
