"""How a node of any kind is connected to: its certificate, its secret in a header, a door that hides that secret."""

import httpx

from nodes.sources.driver.certificate import trust_certificate
from nodes.sources.driver.config import DriverConfig
from nodes.sources.driver.door import Answer, Door
from nodes.sources.driver.errors import Fault, NodeError
from nodes.sources.driver.field import Fields
from nodes.sources.driver.secret import Mask

MAX_ANSWER_BYTES = 64 << 20


def connect_node(config: DriverConfig, *, kind: str, header: str, secret: str) -> Door:
    """`kind` is what messages call the node; `secret` stands in `header` of every request. Raises NodeError for a
    certificate that is none.
    """
    context = trust_certificate(config.certificate)
    # No proxy of the environment comes between.
    transport = config.connect(context) if config.connect else httpx.HTTPTransport(verify=context, trust_env=False)
    client = httpx.Client(
        base_url=config.url,
        transport=transport,
        headers={header: secret, "User-Agent": config.user_agent},
        timeout=config.timeout,
        trust_env=False,
    )
    return Door(
        client,
        name=f"{kind} at {config.place or config.url}",
        error=NodeError,
        limit_bytes=MAX_ANSWER_BYTES,
        certificate_hint=config.certificate_hint,
        mask=Mask(secret),
    )


def read_answer(answer: Answer, *, name: str, address: str) -> Fields:
    """The object an answer holds. `address`: whose it should have been. Raises NodeError for anything but JSON."""
    try:
        return answer.read_object()
    except ValueError as error:
        raise NodeError(f"{name} did not answer with JSON: is this {address}?", fault=Fault.GARBLED) from error
