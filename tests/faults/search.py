"""Where a word is kept: in the rows and files of the database, in cache and broker, in the log of the server."""

from dataclasses import dataclass
from pathlib import Path

import redis
from psycopg import sql

from tests.committed import find_files, other_session

Places = dict[str, list[str]]  # where something was found, by what


@dataclass
class LogPart:
    """What a log says after its first `skipped` bytes, which earlier runs wrote."""

    path: Path
    skipped: int

    def read(self) -> str:
        return self.path.read_bytes()[self.skipped :].decode()


def search_tables(needles: dict[str, bytes]) -> Places:
    """Every row of every table of every schema, catalogs and statistics included, as text."""
    with other_session() as session:
        session.execute("SET ROLE pg_read_all_data")
        tables = session.execute(
            "SELECT nspname, relname FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace WHERE relkind = 'r'"
        ).fetchall()
        assert len(tables) > 80
        texts = {
            f"{schema}.{table}": session.execute(
                sql.SQL("SELECT string_agg(t::text, ' ') FROM {} t").format(sql.Identifier(schema, table))
            ).fetchone()[0]
            for schema, table in tables
        }
    return {
        name: [table for table, text in texts.items() if text and (needle_in(text, needle))]
        for name, needle in needles.items()
    }


def needle_in(text: str, needle: bytes) -> bool:
    """As it is, or inside a bytea, which is shown in hex."""
    return needle.decode("latin-1") in text or needle.hex() in text


def search_files(needles: dict[str, bytes]) -> Places:
    """The files of this database; not the WAL, which the server recycles in its own time."""
    with other_session() as session:
        folder, _ = find_files(session)
    files = [path for path in folder.iterdir() if path.is_file()]
    assert len(files) > 200
    return {name: [path.name for path in files if needle in path.read_bytes()] for name, needle in needles.items()}


def find_server_log() -> LogPart:
    """Where the PostgreSQL server of this run writes its errors, from here on."""
    with other_session() as session:
        session.execute("SET ROLE pg_monitor")
        [folder] = session.execute("SELECT current_setting('data_directory')").fetchone()
    pid = (Path(folder) / "postmaster.pid").read_text().splitlines()[0]
    path = Path(f"/proc/{pid}/fd/2").readlink()
    return LogPart(path, path.stat().st_size)


def dump_store(store: "redis.Redis[bytes]") -> dict[bytes, bytes]:
    """Every key of a Redis database with its value, whatever its kind."""
    return {key: store.dump(key) or b"" for key in store.scan_iter()}


def search_stores(stores: dict[bytes, bytes], needles: dict[str, bytes]) -> Places:
    return {
        name: [key.decode("latin-1") for key, value in stores.items() if needle in key + value]
        for name, needle in needles.items()
    }


def nowhere(needles: dict[str, bytes]) -> Places:
    return {name: [] for name in needles}
