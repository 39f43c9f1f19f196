"""The door to LND's REST API: the calls a connector needs, each with its own trap named."""

import base64
import json
from collections.abc import Iterator
from typing import Self

import httpx

from nodes.sources.driver.config import DriverConfig
from nodes.sources.driver.connection import connect_node, read_answer
from nodes.sources.driver.door import Answer, Door
from nodes.sources.driver.field import Fields, read_text
from nodes.sources.driver.retry import Patience, read_patiently
from nodes.sources.lnd.macaroon import MACAROON_HEADER, read_macaroon
from nodes.sources.lnd.refusal import explain_refusal


class Lnd:
    """One LND. All methods raise NodeError; reads are tried again, writes are not."""

    def __init__(self, door: Door, patience: Patience) -> None:
        self._door = door
        self._patience = patience

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._door.close()

    @property
    def name(self) -> str:
        return self._door.name

    def hide_secret(self, text: str) -> str:
        """Words of the node, as they may be shown."""
        return self._door.mask.hide(text) if self._door.mask else text

    def get_info(self) -> Fields:
        return self._read("GET", "/v1/getinfo")

    def list_channels(self, *, peer_pubkey: str | None = None) -> Fields:
        if peer_pubkey is None:
            return self._read("GET", "/v1/channels?peer_alias_lookup=true")
        peer = base64.urlsafe_b64encode(bytes.fromhex(peer_pubkey)).decode()
        return self._read("GET", f"/v1/channels?peer={peer}")

    def get_node(self, pubkey: str, *, include_channels: bool = True) -> Fields | None:
        """What the public graph says of a node, with all its announced channels; None: the graph does not know it."""
        return self._find(f"/v1/graph/node/{pubkey}?include_channels={str(include_channels).lower()}")

    def get_edge(self, chan_id: int) -> Fields | None:
        """A channel of the public graph, or one of our own; None: it is not announced yet, or never was."""
        return self._find(f"/v1/graph/edge/{chan_id}")

    def find_edge(self, channel_point: str) -> Fields | None:
        """By its funding output: a channel opened with zero confirmations has another id in the graph. LND >= 0.18."""
        return self._find(f"/v1/graph/edge/0?chan_point={channel_point}")

    def stream_graph(self, *, limit_bytes: int) -> Iterator[bytes]:
        """The whole public graph, as `lncli describegraph` prints it: too large to be held in one piece."""
        return self._door.stream("/v1/graph", limit_bytes=limit_bytes)

    def list_forwards(self, index_offset: int, num_max_events: int) -> Fields:
        """Settled forwards from the `index_offset`th on, oldest first. A POST, and a read all the same."""
        # LND counts the offset within the asked time range, so the range must always begin at the same instant.
        query = {"start_time": "0", "index_offset": index_offset, "num_max_events": num_max_events}
        return self._read("POST", "/v1/switch", content=json.dumps(query).encode())

    def list_payments(self, *, since_s: int, index_offset: int, max_payments: int) -> Fields:
        """Payments that worked, begun since then, oldest first. LND numbers them as they begin."""
        page = f"index_offset={index_offset}&max_payments={max_payments}"
        return self._read("GET", f"/v1/payments?creation_date_start={since_s}&{page}")

    def list_transactions(self, *, start_height: int, index_offset: int, max_transactions: int) -> Fields:
        """Of the wallet, oldest first. Pages need LND 0.19; an older one answers with all of them."""
        page = f"index_offset={index_offset}&max_transactions={max_transactions}"
        return self._read("GET", f"/v1/transactions?start_height={start_height}&{page}")

    def estimate_fee(self, conf_target: int) -> Fields:
        return self._read("GET", f"/v2/wallet/estimatefee/{conf_target}")

    def sign_message(self, message: str) -> str:
        """The node's own signature (zbase32) of the claim's message."""
        content = json.dumps({"msg": base64.b64encode(message.encode()).decode()}).encode()
        return read_text(self._read("POST", "/v1/signmessage", content=content), "signature")

    def update_policy(self, request: Fields) -> Fields:
        """Once: whether it happened when no answer came is for the caller to find out."""
        return self._call("POST", "/v1/chanpolicy", content=json.dumps(request).encode())

    def update_status(self, request: Fields) -> Fields:
        return self._call("POST", "/v2/router/updatechanstatus", content=json.dumps(request).encode())

    def _find(self, path: str) -> Fields | None:
        def ask() -> Fields | None:
            answer = self._door.send("GET", path)
            return None if answer.status == httpx.codes.NOT_FOUND else self._take(answer)

        return read_patiently(ask, self._patience)

    def _read(self, method: str, path: str, *, content: bytes | None = None) -> Fields:
        return read_patiently(lambda: self._call(method, path, content=content), self._patience)

    def _call(self, method: str, path: str, *, content: bytes | None = None) -> Fields:
        return self._take(self._door.send(method, path, content=content))

    def _take(self, answer: Answer) -> Fields:
        if answer.status != httpx.codes.OK:
            raise explain_refusal(self._door.name, answer)
        return read_answer(answer, name=self._door.name, address="LND's REST address")


def open_lnd(config: DriverConfig) -> Lnd:
    """Raises NodeError for a macaroon or certificate that is none."""
    door = connect_node(config, kind="LND", header=MACAROON_HEADER, secret=read_macaroon(config.secret))
    return Lnd(door, config.patience)
