"""Which rule prices a channel, with which values: the document from top to bottom, as charge-lnd reads its sections.

A rule that matches puts its values over those collected so far. With a strategy it is final; without, the evaluation
goes on. Channels that matched the same rules share a `Site`, so strategies are prepared once for all of them.
"""

from collections.abc import Callable, Sequence

from msgspec import Struct

from nodes.engine.cycle import ChannelInput, CycleInput
from nodes.engine.document import Rule, Strategy, Values
from nodes.engine.matching import ChannelView, Test, compile_match

VALUE_FIELDS = Values.__struct_fields__


class Site(Struct, frozen=True, kw_only=True):
    """Where the evaluation ended: the final rule's name and strategy, and all values collected on the way."""

    section: str
    strategy: Strategy
    values: Values


Choose = Callable[[ChannelInput], Site | None]


def compile_rules(rules: Sequence[Rule], cycle: CycleInput) -> Choose:
    """A function that finds the site of a channel; None where no rule is final."""
    chain = [(rule, tests) for rule in rules if (tests := compile_match(rule.match, cycle)) is not None]
    if chain and not chain[0][1] and chain[0][0].strategy is not None:
        site = make_site([chain[0][0]])
        return lambda _: site
    return _walk_chain(chain, cycle.node.block_height)


def _walk_chain(chain: list[tuple[Rule, list[Test]]], block_height: int) -> Choose:
    steps = [(number, tests, rule.strategy is not None) for number, (rule, tests) in enumerate(chain)]
    sites: dict[tuple[int, ...], Site] = {}

    def choose(given: ChannelInput) -> Site | None:
        view, path = ChannelView(given, block_height), []
        for number, tests, is_final in steps:
            for test in tests:
                if not test(view):
                    break
            else:
                path.append(number)
                if is_final:
                    key = tuple(path)
                    site = sites.get(key)
                    if site is None:
                        site = sites[key] = make_site([chain[number][0] for number in path])
                    return site
        return None

    return choose


def make_site(path: Sequence[Rule]) -> Site:
    """The rules a channel matched, the last of them final. Later values lie over earlier ones."""
    final = path[-1]
    if final.strategy is None:
        raise ValueError(f"rule {final.name!r} has no strategy: it is not final")
    collected = {
        name: value
        for rule in path
        for name in VALUE_FIELDS
        if (value := getattr(rule.values, name)) is not None
    }  # fmt: skip
    return Site(section=final.name, strategy=final.strategy, values=Values(**collected))
