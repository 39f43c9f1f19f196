"""When our side of a channel will be empty, as its forecast has it, or why nobody can say."""

import datetime as dt
from typing import Literal

from msgspec import Struct

from nodes.engine.forecast import Interval, Why

WhyUnsaid = Why | Literal["no_forecast", "other_side"]


class Outlook(Struct, frozen=True, kw_only=True):
    """`days` from `as_of` on, worked out from the flow expected over `horizon_days`. None: `why_none` says why."""

    days: Interval | None = None
    horizon_days: int | None = None
    as_of: dt.datetime | None = None
    why_none: WhyUnsaid | None = None


UNSAID = Outlook(why_none="no_forecast")
