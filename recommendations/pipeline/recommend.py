"""Recommendations for the tenant we are in: survey > advise > keep > cite."""

import datetime as dt
from collections.abc import Callable
from uuid import UUID

import msgspec
import structlog
from django.utils import timezone
from msgspec import Struct
from msgspec.structs import replace

from mcp_saas.kit.gcra import Toll, Verdict
from mcp_saas.kit.version import VERSION
from recommendations.engine.advice import Advice, Language, LeftOut
from recommendations.engine.adviser import Advised, advise
from recommendations.engine.conflict import Conflicts
from recommendations.pipeline.cite import Cited, cite, mark_at_hand
from recommendations.pipeline.keep import keep_standing
from recommendations.pipeline.provided import CACHE, find_suggestions, keep_briefly
from recommendations.pipeline.survey import survey_node
from recommendations.selectors.advice import find_judged, find_last_done
from tenants.sealing.answers import find_or_make_answer, keep_rendering, take_answer
from tenants.sealing.tenant import read_revision

log = structlog.get_logger(__name__)
KIND = "recommendations"
REBALANCES = "rebalances"  # in `degraded`: what the node paid to itself is known in part, and is not counted


class Worked(Struct, frozen=True, kw_only=True):
    """What is kept between two requests: in no language. `judged`: of the advice, what the owner has said something to.
    `as_of`: of the snapshot; None: there is none yet.
    """

    advice: tuple[Advice, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    degraded: tuple[str, ...] = ()
    conflicts: dict[UUID, tuple[UUID, ...]] = {}
    judged: frozenset[UUID] = frozenset()
    as_of: dt.datetime | None = None


_decoder = msgspec.msgpack.Decoder(Worked)


class Recommended(Struct, frozen=True, kw_only=True):
    """The first to do first. `conflicts`: by id, the ids of what cannot be done beside it. `judged`: of the advice,
    what the owner has said something to. `degraded`: what was out of service and done without.
    """

    advice: tuple[Advice, ...]
    left_out: tuple[LeftOut, ...]
    conflicts: Conflicts
    judged: frozenset[UUID]
    degraded: tuple[str, ...]
    cache_hit: bool
    as_of: dt.datetime | None


Tell = Callable[[Recommended], bytes]


def recommend(language: Language, *, use_cache: bool = True) -> Recommended:
    """All advice that stands for the tenant we are in, with passages in that language where there are any.

    1. what was worked out since the last report, run, action or word of the owner is taken from the cache
    2. else: survey the node, ask what Sparkseer suggests, advise (pure), keep what stands now
    3. cite what the library says of the situation each advice speaks of
    """
    worked, is_hit = _find_or_work_out(use_cache=use_cache)
    return _describe(worked, _cite(worked, language), is_hit=is_hit)


def take_told(language: Language, toll: Toll, *, tell: Tell) -> tuple[bytes, Verdict] | None:
    """What `tell` makes of what `recommend` would find fresh, against a toll; None: there is none, or no room
    (`Cache.take`).

    It is kept beside what was worked out, and goes with it: the owner's words are in its name, as all that comes in for
    the box is, and so are the passages. It must say the same at any time, by this release.
    """
    revision = read_revision()
    taken = take_answer(KIND, revision, toll=toll, rendering=_name_told(language, mark_at_hand(language)))
    if taken is None or taken.is_rendering:
        return (taken.cached.value, taken.verdict) if taken else None
    worked = _read_worked(taken.cached.value)
    if worked is None:
        return None
    cited = _cite(worked, language)
    told = tell(_describe(worked, cited, is_hit=True))
    if cited.mark:
        keep_rendering(KIND, revision, taken=taken, rendering=_name_told(language, cited.mark), content=told)
    return told, taken.verdict


def _name_told(language: Language, mark: str) -> str:
    return f"{language} {VERSION} {mark}"


def _cite(worked: Worked, language: Language) -> Cited:
    """Where nothing is advised nobody is asked for passages."""
    return cite(language) if worked.advice else Cited({})


def _describe(worked: Worked, cited: Cited, *, is_hit: bool) -> Recommended:
    return Recommended(
        advice=tuple(replace(one, evidence=one.evidence + cited.find(one)) for one in worked.advice),
        left_out=worked.left_out,
        conflicts=worked.conflicts,
        judged=worked.judged,
        degraded=worked.degraded + cited.degraded,
        cache_hit=is_hit,
        as_of=worked.as_of,
    )


def refresh_advice() -> None:
    """What `recommend` would find is worked out, kept and announced now, unless nothing has come in since it was."""
    _find_or_work_out(use_cache=True)


def work_out(now: dt.datetime) -> Worked:
    done = find_last_done()
    survey = survey_node(now=now, done=done)
    if survey is None:
        return Worked()
    suggested = find_suggestions()
    survey = replace(survey, suggestions=suggested.suggestions)
    unseen = {one for one, (_, at) in done.items() if at >= survey.taken_at}
    advised: Advised = advise(survey, done=unseen)
    keep_standing(advised.advice, now=now)
    return Worked(
        advice=advised.advice,
        left_out=advised.left_out,
        conflicts=dict(advised.conflicts),
        degraded=suggested.degraded + (REBALANCES,) * survey.is_refilling_partial,
        judged=find_judged(one.id for one in advised.advice),
        as_of=survey.taken_at,
    )


def _find_or_work_out(*, use_cache: bool) -> tuple[Worked, bool]:
    """What is kept is named by all that has come in for the box."""
    found = find_or_make_answer(KIND, read_revision(), make=_make, use_cache=use_cache)
    worked = _read_worked(found.value)
    if worked is None:
        return work_out(timezone.now()), False
    return (replace(worked, degraded=(*worked.degraded, CACHE)) if found.is_away else worked), found.is_hit


def _make() -> bytes:
    worked = work_out(timezone.now())
    return keep_briefly(msgspec.msgpack.encode(worked), worked.degraded)


def _read_worked(kept: bytes) -> Worked | None:
    """None: it was kept by another release."""
    try:
        return _decoder.decode(kept)
    except (msgspec.DecodeError, ValueError):
        log.warning("kept_advice_unreadable")
        return None
