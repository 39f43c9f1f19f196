"""What the public graph says of every node, as of the last load."""

from django.db import models


class GraphLoad(models.Model):
    """One loaded graph file. The newest one's nodes are in `GraphNode`."""

    sha256 = models.CharField(max_length=64, help_text="of the file: the same file is not loaded twice")
    loaded_at = models.DateTimeField(auto_now_add=True)
    node_count = models.IntegerField()
    channel_count = models.IntegerField()
    source = models.CharField(max_length=80, default="file", help_text="where it came from")

    class Meta:
        get_latest_by = "loaded_at"

    def __str__(self) -> str:
        return f"graph of {self.loaded_at:%Y-%m-%d %H:%M}"


class GraphNode(models.Model):
    """Public facts: anybody on the network can compute them. Nothing here belongs to a tenant."""

    pubkey = models.BinaryField(max_length=33, primary_key=True)
    alias = models.CharField(max_length=32, blank=True)
    color = models.CharField(max_length=7, blank=True)
    features = models.BinaryField(default=b"\x90", help_text="MessagePack: the bits it announces")
    announced_at = models.DateTimeField(null=True, help_text="null: not known")
    channel_count = models.IntegerField()
    capacity_sat = models.BigIntegerField()
    median_channel_sat = models.BigIntegerField(default=0)
    betweenness = models.FloatField()
    betweenness_rank = models.IntegerField()
    closeness = models.FloatField(default=0)
    closeness_rank = models.IntegerField(default=0)
    capacity_rank = models.IntegerField(default=0)
    channels_rank = models.IntegerField(default=0)
    market_fee_rate_ppm = models.BigIntegerField(null=True)
    market = models.BinaryField(default=b"", help_text="MessagePack: `MarketSample` of each channel that leads here")

    def __str__(self) -> str:
        return bytes(self.pubkey).hex()[:16]


class GraphTopology(models.Model):
    """Who is joined to whom in the newest load, and how far everybody is from the nodes that may be proposed."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    load = models.OneToOneField(GraphLoad, on_delete=models.CASCADE)
    pubkeys = models.BinaryField(help_text="33 bytes each, in order")
    pairs = models.BinaryField(help_text="zlib: two places (u32) each")
    shortlist = models.BinaryField(help_text="places (u32) of the nodes that may be proposed, the best first")
    hops = models.BinaryField(help_text="zlib: for each of them the hops (u16) to every node")

    class Meta:
        constraints = (models.CheckConstraint(condition=models.Q(id=1), name="graph_topology_single"),)

    def __str__(self) -> str:
        return f"topology of load {self.load_id}"


class GraphUpload(models.Model):
    """A graph file that an operator sent, until it is loaded or refused; then its content is gone."""

    class State(models.TextChoices):
        WAITING = "waiting"
        LOADING = "loading"
        LOADED = "loaded"
        REFUSED = "refused"

    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)
    uploaded_at = models.DateTimeField(auto_now_add=True)
    uploaded_by = models.CharField(max_length=128)
    began_at = models.DateTimeField(null=True)
    refused_because = models.CharField(max_length=300, blank=True)
    load = models.ForeignKey(GraphLoad, null=True, on_delete=models.SET_NULL)
    content = models.BinaryField(default=b"")

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=models.Q(state__in=["waiting", "loading", "loaded", "refused"]),
                name="graph_upload_state_known",
            ),
        )

    def __str__(self) -> str:
        return f"graph file of {self.uploaded_at:%Y-%m-%d %H:%M} ({self.state})"
