"""What a node or a proxy sends back of our secret is shown to nobody."""

import base64
from pathlib import Path

import pytest

from nodes.sources.driver.config import DriverConfig
from nodes.sources.driver.errors import NodeError
from nodes.sources.driver.retry import Patience
from nodes.sources.driver.secret import HIDDEN, Mask
from nodes.sources.node import open_driver
from tests.fakes.cln_rest import RUNE, FakeCln
from tests.fakes.json_server import Reply
from tests.fakes.lnd_rest import MACAROON, FakeLnd, describe_error

SPELLINGS = [
    MACAROON.hex(),
    MACAROON.hex().upper(),
    base64.b64encode(MACAROON).decode(),
    base64.urlsafe_b64encode(MACAROON).decode().rstrip("="),
    MACAROON.hex()[5:31],  # cut
]


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_every_spelling_of_a_macaroon_is_hidden_also_where_it_is_cut(tmp_path: Path, spelling: str) -> None:
    with FakeLnd(tmp_path) as lnd:
        lnd.failure = Reply(status=500, body=describe_error(2, f"bad Grpc-Metadata-macaroon:{spelling}, sorry"))
        config = DriverConfig(
            implementation="lnd", url=lnd.url, secret=MACAROON.hex(), certificate=lnd.cert_path.read_text(),
            patience=Patience(attempts=1),
        )  # fmt: skip
        with open_driver(config) as driver, pytest.raises(NodeError) as caught:
            driver.identify()
    assert f"{HIDDEN}, sorry" in str(caught.value)
    assert spelling[:16].lower() not in str(caught.value).lower()


def test_a_rune_that_is_sent_back_is_hidden(tmp_path: Path) -> None:
    with FakeCln(tmp_path) as cln:
        cln.failure = Reply(status=401, body={"code": 1501, "message": f"Rune {RUNE} is not yours"})
        config = DriverConfig(
            implementation="cln", url=cln.url, secret=RUNE, certificate=cln.cert_path.read_text(),
            patience=Patience(attempts=1),
        )  # fmt: skip
        with open_driver(config) as driver, pytest.raises(NodeError) as caught:
            driver.identify()
    assert f"Rune {HIDDEN} is not yours" in str(caught.value)


def test_other_words_stay_as_they_are() -> None:
    words = "UPDATE_FAILURE_INVALID_PARAMETER for 02" + "ab" * 32
    assert Mask(MACAROON.hex()).hide(words) == words
