"""The data files beside this module: lines, without comments."""

from collections.abc import Iterator
from functools import cache
from importlib.resources import files


def read_lines(folder: str) -> Iterator[tuple[str, str]]:
    """Every line of every file of the folder, after the name of its file; files in the order of their names."""
    for file in sorted(files(__package__).joinpath(folder).iterdir(), key=lambda file: file.name):
        for line in file.read_text(encoding="utf-8").splitlines():
            if line and not line.startswith("#"):
                yield file.name, line


@cache
def read_forms(name: str) -> dict[str, tuple[str, ...]]:
    """A file of `forms`: a key, a colon, and the words that belong to it."""
    pairs = (line.partition(":") for file, line in read_lines("forms") if file == f"{name}.txt")
    return {key: tuple(words.split()) for key, _, words in pairs}


def word_list(name: str) -> frozenset[str]:
    return frozenset(read_forms("word_lists")[name])
