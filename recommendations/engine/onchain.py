"""What opening and closing cost on the chain, by the size of their transactions.

Sizes by BIP-141 (a quarter of the weight) for what LND and Core Lightning make by default. Funding: one P2WPKH input, a
P2WSH output and one of change: 10.5 + 68 + 43 + 31 = 152.5 vbytes. Closing together: the 2-of-2 input and two P2WPKH
outputs: 10.5 + 96.5 + 62 = 169. With more inputs, or anchors to be swept, it is more.
"""

from math import ceil

from recommendations.engine.survey import Survey

FUNDING_VBYTES = 153
CLOSING_VBYTES = 169
SHARED_VBYTES = 110  # of a funding transaction, what a second channel in it does not need again


def price(survey: Survey, vbytes: int) -> int | None:
    """In sat, at the node's own estimate for six blocks; None: it told none."""
    rate = survey.sat_per_vbyte
    return None if rate is None else ceil(rate * vbytes)
