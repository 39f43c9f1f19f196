"""The credentials of the tenant we are in: for connectors what they hold, for everybody else that they are there."""

import datetime as dt
from typing import overload

from django.utils import timezone

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
    now = timezone.now()
    if credential.last_used_at is None or now - credential.last_used_at >= USE_GRAIN:
        Credential.objects.filter(service=service, last_used_at=credential.last_used_at).update(last_used_at=now)
    return credential.access


def find_credential(service: Service) -> Credential | None:
    return Credential.objects.filter(service=service).first()


def list_credentials() -> dict[str, Credential]:
    """Those that are set, by their service."""
    return {credential.service: credential for credential in Credential.objects.all()}


def has_node_credential() -> bool:
    """Whether the owner lets us read the node ourselves."""
    return Credential.objects.filter(service__in=NODE_SERVICES).exists()
