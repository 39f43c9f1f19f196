"""MCP servers as they should be, what was approved of their tools, and which box has secrets of its own for one."""

from uuid import uuid4

from django.db import models

from bridge.engine.naming import LONGEST, NAME
from tenants.models.dazbox import Dazbox


class McpServer(models.Model):
    """`rules`: pool, limits, caching and access of `bridge.engine.server.Server`, as JSON. How it is reached holds
    secrets: `sealed_transport` (`bridge.catalogue.sealing`).
    """

    name = models.CharField(max_length=LONGEST, unique=True)
    revision = models.BigIntegerField(default=1, help_text="grows with every change of what a gateway is told")
    should_run = models.BooleanField(default=True)
    kind = models.CharField(max_length=8, help_text="stdio, http or builtin")
    sealed_transport = models.BinaryField()
    rules = models.JSONField(default=dict)
    trusts_first_use = models.BooleanField(default=True, help_text="what it shows first is approved")
    created_at = models.DateTimeField(auto_now_add=True)
    changed_at = models.DateTimeField()
    changed_by = models.CharField(max_length=128)

    class Meta:
        ordering = ("name",)
        verbose_name = "MCP server"
        constraints = (
            models.CheckConstraint(condition=models.Q(name__regex=f"^{NAME}$"), name="mcp_server_name_valid"),
            models.CheckConstraint(condition=models.Q(kind__in=["stdio", "http", "builtin"]), name="mcp_server_kind"),
        )

    def __str__(self) -> str:
        return self.name


class McpPin(models.Model):
    """A tool as it was approved. Without any, and with trust on first use, what is seen first becomes them."""

    server = models.ForeignKey(McpServer, on_delete=models.CASCADE, related_name="pins")
    tool = models.CharField(max_length=256)
    sha256 = models.CharField(max_length=64)
    approved_at = models.DateTimeField()
    approved_by = models.CharField(max_length=128)

    class Meta:
        ordering = ("tool",)
        verbose_name = "MCP tool pin"
        constraints = (models.UniqueConstraint(fields=["server", "tool"], name="mcp_pin_once"),)

    def __str__(self) -> str:
        return f"{self.server_id} {self.tool}"


class SecretHolder(models.Model):
    """Which boxes have secrets of their own for a server: they lie in the box's schema, sealed with its key. `stamp`:
    another one each time they are set.
    """

    server = models.ForeignKey(McpServer, on_delete=models.CASCADE, related_name="holders")
    dazbox = models.ForeignKey(Dazbox, on_delete=models.CASCADE, related_name="mcp_secrets")
    stamp = models.UUIDField(default=uuid4)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["server", "dazbox"], name="mcp_secret_holder_once"),)

    def __str__(self) -> str:
        return f"{self.server_id} {self.dazbox_id}"


class CatalogueState(models.Model):
    """One row: the number of what gateways were told last, and a keyed digest of it, so that no change is missed."""

    number = models.BigIntegerField(default=0)
    digest = models.BinaryField(max_length=32)

    def __str__(self) -> str:
        return str(self.number)
