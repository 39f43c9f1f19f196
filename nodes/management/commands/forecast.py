"""`manage.py forecast --pubkey ...`: how good forecasts of a node's flow are, and what they say."""

from argparse import ArgumentParser
from typing import Any

import msgspec
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from mcp_saas.kit.terminal import INDENT, RULE, lay_row, lay_text
from nodes.engine.forecast import ChannelForecast, NodeForecast, Skill
from nodes.engine.language.forecast import tell_why
from nodes.management.box import find_box
from nodes.pipeline.forecast import make_forecast
from tenants.context import enter_tenant

SKILLS = ("Horizon", "   Skill", "Compared", "      Used", "Intervals", "    Held")
CHANNELS = ("Channel", "   sat a day, next 7 days", "      empty in days", "  side")


class Command(BaseCommand):
    help = "Judges forecasts at moments of a node's own past, and shows today's. Stores nothing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--pubkey", required=True, help="the node's public key, or the id of its box")
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        with enter_tenant(find_box(options["pubkey"])):
            made = make_forecast(timezone.now())
        if made is None:
            raise CommandError("no data: the box has not reported yet")
        self.stdout.write(msgspec.json.encode(made).decode() if options["json"] else describe_forecast(made))


def describe_forecast(made: NodeForecast) -> str:
    """For people, in 80 columns. What is not known reads "no data"."""
    words = (
        f"{made.days} whole days of forwards. Skill is 1 - mean absolute error / that of the mean of the last 30 days, "
        "at moments of the past, each with earlier days only. Where it is not above 0 that mean is used. Held is "
        "the share of the intervals of the method used, at such moments, that held what came: made for 80 %."
    )
    return "\n".join((
        *lay_text(words),
        lay_row(SKILLS, SKILLS),
        RULE,
        *(lay_row(_lay_skill(skill), SKILLS) for skill in made.skills),
        RULE,
        lay_row(CHANNELS, CHANNELS),
        *(line for channel in made.channels for line in _lay_channel(channel)),
    ))


def _lay_skill(skill: Skill) -> tuple[str, ...]:
    score = "no data" if skill.skill is None else f"{skill.skill:+.3f}"
    held = "no data" if skill.held is None else f"{skill.held:.0%}"
    return f"{skill.horizon_days} days", score, str(skill.forecasts), skill.method, str(skill.intervals), held


def _lay_channel(channel: ChannelForecast) -> list[str]:
    flow = next(flow for flow in channel.flows if flow.horizon_days == 7)
    told = flow.sat_per_day
    shown = f"{told.mean:.0f} ({told.low:.0f} to {told.high:.0f})" if told and told.high is not None else "no data"
    depletion = channel.depletion
    if depletion is None:
        row = (channel.short_channel_id, shown, "-", "-")
        return [lay_row(row, CHANNELS), *lay_text(tell_why(channel.why_none, "en") or "", INDENT)]
    days = depletion.days
    high = "never" if days.high is None else f"{days.high:.1f}"
    empty = f"{days.mean:.1f} ({days.low:.1f} to {high})"
    return [lay_row((channel.short_channel_id, shown, empty, depletion.side), CHANNELS)]
