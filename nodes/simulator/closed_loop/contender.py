"""The policies that can be put to the test, by name or as a document."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from nodes.engine.document import FeePolicy
from nodes.simulator.closed_loop.baselines import BASELINES, Multiplied
from nodes.simulator.closed_loop.document_pricer import DocumentPricer
from nodes.simulator.closed_loop.observation import Pricer, leave_as_is

AS_IS, PROPORTIONAL, DAILY, ORACLE, OWN = "as-is", "proportional", "daily", "oracle", "marginal"
CLAIM_BASELINES = (AS_IS, PROPORTIONAL, DAILY)  # who must be beaten before anything is claimed
GRID = (0.25, 0.5, 0.75, 1.0, 1.5, 2.5, 4.0)  # the oracle's factors on all fees of the graph
PROBE_FACTORS = (0.75, 1.5)  # between them elasticity is measured

# Names of engine strategies with their defaults; the strategy's own name where it differs.
STRATEGIES: Mapping[str, Mapping[str, Any]] = {
    PROPORTIONAL: {"strategy": "proportional", "min_fee_rate_ppm": 50, "max_fee_rate_ppm": 1_000},
    DAILY: {"strategy": "daily"},
    "lndg": {"strategy": "flow"},
    "clboss": {"strategy": "clboss"},
    "feelancer": {"strategy": "pid"},
    "lndmanage": {"strategy": "lndmanage"},
    "brln": {"strategy": "brln"},
    OWN: {"strategy": "marginal"},
}
DEFAULT_NAMES = (AS_IS, PROPORTIONAL, "lndg", DAILY)


class ContenderError(ValueError):
    """No such policy, or a document that is none. The message says what there is."""


class Contender(Struct, frozen=True, kw_only=True):
    """One of `document`, `factor` (all fees of the graph times it) and, with neither, a baseline's name."""

    name: str
    document: FeePolicy | None = None
    factor: float | None = None

    def make_pricer(self) -> Pricer:
        """A fresh one, without memory."""
        if self.document is not None:
            return DocumentPricer(self.document)
        if self.factor is not None:
            return Multiplied(self.factor)
        return BASELINES[self.name]() if self.name in BASELINES else leave_as_is


def list_names() -> list[str]:
    return [AS_IS, *BASELINES, *STRATEGIES, ORACLE]


def find_contender(name: str) -> Contender:
    """A name of `list_names`, or the path of a fee policy document in JSON. Raises ContenderError."""
    if name in {AS_IS, ORACLE} or name in BASELINES:
        return Contender(name=name)
    if name in STRATEGIES:
        return Contender(name=name, document=_make_document(name))
    path = Path(name)
    try:
        return Contender(name=path.stem, document=msgspec.json.decode(path.read_bytes(), type=FeePolicy))
    except OSError as error:
        raise ContenderError(f"{name!r} is neither a file nor one of {', '.join(list_names())}") from error
    except msgspec.DecodeError as error:
        raise ContenderError(f"{path} is no fee policy document: {error}") from error


def _make_document(name: str) -> FeePolicy:
    """Each tool by its own measure: the house's smallest change of 5 ppm would hold the small steps of some."""
    rule = {"name": name, "strategy": dict(STRATEGIES[name])}
    try:
        return msgspec.convert({"rules": [rule], "limits": {"node": {"min_change_ppm": 0}}}, FeePolicy)
    except msgspec.ValidationError as error:
        raise ContenderError(f"the engine has no strategy for {name!r}: {error}") from error


def make_probe(factor: float) -> Contender:
    return Contender(name=f"x{factor:g}", factor=factor)
