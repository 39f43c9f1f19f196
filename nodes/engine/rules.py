"""Which rule prices a channel, with which values: the document from top to bottom, as charge-lnd reads its sections.

A rule that matches puts its values over those collected so far. With a strategy it is final; without, the evaluation
goes on. Channels that matched the same rules share a `Site`, so strategies are prepared once for all of them.
"""

from collections.abc import Callable, Sequence
from functools import reduce

from msgspec import Struct
from msgspec.structs import replace

from nodes.engine.cycle import ChannelInput, CycleInput
from nodes.engine.document import Rule, Strategy, UseConfigStrategy, Values
from nodes.engine.matching import ChannelView, Test, compile_match
from nodes.engine.policies.values import read_least_change
from nodes.engine.strategies import IgnoreStrategy, OnchainFeeStrategy, ProportionalStrategy

VALUE_FIELDS = Values.__struct_fields__
STRATEGIES_WITH_LEAST = (ProportionalStrategy, OnchainFeeStrategy)  # their least change is 10 ppm where none is given


class Site(Struct, frozen=True, kw_only=True):
    """Where the evaluation ended: the final rule's name and strategy, and all values collected on the way."""

    section: str
    strategy: Strategy
    values: Values


Choose = Callable[[ChannelInput], Site | None]
Resolve = Callable[[Site, ChannelInput], Site]


def compile_rules(rules: Sequence[Rule], cycle: CycleInput) -> Choose:
    """A function that finds the site of a channel; None where no rule is final."""
    chain = [(rule, tests) for rule in rules if (tests := compile_match(rule.match, cycle)) is not None]
    resolve = _resolve_nested(cycle)
    if chain and not chain[0][1] and chain[0][0].strategy is not None:
        site = make_site([chain[0][0]])
        if ends_unmatched(site):
            return lambda _: None
        return (lambda given: resolve(site, given)) if is_nested(site) else (lambda _: site)
    return _walk_chain(chain, cycle.node.block_height, resolve=resolve)


def _walk_chain(chain: list[tuple[Rule, list[Test]]], block_height: int, *, resolve: Resolve) -> Choose:
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
                    if ends_unmatched(site):
                        return None
                    return resolve(site, given) if is_nested(site) else site
        return None

    return choose


def make_site(path: Sequence[Rule]) -> Site:
    """The rules a channel matched, the last of them final. Raises ValueError when that has no strategy."""
    final = path[-1]
    if final.strategy is None:
        raise ValueError(f"rule {final.name!r} has no strategy: it is not final")
    return Site(section=final.name, strategy=final.strategy, values=reduce(lay_over, (rule.values for rule in path)))


def lay_over(lower: Values, upper: Values) -> Values:
    """Later values over earlier ones, field by field."""
    given = {name: value for name in VALUE_FIELDS if (value := getattr(upper, name)) is not None}
    return replace(lower, **given) if given else lower


def ends_unmatched(site: Site) -> bool:
    return isinstance(site.strategy, IgnoreStrategy) and site.strategy.unmatched


def is_nested(site: Site) -> bool:
    return isinstance(site.strategy, UseConfigStrategy)


def _resolve_nested(cycle: CycleInput) -> Resolve:
    """From the site of a `use_config` rule to the one its own rules lead to; one object for equal ones.

    As in charge-lnd the nested rules start with no values. Of those collected outside only the least changes are left,
    where the nested ones say none. No nested rule final: fees stay, the outer limits of payments are set.
    """
    chooses: dict[int, Choose] = {}
    known: dict[tuple[int, int], Site] = {}

    def resolve(outer: Site, given: ChannelInput) -> Site:
        config = outer.strategy
        assert isinstance(config, UseConfigStrategy)  # noqa: S101 - who calls has asked `is_nested`
        choose = chooses.get(id(outer))
        if choose is None:
            choose = chooses[id(outer)] = compile_rules(config.rules, cycle)
        inner = choose(given)
        key = (id(outer), id(inner))
        if key not in known:
            known[key] = _join_nested(outer, inner, name=config.name)
        return known[key]

    return resolve


def _join_nested(outer: Site, inner: Site | None, *, name: str) -> Site:
    if inner is None:
        return replace(outer, strategy=UseConfigStrategy(name=name, rules=[]))
    least = {
        field: value
        for field in ("min_change_ppm", "min_inbound_change_ppm")
        if (value := getattr(outer.values, field)) is not None
    }
    has_own_least = read_least_change(inner.values) is not None or isinstance(inner.strategy, STRATEGIES_WITH_LEAST)
    if has_own_least:
        least.pop("min_change_ppm", None)
    values = replace(inner.values, **({"min_inbound_change_ppm": None} | least))
    return replace(inner, section=f"{inner.section} (from {name})", values=values)
