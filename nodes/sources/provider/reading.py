"""JSON of strangers, field by field: one of a wrong type is that field missing, and counted; nothing else is lost."""

from collections import Counter
from typing import Any, Literal, TypeVar, cast

import msgspec
from msgspec import Struct

from nodes.sources.driver.text import clean_text

S = TypeVar("S", bound=Struct)
MAX_ITEMS = 5_000  # of one list; the rest is not read


class Lack(Struct, frozen=True, order=True):
    """A field that the answer should have had: not there or null, or there and of no use. `count`: times."""

    field: str
    why: Literal["missing", "unusable"]
    count: int = 1


class Reading:
    """One answer being read. `is_lax`: where a provider writes numbers as text, too."""

    def __init__(self, *, is_lax: bool = False) -> None:
        self._is_lax = is_lax
        self._lacks: Counter[tuple[str, Literal["missing", "unusable"]]] = Counter()

    @property
    def lacks(self) -> tuple[Lack, ...]:
        return tuple(sorted(Lack(field, why, count) for (field, why), count in self._lacks.items()))

    def miss(self, place: str, found: object = None) -> None:
        self._lacks[place, "missing" if found is None else "unusable"] += 1

    def read_struct(self, found: object, shape: type[S], *, place: str) -> S | None:
        """Of the fields that are usable; None where there is no object, or one the shape cannot do without is not."""
        if not isinstance(found, dict):
            self.miss(place, found)
            return None
        given: dict[str, Any] = {}
        for field in msgspec.structs.fields(shape):
            name = f"{place}.{field.encode_name}" if place else field.encode_name
            try:
                value = found.get(field.encode_name)
                usable = msgspec.convert(value, field.type, strict=not self._is_lax)
                given[field.name] = clean_text(usable) if isinstance(usable, str) else usable
                if value is None:
                    self.miss(name)
            except msgspec.ValidationError:
                self.miss(name, value)
                if field.required:
                    return None
        return shape(**given)

    def read_list(self, found: object, place: str) -> list[object] | None:
        if not isinstance(found, list):
            self.miss(place, found)
            return None
        if len(found) > MAX_ITEMS:
            self.miss(f"{place}[{MAX_ITEMS}:]", found)
        return found[:MAX_ITEMS]

    def read_only(self, found: object, place: str) -> object:
        """The one element of a list of one."""
        items = self.read_list(found, place)
        return items[0] if items else None

    def read_object(self, found: object, *names: str) -> dict[str, object] | None:
        """What stands that deep in objects within objects; None, noted once, where the way ends."""
        for depth, name in enumerate(names):
            found = found.get(name) if isinstance(found, dict) else None
            if not isinstance(found, dict):
                self.miss(".".join(names[: depth + 1]), found)
                return None
        return cast("dict[str, object]", found) if isinstance(found, dict) else None
