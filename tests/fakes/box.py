"""A Dazbox with its node and its cloud, all of them on loopback sockets."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from nodes.agent.command import main
from nodes.agent.config import NodeAddress
from tests.fakes.cloud import CLAIM_CODE, FakeCloud
from tests.fakes.lnd_rest import FakeLnd


@dataclass(frozen=True, kw_only=True)
class Box:
    home: Path
    lnd: FakeLnd
    cloud: FakeCloud

    @property
    def address(self) -> NodeAddress:
        return NodeAddress(url=self.lnd.url, secret=self.lnd.macaroon_path, tls_cert=self.lnd.cert_path)

    def claim(self, code: str = CLAIM_CODE) -> int:
        """The exit status of `claim`."""
        files = ["--macaroon", str(self.lnd.macaroon_path), "--tls-cert", str(self.lnd.cert_path)]
        address = ["--cloud", self.cloud.url, "--claim", code, "--lnd", self.lnd.url]
        return main(["claim", "--home", str(self.home), *address, *files])


@contextmanager
def start_box(folder: Path) -> Iterator[Box]:
    folder.mkdir(parents=True, exist_ok=True)
    with FakeLnd(folder) as lnd, FakeCloud() as cloud:
        yield Box(home=folder / "home", lnd=lnd, cloud=cloud)
