"""A database of one's own, prepared as a deployment does it, dropped afterwards."""

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count

from django.core.management import call_command
from django.db import connection

from tenants.provisioning.rights import prepare_owner
from tests.committed import new_database

_numbers = count()


@contextmanager
def empty_database() -> Iterator[str]:
    """We are connected to it. Its name."""
    with _at_new_database() as name:
        call_command("prepare", verbosity=0, stdout=io.StringIO())
        yield name


@contextmanager
def copied_database(template: str) -> Iterator[None]:
    """As `empty_database`, in a fraction of the time: copied from one nobody is connected to."""
    with _at_new_database(template):
        prepare_owner()  # rights to a database are not copied with it
        yield


@contextmanager
def _at_new_database(template: str = "template1") -> Iterator[str]:
    home, name = connection.settings_dict["NAME"], f"bench_{os.getpid()}_{next(_numbers)}"
    connection.close()
    with new_database(name, template=template):
        connection.settings_dict["NAME"] = name
        try:
            yield name
        finally:
            connection.close()
            connection.settings_dict["NAME"] = home
