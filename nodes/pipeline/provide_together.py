"""Several questions to providers at once: nobody waits for one after the other, nor for long."""

import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from functools import partial
from typing import Any, Final, Generic, TypeVar

from nodes.pipeline.provide import provide_by, provide_old, read_accesses
from nodes.sources.provider.protocol import Provided, ProviderName, Question
from tenants.context import carry_door
from tenants.sealing.tenant import current_keys

T = TypeVar("T")
WITHIN_S: Final = 1.0  # a reader waits; what comes later is kept for the next
# Who hangs must not hold all threads of a process: when so many wait already, others wait for a shorter time.
MOST_WAITING: Final = 2
IN_HASTE_S: Final = 0.25
_waiting = threading.BoundedSemaphore(MOST_WAITING)
# A question that hangs lives on for seconds after nobody waits any more. So many are under way in a process, and no
# more: twice what its four threads can ask at once, three each.
MOST_UNDER_WAY: Final = 24
_under_way = threading.BoundedSemaphore(MOST_UNDER_WAY)


class Awaited(Generic[T]):
    """An answer under way. `stand_in`: what is given where it does not come in time."""

    def __init__(self, future: "Future[Provided[T]]", began_at_s: float, stand_in: Callable[[], Provided[T]]) -> None:
        self._future, self._began_at_s, self._stand_in = future, began_at_s, stand_in

    def collect(self) -> Provided[T]:
        """The answer, or an old one, or that it did not come in time."""
        try:
            return self._await()
        except TimeoutError:
            return self._stand_in()

    def _await(self) -> Provided[T]:
        if not _waiting.acquire(blocking=False):
            return self._future.result(self._find_left_s(IN_HASTE_S))
        try:
            return self._future.result(self._find_left_s(WITHIN_S))
        finally:
            _waiting.release()

    def _find_left_s(self, within_s: float) -> float:
        return max(0.0, self._began_at_s + within_s - time.monotonic())


class Together:
    """Questions of the tenant we are in, all under way from when they are begun. Not to be used inside a transaction.

    1. Keys are read here, in one query: threads ask the database nothing. 2. Each question has a thread of its own
    behind our door; without a key there is none, and where too many are under way an old answer stands in. 3. Nobody
    waits longer than WITHIN_S from the first step on.
    """

    def __init__(self, names: Iterable[ProviderName]) -> None:
        self._accesses = read_accesses(names)
        current_keys()
        self._began_at_s = time.monotonic()

    def begin(self, question: Question[T]) -> Awaited[T]:
        future: Future[Provided[T]] = Future()
        access = self._accesses.get(question.provider)
        if access is None:
            none = provide_by(None, question)
            future.set_result(none)
            return Awaited(future, self._began_at_s, lambda: none)
        stand_in = partial(provide_old, access, question)
        if _under_way.acquire(blocking=False):
            work = carry_door(lambda: provide_by(access, question))
            threading.Thread(target=_run, args=(work, future), name=f"ask-{question.provider}", daemon=True).start()
        else:
            future.set_result(stand_in())
        return Awaited(future, self._began_at_s, stand_in)


def list_degraded(given: Iterable[tuple[ProviderName, Provided[Any]]]) -> tuple[ProviderName, ...]:
    """The providers that did not give what they would on a good day, each once, in order."""
    return tuple(dict.fromkeys(name for name, one in given if one.degraded))


def _run(work: Callable[[], Provided[T]], future: "Future[Provided[T]]") -> None:
    try:
        future.set_result(work())
    except BaseException as error:  # noqa: BLE001 - it is raised where the answer is collected
        future.set_exception(error)
    finally:
        _under_way.release()
