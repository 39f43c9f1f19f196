"""What must hold between two tenants of one store, as a program: `python -m tests.isolation.knowledge_probe`.

It prints each leak it finds and exits with 1. The tests run it on the source as it is, and on copies without a filter.
"""

import sys
import warnings
from collections.abc import Callable

import django


def main() -> int:
    django.setup()
    leaks = list_leaks()
    print("\n".join(leaks))
    return int(bool(leaks))


def list_leaks() -> list[str]:
    return [name for name, holds in PROMISES.items() if not _holds(holds)]


def _holds(promise: Callable[[], bool]) -> bool:
    from rag.sources.qdrant.errors import ForeignPointError

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Payload indexes have no effect")
        try:
            return promise()
        except ForeignPointError:
            return False


def no_query_shows_points_of_another() -> bool:
    from rag.sources.qdrant import scope

    street = _Street()
    with street.alice.enter():
        hits = street.ask_everything(scope.of_tenant(street.alice.id))
    found = {hit.content.text for answer in hits for hit in answer if hit.content}
    return found <= {"of alice", "shared"}


def no_neighbour_crowds_out_what_is_ones_own() -> bool:
    """Whoever filters at the end alone finds nothing here: a hundred nearer points are bob's."""
    from rag.sources.qdrant import scope

    street = _Street()
    with street.alice.enter():
        hits = street.ask_everything(scope.own(street.alice.id))
    return all(len(answer) == 1 for answer in hits)


def no_prefetch_goes_without_the_filter() -> bool:
    """However deep. Qdrant takes the root's for all below; that is its doing, and not relied on."""
    from qdrant_client import models

    from rag.sources.qdrant import scope
    from tests.points import Tenant

    deep = models.Prefetch(query=[1.0], prefetch=models.Prefetch(query=[1.0], prefetch=[models.Prefetch(query=[1.0])]))
    alice = Tenant()
    with alice.enter():
        confined = scope.confine(scope.own(alice.id), models.QueryRequest(prefetch=[deep, deep], limit=1))
    return _list_filters(confined) == [[str(alice.id)]] * 7


def no_score_tells_of_the_words_of_another() -> bool:
    from rag.sources.qdrant import scope
    from rag.sources.qdrant.point import Query
    from tests.points import make_point

    street, scores = _Street(), []
    for text in ("before", "after"):
        with street.alice.enter():
            [[hit]] = street.store.search(scope.own(street.alice.id), [Query(terms={7: 1.0})])
        scores.append(hit.score)
        with street.bob.enter():
            points = [make_point(text, number, document="more") for number in range(50)]
            street.store.upsert(scope.own(street.bob.id), points)
    return scores[0] == scores[1]


def no_deletion_takes_points_of_another() -> bool:
    from rag.sources.qdrant import scope

    street = _Street()
    with street.alice.enter():
        street.store.delete_document(scope.own(street.alice.id), "guide")
    street.store.delete_tenant(scope.departed(street.alice.id))
    with street.bob.enter():
        return street.store.count(scope.own(street.bob.id)) == 100 and street.store.count(scope.shared()) == 1


def no_scope_of_a_tenant_is_given_behind_the_door_of_another() -> bool:
    from rag.sources.qdrant import scope
    from rag.sources.qdrant.errors import ScopeError

    street = _Street()
    with street.alice.enter():
        for make in (scope.of_tenant, scope.own):
            try:
                make(street.bob.id)
            except ScopeError:
                continue
            return False
    return True


def _list_filters(part):  # type: ignore[no-untyped-def]
    below = part.prefetch or []
    found = [part.filter.must[0].match.any if part.filter else []]
    return found + [one for inner in (below if isinstance(below, list) else [below]) for one in _list_filters(inner)]


class _Street:
    """Alice has one point, far from every question; bob a hundred on the spot; one is everybody's."""

    def __init__(self) -> None:
        from rag.sources.qdrant import scope
        from rag.sources.qdrant.border import Border
        from rag.sources.qdrant.store import Store
        from tests.fakes.local_qdrant import LocalQdrant
        from tests.points import Tenant, direction, make_model, make_point

        self.store = Store(Border(LocalQdrant(), place="memory"), prefix="kb", model=make_model())
        self.alice, self.bob = Tenant(), Tenant()
        self.store.upsert(scope.shared(), [make_point("shared", dense=direction(0.0, 1.0))])
        with self.alice.enter():
            far = make_point("of alice", dense=direction(0.0, 1.0), terms={7: 0.1})
            self.store.upsert(scope.own(self.alice.id), [far])
        with self.bob.enter():
            self.store.upsert(scope.own(self.bob.id), [make_point("of bob", number) for number in range(100)])

    def ask_everything(self, scope):  # type: ignore[no-untyped-def]
        from rag.sources.qdrant.point import Dbsf, Query
        from tests.points import direction

        near, terms = direction(1.0), {7: 1.0}
        return self.store.search(
            scope,
            [
                Query(dense=near, candidates=10),
                Query(terms=terms, candidates=10),
                Query(dense=near, terms=terms, candidates=10),
                Query(dense=near, terms=terms, candidates=10, fusion=Dbsf()),
                Query(dense=near, lang="en"),
                Query(dense=near, documents=("guide",)),
            ],
        )


PROMISES = {
    promise.__name__.replace("_", " "): promise
    for promise in (
        no_query_shows_points_of_another,
        no_neighbour_crowds_out_what_is_ones_own,
        no_prefetch_goes_without_the_filter,
        no_score_tells_of_the_words_of_another,
        no_deletion_takes_points_of_another,
        no_scope_of_a_tenant_is_given_behind_the_door_of_another,
    )
}

if __name__ == "__main__":
    sys.exit(main())
