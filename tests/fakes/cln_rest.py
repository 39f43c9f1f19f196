"""A minimal clnrest over TLS whose answers a test writes by hand, in the shapes of Core Lightning's schemas."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mcp_saas.kit.node_message import derive_pubkey, sign_message
from tests.fakes.json_server import Call, JsonServer, Reply
from tests.fakes.lnd_rest import make_tls

IDENTITY = bytes.fromhex("bb" * 32)
OWN = derive_pubkey(IDENTITY)
PEER = f"03{'01' * 32}"
RUNE = "tU-RLjMiDpY2U0o3W1oFowar36RFGpWloPbW9-RuZdo9MyZpZD0wMjRi"
SCID = "800000x7x1"


class FakeCln(JsonServer):
    """Change `answers` (by method) at will. `failure` answers everything while it is set; `failures` the next calls."""

    def __init__(self, folder: Path) -> None:
        self.rune_path, self.cert_path = folder / "dazbox.rune", folder / "server.pem"
        self.rune_path.write_text(f"{RUNE}\n")
        self.answers: dict[str, Callable[[dict[str, Any]], object]] = {
            "getinfo": lambda _: describe_info(),
            "listpeerchannels": lambda _: {"channels": [describe_channel()]},
            "feerates": lambda _: {"perkb": {"estimates": [describe_estimate(6, 8_250), describe_estimate(2_000, 1)]}},
            "listforwards": lambda _: {"forwards": []},
            "signmessage": lambda params: {"zbase": sign_message(IDENTITY, params["message"].encode())},
        }
        self.failure: Reply | None = None
        self.failures: list[Reply] = []
        self.before_answer: Callable[[], object] = lambda: None
        super().__init__(self._respond_as_cln, tls=make_tls(self.cert_path))

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    @property
    def methods(self) -> list[str]:
        return [call.path.removeprefix("/v1/") for call in self.calls]

    def _respond_as_cln(self, call: Call) -> Reply:
        self.before_answer()
        if self.failures:
            return self.failures.pop(0)
        if self.failure is not None:
            return self.failure
        if call.headers.get("Rune") != RUNE:
            return refuse(401, 1501, "Not authorized: Not derived from master")
        method = call.path.removeprefix("/v1/")
        if method not in self.answers:
            return refuse(404, -32601, f"Unknown command '{method}'")
        answer = self.answers[method](json.loads(call.body))
        return answer if isinstance(answer, Reply) else Reply(status=201, body=answer)


def refuse(status: int, code: int | None, message: str) -> Reply:
    return Reply(status=status, body={"code": code, "message": message})


def describe_info(**changes: Any) -> dict[str, Any]:
    info = {
        "id": OWN, "alias": "carol", "color": OWN[:6], "num_peers": 1, "num_pending_channels": 0,
        "num_active_channels": 1, "num_inactive_channels": 0, "address": [], "version": "v25.12",
        "blockheight": 862_000, "network": "bitcoin", "fees_collected_msat": 0, "lightning-dir": "/cln",
    }  # fmt: skip
    return info | changes


def describe_estimate(blocks: int, feerate: int) -> dict[str, int]:
    return {"blockcount": blocks, "feerate": feerate, "smoothed_feerate": feerate}


def describe_update(**changes: Any) -> dict[str, Any]:
    update = {
        "htlc_minimum_msat": 1, "htlc_maximum_msat": 4_950_000_000, "cltv_expiry_delta": 34, "fee_base_msat": 1000,
        "fee_proportional_millionths": 250,
    }  # fmt: skip
    return update | changes


def describe_channel(**changes: Any) -> dict[str, Any]:
    """5,000,000 sat, 3,000,000.7 of them ours, 100,000.4 of those on their way out."""
    channel = {
        "peer_id": PEER, "peer_connected": True, "reestablished": True, "state": "CHANNELD_NORMAL", "opener": "local",
        "features": [], "short_channel_id": SCID, "direction": 0, "channel_id": "ab" * 32, "funding_txid": "cd" * 32,
        "funding_outnum": 1, "private": False, "to_us_msat": 3_000_000_700, "total_msat": 5_000_000_000,
        "our_reserve_msat": 50_000_000, "their_reserve_msat": 40_000_000,
        "fee_base_msat": 1000, "fee_proportional_millionths": 250, "minimum_htlc_out_msat": 1,
        "maximum_htlc_out_msat": 4_950_000_000,
        "updates": {"local": describe_update(), "remote": describe_update(fee_proportional_millionths=777)},
        "htlcs": [
            {"direction": "out", "id": 4, "amount_msat": 100_000_400, "expiry": 862_100, "payment_hash": "ef" * 32,
             "state": "SENT_ADD_ACK_REVOCATION"},
            {"direction": "in", "id": 5, "amount_msat": 7_000_100, "expiry": 862_140, "payment_hash": "ff" * 32,
             "state": "RCVD_ADD_ACK_REVOCATION"},
        ],
        "state_changes": [
            {"timestamp": "2025-01-27T17:46:40.000Z", "old_state": "CHANNELD_AWAITING_LOCKIN",
             "new_state": "CHANNELD_NORMAL", "cause": "user", "message": "Lockin complete"},
        ],
    }  # fmt: skip
    return channel | changes


def describe_forward(number: int, **changes: Any) -> dict[str, Any]:
    forward = {
        "created_index": number, "updated_index": number, "in_channel": SCID, "in_htlc_id": number,
        "in_msat": 1_000_250, "out_channel": "800001x8x1", "out_htlc_id": number, "out_msat": 1_000_000,
        "fee_msat": 250, "status": "settled", "style": "tlv", "received_time": 1_738_000_000.25,
        "resolved_time": 1_738_000_001.125,
    }  # fmt: skip
    return forward | changes
