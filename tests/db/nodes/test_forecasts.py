"""Forecasts of a box: out of its own forwards, once a day, sealed, and of nobody else."""

import datetime as dt
import io

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from nodes.models.forecast import Forecast
from nodes.models.node import OwnNode
from nodes.pipeline.forecast import is_forecast_due, keep_forecast, make_forecast
from nodes.pipeline.ingest import accept_forwards
from nodes.selectors.forecast import find_forecasts
from nodes.tasks import forecast_flows, queue_forecast
from tenants.context import enter_tenant
from tenants.models.job import Job
from tests.factories import Box, make_forward

DAY = dt.timedelta(days=1)


def fill_past(box: Box, *, days: int) -> None:
    """A forward each day, behind its door."""
    node = OwnNode.objects.get()
    assert node.last_taken_at is not None
    began_at = node.last_taken_at - days * DAY
    forwards = [
        make_forward(1000 + number, settled_at=began_at + number * DAY + dt.timedelta(hours=3))
        for number in range(days)
    ]
    accept_forwards(forwards, "filled")
    OwnNode.objects.update(history_since=began_at)


def test_a_box_with_a_past_is_forecast_and_its_row_is_sealed(alice: Box) -> None:
    with enter_tenant(alice.tenant):
        fill_past(alice, days=40)
        made = keep_forecast(timezone.now())
        assert made is not None
        assert made.days >= 38
        found = find_forecasts(timezone.now())
        assert {"800000x1x0", "800000x2x0"} <= set(found)
        flowing = [one for one in found.values() if one.flow_sat_per_day and one.flow_sat_per_day.mean]
        assert flowing
        assert all(one.method == "naive" for one in flowing)
        stored = Forecast.objects.raw("SELECT id, made_at, content FROM nodes_forecast")[0]
        assert stored.content == made


def test_a_box_with_little_past_has_no_data_and_is_told_why(alice: Box) -> None:
    with enter_tenant(alice.tenant):
        keep_forecast(timezone.now())
        found = find_forecasts(timezone.now())
    assert found
    assert {one.flow_sat_per_day for one in found.values()} == {None}
    assert {one.why_none for one in found.values()} == {"history"}


def test_a_box_that_never_reported_has_none(charlie: Box) -> None:
    with enter_tenant(charlie.tenant):
        assert not is_forecast_due(timezone.now())
        assert keep_forecast(timezone.now()) is None
        assert find_forecasts(timezone.now()) == {}


def test_days_after_the_last_report_are_not_taken_for_quiet_ones(alice: Box) -> None:
    with enter_tenant(alice.tenant):
        fill_past(alice, days=40)
        now, later = make_forecast(timezone.now()), make_forecast(timezone.now() + 30 * DAY)
    assert now is not None
    assert later is not None
    assert now.days == later.days


def test_it_is_made_once_a_day(alice: Box) -> None:
    with enter_tenant(alice.tenant):
        now = timezone.now()
        assert is_forecast_due(now)
        keep_forecast(now)
        assert not is_forecast_due(now)
        assert is_forecast_due(now + DAY)
        keep_forecast(now + DAY)
        assert Forecast.objects.count() == 1


def test_one_job_waits_for_it_however_many_cycles_run(alice: Box) -> None:
    jobs = Job.objects.filter(dazbox=alice.dazbox, task=forecast_flows.name)
    with enter_tenant(alice.tenant):
        queue_forecast()
        queue_forecast()
    assert jobs.count() == 1
    with enter_tenant(alice.tenant):
        forecast_flows.run()
        queue_forecast()
        assert Forecast.objects.exists()
    assert jobs.count() == 1  # the one from before


def test_an_old_forecast_is_not_told(alice: Box) -> None:
    with enter_tenant(alice.tenant):
        keep_forecast(timezone.now())
        assert find_forecasts(timezone.now() + 4 * DAY) == {}


def test_each_box_has_its_own(alice: Box, bob: Box) -> None:
    with enter_tenant(bob.tenant):
        keep_forecast(timezone.now())
    with enter_tenant(alice.tenant):
        assert find_forecasts(timezone.now()) == {}


def test_the_command_shows_skill_and_forecasts_in_80_columns(alice: Box) -> None:
    with enter_tenant(alice.tenant):
        fill_past(alice, days=60)
    out = io.StringIO()
    call_command("forecast", pubkey=alice.tenant.pubkey, stdout=out)
    lines = out.getvalue().splitlines()
    assert max(map(len, lines)) <= 80
    assert [line.split()[0] for line in lines if " days " in line and "naive" in line] == ["1", "7", "14", "30"]
    assert any(line.startswith("800000x1x0") for line in lines)


def test_the_command_shows_how_often_its_intervals_held(alice: Box) -> None:
    with enter_tenant(alice.tenant):
        fill_past(alice, days=60)
        made = make_forecast(timezone.now())
    assert made is not None
    out = io.StringIO()
    call_command("forecast", pubkey=alice.tenant.pubkey, stdout=out)
    lines = [line for line in out.getvalue().splitlines() if " days " in line and "naive" in line]
    told = [f"{skill.intervals} " + ("no data" if skill.held is None else f"{skill.held:.0%}") for skill in made.skills]
    assert [" ".join(line.partition("naive")[2].split()) for line in lines] == told
    assert any(skill.held is not None for skill in made.skills)


def test_the_command_says_that_a_box_has_not_reported(charlie: Box) -> None:
    with pytest.raises(CommandError, match="has not reported yet"):
        call_command("forecast", pubkey=charlie.tenant.pubkey)
