"""Addresses from /api/v1/webhooks on."""

from django.urls import path

from nodes.api.webhooks import DeliveriesView, ReplayView, SecretView, TestView, WebhooksView, WebhookView

urlpatterns = [
    path("", WebhooksView.as_view()),
    path("/<uuid:webhook_id>", WebhookView.as_view()),
    path("/<uuid:webhook_id>/secret", SecretView.as_view()),
    path("/<uuid:webhook_id>/deliveries", DeliveriesView.as_view()),
    path("/<uuid:webhook_id>/replay", ReplayView.as_view()),
    path("/<uuid:webhook_id>/test", TestView.as_view()),
]
