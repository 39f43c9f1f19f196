"""How far the engine may go on the node we are in, and which channels that means."""

from nodes.engine.release.settings import ReleaseSettings, Rung
from nodes.engine.release.standing import Standing
from nodes.models.node import OwnNode
from nodes.selectors.node import read_own_node

ACTING = ("canary", "live")


class Release:
    """The owner's settings and where the node stands, of a row of it."""

    def __init__(self, node: OwnNode) -> None:
        self.mode = node.mode
        self.settings = node.release or ReleaseSettings()
        self.standing = node.standing or Standing()

    @property
    def rung(self) -> Rung:
        return Rung(self.mode, self.standing.share_percent)  # type: ignore[arg-type]

    @property
    def is_acting(self) -> bool:
        return self.mode in ACTING


def read_release() -> Release:
    return Release(read_own_node())
