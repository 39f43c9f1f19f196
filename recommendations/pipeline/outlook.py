"""What forecasts say of our side of the channels of the tenant we are in."""

import datetime as dt

from nodes.selectors.forecast import ExpectedFlow, find_forecasts
from recommendations.engine.outlook import Outlook


def find_outlooks(now: dt.datetime) -> dict[str, Outlook]:
    """By short channel id; empty where no forecast was made in the last days."""
    return {scid: _look_ahead(one) for scid, one in find_forecasts(now).items()}


def _look_ahead(expected: ExpectedFlow) -> Outlook:
    if expected.days_until_depleted is None:
        return Outlook(as_of=expected.as_of, why_none=expected.why_none or "history")
    if expected.side != "local":
        return Outlook(as_of=expected.as_of, why_none="other_side")
    return Outlook(days=expected.days_until_depleted, horizon_days=expected.horizon_days, as_of=expected.as_of)
