"""What the public graph says of every node, as of the last load."""

from django.db import models


class GraphLoad(models.Model):
    """One loaded graph file. The newest one's nodes are in `GraphNode`."""

    sha256 = models.CharField(max_length=64, help_text="of the file: the same file is not loaded twice")
    loaded_at = models.DateTimeField(auto_now_add=True)
    node_count = models.IntegerField()
    channel_count = models.IntegerField()

    class Meta:
        get_latest_by = "loaded_at"

    def __str__(self) -> str:
        return f"graph of {self.loaded_at:%Y-%m-%d %H:%M}"


class GraphNode(models.Model):
    """Public facts: anybody on the network can compute them. Nothing here belongs to a tenant."""

    pubkey = models.BinaryField(max_length=33, primary_key=True)
    channel_count = models.IntegerField()
    capacity_sat = models.BigIntegerField()
    betweenness = models.FloatField()
    betweenness_rank = models.IntegerField()
    market_fee_rate_ppm = models.BigIntegerField(null=True)
    market = models.BinaryField(default=b"", help_text="MessagePack: `MarketSample` of each channel that leads here")

    def __str__(self) -> str:
        return bytes(self.pubkey).hex()[:16]
