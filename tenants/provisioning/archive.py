"""The file of a backup: a tar with a member per table, as COPY BINARY wrote it, and a manifest of their hashes."""

import contextlib
import datetime as dt
import hashlib
import os
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO
from uuid import UUID

import msgspec

FORMAT = 1
MANIFEST = "manifest.json"
BLOCK = 1 << 20


class ArchiveError(Exception):
    """The file is no whole backup, or not one for this service. The message says what to do."""


class TableCopy(msgspec.Struct, frozen=True):
    """`identities`: where each identity column's sequence stood (last value, whether it was given out)."""

    name: str
    columns: list[str]
    rows: int
    sha256: str
    identities: dict[str, tuple[int, bool]]


class Manifest(msgspec.Struct, frozen=True):
    """Of which box, whose it was, when it was taken, of which revision of the template, and which keys it needs."""

    format: int
    dazbox_id: UUID
    owner_id: UUID
    revision: str
    taken_at: dt.datetime
    key_generations: list[int]
    tables: list[TableCopy]


@contextlib.contextmanager
def writing_archive(path: Path) -> Iterator[tarfile.TarFile]:
    with writing_file(path) as file, tarfile.open(fileobj=file, mode="w") as archive:
        yield archive


@contextlib.contextmanager
def writing_file(path: Path) -> Iterator[IO[bytes]]:
    """Readable by its owner alone, and there only once it is whole: it takes its name at the end."""
    unfinished = path.with_name(path.name + ".unfinished")
    unfinished.unlink(missing_ok=True)
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def add_member(archive: tarfile.TarFile, name: str, *, content: IO[bytes]) -> None:
    """All of `content`, which must be seekable."""
    member = tarfile.TarInfo(name)
    member.size, member.mode = content.seek(0, os.SEEK_END), 0o600
    content.seek(0)
    archive.addfile(member, content)


def read_manifest(archive: tarfile.TarFile) -> Manifest:
    """Checks every member against it. Raises ArchiveError."""
    try:
        manifest = msgspec.json.decode(open_member(archive, MANIFEST).read(), type=Manifest)
    except msgspec.DecodeError as error:
        raise ArchiveError(f"the manifest cannot be read: {error}") from None
    if manifest.format != FORMAT:
        raise ArchiveError(f"the backup has format {manifest.format}, this release reads {FORMAT}")
    for table in manifest.tables:
        if digest_of(open_member(archive, member_of(table.name))) != table.sha256:
            raise ArchiveError(f"{member_of(table.name)} was changed since the backup: take another copy of the file")
    return manifest


def open_member(archive: tarfile.TarFile, name: str) -> IO[bytes]:
    """Raises ArchiveError where the archive has no such member."""
    try:
        content = archive.extractfile(name)
    except KeyError:
        content = None
    if content is None:
        raise ArchiveError(f"there is no {name} in it: this is no whole backup")
    return content


def member_of(table: str) -> str:
    return f"{table}.copy"


def digest_of(content: IO[bytes]) -> str:
    return hashlib.file_digest(content, "sha256").hexdigest()  # type: ignore[arg-type]
