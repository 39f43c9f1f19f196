"""The door to clnrest: every method is a POST with named parameters, and amounts are numbers of millisatoshi."""

import json
import string
from typing import Self

from nodes.sources.cln.refusal import explain_refusal
from nodes.sources.driver.config import DriverConfig
from nodes.sources.driver.connection import connect_node, read_answer
from nodes.sources.driver.door import Answer, Door
from nodes.sources.driver.errors import Fault, NodeError
from nodes.sources.driver.field import Fields, read_text
from nodes.sources.driver.retry import Patience, read_patiently

RUNE_HEADER = "Rune"
_RUNE_CHARS = frozenset(string.ascii_letters + string.digits + "-_=")


class Cln:
    """One Core Lightning. All methods raise NodeError; reads are tried again, writes are not."""

    def __init__(self, door: Door, patience: Patience) -> None:
        self._door = door
        self._patience = patience

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._door.close()

    def get_info(self) -> Fields:
        return self._read("getinfo")

    def list_channels(self, *, short_channel_id: str | None = None) -> Fields:
        """Our own channels in every state, or one of them (Core Lightning >= 25.05)."""
        if short_channel_id is None:
            return self._read("listpeerchannels")
        return self._read("listpeerchannels", short_channel_id=short_channel_id)

    def report_feerates(self) -> Fields:
        return self._read("feerates", style="perkb")

    def list_resolved(self, start: int, limit: int) -> Fields:
        """Forwards that are over from the `start`th on, in the order in which they were."""
        return self._read("listforwards", index="updated", start=start, limit=limit)

    def list_failed_here(self, start: int, limit: int) -> Fields:
        """Forwards that we could not pass on, in the order in which they came; they are never updated."""
        return self._read("listforwards", status="local_failed", index="created", start=start, limit=limit)

    def list_income(self, since_s: int) -> Fields:
        """What the bookkeeper counts as earned or spent after that second."""
        return self._read("bkpr-listincome", start_time=since_s, consolidate_fees=True)

    def list_movements(self, payment_id: str) -> Fields:
        """What a payment moved in our channels (Core Lightning >= 24.08)."""
        return self._read("bkpr-listaccountevents", payment_id=payment_id)

    def get_node(self, pubkey: str) -> Fields:
        return self._read("listnodes", id=pubkey)

    def list_announced(self, *, source: str | None = None, short_channel_id: str | None = None) -> Fields:
        """Directions of the public graph: those leaving a node, or both of a channel."""
        if short_channel_id is None:
            return self._read("listchannels", source=source)
        return self._read("listchannels", short_channel_id=short_channel_id)

    def sign_message(self, message: str) -> str:
        """In zbase32, as LND signs; `signature` and `recid` beside it are its parts in hex."""
        return read_text(self._read("signmessage", message=message), "zbase")

    def set_channel(self, request: Fields) -> Fields:
        """Once: whether it happened when no answer came is for the caller to find out."""
        return self._call("setchannel", request)

    def _read(self, method: str, **params: object) -> Fields:
        return read_patiently(lambda: self._call(method, params), self._patience)

    def _call(self, method: str, params: Fields) -> Fields:
        headers = {"Content-Type": "application/json"}
        return self._take(
            self._door.send("POST", f"/v1/{method}", content=json.dumps(params).encode(), headers=headers)
        )

    def _take(self, answer: Answer) -> Fields:
        """clnrest says 201 where a method worked."""
        if not 200 <= answer.status < 300:
            raise explain_refusal(self._door.name, answer)
        return read_answer(answer, name=self._door.name, address="clnrest's address")


def open_cln(config: DriverConfig) -> Cln:
    """Raises NodeError for a rune or certificate that is none."""
    door = connect_node(config, kind="Core Lightning", header=RUNE_HEADER, secret=read_rune(config.secret))
    return Cln(door, config.patience)


def read_rune(secret: str) -> str:
    """As `lightning-cli createrune` writes it under "rune". Raises NodeError, which does not show it."""
    rune = secret.strip()
    if not rune or not set(rune) <= _RUNE_CHARS:
        raise NodeError("the rune is empty, or not the text that createrune shows under `rune`", fault=Fault.SETTING)
    return rune
