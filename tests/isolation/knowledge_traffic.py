"""Many tenants search one store at once, while others write, delete documents and leave."""

import itertools
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass

import numpy as np

from mcp_saas.kit.crypto import SealError
from rag.sources.qdrant import scope
from rag.sources.qdrant.errors import ForeignPointError
from rag.sources.qdrant.point import Hit, Query, Vector
from rag.sources.qdrant.store import Store
from tests.points import DIMENSION, Tenant, make_point

KEPT, SHARED = 20, 200  # points of a tenant that stay, of everybody
ROUNDS = 4  # of the five kinds of queries in a request
AT_ONCE = 5 * ROUNDS
CHANGE_EACH_S, SHOW_EACH_S = 0.05, 10.0


Show = Callable[[int], object]


def say_nothing(_: int) -> None:
    pass


@dataclass(frozen=True)
class Traffic:
    """`foreign`: points of another tenant in an answer, seen by us or by the store's own check. `empty`: answers in
    which a tenant did not find its own points.
    """

    queries: int
    foreign: int
    empty: int
    changes: int
    seconds: float

    @property
    def queries_a_second(self) -> float:
        return self.queries / self.seconds


def run_traffic(store: Store, *, tenants: int, queries: int, threads: int, show: Show = say_nothing) -> Traffic:
    """`queries` in all, from `threads` at once, each thread from tenant to tenant; one more thread changes things.

    `show` is told every ten seconds how many were asked.
    """
    residents = [move_in(store, number) for number in range(tenants)]
    store.upsert(scope.shared(), [make_point("shared", n, dense=draw(n), terms={n % 9: 1.0}) for n in range(SHARED)])
    turns, over, changes = itertools.count(), threading.Event(), Counter[str]()
    began_s = time.monotonic()
    with ThreadPoolExecutor(threads + 1) as pool:
        changing = pool.submit(change, store, residents, over, changes)
        counts = [Counter[str]() for _ in range(threads)]
        asking = [pool.submit(ask, store, residents, turns, queries, found) for found in counts]
        while wait(asking, timeout=SHOW_EACH_S).not_done:
            show(sum(found["queries"] for found in counts))
        for one in asking:
            one.result()
        found = sum(counts, Counter[str]())
        seconds = time.monotonic() - began_s
        over.set()
        changing.result()
    return Traffic(found["queries"], found["foreign"], found["empty"], changes["changes"], seconds)


def move_in(store: Store, number: int) -> Tenant:
    tenant = Tenant()
    with tenant.enter():
        points = [make_point(str(tenant.id), n, dense=draw(number + n), terms={n % 9: 1.0}) for n in range(KEPT)]
        store.upsert(scope.own(tenant.id), points)
    return tenant


def draw(seed: int) -> Vector:
    vector = np.random.default_rng(seed).normal(size=DIMENSION).astype(np.float32)
    return vector / np.linalg.norm(vector)


def ask(
    store: Store, residents: list[Tenant], turns: "itertools.count[int]", queries: int, found: Counter[str]
) -> None:
    while (turn := next(turns)) * AT_ONCE < queries:
        tenant = residents[turn * 7919 % len(residents)]
        questions = [question for n in range(ROUNDS) for question in make_questions(turn * ROUNDS + n)]
        with tenant.enter():
            try:
                answers = store.search(scope.of_tenant(tenant.id), questions)
            except (ForeignPointError, SealError):
                found["foreign"] += 1
                continue
        found["queries"] += len(answers)
        found["foreign"] += sum(is_foreign(hit, tenant) for answer in answers for hit in answer)
        found["empty"] += sum(not answer for answer in answers[3::5])


def make_questions(seed: int) -> list[Query]:
    near, terms = draw(seed), {seed % 9: 1.0}
    return [
        Query(dense=near), Query(terms=terms), Query(dense=near, terms=terms), Query(dense=near, part="own"),
        Query(dense=near, lang="en", candidates=5),
    ]  # fmt: skip


def is_foreign(hit: Hit, tenant: Tenant) -> bool:
    expected = "shared" if hit.is_shared else str(tenant.id)
    return hit.content.text != expected


def change(store: Store, residents: list[Tenant], over: threading.Event, changes: Counter[str]) -> None:
    """A document comes and goes; a tenant comes and goes for good."""
    for turn in itertools.count():
        if over.wait(CHANGE_EACH_S):
            return
        resident = residents[turn % len(residents)]
        with resident.enter():
            own = scope.own(resident.id)
            store.upsert(own, [make_point(str(resident.id), n, document="passing") for n in range(5)])
            store.delete_document(own, "passing")
        store.delete_tenant(scope.departed(move_in(store, turn).id))
        changes["changes"] += 4
