"""What the node thinks a place in the next blocks costs."""

from nodes.engine.cycle import CycleInput

CONF_TARGET = 6  # blocks; charge-lnd's default
LOWEST_TARGET = 2  # LND refuses to estimate for the very next block


def find_onchain_fee(cycle: CycleInput, conf_target: int) -> float | None:
    """The estimate in sat a vbyte for that many blocks, or for the next fewer there is one for; None: there is none."""
    fees = cycle.node.read_onchain_fees()
    targets = [target for target in fees if target <= max(LOWEST_TARGET, conf_target)]
    return fees[max(targets)] if targets else None
