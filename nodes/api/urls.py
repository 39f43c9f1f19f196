"""Addresses below /api/v1/node/{pubkey}."""

from django.urls import path

from nodes.api.advice import (
    ActionsView,
    ChannelDetailView,
    ChannelsView,
    DecisionsView,
    JournalView,
    LatestRunView,
)
from nodes.api.control import FeePolicyView, ModeView
from nodes.api.credentials import CredentialDetailView, CredentialsView
from nodes.api.reports import ForwardsView, SnapshotsView

urlpatterns = [
    path("snapshots", SnapshotsView.as_view()),
    path("forwards", ForwardsView.as_view()),
    path("channels", ChannelsView.as_view()),
    path("channels/<str:short_channel_id>", ChannelDetailView.as_view()),
    path("decisions", DecisionsView.as_view()),
    path("runs/latest", LatestRunView.as_view()),
    path("actions", ActionsView.as_view()),
    path("journal", JournalView.as_view()),
    path("mode", ModeView.as_view()),
    path("fee-policy", FeePolicyView.as_view()),
    path("credentials", CredentialsView.as_view()),
    path("credentials/<str:service>", CredentialDetailView.as_view()),
]
