"""The door to LND's REST API: the four read calls the agent needs, the one signature, LND's errors in plain words."""

import base64
import json
import ssl
import time
from pathlib import Path
from typing import Self

import httpx

from nodes.agent.config import LndAddress
from nodes.agent.door import TIMEOUT, USER_AGENT, Answer, Door
from nodes.agent.errors import NodeError
from nodes.agent.field import Fields, read_text

MAX_ANSWER_BYTES = 64 << 20
# LND says all of these with HTTP 500 and code 2; none of them goes away by itself.
MACAROON_COMPLAINTS = ("macaroon", "permission denied", "verification failed", "unauthorized")


class Lnd:
    """Reads one LND. All methods raise NodeError."""

    def __init__(self, door: Door) -> None:
        self._door = door

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._door.close()

    def get_info(self) -> Fields:
        return self._call("GET", "/v1/getinfo")

    def list_channels(self) -> Fields:
        return self._call("GET", "/v1/channels?peer_alias_lookup=true")

    def get_node(self, pubkey: str) -> Fields | None:
        """What the public graph says of a node, with all its announced channels; None: the graph does not know it."""
        answer = self._door.send("GET", f"/v1/graph/node/{pubkey}?include_channels=true")
        return None if answer.status == httpx.codes.NOT_FOUND else self._read(answer)

    def list_forwards(self, index_offset: int, num_max_events: int) -> Fields:
        """Settled forwards from the `index_offset`th on, oldest first."""
        # LND counts the offset within the asked time range, so the range must always begin at the same instant.
        query = {"start_time": "0", "index_offset": index_offset, "num_max_events": num_max_events}
        return self._call("POST", "/v1/switch", content=json.dumps(query).encode())

    def sign_message(self, message: str) -> str:
        """The node's own signature (zbase32) of the claim's message."""
        content = json.dumps({"msg": base64.b64encode(message.encode()).decode()}).encode()
        return read_text(self._call("POST", "/v1/signmessage", content=content), "signature")

    def _call(self, method: str, path: str, *, content: bytes | None = None) -> Fields:
        return self._read(self._door.send(method, path, content=content))

    def _read(self, answer: Answer) -> Fields:
        if answer.status != httpx.codes.OK:
            raise explain_refusal(self._door.name, answer)
        try:
            return answer.read_object()
        except ValueError as error:
            raise NodeError(f"{self._door.name} did not answer with JSON: is this LND's REST address?") from error


def open_lnd(address: LndAddress) -> Lnd:
    """Reads both files anew, so that a renewed certificate or macaroon is taken up. Raises NodeError."""
    headers = {"Grpc-Metadata-macaroon": read_macaroon(address.macaroon), "User-Agent": USER_AGENT}
    # The node is near: no proxy of the environment comes between.
    context = pin_certificate(address.tls_cert)
    client = httpx.Client(base_url=address.url, verify=context, headers=headers, timeout=TIMEOUT, trust_env=False)
    hint = f"{address.tls_cert} is not its certificate (LND makes a new one when the old one expires)"
    name = f"LND at {address.url}"
    return Lnd(Door(client, name=name, error=NodeError, limit_bytes=MAX_ANSWER_BYTES, certificate_hint=hint))


def read_macaroon(path: Path) -> str:
    """The macaroon as LND wants it in the header. Raises NodeError."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise NodeError(f"the macaroon {path} cannot be read: {error.strerror}", permanent=True) from error
    if not content:
        raise NodeError(f"the macaroon {path} is empty", permanent=True)
    return content.hex()


def pin_certificate(path: Path) -> ssl.SSLContext:
    """Trusts this certificate and no other, whatever host name it was made for. Raises NodeError."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # a certificate that another one signed can be pinned as well
    try:
        context.load_verify_locations(cafile=path)
    except ssl.SSLError as error:
        raise NodeError(f"{path} is not a PEM certificate", permanent=True) from error
    except OSError as error:
        raise NodeError(f"the certificate {path} cannot be read: {error.strerror}", permanent=True) from error
    return context


def explain_refusal(name: str, answer: Answer) -> NodeError:
    message = read_message(answer)
    if answer.status in {401, 403} or any(complaint in message.lower() for complaint in MACAROON_COMPLAINTS):
        return NodeError(f"{name} refuses the macaroon: {message}", permanent=True)
    said = f"{name} answered {answer.status}: {message}"
    return NodeError(said, retry_after_s=answer.read_retry_after_s(time.time()))


def read_message(answer: Answer) -> str:
    try:
        message = answer.read_object().get("message")
    except ValueError:
        message = None
    return message if isinstance(message, str) else "without a reason"
