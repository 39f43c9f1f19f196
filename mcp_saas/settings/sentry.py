"""Error reports without the secrets of a Lightning node in them."""

import sentry_sdk
from sentry_sdk.scrubber import DEFAULT_DENYLIST, EventScrubber

LIGHTNING_DENYLIST = [
    "macaroon",
    "preimage",
    "pubkey",
    "payment_request",
    "signature",
    "assertion",
    "claim_code",
    "refresh",
]


def start_sentry(dsn: str, *, profile: str) -> None:
    sentry_sdk.init(
        dsn=dsn,
        environment=profile,
        send_default_pii=False,
        max_request_body_size="never",
        include_local_variables=False,
        event_scrubber=EventScrubber(denylist=[*DEFAULT_DENYLIST, *LIGHTNING_DENYLIST], recursive=True),
    )
