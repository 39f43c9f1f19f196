"""A box's own secrets for servers that run once for each tenant."""

import uuid

from django.db import models
from msgspec import Struct, field

from bridge.engine.naming import LONGEST
from tenants.sealing.payload import PayloadField, SealedModel


class OwnSecret(Struct, frozen=True):
    """As in bridge.engine.server.TenantSecret."""

    env: dict[str, str] = field(default_factory=dict)
    bearer: str | None = None


class McpSecret(SealedModel):
    """`server`: its name in the catalogue."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    server = models.CharField(max_length=LONGEST)
    set_at = models.DateTimeField()
    secret: PayloadField[OwnSecret] = PayloadField(OwnSecret, is_secret=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["server"], name="mcp_secret_once"),)

    def __str__(self) -> str:
        return self.server
