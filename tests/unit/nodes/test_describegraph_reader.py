"""A channel graph file: read whatever it is packed in, refused in one clear sentence when it is not one."""

import gzip
import json
import lzma
from pathlib import Path
from typing import Any

import pytest

from nodes.sources.describegraph.graph import Graph, GraphChannel, GraphPolicy
from nodes.sources.describegraph.reader import GraphFileError, read_graph
from nodes.sources.describegraph.writer import write_graph

ANN, BEN = "02" + "a" * 64, "03" + "b" * 64


def make_policy(**changes: Any) -> dict[str, Any]:
    policy = {
        "time_lock_delta": 80,
        "min_htlc": "1000",
        "fee_base_msat": "1000",
        "fee_rate_milli_msat": "250",
        "disabled": False,
        "max_htlc_msat": "990000000",
        "last_update": 1_726_000_000,
        "custom_records": {},
    }
    return policy | changes


def make_document(**changes: Any) -> dict[str, Any]:
    channel = {
        "channel_id": "946206860519374849",
        "chan_point": f"{'c' * 64}:1",
        "last_update": 0,
        "node1_pub": ANN,
        "node2_pub": BEN,
        "capacity": "1000000",
        "node1_policy": make_policy(),
        "node2_policy": None,
    }
    node = {"last_update": 0, "pub_key": ANN, "alias": "Ann ⚡", "addresses": [], "color": "#000000", "features": {}}
    return {"nodes": [node], "edges": [channel | changes]}


def write_document(path: Path, **changes: Any) -> Path:
    path.write_text(json.dumps(make_document(**changes), indent=4))
    return path


def read_channel(path: Path, **changes: Any) -> GraphChannel:
    return read_graph(write_document(path, **changes)).channels[0]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "graph.json"


@pytest.mark.parametrize("pack", [bytes, gzip.compress, lzma.compress])
def test_the_packing_is_seen_in_the_bytes_not_in_the_name(file: Path, pack: Any) -> None:
    file.write_bytes(pack(json.dumps(make_document()).encode()))

    graph = read_graph(file)

    assert [(node.pubkey, node.alias) for node in graph.nodes] == [(ANN, "Ann ⚡")]
    channel = graph.channels[0]
    assert (channel.channel_id, channel.node1, channel.node2) == (946206860519374849, ANN, BEN)
    assert (channel.capacity_sat, channel.chan_point) == (1_000_000, f"{'c' * 64}:1")
    assert channel.policy1 == GraphPolicy(
        time_lock_delta=80,
        min_htlc_msat=1000,
        base_fee_msat=1000,
        fee_rate_ppm=250,
        max_htlc_msat=990_000_000,
        last_update=1_726_000_000,
    )
    assert channel.policy2 is None


def test_64_bit_numbers_may_be_strings_or_numbers(file: Path) -> None:
    as_text = read_channel(file, channel_id=str(2**64 - 1), capacity="21000000")
    as_number = read_channel(file, channel_id=2**64 - 1, capacity=21_000_000)

    assert as_text.channel_id == as_number.channel_id == 2**64 - 1
    assert as_text.capacity_sat == as_number.capacity_sat == 21_000_000


def test_an_impossible_policy_does_not_cost_us_the_graph_but_is_not_usable(file: Path) -> None:
    """A fee rate above u32 cannot have been announced; one above 100 % can, and mainnet has some."""
    beyond = read_channel(file, node1_policy=make_policy(fee_rate_milli_msat=str(2**32)))
    dear = read_channel(file, node1_policy=make_policy(fee_rate_milli_msat=str(2**32 - 1)))
    negative = read_channel(file, node1_policy=make_policy(fee_base_msat="-1"))

    assert beyond.policy1 is not None
    assert not beyond.is_usable
    assert not negative.is_usable
    assert dear.is_usable


def test_a_channel_is_usable_in_the_directions_announced_and_enabled(file: Path) -> None:
    one_way = read_channel(file, node2_policy=make_policy(disabled=True, fee_rate_milli_msat="7"))
    both_ways = read_channel(file, node2_policy=make_policy(fee_rate_milli_msat="7"))
    dead = read_channel(file, node1_policy=None)

    assert [(arrives, policy.fee_rate_ppm) for arrives, policy in one_way.usable_directions()] == [(BEN, 250)]
    assert [(arrives, policy.fee_rate_ppm) for arrives, policy in both_ways.usable_directions()] == [
        (BEN, 250),
        (ANN, 7),
    ]
    assert not dead.is_usable


def test_old_files_without_the_newer_fields_are_read(file: Path) -> None:
    policy = make_policy()
    for name in ("max_htlc_msat", "last_update", "disabled"):
        del policy[name]

    read = read_channel(file, node1_policy=policy).policy1

    assert read is not None
    assert (read.max_htlc_msat, read.last_update, read.disabled) == (0, 0, False)


