"""The database roles: who logs in, and the owner of the boxes' schemas (DATABASE_OWNER).

What they must be allowed is in mcp_saas.kit.database_rights. A message changes over to the owner or to one box's role;
nothing is inherited on the way.
"""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register  # noqa: A004 - Django's name for it
from django.db import DatabaseError, connection, transaction
from psycopg import sql

from mcp_saas.kit.database_rights import FACTS_QUERY, RoleFacts, find_missing_rights

HINT = "docs/embedded.md has the SQL of an ordinary server."


def prepare_owner() -> None:
    """Makes the owner, lets the login role become it, and takes from everybody the right to temporary tables.

    Each where it is not so yet. What fails is found by the check.
    """
    facts = read_facts()
    owner, database = sql.Identifier(settings.ENV.database_owner), sql.Identifier(facts.database)
    if not facts.is_owner_there:
        _try(sql.SQL("CREATE ROLE {} NOLOGIN CREATEROLE").format(owner))
    if not facts.login_may_become_owner:
        _try(sql.SQL("GRANT {} TO SESSION_USER WITH INHERIT FALSE, SET TRUE").format(owner))
    if not facts.owner_makes_schemas:
        _try(sql.SQL("GRANT CREATE ON DATABASE {} TO {}").format(database, owner))
    if facts.anybody_makes_temporary_tables:
        _try(sql.SQL("REVOKE TEMP ON DATABASE {} FROM PUBLIC").format(database))


def read_facts() -> RoleFacts:
    with connection.cursor() as cursor:
        cursor.execute(FACTS_QUERY, [settings.ENV.database_owner])
        return RoleFacts(*cursor.fetchone())


@register(Tags.database)
def check_rights(databases: Sequence[str] | None = None, **options: Any) -> list[CheckMessage]:
    """`manage.py check --database default`, and part of `prepare`: one line for each right that is missing."""
    return _find_faults(read_facts(), settings.ENV.database_owner) if databases else []


def _find_faults(facts: RoleFacts, owner: str) -> list[CheckMessage]:
    if facts.is_superuser:
        text = (
            f"{facts.login} is a superuser, for whom the boxes' roles are no bounds: use an ordinary role in service."
        )
        return [Warning(text, hint=HINT, id="tenants.W001")]
    faults: list[CheckMessage] = [
        Error(f"{text}.", hint=HINT, id="tenants.E001") for text in find_missing_rights(facts, owner)
    ]
    if facts.anybody_makes_temporary_tables:
        text = f"Boxes' roles may make temporary tables: REVOKE TEMP ON DATABASE {facts.database} FROM PUBLIC."
        faults.append(Warning(text, hint=HINT, id="tenants.W002"))
    return faults


def _try(statement: sql.Composed) -> None:
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)
    except DatabaseError:
        return
