"""Addresses below /api/v1/mcp/."""

from django.urls import path

from bridge.api.acts import ApproveView, LogsView, RestartView, StartView, StopView
from bridge.api.imports import ImportView, PresetsView
from bridge.api.secrets import OwnSecretView
from bridge.api.servers import CapabilitiesView, ServersView, ServerView, ToolsView

urlpatterns = [
    path("servers", ServersView.as_view()),
    path("servers/<str:name>", ServerView.as_view()),
    path("servers/<str:name>/start", StartView.as_view()),
    path("servers/<str:name>/stop", StopView.as_view()),
    path("servers/<str:name>/restart", RestartView.as_view()),
    path("servers/<str:name>/approve", ApproveView.as_view()),
    path("servers/<str:name>/logs", LogsView.as_view()),
    path("servers/<str:name>/capabilities", CapabilitiesView.as_view()),
    path("servers/<str:name>/tools", ToolsView.as_view()),
    path("servers/<str:name>/secret", OwnSecretView.as_view()),
    path("import", ImportView.as_view()),
    path("presets", PresetsView.as_view()),
]
