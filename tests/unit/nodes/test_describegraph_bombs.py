"""A graph file comes from strangers: what unpacks or grows without end is refused, in one sentence."""

import gzip
import json
import lzma
import tracemalloc
import zlib
from pathlib import Path
from typing import Any

import pytest

from nodes.sources.describegraph import reader
from nodes.sources.describegraph.reader import GraphFileError, read_graph
from tests.unit.nodes.test_describegraph_reader import make_document

MB = 2**20


@pytest.mark.parametrize("pack", [gzip.compress, lzma.compress])
def test_a_file_that_unpacks_without_end_is_refused(tmp_path: Path, pack: Any) -> None:
    file = tmp_path / "graph.xz"
    file.write_bytes(pack(b'{"nodes": [' + b" " * (40 * MB)))

    tracemalloc.start()
    with pytest.raises(GraphFileError, match="unpacks to more than 16 MB"):
        read_graph(file, max_bytes=16 * MB)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert peak < 16 * MB


def test_an_xz_file_that_asks_for_a_window_of_a_gigabyte_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "graph.xz"
    filters = [{"id": lzma.FILTER_LZMA2, "dict_size": 2**20}]
    packed = bytearray(lzma.compress(json.dumps(make_document()).encode(), check=lzma.CHECK_NONE, filters=filters))
    at = packed.index(b"\x21\x01") + 2  # LZMA2, its properties: one byte, the size of the dictionary
    packed[at] = 36  # 1 GB
    packed[20:24] = _crc32(packed[12:20])
    file.write_bytes(packed)

    with pytest.raises(GraphFileError, match="Memory usage limit"):
        read_graph(file)


def test_two_streams_of_xz_are_read_as_one(tmp_path: Path) -> None:
    file, text = tmp_path / "graph.xz", json.dumps(make_document()).encode()
    file.write_bytes(lzma.compress(text[:100]) + lzma.compress(text[100:]) + bytes(4))

    assert len(read_graph(file).channels) == 1


def test_a_value_that_goes_on_and_on_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "graph.json"
    file.write_text('{"nodes": [' + "[" * 10 + "[]," * 500_000)

    with pytest.raises(GraphFileError, match="not, or only in part"):
        read_graph(file)


def test_more_nodes_than_there_can_be_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "MAX_NODES", 3)
    file, document = tmp_path / "graph.json", make_document()
    document["nodes"] = [document["nodes"][0] | {"pub_key": f"02{number:064x}"} for number in range(4)]
    file.write_text(json.dumps(document))

    with pytest.raises(GraphFileError, match="more than 3 nodes"):
        read_graph(file)


def test_features_are_read_as_bits(tmp_path: Path) -> None:
    file, document = tmp_path / "graph.json", make_document()
    features = {"17": {"name": "multi-path-payments"}, "9": {}, "no bit": {}, "²": {}}
    document["nodes"] = [document["nodes"][0] | {"features": features}]
    file.write_text(json.dumps(document))

    [node] = read_graph(file).nodes

    assert node.features == (9, 17)


def _crc32(header: bytes) -> bytes:
    return zlib.crc32(header).to_bytes(4, "little")
