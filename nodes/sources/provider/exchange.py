"""Asks a provider: within a time, a size and a budget, again where a failure may pass, and not while it is down."""

import datetime as dt
import time
from collections.abc import Callable, Hashable
from functools import cache, partial
from ssl import SSLContext
from typing import TypeVar

import httpcore
import httpx
import msgspec
from msgspec import Struct

from mcp_saas.kit.breaker import Breaker, Breakers
from mcp_saas.kit.deadline import DeadlineBackend
from mcp_saas.kit.http import AnswerTooLargeError, Guard, GuardedClient, UnsafeTargetError
from nodes.sources.driver.certificate import trust_certificate
from nodes.sources.driver.door import Answer
from nodes.sources.driver.errors import PASSING, Fault
from nodes.sources.driver.retry import Patience, read_patiently
from nodes.sources.driver.secret import Mask
from nodes.sources.provider.protocol import (
    BudgetSpentError,
    Provider,
    ProviderError,
    Question,
    RestingError,
    UnusableError,
)
from nodes.sources.provider.reading import Lack, Reading
from nodes.sources.provider.rest import Rests

T = TypeVar("T")
TIMEOUT = httpx.Timeout(3, connect=2)
WITHIN_S = 6.0  # all attempts together, however slowly the answer comes: somebody waits for it
MAX_ANSWER_BYTES = 4 << 20
REST_S = 30.0  # after a failure
LASTING_REST_S = 600.0  # after one that trying again cannot help; a new key is tried at once
PATIENCE = Patience(budget_s=4.0)
_FORBIDDEN = {401, 403}
_UNAVAILABLE = {408, 425, 429}
breakers: Breakers[Hashable] = Breakers()
rests = Rests()


class Way(Struct, frozen=True, kw_only=True):
    """How a box gets to a provider. `shared`: whom an outage concerns; `own`: whom a refusal does, this key's alone.

    `spend` takes one call of the budget and says whether there was one.
    """

    address: str
    secret: str
    guard: Guard
    certificate: str | None = None
    shared: Hashable
    own: Hashable
    spend: Callable[[], bool]
    within_s: float = WITHIN_S
    patience: Patience = PATIENCE

    def __repr__(self) -> str:
        return f"<Way to {self.address}>"


class Given(Struct, frozen=True):
    """What came back, read."""

    value: object
    lacks: tuple[Lack, ...]
    as_of: dt.datetime


def ask(provider: Provider, question: Question[T], *, way: Way) -> Given:
    """The answer, its value of the question's shape. Raises ProviderError.

    1. Not while the provider rests or is down. 2. Each attempt takes a call of the budget. 3. Where a failure may pass
    there is another attempt, with growing pauses and chance in them. 4. After a failure it rests.
    """
    breaker = breakers.find(way.shared)
    if rests.find_left_s(way.own) or not breaker.allow():
        raise RestingError(f"{provider.title} failed a moment ago and is left alone for now", fault=Fault.UNAVAILABLE)
    network = DeadlineBackend(httpcore.SyncBackend(), way.within_s)
    tls = _trust(way.certificate)
    try:
        with GuardedClient(
            way.guard, network=network, tls=tls, timeout=TIMEOUT, max_answer_bytes=MAX_ANSWER_BYTES
        ) as client:
            given = read_patiently(
                partial(_attempt, client, provider=provider, question=question, way=way), way.patience
            )
    except ProviderError as error:
        _note_failure(error, way, breaker=breaker)
        raise
    breaker.note_success()
    return given


def _note_failure(error: ProviderError, way: Way, *, breaker: Breaker) -> None:
    if isinstance(error, BudgetSpentError):
        return  # it was not asked
    if error.fault in PASSING | {Fault.GARBLED}:
        breaker.note_failure()
    else:
        breaker.note_success()  # it is there, and says no
    if error.fault is not Fault.REFUSED:
        rests.begin(way.own, max(error.retry_after_s or 0.0, LASTING_REST_S if error.permanent else REST_S))


def _attempt(client: GuardedClient, *, provider: Provider, question: Question[T], way: Way) -> Given:
    if not way.spend():
        raise BudgetSpentError(f"{provider.title} was asked as often as it may be for now", fault=Fault.REFUSED)
    answer = _send(client, provider=provider, question=question, way=way)
    _judge_status(provider, answer)
    try:
        body = msgspec.json.decode(answer.body)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        raise ProviderError(f"{provider.title} did not answer with JSON", fault=Fault.GARBLED) from None
    reading = Reading(is_lax=provider.is_lax)
    value = question.read(provider.unwrap(body, reading), reading)
    if value is None:
        raise UnusableError(f"{provider.title}'s answer holds no {question.name}", lacks=reading.lacks)
    return Given(value, reading.lacks, dt.datetime.now(dt.UTC))


def _send(client: GuardedClient, *, provider: Provider, question: Question[T], way: Way) -> Answer:
    request, title = question.request, provider.title
    headers = {"Accept": "application/json", "User-Agent": "dazbox-cloud", **provider.show_key(way.secret)}
    if request.body is not None:
        headers["Content-Type"] = "application/json"
    try:
        answer = client.request(
            request.method, way.address.rstrip("/") + request.path, content=request.body, headers=headers
        )
    except UnsafeTargetError:  # what a name leads to inside our network is nobody's business
        words = "the address set for it is none we connect to: https, port 443 or 8443, a public host"
        raise ProviderError(f"{title}: {words}", fault=Fault.SETTING) from None
    except AnswerTooLargeError:
        raise ProviderError(f"{title} answered more than {MAX_ANSWER_BYTES >> 20} MB", fault=Fault.GARBLED) from None
    except httpx.ConnectError as error:
        is_stranger = "CERTIFICATE_VERIFY_FAILED" in str(error)
        fault = Fault.CERTIFICATE if is_stranger else Fault.UNREACHABLE
        words = "shows another certificate than expected" if is_stranger else "is not reachable"
        raise ProviderError(f"{title} {words}", fault=fault, permanent=is_stranger) from None
    except httpx.TimeoutException:
        raise ProviderError(f"{title} did not answer in time", fault=Fault.TIMEOUT) from None
    except httpx.HTTPError as error:
        raise ProviderError(f"{title} broke off the exchange ({type(error).__name__})", fault=Fault.BROKEN) from None
    return Answer(status=answer.status, headers=answer.headers, body=answer.body, mask=Mask(way.secret))


def _judge_status(provider: Provider, answer: Answer) -> None:
    if 200 <= answer.status < 300:
        return
    fault = provider.find_fault(answer.status) or _find_fault(answer.status)
    raise ProviderError(
        f"{provider.title} answered {answer.status}", fault=fault, retry_after_s=answer.read_retry_after_s(time.time())
    )


def _find_fault(status: int) -> Fault:
    if status in _FORBIDDEN:
        return Fault.FORBIDDEN
    if status in _UNAVAILABLE or status >= 500:
        return Fault.UNAVAILABLE
    return Fault.REFUSED if status >= 400 else Fault.SETTING  # a redirect is not followed: the address is wrong


@cache
def _trust_public() -> SSLContext:
    return trust_certificate(None)


def _trust(certificate: str | None) -> SSLContext:
    return trust_certificate(certificate) if certificate else _trust_public()
