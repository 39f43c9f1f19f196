"""Files that only we may read."""

import os
from pathlib import Path


def write_private(path: Path, content: bytes) -> None:
    """Replaces the file at once: a crash leaves the old one or the new one, never half of one. Mode 0600."""
    unfinished = path.with_name(f"{path.name}.part")
    unfinished.unlink(missing_ok=True)
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)
