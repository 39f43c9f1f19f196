"""Several questions to providers at once: nobody waits for one after the other, nor for long."""

import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from typing import Any, Final, Generic, TypeVar

from nodes.pipeline.provide import provide_by, read_accesses
from nodes.sources.driver.errors import Fault
from nodes.sources.provider.protocol import Provided, ProviderName, Question
from tenants.context import carry_door
from tenants.sealing.tenant import current_keys

T = TypeVar("T")
WITHIN_S: Final = 3.0  # a reader waits; what comes later is kept for the next


class Awaited(Generic[T]):
    """An answer under way."""

    def __init__(self, future: "Future[Provided[T]]", ends_at_s: float) -> None:
        self._future, self._ends_at_s = future, ends_at_s

    def collect(self) -> Provided[T]:
        """The answer, or that it did not come in time."""
        try:
            return self._future.result(max(0.0, self._ends_at_s - time.monotonic()))
        except TimeoutError:
            return Provided(degraded=True, why_none=Fault.TIMEOUT)


class Together:
    """Questions of the tenant we are in, all under way from when they are begun. Not to be used inside a transaction.

    1. Keys are read here, in one query: threads ask the database nothing. 2. Each question has a thread of its own
    behind our door; without a key there is none. 3. All are over `within_s` after the first step.
    """

    def __init__(self, names: Iterable[ProviderName], *, within_s: float = WITHIN_S) -> None:
        self._accesses = read_accesses(names)
        current_keys()
        self._ends_at_s = time.monotonic() + within_s

    def begin(self, question: Question[T]) -> Awaited[T]:
        future: Future[Provided[T]] = Future()
        access = self._accesses.get(question.provider)
        if access is None:
            future.set_result(provide_by(None, question))
        else:
            work = carry_door(lambda: provide_by(access, question))
            threading.Thread(target=_run, args=(work, future), name=f"ask-{question.provider}", daemon=True).start()
        return Awaited(future, self._ends_at_s)


def list_degraded(given: Iterable[tuple[ProviderName, Provided[Any]]]) -> tuple[ProviderName, ...]:
    """The providers that did not give what they would on a good day, each once, in order."""
    return tuple(dict.fromkeys(name for name, one in given if one.degraded))


def _run(work: Callable[[], Provided[T]], future: "Future[Provided[T]]") -> None:
    try:
        future.set_result(work())
    except BaseException as error:  # noqa: BLE001 - it is raised where the answer is collected
        future.set_exception(error)
