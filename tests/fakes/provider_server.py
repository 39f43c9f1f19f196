"""Sparkseer, Amboss and LNbits on a loopback socket: the shapes they document, and all the ways in which they fail.

Sparkseer's rows are as recorded of the real service: lists of one, a percentile that is a whole number now and then.
"""

import gzip
import json
import threading
from collections.abc import Callable, Iterator
from typing import Any, Self

from tests.fakes.json_server import PATIENCE_S, Call, JsonServer, Reply

KEY = "sk-provider-" + "0123456789abcdef" * 2
OWN = "02778f4a4eb3a2344b9fd8ee72e7ec5f03f803e5f5273e2e1a2af508910cf2b12b"
PEERS = (
    "02293df2dbc750493977c6b21ce9f9ee74d6ef492c1493e0ddd6bf37fcf790ccef",
    "026165850492521f4ac8abd9bd8088123446d126f648ca35e60f88177dc149ceb2",
)
VIEW: dict[str, Any] = {
    "pubkey": OWN,
    "alias": "Feustey",
    "total_capacity": 46_150_000,
    "num_channels": 16,
    "mean_channel_capacity": 2_884_375.0,
    "median_channel_capacity": 2_000_000,
    "mean_outbound_base_fee": 250.5,
    "median_outbound_base_fee": 0,
    "mean_outbound_fee_rate": 151.25,
    "median_outbound_fee_rate": 75,
    "mean_inbound_base_fee": 900.0,
    "median_inbound_base_fee": 1000,
    "mean_inbound_fee_rate": 512.0,
    "median_inbound_fee_rate": 400,
    "ipv4": "203.0.113.7:9735",
    "ipv6": None,
    "torv3": None,
    "last_update": 1_746_000_000,
    "betweenness_rank": 1834,
    "closeness_rank": 2011,
    "eigenvector_rank": 5011,
    "weighted_betweenness_rank": 1650,
    "weighted_closeness_rank": 1999,
    "weighted_eigenvector_rank": 4400,
    "htlc_response_time_mean": 0.9,
    "htlc_response_time_median": 0.4,
    "liquidity_flexibility_score": 0.61,
    "effective_outbound_balance": 0.48,
    "effective_inbound_balance": 0.52,
}
FEES = {
    "channel_peers": [
        {"pubkey": PEERS[0], "suggested_fees": [{"passive_fee_rate": 28, "active_fee_rate": 339}]},
        {"pubkey": PEERS[1], "suggested_fees": [{"passive_fee_rate": 72, "active_fee_rate": 502}]},
    ]
}
CANDIDATES = {
    "channel_recommendations": [
        {
            "pubkey": PEERS[0],
            "info": [
                {
                    "gain_in_betweenness_rank": 324,
                    "gain_in_closeness_rank": 268,
                    "gain_in_eigenvector_rank": 0,
                    "minimum_viable_capacity": 1_000_000,
                    "ideal_capacity": 5_000_000,
                    "passive_fee_ppm": 10,
                    "active_fee_ppm": 165,
                }
            ],
        }
    ]
}
VALUE = {
    "channel_peers": [
        {
            "pubkey": PEERS[0],
            "outbound_ppm_value": [
                {
                    "current_outbound_fee_ppm": 100,
                    "passive_strategy_ppm_percentile": 77.8,
                    "active_strategy_ppm_percentile": 60,
                }
            ],
        }
    ]
}
SPARKSEER = {
    f"/v1/node/current-stats/{OWN}": VIEW,
    "/v1/services/suggested-fees": FEES,
    "/v1/services/channel-recommendations": CANDIDATES,
    "/v1/services/outbound-liquidity-value": VALUE,
}
REMOTE = {"max": "2500", "mean": "612.5", "median": 400, "weighted": "350.1", "weighted_corrected": "301.7"}
AMBOSS_NODE: dict[str, Any] = {
    "node": {"pub_key": OWN, "alias": "Feustey", "color": "#ff5000", "last_update": "2026-11-20T10:00:00Z"},
    "channels": {"num_channels": "16", "total_capacity": "46150000", "fee_info": {"remote": REMOTE}},
}
WALLET = {"name": "LNbits wallet", "balance": 21_000_123}


def answer_sparkseer(call: Call) -> Reply:
    if call.headers.get("api-key") != KEY:
        return Reply(status=401, body={"detail": "Invalid API key"})
    return (
        Reply(body=SPARKSEER[call.path]) if call.path in SPARKSEER else Reply(status=404, body={"detail": "Not Found"})
    )


def answer_amboss(call: Call) -> Reply:
    """Refusals under 200, as GraphQL does."""
    if call.headers.get("Authorization") != f"Bearer {KEY}":
        return Reply(body=refuse_query("Not authenticated", code="UNAUTHENTICATED"))
    asked = json.loads(call.body)
    variables = asked["variables"]
    if "getNodeAliasBatch" in asked["query"]:
        rows = [{"pub_key": pubkey, "alias": f"node {pubkey[:6]}"} for pubkey in variables["pubkeys"]]
        return Reply(body={"data": {"getNodeAliasBatch": rows}})
    if variables["pubkey"] != OWN:
        return Reply(body=refuse_query("Node not found"))
    return Reply(body={"data": {"getNode": {"graph_info": AMBOSS_NODE}}})


