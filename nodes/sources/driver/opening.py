"""What the opening of our channels cost: asked for once, for it never changes."""

from collections.abc import Mapping

from nodes.sources.driver.driver import Driver, NodeReading

Fees = Mapping[str, int | None]  # in sat, by channel point; None: asked for in vain


def add_opening_fees(
    driver: Driver, reading: NodeReading, *, known: Fees, asks_again: bool
) -> tuple[NodeReading, dict[str, int | None]]:
    """The reading with the fees of channels we opened, and all that is to be remembered of them.

    The node is asked when it has a channel that was never asked about; with `asks_again` also for those asked about
    in vain. So a node without news is asked nothing. Raises nothing of its own: what is not told stays null.
    """
    ours = {point: scid for point, scid in map(name_channel, reading["channels"]) if point}
    fees = {point: known[point] for point in ours if point in known}
    unknown = {point: scid for point, scid in ours.items() if fees.get(point) is None}
    if any(point not in fees for point in unknown) or (unknown and asks_again):
        fees |= dict.fromkeys(unknown) | driver.read_opening_fees(unknown)
    channels = [{**row, "opening_fee_sat": fees.get(name_channel(row)[0])} for row in reading["channels"]]
    return {"node": reading["node"], "channels": channels}, fees


def name_channel(row: Mapping[str, object]) -> tuple[str, str]:
    """Channel point and short_channel_id of a channel we opened; an empty point for any other."""
    point = row["channel_point"] if row["initiator"] else None
    return (str(point) if point else "", str(row["short_channel_id"]))
