"""Whoever steals the disk of the database learns nothing of a node: its files and its log are searched."""

import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from mcp_saas.kit.node_message import derive_pubkey
from nodes.engine.credential import CredentialOffer, Service
from nodes.engine.report import Forward, NodeSnapshot
from nodes.pipeline.credential import set_credential
from nodes.pipeline.cycle import run_cycle
from nodes.pipeline.ingest import accept_forwards, accept_snapshot
from tenants.context import enter_tenant
from tests.committed import find_files, other_session
from tests.factories import Box, make_box, make_channel, make_forward, make_offer, make_policy, make_snapshot
from tests.load.database import empty_database

pytestmark = pytest.mark.fault
# Names of amounts in payloads; not those which the public graph has columns of, so that the catalog knows them.
LABELS = (
    "local_balance_sat",
    "remote_balance_sat",
    "in_msat",
    "out_msat",
    "fee_msat",
    "base_fee_msat",
    "max_htlc_msat",
)


@pytest.fixture
def mark(tmp_path: Path) -> Path:
    """A file as old as the box."""
    return tmp_path / "mark"


@pytest.fixture
def box(mark: Path, django_db_setup: None, django_db_blocker: Any) -> Iterator[Box]:
    with django_db_blocker.unblock(), empty_database():
        mark.touch()
        yield make_box(secrets.token_hex(8))


def make_reports() -> tuple[NodeSnapshot, list[Forward]]:
    """With names and numbers that are nowhere else."""
    scids = [
        f"{secrets.randbelow(2**24 - 10**7) + 10**7}x{secrets.randbelow(2**24)}x{secrets.randbelow(2**16)}"
        for _ in range(12)
    ]
    channels = [
        make_channel(
            number,
            short_channel_id=scid,
            channel_point=f"{secrets.token_hex(32)}:0",
            peer_pubkey=derive_pubkey(secrets.token_bytes(32)),
            peer_alias=f"peer-{secrets.token_hex(10)}",
            own_policy=make_policy(max_htlc_msat=secrets.randbelow(10**15) + 10**15),
        )
        for number, scid in enumerate(scids)
    ]
    forwards = [
        make_forward(number, id=secrets.token_hex(12), incoming_scid=scids[number % 12], outgoing_scid=scids[-1])
        for number in range(300)
    ]
    return make_snapshot(1, channels), forwards


def read_files(folder: Path, *, since: float = 0.0) -> bytes:
    """`since`: those that were written to since then."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and path.stat().st_mtime >= since]
    return b"".join(path.read_bytes() for path in files)


def read_disk(mark: Path) -> tuple[bytes, bytes]:
    """The files of this database, and what the server has written into its write-ahead log since the mark."""
    with other_session() as session:
        files, log = find_files(session)
    if not files.is_dir():
        pytest.skip("the files of this database server are not on this machine")
    return read_files(files), read_files(log, since=mark.stat().st_mtime)


def make_credentials() -> dict[Service, CredentialOffer]:
    macaroon, host = secrets.token_hex(120), f"{secrets.token_hex(12)}.example"
    return {
        Service.LND: make_offer(macaroon, url=f"https://{host}"),
        Service.OPENAI: make_offer(f"sk-{secrets.token_urlsafe(36)}"),
    }


def list_openers(credentials: dict[Service, CredentialOffer]) -> set[bytes]:
    lnd, openai = credentials[Service.LND], credentials[Service.OPENAI]
    return {lnd.secret.encode(), bytes.fromhex(lnd.secret), str(lnd.url)[8:].encode(), openai.secret.encode()}


def list_traces(snapshot: NodeSnapshot, forwards: list[Forward]) -> set[bytes]:
    texts = {forward.id for forward in forwards}
    for channel in snapshot.channels:
        texts |= {
            channel.short_channel_id,
            channel.peer_pubkey,
            str(channel.peer_alias),
            str(channel.channel_point)[:64],
        }
    pubkeys = {bytes.fromhex(channel.peer_pubkey) for channel in snapshot.channels}
    return {text.encode() for text in texts} | pubkeys


def test_neither_files_nor_log_hold_a_peer_a_channel_an_amount_or_a_credential(box: Box, mark: Path) -> None:
    (snapshot, forwards), credentials = make_reports(), make_credentials()
    with enter_tenant(box.tenant):
        for service, offer in credentials.items():
            set_credential(service, offer, actor="test")
        accept_forwards(forwards, "end")
        accept_snapshot(snapshot)
        run_cycle()
    files, log = read_disk(mark)
    assert box.dazbox.schema_name.encode() in files  # these are the files, and they are complete:
    assert box.pubkey.encode() in files
    assert box.pubkey.encode() in log
    traces = list_traces(snapshot, forwards) | list_openers(credentials)
    assert len(traces) == 12 * 5 + 300 + 4
    assert {trace for trace in traces if trace in files or trace in log} == set()
    assert [label for label in LABELS if label.encode() in files] == []


def test_the_same_search_finds_what_is_not_sealed(box: Box, mark: Path) -> None:
    """Otherwise the test above would prove nothing."""
    marker = secrets.token_hex(16)
    with enter_tenant(box.tenant), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO nodes_ownnode (id, mode, forward_cursor, rebalance_cursor) VALUES (1, 'shadow', %s, '')",
            [marker],
        )
    files, log = read_disk(mark)
    assert marker.encode() in files
    assert marker.encode() in log
