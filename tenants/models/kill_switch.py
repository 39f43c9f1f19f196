"""The operators' kill switches: one for everybody, one a box. A row is a switch that is on."""

from django.db import models

from tenants.models.dazbox import Dazbox


class OperatorSwitch(models.Model):
    """While it is on nothing is approved for a node and nothing handed over, from the next request on."""

    dazbox = models.ForeignKey(
        Dazbox, null=True, blank=True, on_delete=models.CASCADE, related_name="kill_switches", help_text="empty: all"
    )
    reason = models.CharField(max_length=200, help_text="the owner reads it")
    set_by = models.CharField(max_length=128)
    set_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = "kill switch"
        verbose_name_plural = "kill switches"
        constraints = (models.UniqueConstraint(fields=["dazbox"], nulls_distinct=False, name="operator_switch_once"),)

    def __str__(self) -> str:
        return f"kill switch of {self.dazbox}" if self.dazbox_id else "kill switch of all"
