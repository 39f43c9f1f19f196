"""What this box has begun to write to its node, on disk before it begins: whatever ends it, the next start knows."""

import json
import re
import uuid
from pathlib import Path
from typing import Self, TypeGuard

from nodes.agent.private_file import write_private_file

INTENT_FILE = "actions.json"
_HOLDER = re.compile(r"[0-9a-f]{32}")
Fields = dict[str, object]


class Intents:
    """The file `actions.json`: by what name this home fetches, and each action begun, with its result once known.

    Every change is on disk when its method returns. All raise OSError (disk full, folder not writable).
    """

    def __init__(self, path: Path, *, holder: str, begun: dict[str, Fields]) -> None:
        self._path = path
        self.holder = holder
        self._begun = begun

    @classmethod
    def load(cls, home: Path) -> Self:
        """A file that is lost or damaged is begun anew: the node shows what was written, and the cloud asks it."""
        path = home / INTENT_FILE
        try:
            kept = json.loads(path.read_bytes())
        except (FileNotFoundError, ValueError):
            kept = None
        fields = kept if isinstance(kept, dict) else {}
        holder, begun = fields.get("holder"), fields.get("begun")
        if isinstance(holder, str) and _HOLDER.fullmatch(holder) and is_table(begun):
            return cls(path, holder=holder, begun=begun)
        intents = cls(path, holder=uuid.uuid4().hex, begun={})
        intents._save()
        return intents

    def list_reports(self) -> dict[str, Fields]:
        """Results that the cloud has not taken yet, by the action's id."""
        results = {name: entry.get("result") for name, entry in self._begun.items()}
        return {name: result for name, result in results.items() if isinstance(result, dict)}

    def list_unknown(self) -> dict[str, Fields]:
        """Actions that were begun, and the end of which nobody saw."""
        return {name: entry for name, entry in self._begun.items() if not isinstance(entry.get("result"), dict)}

    def begin(self, action_id: str, order: Fields) -> None:
        self._begun[action_id] = dict(order)
        self._save()

    def end(self, action_id: str, result: Fields) -> None:
        self._begun[action_id] = self._begun.get(action_id, {}) | {"result": result}
        self._save()

    def forget(self, action_id: str) -> None:
        if self._begun.pop(action_id, None) is not None:
            self._save()

    def _save(self) -> None:
        write_private_file(self._path, json.dumps({"holder": self.holder, "begun": self._begun}).encode() + b"\n")


def is_table(value: object) -> TypeGuard[dict[str, Fields]]:
    return isinstance(value, dict) and all(isinstance(entry, dict) for entry in value.values())
