"""What to do first: recommend > prioritise (pure) > tell > explain (a model, where there is one)."""

from msgspec import Struct

from recommendations.engine.advice import Advice, Language, LeftOut, Level, Told
from recommendations.engine.performance import Performance
from recommendations.engine.priority import Prioritised, Wish, prioritise
from recommendations.engine.words.priority import tell_action
from recommendations.pipeline.compat import read_performance
from recommendations.pipeline.model import LLM, Explained, explain
from recommendations.pipeline.recommend import recommend

METRIC_DAYS = 30


class Priorities(Struct, frozen=True, kw_only=True):
    """`actions`: the chosen ones in the order to do them. `uncounted`: advice that was not even given, by kind."""

    actions: tuple[tuple[Advice, Told], ...]
    uncounted: tuple[LeftOut, ...]
    chosen: Prioritised
    explained: Explained
    performance: Performance
    degraded: tuple[str, ...]


def find_priorities(wish: Wish, language: Language, *, level: Level) -> Priorities:
    """For the tenant we are in.

    1. all advice that stands
    2. what fits goals, number and budget, and why the rest does not
    3. in words for the level
    4. a model may put it in another order and say why
    """
    found = recommend(language)
    chosen: Prioritised = prioritise(found.advice, wish)
    told = {one.id: tell_action(one, language, level=level) for one in chosen.actions}
    performance = read_performance(METRIC_DAYS)
    explained = explain(chosen.actions, told, language=language)
    return Priorities(
        actions=tuple((one, told[one.id]) for one in explained.order),
        uncounted=found.left_out,
        chosen=chosen,
        explained=explained,
        performance=performance,
        degraded=(*found.degraded, *((LLM,) if explained.is_degraded else ())),
    )
