"""Qdrant's filters as the engine's; and what they ask of, for strict mode."""

from collections.abc import Callable, Iterator
from typing import Any

import qdrant_edge as edge

from mcp_saas.embedded.knowledge.contract import Condition, Filter, Match, PayloadField, Range
from mcp_saas.embedded.knowledge.refusal import wrong_input

Clause = list[Condition] | Condition | None


def build_filter(found: Filter | Condition | None) -> edge.Filter | None:
    """Raises RefusalError."""
    return None if found is None else translate(found)


def translate(found: Filter | Condition) -> edge.Filter:
    minimum = found.min_should
    return edge.Filter(
        must=build_clause(found.must),
        should=build_clause(found.should),
        must_not=build_clause(found.must_not),
        min_should=edge.MinShould(build_conditions(minimum.conditions), minimum.min_count) if minimum else None,
    )


def build_clause(clause: Clause) -> list[Any] | None:
    return None if clause is None else build_conditions(listed(clause))


def build_conditions(conditions: list[Condition]) -> list[Any]:
    return [build_condition(condition) for condition in conditions]


def build_condition(condition: Condition) -> Any:
    kinds = [kind for kind, is_meant in KINDS if is_meant(condition)]
    if len(kinds) != 1:
        raise wrong_input("a condition is on a field, an id or a vector, or a filter: exactly one of them")
    return kinds[0](condition)


def build_field(condition: Condition) -> edge.FieldCondition:
    if condition.match is None and condition.range is None and condition.is_empty is None and condition.is_null is None:
        raise wrong_input(f"the condition on {condition.key!r} asks nothing of it")
    return edge.FieldCondition(
        condition.key or "",
        match=build_match(condition.match),
        range=build_range(condition.range),
        is_empty=condition.is_empty if isinstance(condition.is_empty, bool) else None,
        is_null=condition.is_null if isinstance(condition.is_null, bool) else None,
    )


def build_match(match: Match | None) -> Any:
    if match is None:
        return None
    kinds: tuple[tuple[Any, Callable[[Any], Any]], ...] = (
        (match.value, edge.MatchValue),
        (match.any, edge.MatchAny),
        (match.except_, edge.MatchExcept),
        (match.text, edge.MatchText),
    )
    said = [make(value) for value, make in kinds if value is not None]
    if len(said) != 1:
        raise wrong_input("a match names one of value, any, except and text")
    return said[0]


def build_range(found: Range | None) -> Any:
    if found is None:
        return None
    limits = {name: limit for name in ("gt", "gte", "lt", "lte") if (limit := getattr(found, name)) is not None}
    is_time = any(isinstance(limit, str) for limit in limits.values())
    return edge.RangeDateTime(**limits) if is_time else edge.RangeFloat(**limits)


def build_is_empty(condition: Condition) -> edge.IsEmptyCondition:
    return edge.IsEmptyCondition(asked_field(condition) or "")


def build_is_null(condition: Condition) -> edge.IsNullCondition:
    return edge.IsNullCondition(asked_field(condition) or "")


def build_has_id(condition: Condition) -> edge.HasIdCondition:
    return edge.HasIdCondition(set(condition.has_id or ()))


def build_has_vector(condition: Condition) -> edge.HasVectorCondition:
    return edge.HasVectorCondition(condition.has_vector or "")


def is_filter(condition: Condition) -> bool:
    return any(part is not None for part in clauses_of(condition)) or condition.min_should is not None


KINDS: tuple[tuple[Callable[[Condition], Any], Callable[[Condition], bool]], ...] = (
    (build_field, lambda condition: condition.key is not None),
    (build_is_empty, lambda condition: isinstance(condition.is_empty, PayloadField)),
    (build_is_null, lambda condition: isinstance(condition.is_null, PayloadField)),
    (build_has_id, lambda condition: condition.has_id is not None),
    (build_has_vector, lambda condition: condition.has_vector is not None),
    (translate, is_filter),
)


def walk(found: Filter | Condition | None) -> Iterator[Condition]:
    """Every condition of a filter that is no filter itself, at any depth."""
    if found is None:
        return
    conditions = [condition for clause in clauses_of(found) for condition in listed(clause)]
    for condition in (*conditions, *(found.min_should.conditions if found.min_should else ())):
        if is_filter(condition):
            yield from walk(condition)
        else:
            yield condition


def asked_field(condition: Condition) -> str | None:
    """The payload field a condition asks of."""
    named = next((part for part in (condition.is_empty, condition.is_null) if isinstance(part, PayloadField)), None)
    return condition.key or (named.key if named else None)


def clauses_of(found: Filter | Condition) -> tuple[Clause, Clause, Clause]:
    return found.must, found.should, found.must_not


def listed(clause: Clause) -> list[Condition]:
    if clause is None:
        return []
    return clause if isinstance(clause, list) else [clause]
