"""The way to the node of the tenant we are in: the owner's credential, and nowhere inside our own network."""

import ssl
from functools import partial

import httpcore
import httpx
from django.conf import settings

from mcp_saas.kit.deadline import DeadlineBackend
from mcp_saas.kit.http import Guard, GuardedBackend, GuardedTransport, resolve_name
from nodes.engine.credential import Service
from nodes.selectors.credential import read_credential
from nodes.sources.driver.config import DriverConfig
from nodes.sources.driver.driver import Driver
from nodes.sources.driver.retry import Patience
from nodes.sources.node import open_driver
from tenants.context import current_tenant

# A worker waits less long than a box: others wait for it.
TIMEOUT = httpx.Timeout(10, connect=5)
PATIENCE = Patience(budget_s=15)
WITHIN_S = 20.0  # all that one driver does: who is slow, or sends byte after byte, shall not keep a worker


def open_own_node(*, within_s: float = WITHIN_S) -> Driver | None:
    """A driver of the node, for its owner's credential; None where the owner has set none. Its time is over after
    `within_s`: from then on all it is asked for fails as no answer in time does.

    Raises NodeError for a secret or certificate that is none, SealError. What the driver sends may raise
    UnsafeTargetError: the address leads where nobody may send us.
    """
    if access := read_credential(Service.LND):
        implementation = Service.LND
    elif access := read_credential(Service.CLN):
        implementation = Service.CLN
    else:
        return None
    config = DriverConfig(
        implementation="lnd" if implementation == Service.LND else "cln",
        url=access.url,
        place="the address set for it",  # which is shown as little as the secret
        secret=access.secret,
        certificate=access.tls_certificate,
        certificate_hint="set the credential again with the node's present certificate",
        pubkey=current_tenant().pubkey,
        user_agent="dazbox-cloud",
        timeout=TIMEOUT,
        patience=PATIENCE,
        connect=partial(guard_connections, within_s=within_s),
    )
    return open_driver(config)


def guard_connections(context: ssl.SSLContext, *, within_s: float) -> httpx.BaseTransport:
    """To public hosts on the usual ports, and to those an operator trusts by TRUSTED_NODES."""
    guard = trust_nodes()
    network = DeadlineBackend(httpcore.SyncBackend(), within_s)
    return GuardedTransport(GuardedBackend(guard, resolve_name, network), guard, context)


def trust_nodes() -> Guard:
    return Guard(trusted=frozenset(settings.ENV.trusted_nodes))
