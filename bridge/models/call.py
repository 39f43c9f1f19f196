"""The audit of a box: each call of a tool made in its name, kept for MCP_AUDIT_DAYS."""

from django.db import models
from msgspec import Struct

from tenants.sealing.payload import PayloadField, SealedModel


class CallDetail(Struct, frozen=True, kw_only=True):
    """`arguments`: their JSON, where the operator logs those of this server; their SHA-256 always."""

    subject: str
    tool: str
    arguments_sha256: str
    request_id: str
    instance: str
    arguments: str | None = None


class McpCall(SealedModel):
    """`id`: follows from that of the entry in the gateways' stream, so that an entry read twice is one row.
    `outcome`: ok, tool_error, refused:KIND, timeout, lost or cancelled.
    """

    id = models.UUIDField(primary_key=True)
    at = models.DateTimeField()
    server = models.CharField(max_length=32)
    outcome = models.CharField(max_length=48)
    duration_ms = models.FloatField()
    detail: PayloadField[CallDetail] = PayloadField(CallDetail)

    class Meta:
        indexes = (models.Index(fields=["at", "id"], name="mcp_call_at"),)

    def __str__(self) -> str:
        return f"{self.server} {self.at:%Y-%m-%d %H:%M:%S}"
