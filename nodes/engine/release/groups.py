"""Which channels are priced for real, which are never touched, which wait: dealt by a seeded digest, and kept.

Source of the design: a randomised hold-out is what a change of price is compared with; a peer sees our channels with it
as one price, so peers are dealt, not channels. Ranks of a digest instead of a threshold: on a node of twenty channels
one in ten is then two, and not any number from none to five.
"""

from collections.abc import Iterator, Sequence

from msgspec import Struct

from nodes.engine.release.settings import WHOLE, Groups

FEWEST_CHANNELS = 10  # below it nothing is held out: one channel against another shows nothing


class PeerChannels(Struct, frozen=True):
    """A peer, how many channels we have with it, and its place: a digest keyed by the box and seeded by its owner."""

    pubkey: str
    channels: int
    place: bytes


def deal_groups(peers: Sequence[PeerChannels], *, known: Groups, share_percent: int, hold_out_percent: int) -> Groups:
    """Who is in the canary and who is held out. The same peers, memory and settings give the same groups.

    Who was in stays in, in both groups, until the group itself is to be smaller: then those go that came last. The
    hold-out is filled from the far end of the order, so it does not depend on the share.
    """
    order = sorted(peers, key=lambda peer: (peer.place, peer.pubkey))
    total = sum(peer.channels for peer in order)
    hold_out = _Deal(
        known=known.hold_out,
        barred=known.canary,
        quota=_count_held(total, hold_out_percent),
        is_cut=hold_out_percent < known.hold_out_percent,
    ).fill(order[::-1])
    held = sum(peer.channels for peer in order if peer.pubkey in set(hold_out))
    canary = _Deal(
        known=known.canary,
        barred=hold_out,
        quota=-(-(total - held) * share_percent // WHOLE),
        is_cut=share_percent < known.share_percent,
    ).fill(order)
    return Groups(canary=canary, hold_out=hold_out, share_percent=share_percent, hold_out_percent=hold_out_percent)


def _count_held(total: int, hold_out_percent: int) -> int:
    if total < FEWEST_CHANNELS or not hold_out_percent:
        return 0
    return max(1, round(total * hold_out_percent / WHOLE))


class _Deal(Struct, frozen=True, kw_only=True):
    """One group to be filled up to a number of channels."""

    known: list[str]
    barred: list[str]
    quota: int
    is_cut: bool

    def fill(self, order: Sequence[PeerChannels]) -> list[str]:
        """Members first, in the order they came; then others who fit in. An empty group takes its first whatever its
        size where none fits.
        """
        by_pubkey = {peer.pubkey: peer for peer in order}
        members = [by_pubkey[pubkey] for pubkey in self.known if pubkey in by_pubkey]
        kept = self._cut(members) if self.is_cut else members
        room = self.quota - sum(peer.channels for peer in kept)
        strangers = [peer for peer in order if peer.pubkey not in {*self.known, *self.barred}]
        if not kept and room > 0 and strangers and all(peer.channels > room for peer in strangers):
            return [min(strangers, key=lambda peer: peer.channels).pubkey]
        return [peer.pubkey for peer in [*kept, *self._choose(strangers, room)]]

    def _cut(self, members: list[PeerChannels]) -> list[PeerChannels]:
        kept: list[PeerChannels] = []
        for peer in members:
            if sum(one.channels for one in kept) < self.quota:
                kept.append(peer)
        return kept

    @staticmethod
    def _choose(strangers: list[PeerChannels], room: int) -> Iterator[PeerChannels]:
        for peer in strangers:
            if peer.channels <= room:
                room -= peer.channels
                yield peer
