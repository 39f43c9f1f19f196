"""Files that only our user may read. The box agent, which imports nothing of the kit, has its own (`nodes/agent`)."""

import os
from pathlib import Path


def write_private_file(path: Path, content: str | bytes) -> None:
    """Replaces the file at once, mode 0600: a reader, or a crash, sees the old or the new content, never a part."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as file:
        file.write(content.encode() if isinstance(content, str) else content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
