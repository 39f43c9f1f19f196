"""All addresses of the web process."""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularJSONAPIView, SpectacularSwaggerSplitView

from bridge.api.calls import CallsView
from mcp_saas.api.auth import Open
from mcp_saas.api.metrics import ScrapeView
from mcp_saas.api.ops import HealthView
from nodes.api.events import AuditView, EventsView
from nodes.api.exports import ExportDownloadView, ExportsView, ExportView
from nodes.api.graph import GraphView
from nodes.api.own_node import OwnNodeView
from nodes.api.quota import QuotaView
from rag.sources.qdrant.probe import probe_store
from recommendations.api.ask import AskView
from recommendations.api.bulk import BulkView
from recommendations.api.compat import (
    OlderPerformanceView,
    OlderRecommendationsView,
    OlderResultView,
    ServiceMetricsView,
)
from tenants.api.auth import JwksView
from tenants.metrics import read_broker, read_queues

# Looked through from the top: what is asked for most comes first.
urlpatterns = [
    path("api/v1/node/<str:pubkey>/", include("recommendations.api.urls")),
    path("api/v1/node/<str:pubkey>/", include("nodes.api.urls")),
    path("api/v1/node/<str:pubkey>/mcp-calls", CallsView.as_view()),
    path("api/v1/mcp/", include("bridge.api.urls")),
    path("", RedirectView.as_view(pattern_name="docs")),
    path("admin/", RedirectView.as_view(pattern_name="admin:tenants_dazbox_changelist")),  # the fleet is the front page
    path("admin/", admin.site.urls),
    path(".well-known/jwks.json", JwksView.as_view()),
    path("metrics", ScrapeView.as_view(readers=(read_queues, read_broker))),
    path("api/v1/metrics", ServiceMetricsView.as_view()),
    path("api/v1/recommendations/<str:pubkey>", OlderRecommendationsView.as_view()),
    path("api/v1/actions/result", OlderResultView.as_view()),
    path("api/v1/analysis/<str:pubkey>/performance", OlderPerformanceView.as_view()),
    path("api/v1/health", HealthView.as_view(probes={"vector_store": probe_store})),
    path("api/v1/schema", SpectacularJSONAPIView.as_view(permission_classes=(Open,)), name="schema"),
    path(
        "api/v1/docs", SpectacularSwaggerSplitView.as_view(url_name="schema", permission_classes=(Open,)), name="docs"
    ),
    path("api/v1/", include("tenants.api.urls")),
    path("api/v1/provisioning/graph", GraphView.as_view()),
    path("api/v1/provisioning/audit/verify", AuditView.as_view()),
    path("api/v1/provisioning/devices/<uuid:device_id>/events", EventsView.as_view()),
    path("api/v1/provisioning/devices/<uuid:device_id>/exports", ExportsView.as_view()),
    path("api/v1/provisioning/exports/<uuid:export_id>", ExportView.as_view()),
    path("api/v1/provisioning/exports/<uuid:export_id>/archive", ExportDownloadView.as_view(), name="export-archive"),
    path("api/v1/provisioning/devices/<uuid:device_id>/quota", QuotaView.as_view()),
    path("api/v1/webhooks", include("nodes.api.webhook_urls")),
    path("api/v1/node", OwnNodeView.as_view()),
    path("api/v1/nodes/bulk-analysis", BulkView.as_view()),
    path("api/v1/knowledge/ask", AskView.as_view()),
    path("api/v1/knowledge/", include("rag.api.urls")),
]
handler400 = "mcp_saas.api.errors.answer_bad_request"
handler403 = "mcp_saas.api.errors.answer_forbidden"
handler404 = "mcp_saas.api.errors.answer_unknown_route"
handler500 = "mcp_saas.api.errors.answer_server_error"
