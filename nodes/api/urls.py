"""Addresses below /api/v1/node/{pubkey}."""

from django.urls import path

from nodes.api.actions import ActionsView, ApproveView, RejectView, ResultView
from nodes.api.advice import (
    ChannelDetailView,
    ChannelsView,
    DecisionsView,
    JournalView,
    LatestRunView,
)
from nodes.api.backtest import FeePolicyBacktestView
from nodes.api.control import FeePolicyView
from nodes.api.credentials import CredentialDetailView, CredentialsView
from nodes.api.fee_policy import FeePolicyImportView, FeePolicyPreviewView, FeePolicySchemaView
from nodes.api.forecasts import ForecastsView
from nodes.api.kill_switch import ChannelSwitchView, KillSwitchView
from nodes.api.notifications import NotificationsView
from nodes.api.providers import ProvidersView
from nodes.api.release import DemoteView, ModeView, PromoteView, ReviewView
from nodes.api.reports import ForwardsView, RebalancesView, SnapshotsView
from nodes.api.rollback import ActionRollbackView, RollbackView, RunRollbackView
from nodes.api.schedule import ScheduleView
from nodes.api.shadow import ShadowReportView
from nodes.api.tables import ActionsTableView, DecisionsTableView, ForwardsTableView

urlpatterns = [
    path("snapshots", SnapshotsView.as_view()),
    path("forwards", ForwardsView.as_view()),
    path("rebalances", RebalancesView.as_view()),
    path("channels", ChannelsView.as_view()),
    path("channels/<str:short_channel_id>", ChannelDetailView.as_view()),
    path("decisions", DecisionsView.as_view()),
    path("decisions.csv", DecisionsTableView.as_view()),
    path("actions.csv", ActionsTableView.as_view()),
    path("forwards.csv", ForwardsTableView.as_view()),
    path("runs/latest", LatestRunView.as_view()),
    path("actions", ActionsView.as_view()),
    path("actions/<uuid:action_id>/result", ResultView.as_view()),
    path("actions/<uuid:action_id>/approve", ApproveView.as_view()),
    path("actions/<uuid:action_id>/reject", RejectView.as_view()),
    path("actions/<uuid:action_id>/rollback", ActionRollbackView.as_view()),
    path("runs/<uuid:run_id>/rollback", RunRollbackView.as_view()),
    path("rollback", RollbackView.as_view()),
    path("kill-switch", KillSwitchView.as_view()),
    path("channels/<str:short_channel_id>/kill-switch", ChannelSwitchView.as_view()),
    path("journal", JournalView.as_view()),
    path("forecasts", ForecastsView.as_view()),
    path("shadow-report", ShadowReportView.as_view()),
    path("notifications", NotificationsView.as_view()),
    path("schedule", ScheduleView.as_view()),
    path("mode", ModeView.as_view()),
    path("mode/review", ReviewView.as_view()),
    path("mode/promote", PromoteView.as_view()),
    path("mode/demote", DemoteView.as_view()),
    path("fee-policy", FeePolicyView.as_view()),
    path("fee-policy/schema", FeePolicySchemaView.as_view()),
    path("fee-policy/import", FeePolicyImportView.as_view()),
    path("fee-policy/preview", FeePolicyPreviewView.as_view()),
    path("fee-policy/backtest", FeePolicyBacktestView.as_view()),
    path("credentials", CredentialsView.as_view()),
    path("providers", ProvidersView.as_view()),
    path("credentials/<str:service>", CredentialDetailView.as_view()),
]
