"""What a PostgreSQL backend on this machine has used of the processor."""

from pathlib import Path

from django.db import connection


def read_cpu_ms(backend: int) -> float | None:
    """Milliseconds since it was started; None where Linux's /proc does not tell."""
    try:
        return int(Path(f"/proc/{backend}/schedstat").read_text(encoding="ascii").split()[0]) / 1e6
    except (OSError, IndexError):
        return None


def find_backend() -> int:
    """The process that serves the connection of this thread."""
    connection.ensure_connection()
    return int(connection.connection.info.backend_pid)
