"""A ZIP file from a stranger: looked over before anything is unpacked, and unpacked into memory alone, bounded."""

import zipfile
import zlib
from io import BytesIO
from pathlib import PurePosixPath

from rag.sources.parser.errors import UnreadableError
from rag.sources.parser.limits import LARGE_ENTRY_BYTES, MAX_ZIP_BYTES, MAX_ZIP_ENTRIES, MAX_ZIP_RATIO

_FAULTS = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, ValueError, RuntimeError, OSError)


def open_archive(content: bytes) -> zipfile.ZipFile:
    """Raises UnreadableError for too many or too large entries, entries that leave their folder, twins, passwords."""
    try:
        archive = zipfile.ZipFile(BytesIO(content))
    except _FAULTS:
        raise UnreadableError("malformed", "The file is damaged: its archive cannot be opened.") from None
    entries = archive.infolist()
    if len(entries) > MAX_ZIP_ENTRIES or len({entry.filename for entry in entries}) != len(entries):
        raise UnreadableError("hostile", "The archive has too many entries, or two of one name.")
    if sum(entry.file_size for entry in entries) > MAX_ZIP_BYTES:
        raise UnreadableError("too-large", f"The file unpacks to more than {MAX_ZIP_BYTES >> 20} MB.")
    for entry in entries:
        _check_entry(entry)
    return archive


def read_entry(archive: zipfile.ZipFile, name: str) -> bytes:
    """No more than its directory says, which `open_archive` has looked at. Raises UnreadableError."""
    declared = archive.getinfo(name).file_size
    try:
        with archive.open(name) as file:
            content = file.read(declared + 1)
    except _FAULTS:
        raise UnreadableError("malformed", f"The file is damaged: {name} cannot be unpacked.") from None
    if len(content) != declared:
        raise UnreadableError("hostile", "The archive lies about the size of what is in it.")
    return content


def _check_entry(entry: zipfile.ZipInfo) -> None:
    path = PurePosixPath(entry.filename.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or ":" in path.parts[:1]:
        raise UnreadableError("hostile", "The archive holds a name that leads out of its folder.")
    if entry.flag_bits & 1:
        raise UnreadableError("encrypted", "The file is protected with a password: save it without one.")
    if entry.file_size > LARGE_ENTRY_BYTES and entry.file_size > MAX_ZIP_RATIO * max(1, entry.compress_size):
        raise UnreadableError("hostile", "The archive unpacks to hundreds of times its size.")
