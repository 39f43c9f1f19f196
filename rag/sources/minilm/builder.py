"""Has the graph made by a child process, while whoever asks for vectors is told to come back."""

import subprocess
import sys
from pathlib import Path
from typing import Final

from rag.engine.embedding import EmbedderError
from rag.sources.minilm.cache import find_graph
from rag.sources.minilm.errors import ModelError, ModelPendingError

MODULE: Final = "rag.sources.minilm.make"
PROJECT: Final = Path(__file__).resolve().parents[3]


class Builder:
    """Of one folder. For one thread at a time; any number of processes may have one, and one of them makes it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._child: subprocess.Popen[str] | None = None

    def find_or_start(self) -> bytes:
        """The graph. Raises ModelPendingError while it is made, and ModelError where it cannot be."""
        graph = find_graph(self._folder)
        child, self._child = self._child, None
        if graph is not None:
            if child is not None:
                child.communicate()  # it has nothing left to do
            return graph
        if child is not None and child.poll() is not None:
            _tell_end(child)
            child = None
        self._child = child or _start(self._folder)
        raise ModelPendingError

    def find_or_make(self) -> bytes:
        """The graph, however long that takes. Raises EmbedderError where it cannot be made."""
        while True:
            try:
                return self.find_or_start()
            except ModelPendingError:
                if self._child is not None:
                    self._child.wait()


def _tell_end(child: "subprocess.Popen[str]") -> None:
    """Raises EmbedderError for what went wrong; who asks next has it tried again."""
    said = (child.communicate()[1] or "").strip().splitlines()
    if child.returncode > 0:
        raise ModelError(said[-1] if said else "The local model cannot be made: its maker said nothing")
    if child.returncode < 0:
        words = f"The making of the local model was ended by signal {-child.returncode}: is there memory?"
        raise EmbedderError(words, is_temporary=True)


def _start(folder: Path) -> "subprocess.Popen[str]":
    return subprocess.Popen(  # noqa: S603 - our own program
        (sys.executable, "-m", MODULE, str(folder.absolute())),
        cwd=PROJECT, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
