"""Numbers as providers give them, bounded: what lies beyond is of no use."""

from typing import Annotated

from msgspec import Meta

MAX_SAT = 2_100_000_000_000_000
Sat = Annotated[int, Meta(ge=0, le=MAX_SAT)]
Msat = Annotated[int, Meta(ge=0, le=MAX_SAT * 1000)]
SatMean = Annotated[float, Meta(ge=0, le=MAX_SAT)]
MsatMean = Annotated[float, Meta(ge=0, le=2**32)]
Ppm = Annotated[int, Meta(ge=0, le=2**32 - 1)]  # strangers may announce any u32
PpmMean = Annotated[float, Meta(ge=0, le=2**32)]
Rank = Annotated[int, Meta(ge=0, le=1_000_000)]
RankGain = Annotated[int, Meta(ge=-1_000_000, le=1_000_000)]
Count = Annotated[int, Meta(ge=0, le=1_000_000)]
Percentile = Annotated[float, Meta(ge=0, le=100)]
UnixTime = Annotated[int, Meta(ge=0, le=2**32 - 1)]
Plain = Annotated[str, Meta(max_length=256)]
