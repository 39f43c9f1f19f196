"""django-tenants as it is, in a process and on a database of its own: builds a tenant for every line it reads.

`python -m tests.fakes.stock_tenants`; answers each schema name with a JSON list of milliseconds: by the clock, of this
process's processor time, and of its backend's (null where that cannot be read). Its connection is open beforehand.
"""

import json
import sys
import time

import django


def main() -> None:
    django.setup()
    from django.core.management import call_command

    call_command("migrate_schemas", shared=True, verbosity=0, interactive=False)
    print("ready", flush=True)
    for line in sys.stdin:
        print(json.dumps(build(line.strip())), flush=True)


def build(schema_name: str) -> tuple[float, float, float | None]:
    from django.db import connection

    from tenants.models.dazbox import Dazbox
    from tests.factories import pubkey_of
    from tests.load.backend import find_backend, read_cpu_ms

    row = Dazbox.objects.create(schema_name=schema_name, pubkey=pubkey_of(schema_name))
    backend = find_backend()
    used: list[float | None] = []
    close = connection.close

    def read_and_close() -> None:
        """migrate_schemas closes the connection when it is done: the last moment to look at its backend."""
        used.append(read_cpu_ms(backend))
        close()

    connection.close = read_and_close
    before, used_before, started = read_cpu_ms(backend), time.process_time(), time.perf_counter()
    row.create_schema(check_if_exists=True, verbosity=0)
    taken_ms, client_ms = (time.perf_counter() - started) * 1000, (time.process_time() - used_before) * 1000
    connection.close = close
    last = used[-1] if used else None
    return taken_ms, client_ms, None if before is None or last is None else last - before


if __name__ == "__main__":
    main()