WHOLE = json.dumps(make_document()).encode()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "it is empty"),
        (b"  \n ", "it is empty"),
        (gzip.compress(b""), "it is empty"),
        (WHOLE[:-20], "ends too early"),
        (WHOLE[:-1], "ends too early"),
        (WHOLE + b"x", "more text follows"),
        (gzip.compress(WHOLE)[:-30], "truncated or damaged"),
        (lzma.compress(WHOLE)[:-30], "truncated or damaged"),
        (gzip.compress(WHOLE)[:40] + b"\0" * 40, "truncated or damaged"),
        (b"<html>not found</html>", "'{' expected"),
        (b'{"nodes": [], "edges": [], "alias": "\xff"}', "can't decode byte"),
        (b'{"nodes": ' + b"[" * 1_000_000, "recursion"),
        (b"[]", "'{' expected"),
        (b'{"nodes": {}, "edges": []}', "'[' expected"),
        (b'{"nodes": [], "edges": null}', "'[' expected"),
        (b'{"nodes": []}', "`nodes` or `edges` is missing"),
        (b'{"nodes": [], "edges": []}', "holds no channels"),
        (b'{"nodes": [], "edges": [{}]}', "edges[0]: Object missing required field"),
        (b'{"nodes": [{"pub_key": 7}], "edges": []}', "nodes[0]: Expected `str`"),
        (b'{"nodes": [], "edges": [7]}', "edges[0]: Expected `object`"),
    ],
    ids=range(20),
)
def test_what_is_no_graph_is_refused_with_what_to_do(file: Path, content: bytes, says: str) -> None:
    file.write_bytes(content)

    with pytest.raises(GraphFileError) as caught:
        read_graph(file)

    assert says in str(caught.value)
    assert str(file) in str(caught.value)
    assert "again" in str(caught.value)


@pytest.mark.parametrize(
    "changes",
    [{"capacity": "-1"}, {"capacity": "9" * 30}, {"capacity": "1.5"}, {"node1_pub": "02zz"}, {"channel_id": "-7"}],
)
def test_a_wrong_value_is_named_with_its_place(file: Path, changes: dict[str, Any]) -> None:
    with pytest.raises(GraphFileError, match=rf"edges\[0\]: .* at `\$\.{next(iter(changes))}`"):
        read_graph(write_document(file, **changes))


def test_half_a_character_in_an_alias_is_replaced(file: Path) -> None:
    """Text that no database and no MessagePack could store."""
    file.write_text(json.dumps(make_document()).replace("Ann", r"\ud83d Ann"))

    alias = read_graph(file).nodes[0].alias

    assert alias == "? Ann ⚡"
    assert alias.encode()


def test_what_is_there_again_is_left_out_and_counted(file: Path) -> None:
    document = make_document()
    file.write_text(json.dumps({"nodes": document["nodes"] * 4, "edges": document["edges"] * 3}))

    graph = read_graph(file)

    assert (len(graph.nodes), len(graph.channels), graph.repeats) == (1, 1, 5)


def test_a_channel_that_is_there_again_with_other_values_is_refused(file: Path) -> None:
    edges = make_document()["edges"] + make_document(capacity="7")["edges"]
    file.write_text(json.dumps(make_document() | {"edges": edges}))

    with pytest.raises(GraphFileError, match=r"edges\[1\]: 946206860519374849 is there twice, with other values"):
        read_graph(file)


def test_a_missing_file_and_a_folder_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(GraphFileError, match="no such file"):
        read_graph(tmp_path / "absent.json")
    with pytest.raises(GraphFileError, match="cannot be read"):
        read_graph(tmp_path)


@pytest.mark.parametrize("pack", [gzip.compress, lzma.compress])
def test_a_decompression_bomb_is_stopped_at_the_limit(file: Path, pack: Any) -> None:
    bomb = pack(b" " * 5_000_000)
    assert len(bomb) < 12_500
    file.write_bytes(bomb)

    with pytest.raises(GraphFileError, match="unpacks to more than 2 MB"):
        read_graph(file, max_bytes=2 * 2**20)


def test_what_is_written_is_read_back(file: Path) -> None:
    graph = read_graph(write_document(file, node2_policy=make_policy(inbound_fee_base_msat=-5, disabled=True)))
    copy = file.with_name("copy.json")

    write_graph(graph, copy)

    assert read_graph(copy) == graph
    edge = json.loads(copy.read_text())["edges"][0]
    assert edge["channel_id"] == "946206860519374849"
    assert edge["node1_policy"]["fee_rate_milli_msat"] == "250"
    assert edge["last_update"] == 1_726_000_000


def test_the_mainnet_graph_is_read_whole(mainnet: Graph) -> None:
    assert (len(mainnet.nodes), len(mainnet.channels)) == (18_212, 59_428)
    directions = [policy for channel in mainnet.channels for _, policy in channel.usable_directions()]
    assert 0.62 < len(directions) / (2 * len(mainnet.channels)) < 0.64
    assert max(policy.fee_rate_ppm for policy in directions) == 1_002_999
