"""The ladder of a release: shadow, the steps of the canary, live."""

from nodes.engine.release.settings import WHOLE, ReleaseSettings, Rung

SHADOW = Rung("shadow")
LIVE = Rung("live", WHOLE)


def list_rungs(settings: ReleaseSettings) -> list[Rung]:
    """From shadow to live. A last step of 100 % is live."""
    return [SHADOW, *(Rung("canary", share) for share in settings.steps if share < WHOLE), LIVE]


def find_next_rung(present: Rung, settings: ReleaseSettings) -> Rung | None:
    """One step further; None on the last. A share between two steps goes on to the larger."""
    return next((rung for rung in list_rungs(settings) if _height(rung) > _height(present)), None)


def find_previous_rung(present: Rung, settings: ReleaseSettings) -> Rung | None:
    """One step back; None from shadow."""
    return next((rung for rung in reversed(list_rungs(settings)) if _height(rung) < _height(present)), None)


def _height(rung: Rung) -> tuple[int, bool]:
    return rung.share_percent, rung.mode == "live"
