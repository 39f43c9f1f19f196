"""The collections of one folder, which one process owns."""

import re
import shutil
import threading
from pathlib import Path

from mcp_saas.embedded.knowledge.collection import SHAPE_FILE, Collection
from mcp_saas.embedded.knowledge.refusal import CONFLICT, UNPROCESSABLE, RefusalError, not_found
from mcp_saas.embedded.knowledge.shape import Shape

NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]{0,99}")


class Catalog:
    """A collection is opened when it is first asked for, and then stays open."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._open: dict[str, Collection] = {}
        self._changing = threading.Lock()
        for draft in folder.glob(".*"):  # of a kill between two steps
            shutil.rmtree(draft)

    def names(self) -> list[str]:
        return sorted(path.parent.name for path in self._folder.glob(f"*/{SHAPE_FILE}"))

    def has(self, name: str) -> bool:
        return name in self._open or (bool(NAME.fullmatch(name)) and (self._folder / name / SHAPE_FILE).exists())

    def get(self, name: str) -> Collection:
        """Raises RefusalError."""
        found = self._open.get(name)
        if found is None:
            with self._changing:
                found = self._open.get(name) or self._open_known(name)
        return found

    def create(self, name: str, shape: Shape) -> bool:
        """Raises RefusalError: it exists, or there can be none of that name or shape."""
        if not NAME.fullmatch(name):
            words = f"Validation error in path parameters: [name: {name!r} is not letters, digits, '_', '-' and '.']"
            raise RefusalError(UNPROCESSABLE, words)
        with self._changing:
            if self.has(name):
                raise RefusalError(CONFLICT, f"Wrong input: Collection `{name}` already exists!")
            self._open[name] = Collection.create(self._folder / name, shape)
        return True

    def delete(self, name: str) -> bool:
        """False if there is none, as in Qdrant. It is gone when its folder has another name."""
        with self._changing:
            if not self.has(name):
                return False
            gone = (self._folder / name).rename(self._folder / f".{name}.gone")
            if found := self._open.pop(name, None):
                found.shard.close()
            shutil.rmtree(gone)
        return True

    def flush(self) -> None:
        for collection in list(self._open.values()):
            collection.flush()

    def optimize(self) -> None:
        for collection in list(self._open.values()):
            collection.optimize()

    def close(self) -> None:
        with self._changing:
            for collection in self._open.values():
                collection.close()
            self._open.clear()

    def _open_known(self, name: str) -> Collection:
        if not self.has(name):
            raise not_found(f"Collection `{name}` doesn't exist!")
        self._open[name] = Collection.open(self._folder / name)
        return self._open[name]
