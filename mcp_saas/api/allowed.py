"""The words that may stand in a field, for who wrote another one there."""

from typing import Any

from msgspec import inspect


def find_allowed(shape: type, pointer: str) -> list[str]:
    """Of the field of `shape` that a JSON pointer leads to; empty where it is no choice between words."""
    kinds = [inspect.type_info(shape)]
    for step in filter(None, pointer.split("/")):
        kinds = [child for kind in kinds for child in _step_into(kind, step)]
    return sorted({str(value) for kind in kinds for value in _list_values(kind)})


def _step_into(kind: Any, step: str) -> list[Any]:
    if isinstance(kind, inspect.Metadata):
        return _step_into(kind.type, step)
    if isinstance(kind, inspect.UnionType):
        return [child for one in kind.types for child in _step_into(one, step)]
    if isinstance(kind, inspect.StructType):
        return [field.type for field in kind.fields if field.encode_name == step]
    if isinstance(kind, inspect.ListType | inspect.SetType | inspect.FrozenSetType | inspect.VarTupleType):
        return [kind.item_type]
    return [kind.value_type] if isinstance(kind, inspect.DictType) else []


def _list_values(kind: Any) -> list[Any]:
    if isinstance(kind, inspect.Metadata):
        return _list_values(kind.type)
    if isinstance(kind, inspect.UnionType):
        return [value for one in kind.types for value in _list_values(one)]
    if isinstance(kind, inspect.EnumType):
        return [member.value for member in kind.cls]
    return list(kind.values) if isinstance(kind, inspect.LiteralType) else []
