"""What opens other systems for this box, one a service. The secret is written, used, and never shown."""

from django.db import models

from nodes.engine.credential import Access, Service
from tenants.sealing.payload import PayloadField, SealedModel

NAMES = [service.value for service in Service]


class Credential(SealedModel):
    service = models.CharField(max_length=16, choices=[(name, name) for name in NAMES])
    set_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True, help_text="to the hour")
    access: PayloadField[Access] = PayloadField(Access, is_secret=True)  # type: ignore[arg-type]  # a union is a shape

    class Meta:
        constraints = (models.CheckConstraint(condition=models.Q(service__in=NAMES), name="credential_service_known"),)

    def __str__(self) -> str:
        return f"credential of {self.service}"

    def name_row(self) -> str:
        return str(self.service)
