"""The keys of a box, each wrapped by a master key."""

from django.db import models

from tenants.models.dazbox import Dazbox


class TenantKey(models.Model):
    """One generation. Newer values are sealed with the newest; older ones open what was sealed before.

    `wrapped` opens with the master key named and for this box and generation only. When the rows of a box go, what it
    stored is lost, in backups too.
    """

    dazbox = models.ForeignKey(Dazbox, on_delete=models.CASCADE, db_index=False, related_name="keys")
    generation = models.PositiveIntegerField()
    master_kid = models.CharField(max_length=16)
    wrapped = models.BinaryField(max_length=92)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["dazbox", "generation"], name="tenant_key_generation_once"),)
        indexes = (models.Index(fields=["master_kid"], name="tenant_key_of_master"),)

    def __str__(self) -> str:
        return f"generation {self.generation} of {self.dazbox_id}"
