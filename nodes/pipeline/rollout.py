"""The one place that says what a mode hands over to the box."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from nodes.engine.release.groups import PeerChannels, deal_groups
from nodes.engine.release.settings import GroupName
from nodes.engine.report import ChannelState
from nodes.models.action import ActionState
from nodes.models.node import Mode, OwnNode
from nodes.selectors.release import Release
from tenants.sealing.tenant import current_keys


@dataclass(frozen=True, slots=True)
class Rollout:
    """Whose changes are handed over in one run, by peer: all channels with it are in its group."""

    mode: str
    groups: Mapping[str, GroupName]

    def name_group(self, peer_pubkey: str) -> GroupName:
        return self.groups.get(peer_pubkey, "rest")

    def choose_state(self, peer_pubkey: str) -> ActionState:
        """Approved is handed over. Planned is recorded: in shadow, of a channel that waits its turn or is held out.

        Kill switches have the last word (`act`).
        """
        group = self.name_group(peer_pubkey)
        is_handed = group == "canary" if self.mode == Mode.CANARY else self.mode == Mode.LIVE and group != "hold_out"
        return ActionState.APPROVED if is_handed else ActionState.PLANNED


def open_rollout(node: OwnNode, channels: Sequence[ChannelState]) -> Rollout:
    """For the channels of a run, in its transaction; the node is locked.

    Outside canary and live nobody is in a group; who was in one is remembered for when it goes on.
    """
    release = Release(node)
    if not release.is_acting:
        return Rollout(node.mode, {})
    groups = deal_groups(
        _count_peers(channels, seed=release.settings.seed),
        known=release.standing.groups,
        share_percent=release.standing.share_percent,
        hold_out_percent=release.settings.hold_out_percent,
    )
    if groups != release.standing.groups:
        node.standing = replace(release.standing, groups=groups)
        node.save(update_fields=["standing"])
    return Rollout(node.mode, groups.map_peers())


def _count_peers(channels: Sequence[ChannelState], *, seed: int) -> list[PeerChannels]:
    """Private channels earn nothing that could be compared."""
    counts = Counter(channel.peer_pubkey for channel in channels if not channel.private)
    keys = current_keys()
    return [
        PeerChannels(peer, count, keys.digest("rollout", f"{seed} {peer}".encode())) for peer, count in counts.items()
    ]
