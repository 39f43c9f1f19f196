"""A minimal LND: the calls a box makes, over TLS with a macaroon, in the shapes of lightning.swagger.json."""

import base64
import datetime as dt
import ipaddress
import json
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from mcp_saas.kit.node_message import derive_pubkey, sign_message
from tests.fakes.json_server import Call, JsonServer, Reply

IDENTITY = bytes.fromhex("aa" * 32)
OWN = derive_pubkey(IDENTITY)
PEERS = ["03" + f"{number:02x}" * 32 for number in range(1, 100)]
MACAROON = bytes.fromhex("0201036c6e64") + b"secret-of-the-node"


class FakeLnd(JsonServer):
    """Change `info`, `channels`, `edges`, `graph`, `is_in_graph`, `forwards`, `transactions` and `payments` (None:
    forbidden).

    `failure` answers everything while it is set; `before_answer` may hold every answer back.
    """

    def __init__(self, folder: Path, *, channel_count: int = 3) -> None:
        self.macaroon_path, self.cert_path = folder / "readonly.macaroon", folder / "tls.cert"
        self.macaroon_path.write_bytes(MACAROON)
        self.info = describe_info()
        self.channels = [describe_channel(number) for number in range(channel_count)]
        self.edges = [describe_edge(number) for number in range(channel_count)]
        self.forwards: list[dict[str, Any]] = []
        self.transactions: list[dict[str, Any]] | None = [describe_transaction(number) for number in (0, 2)]
        self.payments: list[dict[str, Any]] | None = None
        self.graph: bytes | dict[str, Any] = {"nodes": [], "edges": []}
        self.is_in_graph = True
        self.failure: Reply | None = None
        self.before_answer: Callable[[], object] = lambda: None
        super().__init__(self._respond_as_lnd, tls=make_tls(self.cert_path))

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    def _respond_as_lnd(self, call: Call) -> Reply:
        self.before_answer()
        if self.failure is not None:
            return self.failure
        if call.headers.get("Grpc-Metadata-macaroon") != MACAROON.hex():
            return Reply(status=500, body=describe_error(2, "verification failed: signature mismatch after caveat"))
        path = urlsplit(call.path).path
        if (call.method, path) == ("GET", "/v1/getinfo"):
            return Reply(body=self.info)
        if (call.method, path) == ("GET", "/v1/channels"):
            return Reply(body={"channels": self.channels})
        if (call.method, path) == ("GET", f"/v1/graph/node/{OWN}"):
            return self._describe_own_node()
        if (call.method, path) == ("POST", "/v1/switch"):
            return Reply(body=self._page_forwards(json.loads(call.body)))
        return self._respond_rarely(call, path)

    def _respond_rarely(self, call: Call, path: str) -> Reply:
        if (call.method, path) == ("GET", "/v2/wallet/estimatefee/6"):
            return Reply(body={"sat_per_kw": "2500", "min_relay_fee_sat_per_kw": "253"})
        if (call.method, path) == ("GET", "/v1/graph"):
            return Reply(body=self.graph)
        if (call.method, path) == ("GET", "/v1/transactions"):
            return self._page_transactions(dict(parse_qsl(urlsplit(call.path).query)))
        if (call.method, path) == ("GET", "/v1/payments"):
            return self._page_payments(dict(parse_qsl(urlsplit(call.path).query)))
        if (call.method, path) != ("POST", "/v1/signmessage"):
            return Reply(status=501, body=describe_error(12, "Method Not Allowed"))
        message = base64.b64decode(json.loads(call.body)["msg"])
        return Reply(body={"signature": sign_message(IDENTITY, message)})

    def _describe_own_node(self) -> Reply:
        if not self.is_in_graph:
            return Reply(status=404, body=describe_error(5, "unable to find node"))
        node = {"last_update": 1_727_000_000, "pub_key": OWN, "alias": "alice", "addresses": [], "color": "#3399ff"}
        return Reply(body={"node": node, "num_channels": len(self.edges), "channels": self.edges})

    def _page_transactions(self, query: dict[str, str]) -> Reply:
        if self.transactions is None:
            return Reply(status=500, body=describe_error(2, "permission denied"))
        start, count = int(query["index_offset"]), int(query["max_transactions"])
        above = [one for one in self.transactions if one["block_height"] >= int(query["start_height"])]
        page = above[start : start + count]
        return Reply(body={"transactions": page, "first_index": str(start), "last_index": str(start + len(page) - 1)})

    def _page_payments(self, query: dict[str, str]) -> Reply:
        if self.payments is None:
            return Reply(status=500, body=describe_error(2, "permission denied"))
        start_ns = int(query["creation_date_start"]) * 10**9
        after = [one for one in self.payments if int(one["payment_index"]) > int(query["index_offset"])]
        page = [one for one in after if int(one["creation_time_ns"]) >= start_ns][: int(query["max_payments"])]
        ends = (page[0]["payment_index"], page[-1]["payment_index"]) if page else ("0", "0")
        return Reply(body={"payments": page, "first_index_offset": ends[0], "last_index_offset": ends[1]})

    def _page_forwards(self, query: dict[str, Any]) -> dict[str, Any]:
        start = query["index_offset"]
        page = self.forwards[start : start + query["num_max_events"]]
        return {"forwarding_events": page, "last_offset_index": start + len(page)}


def describe_error(code: int, message: str) -> dict[str, Any]:
    return {"code": code, "message": message, "details": []}


def describe_info() -> dict[str, Any]:
    return {
        "identity_pubkey": OWN, "alias": "alice", "version": "0.18.5-beta commit=v0.18.5-beta", "block_height": 862_000,
        "synced_to_chain": True, "synced_to_graph": True, "num_active_channels": 3,
        "best_header_timestamp": "1727000000", "uris": [], "features": {},
        "chains": [{"chain": "bitcoin", "network": "mainnet"}],
    }  # fmt: skip


