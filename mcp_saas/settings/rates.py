"""How often one caller may ask: (requests, seconds) by class of route. A view names its class (`rate_class`).

Signed-in callers are counted by tenant (or, without one, by subject), all others by network address.
"""

RATE_CLASSES = {
    "default": (600, 60),
    "report": (600, 60),  # a box reports twice a minute; after weeks off the net it catches up at full speed
    "provisioning": (120, 60),
    "auth": (300, 60),  # many boxes may stand behind one address
    "ask": (60, 60),
    "sign_in": (30, 60),  # secrets and passwords
}


def scale_rates(scale: float) -> dict[str, tuple[int, int]]:
    """The table with every number of requests multiplied."""
    return {name: (max(1, round(quota * scale)), window_s) for name, (quota, window_s) in RATE_CLASSES.items()}
