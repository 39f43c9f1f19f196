"""A folder of texts, and its manifest: for each file where it is from, and under which licence it may be quoted.

    {"collection": "optech", "files": [
        {"path": "topics/anchors.md", "source": "https://bitcoinops.org/en/topics/anchor-outputs/",
         "licence": "MIT", "attribution": "Bitcoin Optech contributors", "lang": "en", "title": "Anchor outputs"}]}

`attribution`, `lang` (en, fr) and `title` may be left out. A file that the manifest does not name has no licence.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from rag.sources.corpus.file import CorpusError, LibraryFile
from rag.sources.parser.limits import MAX_BYTES

MEDIA_TYPES = {
    ".md": "text/markdown",
    ".markdown": "text/markdown",
    ".html": "text/html",
    ".htm": "text/html",
    ".pdf": "application/pdf",
    ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
}
Words = Annotated[str, Meta(min_length=1, max_length=500)]


class Line(Struct, frozen=True, forbid_unknown_fields=True):
    path: Words
    source: Words
    licence: Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9.+() -]{1,63}$")]
    attribution: Annotated[str, Meta(max_length=500)] = ""
    lang: Literal["en", "fr", ""] = ""
    title: Annotated[str, Meta(max_length=500)] = ""


class Manifest(Struct, frozen=True, forbid_unknown_fields=True):
    collection: Annotated[str, Meta(pattern=r"^[a-z][a-z0-9-]{0,63}$")]
    files: list[Line]


def read_manifest(path: Path) -> Manifest:
    """Raises CorpusError."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Manifest)
    except (OSError, msgspec.DecodeError) as error:
        raise CorpusError(f"{path}: {error}") from None


def check_folder(folder: Path, manifest: Manifest, *, manifest_path: Path) -> None:
    """Raises CorpusError, one line a fault: files without a licence, lines without a file, twins, ways out."""
    named = [line.path for line in manifest.files]
    present = {file.relative_to(folder).as_posix() for file in _list_files(folder) if file != manifest_path.resolve()}
    faults = [f"{path}: no licence: name it in the manifest or take it away" for path in sorted(present - {*named})]
    faults += [f"{path}: in the manifest, but not in the folder" for path in sorted({*named} - present)]
    faults += [f"{path}: twice in the manifest" for path in sorted({path for path in named if named.count(path) > 1})]
    faults += [f"{path}: larger than {MAX_BYTES >> 20} MB" for path in sorted(present) if _is_large(folder / path)]
    if faults:
        raise CorpusError("\n".join(faults))


def read_files(folder: Path, manifest: Manifest) -> Iterator[LibraryFile]:
    """One after the other, in the order of the manifest: none but the present one is in memory."""
    for line in manifest.files:
        path = folder / line.path
        yield LibraryFile(
            path=line.path,
            media_type=MEDIA_TYPES.get(path.suffix.lower(), "text/plain"),
            content=path.read_bytes(),
            source=line.source,
            licence=line.licence,
            attribution=line.attribution,
            lang=line.lang,
            title=line.title or path.stem.replace("-", " ").replace("_", " "),
        )


def _list_files(folder: Path) -> list[Path]:
    """Ordinary ones: a link may lead anywhere, and a hidden file is nobody's text."""
    root = folder.resolve()
    files = [path for path in root.rglob("*") if path.is_file() and not path.is_symlink()]
    return [path for path in files if not any(part.startswith(".") for part in path.relative_to(root).parts)]


def _is_large(path: Path) -> bool:
    return path.stat().st_size > MAX_BYTES
