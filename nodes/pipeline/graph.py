"""Loads a public graph: where every node stands, computed once for all tenants."""

import hashlib
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from django.db import transaction
from msgspec.structs import asdict

from nodes.graph.models import GraphLoad, GraphNode, GraphTopology
from nodes.selectors.position import forget_load
from nodes.sources.describegraph.child import digest_apart
from nodes.sources.describegraph.digest import DigestHead, GraphRow
from nodes.sources.describegraph.reader import GraphFileError
from tenants.context import leave_tenant

BATCH = 250  # rows of one statement: the largest nodes have a market of 100 KB


def load_graph(path: Path, *, source: str = "file", force: bool = False) -> GraphLoad:
    """Reads an `lncli describegraph` file and replaces the network positions. The file loaded last is not loaded again.

    Raises GraphFileError for a file that is not one, or, unless `force` is said, for one with less than half the
    channels of the graph in force; the positions stay as they were then.
    """
    with leave_tenant():
        sha256 = _digest_file(path)
        newest = GraphLoad.objects.order_by("-loaded_at").first()
        if newest and newest.sha256 == sha256:
            return newest
        with digest_apart(path) as (head, rows):
            if newest and not force:
                _refuse_half(head.channel_count, newest)
            load = GraphLoad(sha256=sha256, node_count=head.node_count, channel_count=head.channel_count, source=source)
            return _replace_graph(load, head, rows=rows)


def _refuse_half(channel_count: int, newest: GraphLoad) -> None:
    if 2 * channel_count < newest.channel_count:
        raise GraphFileError(
            f"It has {channel_count} channels, and the graph in force {newest.channel_count}: is the node synced to "
            "the graph (lncli getinfo)? If it is meant: manage.py load_graph --force FILE"
        )


def _replace_graph(load: GraphLoad, head: DigestHead, *, rows: Iterator[GraphRow]) -> GraphLoad:
    with transaction.atomic():
        GraphNode.objects.all().delete()
        while batch := [GraphNode(**asdict(row)) for row in islice(rows, BATCH)]:
            GraphNode.objects.bulk_create(batch)
        load.save()
        GraphTopology.objects.all().delete()
        GraphTopology(load=load, **asdict(head.topology)).save(force_insert=True)
    forget_load()
    return load


def _digest_file(path: Path) -> str:
    """Of the file as it lies there; a missing file is told by the reader."""
    if not path.is_file():
        return ""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
