"""What LNbits tells of a wallet. Amounts are in msat wherever they are read."""

from msgspec import Struct, field

from nodes.sources.provider.amount import Msat, Plain


class Wallet(Struct, frozen=True, kw_only=True):
    name: Plain | None = None
    balance_msat: Msat = field(name="balance")
