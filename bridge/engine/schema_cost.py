"""How much work a JSON Schema can make of one value: bounded before it is compiled, for its author is a stranger.

A validator visits each subschema once for each value it applies to. References make a tree of the schema; as long as
the tree is small, and what refers to itself does so along paths that a value takes one at a time, the work is at most
the size of the tree times that of the value. Doubled references (`allOf` of twice the same) make a tree of 2**n;
a schema that comes back to itself twice for the same member visits a value of depth n 2**n times. Both are refused.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec

MAX_SUBSCHEMAS = 1_000  # in the tree, references followed
MAX_PATTERNS = 100  # `pattern` and `patternProperties`
MAX_REFERENCE_BYTES = 500
IN_PLACE = ("allOf", "anyOf", "oneOf")  # arrays of schemas for the value itself
IN_PLACE_ONE = ("not", "if", "then", "else")
MEMBERS = ("additionalProperties", "unevaluatedProperties")
ITEMS = ("items", "additionalItems", "unevaluatedItems", "contains")
ANY_MEMBER, ANY_ITEM = "{}", "[]"  # no name of a member is told as these: names are told with a dot before them
Path = tuple[str, ...]


class CostlySchemaError(ValueError):
    """The message says which bound is passed."""


class Cost(NamedTuple):
    """`subschemas`: those a value is at most held against, each of its parts too. `has_branches`: of several schemas
    one must fit; what is wrong with a value is then told for each of them.
    """

    subschemas: int
    patterns: int
    has_branches: bool


def check_cost(schema: Any) -> Cost:
    """Raises CostlySchemaError, or ValueError for a reference that leads nowhere within the schema."""
    patterns = msgspec.json.encode(schema).count(b'"pattern')  # parts that nothing refers to are compiled too
    if patterns > MAX_PATTERNS:
        raise CostlySchemaError(f"it has more than {MAX_PATTERNS} patterns")
    survey = Survey(schema)
    survey.visit(schema, path=(), above=())
    return Cost(max(1, survey.seen), patterns, has_branches=survey.has_branches)


class Survey:
    """One walk through the tree. `above`: the schemas that were referred to on the way here."""

    def __init__(self, root: Any) -> None:
        self._root = root
        self.seen, self.has_branches = 0, False
        self._returns: list[Path] = []  # where a schema comes back to one it lies in

    def visit(self, schema: Any, *, path: Path, above: tuple[int, ...]) -> None:
        if not isinstance(schema, dict):
            return
        self.seen += 1
        self.has_branches = self.has_branches or "anyOf" in schema or "oneOf" in schema
        if self.seen > MAX_SUBSCHEMAS:
            raise CostlySchemaError(f"it has more than {MAX_SUBSCHEMAS} subschemas once references are followed")
        for keyword in ("$ref", "$dynamicRef", "$recursiveRef"):
            if keyword in schema:
                self._follow(schema[keyword], path=path, above=above)
        for step, part in list_parts(schema):
            self.visit(part, path=path if step is None else (*path, step), above=above)

    def _follow(self, reference: Any, *, path: Path, above: tuple[int, ...]) -> None:
        target = find_target(self._root, reference)
        if id(target) in above or target is self._root:
            self._note_return(path)
        else:
            self.visit(target, path=path, above=(*above, id(target)))

    def _note_return(self, path: Path) -> None:
        if not path:
            raise CostlySchemaError("it refers to itself for the same value")
        for other in self._returns:
            if all(may_be_same(*steps) for steps in zip(path, other, strict=False)):
                raise CostlySchemaError("it comes back to itself in two ways for the same member")
        self._returns.append(path)


def find_target(root: Any, reference: Any) -> Any:
    """What a reference within the document leads to. Raises ValueError."""
    if not isinstance(reference, str) or len(reference) > MAX_REFERENCE_BYTES:
        raise ValueError("a reference is no short text")
    if reference == "#":
        return root
    if not reference.startswith("#/"):
        raise CostlySchemaError("it refers by other means than a JSON pointer within itself")
    target = root
    for part in reference[2:].split("/"):
        key = part.replace("~1", "/").replace("~0", "~")
        if isinstance(target, dict) and key in target:
            target = target[key]
        elif isinstance(target, list) and key.isdecimal() and int(key) < len(target):
            target = target[int(key)]
        else:
            raise ValueError(f"nothing is at {reference}")
    return target


def list_parts(schema: dict[str, Any]) -> Iterator[tuple[str | None, Any]]:
    """Subschemas with the step a value takes to them; None: the value itself is looked at again."""
    for keyword in IN_PLACE:
        yield from ((None, part) for part in as_list(schema.get(keyword)))
    yield from ((None, schema[keyword]) for keyword in IN_PLACE_ONE if keyword in schema)
    yield from ((None, part) for part in as_dict(schema.get("dependentSchemas")).values())
    yield from ((None, part) for part in as_dict(schema.get("dependencies")).values())
    yield from ((f".{name}", part) for name, part in as_dict(schema.get("properties")).items())
    yield from ((ANY_MEMBER, part) for part in as_dict(schema.get("patternProperties")).values())
    yield from ((ANY_MEMBER, schema[keyword]) for keyword in MEMBERS if keyword in schema)
    yield from ((ANY_ITEM, part) for part in as_list(schema.get("prefixItems")))
    for keyword in ITEMS:
        yield from ((ANY_ITEM, part) for part in as_list(schema.get(keyword)) or [schema.get(keyword)])
    yield "names", schema.get("propertyNames")


def may_be_same(one: str, other: str) -> bool:
    """Whether two steps may lead to the same value."""
    if one == other:
        return True
    return ANY_MEMBER in {one, other} and (one.startswith(".") or other.startswith("."))


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def as_dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
