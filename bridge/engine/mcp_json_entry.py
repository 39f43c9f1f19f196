"""One server in an assistant's file, field by field: each is taken once, and what nobody took is noted."""

from typing import Any

from msgspec import Struct

from bridge.engine.placeholder import Filler
from mcp_saas.kit.errors import FieldError as Fault

ABSENT: Any = object()
_REASONS = {
    "autoApprove": "calls are allowed by scope and by tenant here",
    "alwaysAllow": "calls are allowed by scope and by tenant here",
    "trust": "calls are allowed by scope and by tenant here",
    "disabledTools": "what is allowed is named here, not what is not: give access.tools",
    "excludeTools": "what is allowed is named here, not what is not: give access.tools",
    "disabled_tools": "what is allowed is named here, not what is not: give access.tools",
    "envFile": "no file of variables is read: give them under env",
    "headersHelper": "no program is run for headers: give bearer or oauth",
    "dev": "it is for who writes the server",
    "sandbox": "the gateway limits its children by itself",
    "sandboxEnabled": "the gateway limits its children by itself",
    "description": "the catalogue keeps no words for people",
    "settings": "they are handed to an editor's extension, which is not here",
}


class Note(Struct, frozen=True):
    """Something of the file that is not here as it stood there."""

    pointer: str
    detail: str


class Entry:
    """The fields of one server, taken one after the other; what nobody took is noted at the end."""

    def __init__(self, pointer: str, raw: Any, *, filler: Filler) -> None:
        self.pointer, self._filler = pointer, filler
        self._left: dict[str, Any] = dict(raw) if isinstance(raw, dict) else {}
        self.faults: list[Fault] = []
        self.notes: list[Note] = []

    def refuse(self, below: str, detail: str) -> None:
        self.faults.append(Fault(self.pointer + below, "invalid", detail))

    def note(self, below: str, detail: str) -> None:
        self.notes.append(Note(self.pointer + below, detail))

    def has(self, *names: str) -> bool:
        return any(self._left.get(name) is not None for name in names)

    @property
    def is_extension(self) -> bool:
        """Zed's servers that come with an extension: settings alone, or nothing at all."""
        is_bare = isinstance(self._left.get("settings"), dict) and not self.has("command", "url")
        return is_bare or self._left.get("source") == "extension"

    def has_list(self, name: str) -> bool:
        return isinstance(self._left.get(name), list)

    def take(self, *names: str) -> tuple[str, Any]:
        """The first of these fields that is there, with its pointer below the entry; ("", absent) without."""
        for name in names:
            value = self._left.pop(name, None)
            if value is not None:
                return f"/{escape(name)}", value
        return "", ABSENT

    def take_text(self, *names: str) -> str | None:
        below, value = self.take(*names)
        if value is ABSENT or isinstance(value, str):
            return None if value is ABSENT else self.fill(below, value)
        self.refuse(below, "a text is wanted")
        return None

    def take_flag(self, *names: str) -> bool | None:
        below, value = self.take(*names)
        if value is ABSENT or isinstance(value, bool):
            return None if value is ABSENT else value
        self.refuse(below, "true or false is wanted")
        return None

    def take_list(self, *names: str) -> list[str]:
        below, value = self.take(*names)
        if value is ABSENT:
            return []
        if not isinstance(value, list):
            self.refuse(below, "a list of texts is wanted")
            return []
        return [self.fill(f"{below}/{number}", part) for number, part in enumerate(value)]

    def take_map(self, *names: str) -> dict[str, str]:
        below, value = self.take(*names)
        if value is ABSENT:
            return {}
        if not isinstance(value, dict):
            self.refuse(below, "an object of texts is wanted: {name: text}")
            return {}
        for name in [name for name, text in value.items() if text is None]:
            self.note(
                f"{below}/{escape(name)}", "not taken over: a child has nothing by itself that could be taken away"
            )
        return {name: self.fill(f"{below}/{escape(name)}", text) for name, text in value.items() if text is not None}

    def fill(self, below: str, value: Any) -> str:
        """A number is what a shell would make of it: many files write ports without quotes."""
        if isinstance(value, bool):
            value = str(value).lower()
        if not isinstance(value, str | int | float):
            self.refuse(below, "a text is wanted")
            return ""
        return self._filler.fill(str(value), self.pointer + below)

    def unfold(self, name: str) -> None:
        """An object whose fields belong one storey higher: {"transport": {"type": ...}}."""
        inner = self._left.get(name)
        if isinstance(inner, dict):
            del self._left[name]
            self._left = {**inner, **self._left}

    def note_rest(self) -> None:
        for name in self._left:
            self.note(f"/{escape(name)}", f"not taken over: {_REASONS.get(name, 'the bridge has nothing like it')}")
        self._left = {}


def escape(name: str) -> str:
    """A name as a part of a JSON pointer (RFC 6901)."""
    return name.replace("~", "~0").replace("/", "~1")
