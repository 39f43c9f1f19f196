"""The credentials of the tenant we are in: for connectors what they hold, for everybody else that they are there."""

import datetime as dt
from collections.abc import Iterable
from contextlib import suppress
from typing import overload

from django.utils import timezone

from mcp_saas.kit.crypto import SealError
from nodes.engine.credential import NODE_SERVICES, Access, KeyAccess, Server, ServerAccess, Service, ThirdParty
from nodes.models.credential import Credential

USE_GRAIN = dt.timedelta(hours=1)


@overload
def read_credential(service: Server) -> ServerAccess | None: ...
@overload
def read_credential(service: ThirdParty) -> KeyAccess | None: ...
def read_credential(service: Service) -> Access | None:
    """What opens the service, for whoever is about to use it: that it was used is noted once an hour.

    None where the owner has set none. Keep it no longer than its use. Raises SealError.
    """
    credential = Credential.objects.filter(service=service).first()
    if credential is None:
        return None
    _note_use(credential)
    return credential.access


def read_credentials(services: Iterable[Service]) -> dict[Service, Access]:
    """As `read_credential`, those of several that are set and can be opened."""
    opened = {}
    for credential in Credential.objects.filter(service__in=list(services)):
        _note_use(credential)
        with suppress(SealError):
            opened[Service(credential.service)] = credential.access
    return opened


def _note_use(credential: Credential) -> None:
    now, noted_at = timezone.now(), credential.last_used_at
    if noted_at is None or now - noted_at >= USE_GRAIN:
        Credential.objects.filter(service=credential.service, last_used_at=noted_at).update(last_used_at=now)


def find_credential(service: Service) -> Credential | None:
    return Credential.objects.filter(service=service).first()


def list_credentials() -> dict[str, Credential]:
    """Those that are set, by their service."""
    return {credential.service: credential for credential in Credential.objects.all()}


def has_node_credential() -> bool:
    """Whether the owner lets us read the node ourselves."""
    return Credential.objects.filter(service__in=NODE_SERVICES).exists()