def refuse_query(message: str, *, code: str | None = None) -> dict[str, Any]:
    extensions = {"extensions": {"code": code}} if code else {}
    return {"data": None, "errors": [{"message": message, **extensions}]}


def answer_lnbits(call: Call) -> Reply:
    """As LNbits 1.6.2 answered."""
    key = call.headers.get("X-Api-Key")
    if key is None:
        return Reply(status=401, body={"detail": "No Api Key provided."})
    return Reply(body=WALLET) if key == KEY else Reply(status=404, body={"detail": "Wallet not found."})


ANSWERS: dict[str, Callable[[Call], Reply]] = {
    "sparkseer": answer_sparkseer,
    "amboss": answer_amboss,
    "lnbits": answer_lnbits,
}


class ProviderServer:
    """`fail` makes it fail from the next call on; `recover` ends that. `calls` are those that came."""

    def __init__(self, name: str, *, port: int = 0) -> None:
        self.name = name
        self.script = ANSWERS[name]
        self.over = threading.Event()
        self._server = JsonServer(self.respond, port=port)

    def respond(self, call: Call) -> Reply:
        return self.script(call)

    @property
    def calls(self) -> list[Call]:
        return self._server.calls

    @property
    def port(self) -> int:
        return self._server.port

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self._server.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self._server.__exit__()

    def recover(self) -> None:
        self.script = ANSWERS[self.name]

    def fail(self, kind: str, *, times: int | None = None) -> None:
        """`times`: only the next so many calls."""
        left, failing = [times], FAILURES[kind]

        def script(call: Call) -> Reply:
            if left[0] == 0:
                return ANSWERS[self.name](call)
            left[0] = None if left[0] is None else left[0] - 1
            return failing(call, self)

        self.script = script

    def say(self, body: object) -> None:
        """This to every call."""
        self.script = lambda _: Reply(body=body)


def _hang(_: Call, server: ProviderServer) -> Reply:
    server.over.wait(PATIENCE_S)
    return Reply()


def _trickle(_: Call, server: ProviderServer) -> Reply:
    def pieces() -> Iterator[bytes]:
        yield b'{"alias": "'
        while not server.over.wait(0.05):
            yield b"x"

    return Reply(body=pieces())


def _flood(_: Call, server: ProviderServer) -> Reply:
    return Reply(body=(b" " * 65_536 for _ in range(10 * 16)))  # 10 MB


def _bomb(_: Call, server: ProviderServer) -> Reply:
    return Reply(body=gzip.compress(b" " * (64 << 20)), headers={"Content-Encoding": "gzip"})


def _misuse_types(call: Call, server: ProviderServer) -> Reply:
    """Its own answer, with text for numbers and numbers for text, pubkeys aside."""
    reply = ANSWERS[server.name](call)
    return Reply(status=reply.status, body=_swap_types(reply.body))


def _swap_types(found: Any) -> Any:
    if isinstance(found, dict):
        return {name: value if name in {"pubkey", "pub_key"} else _swap_types(value) for name, value in found.items()}
    if isinstance(found, list):
        return [_swap_types(value) for value in found]
    return None if found is None else f"~{found}" if isinstance(found, int | float) else 7


FAILURES: dict[str, Callable[[Call, ProviderServer], Reply]] = {
    "hang": _hang,
    "slow trickle": _trickle,
    "flood": _flood,
    "gzip bomb": _bomb,
    "429 with Retry-After": lambda *_: Reply(status=429, body={}, headers={"Retry-After": "120"}),
    "429": lambda *_: Reply(status=429, body={}),
    "500": lambda *_: Reply(status=500, body={"detail": "Internal Server Error"}),
    "503": lambda *_: Reply(status=503, body=b""),
    "HTML": lambda *_: Reply(body=b"<html><body>Just a moment...</body></html>", headers={"Content-Type": "text/html"}),
    "truncated": lambda *_: Reply(body=b'{"alias": "Feus'),
    "deep": lambda *_: Reply(body=b"[" * 100_000),
    "null": lambda *_: Reply(body=b"null"),
    "empty": lambda *_: Reply(body=b""),
    "list": lambda *_: Reply(body=[]),
    "NaN": lambda *_: Reply(body=b'{"balance": NaN}'),
    "redirect inside": lambda *_: Reply(status=302, headers={"Location": "http://127.0.0.1:1/secret"}),
    "401": lambda *_: Reply(status=401, body={"detail": "no"}),
    "403": lambda *_: Reply(status=403, body={"detail": f"the key {KEY} is not welcome"}),
    "wrong types": _misuse_types,
}
