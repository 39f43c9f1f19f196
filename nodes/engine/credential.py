"""What opens other systems for a box: its node's macaroon or rune, its keys at third parties."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from msgspec import Struct

from mcp_saas.kit.text import spelled

LONG_SECRET = 24  # characters; of a shorter one, four would tell too much
HINT = 4


class Service(StrEnum):
    """What a credential opens."""

    LND = "lnd"
    CLN = "cln"
    LNBITS = "lnbits"
    SPARKSEER = "sparkseer"
    AMBOSS = "amboss"
    OPENAI = "openai"
    TELEGRAM = "telegram"


Server = Literal[Service.LND, Service.CLN, Service.LNBITS]  # the owner's own: it has an address
NODE_SERVICES = (Service.LND, Service.CLN)  # by these the cloud reads the node itself
ThirdParty = Literal[Service.SPARKSEER, Service.AMBOSS, Service.OPENAI, Service.TELEGRAM]


class Unprinted(Struct, frozen=True):
    """Its fields are in no log line, traceback or report, whoever prints it."""

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"


class CredentialOffer(Unprinted, frozen=True, forbid_unknown_fields=True):
    """What opens a service. Address and certificate are for servers of the owner's own: lnd, cln and lnbits. For openai
    an address says that the key may go to the model this service uses, and to no other than that.
    """

    secret: Annotated[str, spelled(r"[!-~]+", "visible ASCII characters without blanks", min_length=1, max_length=4096)]
    url: (
        Annotated[str, spelled(r'[!-"$->@-~]+', "an address without blanks, query and fragment", max_length=512)] | None
    ) = None
    tls_certificate: Annotated[str, spelled(r"[\n\r -~]+", "PEM text", max_length=16_384)] | None = None
    chat_id: (
        Annotated[
            str,
            spelled(r"(?:-?[0-9]{1,20}|@[A-Za-z0-9_]{4,32})", "a chat's number, or @name of a channel", max_length=33),
        ]
        | None
    ) = None  # of telegram: where the bot writes to


class ServerAccess(Unprinted, frozen=True, tag="server"):
    """A server of the owner's own. `tls_certificate`: PEM or its SHA-256; of a node, the only one taken."""

    url: str
    secret: str
    tls_certificate: str | None = None


class KeyAccess(Unprinted, frozen=True, tag="key"):
    """A third party, whose address is known. `chat_id`: where a bot of Telegram writes to. `url`: of openai, where its
    owner lets the key go to instead of OpenAI itself.
    """

    secret: str
    chat_id: str | None = None
    url: str | None = None


Access = ServerAccess | KeyAccess


def hint_at(access: Access) -> str | None:
    """By which its owner tells one secret from another; null for one that is too short to show any of it."""
    return access.secret[-HINT:] if len(access.secret) >= LONG_SECRET else None
