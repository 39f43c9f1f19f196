"""A channel's whole policy, as it is written to a node and read back from it."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Self

from nodes.sources.driver.errors import Fault, NodeError

MAX_OWN_PPM = 1_000_000  # of our own fee rates: a fee of 100 %
MAX_U16 = 2**16 - 1
MAX_U32 = 2**32 - 1
MAX_MSAT = 2_100_000_000_000_000_000  # 21 million bitcoin


@dataclass(frozen=True, kw_only=True)
class Policy:
    """All that one side of a channel announces, the moment of the announcement aside."""

    base_fee_msat: int
    fee_rate_ppm: int
    inbound_base_fee_msat: int = 0
    inbound_fee_rate_ppm: int = 0
    time_lock_delta: int
    min_htlc_msat: int
    max_htlc_msat: int
    disabled: bool = False

    @classmethod
    def from_fields(cls, values: Mapping[str, object]) -> Self:
        """From a policy in the words of the cloud; `last_update` and unknown fields are left aside.

        Raises NodeError when a field is missing or no number.
        """
        given = {field.name: values.get(field.name, field.default) for field in fields(cls)}
        for name, value in given.items():
            expected = bool if name == "disabled" else int
            if type(value) is not expected:
                raise NodeError(f"the policy to write has no usable `{name}`", fault=Fault.SETTING)
        return cls(**given)  # type: ignore[arg-type]

    def to_fields(self) -> dict[str, object]:
        return {field.name: getattr(self, field.name) for field in fields(self)}


def exceeds_contract(terms: Mapping[str, int], max_rate_ppm: int) -> bool:
    """BOLT 7 has u32 for base fee and rate and i32 for inbound fees (bLIP-18), which LND's own fields hold to, and no
    smallest payment above the largest.
    """
    return (
        terms["base_fee_msat"] > MAX_U32
        or terms["fee_rate_ppm"] > max_rate_ppm
        or abs(terms["inbound_fee_rate_ppm"]) > max_rate_ppm
        or terms["time_lock_delta"] > MAX_U16
        or not terms["min_htlc_msat"] <= terms["max_htlc_msat"] <= MAX_MSAT
    )
