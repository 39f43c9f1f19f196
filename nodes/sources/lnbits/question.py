"""What a wallet of LNbits can be asked with its invoice key, which reads and cannot spend."""

from nodes.sources.lnbits.value import Wallet
from nodes.sources.provider.protocol import Question, Request


def ask_wallet() -> Question[Wallet]:
    return Question(
        provider="lnbits",
        name="wallet",
        shape=Wallet,
        request=Request("GET", "/api/v1/wallet"),
        read=lambda body, reading: reading.read_struct(body, Wallet, place=""),
    )