def describe_payment(
    index: int, *, at_s: int, to: str = OWN, fee_msat: int = 25_000, status: str = "SUCCEEDED"
) -> dict[str, Any]:
    """Out by channel 0, back by channel 1 after a hop nobody of us owns; its first attempt failed. 100,000 sat."""
    amount_msat = 100_000_000
    hops = [
        {"chan_id": str(chan_id), "pub_key": pubkey, "fee_msat": "0", "amt_to_forward_msat": str(amount_msat)}
        for chan_id, pubkey in ((make_chan_id(0), PEERS[0]), (1 << 40, PEERS[1]), (make_chan_id(1), to))
    ]
    route = {"hops": hops, "total_fees_msat": str(fee_msat), "total_amt_msat": str(amount_msat + fee_msat)}
    failed = {"attempt_id": str(2 * index), "status": "FAILED", "route": route, "resolve_time_ns": str(at_s * 10**9)}
    return {
        "payment_hash": f"{index:064x}", "payment_preimage": "ee" * 32, "value_msat": str(amount_msat),
        "fee_msat": str(fee_msat), "status": "SUCCEEDED", "payment_index": str(index),
        "creation_time_ns": str(at_s * 10**9), "payment_request": "lnbc1...",
        "htlcs": [failed, failed | {"attempt_id": str(2 * index + 1), "status": status}],
    }  # fmt: skip


def make_chan_id(number: int) -> int:
    return (800_000 + number) << 40 | (number + 7) << 16 | 1


def make_chan_point(number: int) -> str:
    return f"{number:064x}:1"


def describe_channel(number: int) -> dict[str, Any]:
    return {
        "active": True, "remote_pubkey": PEERS[number], "channel_point": make_chan_point(number),
        "chan_id": str(make_chan_id(number)), "capacity": "5000000", "local_balance": "3000000",
        "remote_balance": "1900000", "commit_fee": "2810", "unsettled_balance": "97190", "total_satoshis_sent": "0",
        "total_satoshis_received": "0", "num_updates": "12", "private": False, "initiator": number % 2 == 0,
        "pending_htlcs": [{"incoming": False, "amount": "97190", "hash_lock": "AAAA", "expiration_height": 862_100}],
        "lifetime": "86400", "uptime": "80000", "chan_status_flags": "ChanStatusDefault",
        "peer_alias": f"peer {number}", "peer_scid_alias": "0", "zero_conf": False, "alias_scids": [],
    }  # fmt: skip


def describe_transaction(number: int, **changes: Any) -> dict[str, Any]:
    """What opened the channel of that number: 1,530 sat, and one more for each."""
    transaction = {
        "tx_hash": make_chan_point(number).partition(":")[0], "amount": "-5001530", "num_confirmations": 6,
        "block_hash": "", "block_height": 800_000 + number, "time_stamp": "1690000000",
        "total_fees": str(1_530 + number), "dest_addresses": [], "output_details": [], "raw_tx_hex": "", "label": "",
        "previous_outpoints": [],
    }  # fmt: skip
    return transaction | changes


def describe_policy(**changes: Any) -> dict[str, Any]:
    policy = {
        "time_lock_delta": 80, "min_htlc": "1000", "fee_base_msat": "1000", "fee_rate_milli_msat": "250",
        "disabled": False, "max_htlc_msat": "4950000000", "last_update": 1_726_000_000, "custom_records": {},
        "inbound_fee_base_msat": 0, "inbound_fee_rate_milli_msat": -20,
    }  # fmt: skip
    return policy | changes


def describe_edge(number: int) -> dict[str, Any]:
    """We are node2 of every other edge: which side is ours is told by the pubkeys alone."""
    ours, theirs = describe_policy(), describe_policy(fee_rate_milli_msat="777", time_lock_delta=40)
    sides = [(OWN, ours), (PEERS[number], theirs)]
    (node1_pub, node1_policy), (node2_pub, node2_policy) = sides if number % 2 == 0 else sides[::-1]
    return {
        "channel_id": str(make_chan_id(number)), "chan_point": make_chan_point(number), "capacity": "5000000",
        "node1_pub": node1_pub, "node1_policy": node1_policy, "node2_pub": node2_pub, "node2_policy": node2_policy,
        "last_update": 1_726_000_000, "custom_records": {},
    }  # fmt: skip


def describe_forward(number: int, **changes: Any) -> dict[str, Any]:
    amount_msat, fee_msat = 1_000_000 + number, 250
    event = {
        "timestamp": str(1_726_500_000 + number), "timestamp_ns": str((1_726_500_000 + number) * 10**9 + 123_456_789),
        "chan_id_in": str(make_chan_id(0)), "chan_id_out": str(make_chan_id(1)), "amt_in": "1000", "amt_out": "1000",
        "fee": "0", "fee_msat": str(fee_msat), "amt_in_msat": str(amount_msat + fee_msat),
        "amt_out_msat": str(amount_msat), "peer_alias_in": "peer 0", "peer_alias_out": "peer 1",
        "incoming_htlc_id": str(number), "outgoing_htlc_id": str(number),
    }  # fmt: skip
    return event | changes


def make_tls(cert_path: Path) -> ssl.SSLContext:
    """A self-signed ECDSA certificate as LND makes one, for another host name than the one it is asked by."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "dazbox")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509
        .CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=400))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("10.0.0.9"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    cert_path.write_bytes(certificate.public_bytes(Encoding.PEM))
    key_path = cert_path.with_suffix(".key")
    key_path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert_path, key_path)
    return context
