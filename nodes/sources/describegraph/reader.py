"""Reads an `lncli describegraph` file: plain, gzip or xz, whatever its name."""

import gzip
import io
import lzma
import zlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, nullcontext
from operator import attrgetter
from pathlib import Path
from typing import TypeVar

import msgspec

from nodes.engine.report import MAX_SAT
from nodes.sources.describegraph.graph import Graph, GraphChannel, GraphNode
from nodes.sources.describegraph.json_stream import ByteSource, JsonStream, JsonStreamError, TooLargeError
from nodes.sources.describegraph.unpack import XzReader

MAX_GRAPH_BYTES = 512 * 2**20  # unpacked; mainnet is about 100 MB as lncli prints it (2024)
# Memory follows their number, and the time for betweenness its product: mainnet has 18,000 and 60,000 (2024).
MAX_NODES, MAX_CHANNELS = 50_000, 150_000
MAX_VALUE_CHARS = 2**18  # of one node or channel: a few thousand as lncli prints them
MAX_FEATURE_BITS = 256

_GZIP_MAGIC = b"\x1f\x8b"
_XZ_MAGIC = b"\xfd7zXZ\x00"
_EXPORT_AGAIN = "Export it again: lncli describegraph > graph.json"
_Item = TypeVar("_Item", bound=msgspec.Struct)


class GraphFileError(ValueError):
    """The file is not a channel graph we can read. The message names the file, what is wrong, and what to do."""


def read_graph(path: Path, *, max_bytes: int = MAX_GRAPH_BYTES) -> Graph:
    """The graph in `path`. Memory holds the typed graph and a window of the text, never the whole text.

    A node or channel that is there again is left out and counted. Raises GraphFileError: missing, unreadable, empty,
    truncated, larger than `max_bytes` unpacked, not JSON, JSON of another shape, a node or channel that is there
    again with other values, or channels that hold more than all bitcoin together.
    """
    try:
        with path.open("rb") as file, _unpack(file) as unpacked:
            stream = JsonStream(unpacked, max_bytes=max_bytes, max_value_chars=MAX_VALUE_CHARS)
            graph = _read_document(stream)
    except FileNotFoundError as error:
        raise GraphFileError(
            f"{path}: no such file. Check the path, or leave it out for a simulated network"
        ) from error
    except (EOFError, lzma.LZMAError, gzip.BadGzipFile, zlib.error) as error:
        raise GraphFileError(f"{path} is truncated or damaged ({error}). Copy or download it again") from error
    except OSError as error:
        raise GraphFileError(f"{path} cannot be read: {error.strerror or error}. Check it, and try again") from error
    except TooLargeError as error:
        limit = f"unpacks to more than {max_bytes // 2**20} MB: no channel graph is that large"
        raise GraphFileError(f"{path} {limit}. {_EXPORT_AGAIN}") from error
    except (JsonStreamError, msgspec.ValidationError) as error:
        wrong = f"is not, or only in part, what `lncli describegraph` prints: {error}"
        raise GraphFileError(f"{path} {wrong}. {_EXPORT_AGAIN}") from error
    if not graph.channels:
        raise GraphFileError(
            f"{path} holds no channels. Is the node synced to the graph (lncli getinfo)? {_EXPORT_AGAIN}"
        )
    if sum(channel.capacity_sat for channel in graph.channels) > MAX_SAT:
        raise GraphFileError(f"{path}: its channels hold more bitcoin than there are. {_EXPORT_AGAIN}")
    return graph


def _unpack(file: io.BufferedReader) -> AbstractContextManager[ByteSource]:
    """By the first bytes, not by the name: a downloaded file is often renamed."""
    magic = file.peek(len(_XZ_MAGIC))
    if magic.startswith(_GZIP_MAGIC):
        return closing(gzip.GzipFile(fileobj=file))
    if magic.startswith(_XZ_MAGIC):
        return nullcontext(XzReader(file))
    return nullcontext(file)


def _read_document(stream: JsonStream) -> Graph:
    if not stream.peek():
        raise JsonStreamError("it is empty")
    nodes: list[GraphNode] | None = None
    channels: list[GraphChannel] | None = None
    repeats = 0
    for name in stream.read_members():
        if name == "nodes":
            items = _convert_items(_keep_feature_bits(stream.read_items()), GraphNode, place=name)
            nodes, repeated = _keep_once(items, attrgetter("pubkey"), place=name, at_most=MAX_NODES)
            repeats += repeated
        elif name == "edges":
            edges = _convert_items(_share_pubkeys(stream.read_items()), GraphChannel, place=name)
            channels, repeated = _keep_once(edges, attrgetter("channel_id"), place=name, at_most=MAX_CHANNELS)
            repeats += repeated
        else:
            stream.read_value()
    stream.finish()
    if nodes is None or channels is None:
        raise msgspec.ValidationError("`nodes` or `edges` is missing")
    return Graph(nodes=nodes, channels=channels, repeats=repeats)


def _keep_once(
    items: Iterator[_Item], name_of: Callable[[_Item], object], *, place: str, at_most: int
) -> tuple[list[_Item], int]:
    """The items without those that are there again, and how many these were. Raises ValidationError."""
    known: dict[object, _Item] = {}
    repeats = 0
    for index, item in enumerate(items):
        first = known.setdefault(name_of(item), item)
        if first is not item:
            if first != item:
                raise msgspec.ValidationError(f"{place}[{index}]: {name_of(item)} is there twice, with other values")
            repeats += 1
        if len(known) > at_most:
            raise msgspec.ValidationError(f"more than {at_most:,} {place}: no channel graph is that large")
    return list(known.values()), repeats


def _convert_items(items: Iterator[object], shape: type[_Item], *, place: str) -> Iterator[_Item]:
    for index, item in enumerate(items):
        try:
            yield msgspec.convert(item, shape, strict=False)  # 64-bit numbers are strings in this format
        except msgspec.ValidationError as error:
            raise msgspec.ValidationError(f"{place}[{index}]: {error}") from error


def _share_pubkeys(edges: Iterator[object]) -> Iterator[object]:
    """A key is kept once, however many channels name it: half the memory of the graph."""
    shared: dict[object, object] = {}
    for edge in edges:
        if isinstance(edge, dict):
            for name in ("node1_pub", "node2_pub"):
                pubkey = edge.get(name)
                if isinstance(pubkey, str):
                    edge[name] = shared.setdefault(pubkey, pubkey)
        yield edge


def _keep_feature_bits(nodes: Iterator[object]) -> Iterator[object]:
    """Of an object of features the names, which are bits."""
    for node in nodes:
        if isinstance(node, dict):
            features = node.get("features")
            names = features if isinstance(features, dict) else {}
            numbers = (int(name) for name in names if name.isascii() and name.isdecimal() and len(name) <= 5)
            node["features"] = sorted(numbers)[:MAX_FEATURE_BITS]
        yield node
