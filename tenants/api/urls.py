"""Addresses below /api/v1 that concern identity and provisioning."""

from django.urls import path

from tenants.api.api_keys import ApiKeysView, ApiKeyView
from tenants.api.auth import ApiKeyTokenView, DeviceTokenView, RefreshView, RevokeView, TokenView
from tenants.api.break_glass import BreakGlassView
from tenants.api.claims import ClaimDetailView
from tenants.api.device_authorizations import (
    ApproveView,
    AuthorizationDetailView,
    AuthorizationsView,
    DenyView,
    DevicePollView,
)
from tenants.api.device_keys import DeviceKeysView, DeviceKeyView
from tenants.api.lifecycle import RestoreView, ResumeView, SuspendView
from tenants.api.operations import OperationView
from tenants.api.plans import DevicePlanView, PlansView
from tenants.api.provisioning import ChallengesView, ClaimsView, DevicesView, DeviceView
from tenants.api.transfer import TransferView

urlpatterns = [
    path("auth/token", TokenView.as_view()),
    path("auth/api-key-token", ApiKeyTokenView.as_view()),
    path("auth/device-token", DeviceTokenView.as_view()),
    path("auth/refresh", RefreshView.as_view()),
    path("auth/revoke", RevokeView.as_view()),
    path("provisioning/claims", ClaimsView.as_view()),
    path("provisioning/claims/<uuid:claim_id>", ClaimDetailView.as_view()),
    path("provisioning/challenges", ChallengesView.as_view()),
    path("provisioning/device-authorizations", AuthorizationsView.as_view()),
    path("provisioning/device-authorizations/token", DevicePollView.as_view()),
    path("provisioning/device-authorizations/<str:user_code>", AuthorizationDetailView.as_view()),
    path("provisioning/device-authorizations/<str:user_code>/approve", ApproveView.as_view()),
    path("provisioning/device-authorizations/<str:user_code>/deny", DenyView.as_view()),
    path("provisioning/operations/<uuid:operation_id>", OperationView.as_view(), name="operation"),
    path("provisioning/devices", DevicesView.as_view()),
    path("provisioning/devices/<uuid:device_id>", DeviceView.as_view()),
    path("provisioning/devices/<uuid:device_id>/suspend", SuspendView.as_view()),
    path("provisioning/devices/<uuid:device_id>/resume", ResumeView.as_view()),
    path("provisioning/devices/<uuid:device_id>/restore", RestoreView.as_view()),
    path("provisioning/devices/<uuid:device_id>/transfer", TransferView.as_view()),
    path("provisioning/plans", PlansView.as_view()),
    path("provisioning/devices/<uuid:device_id>/plan", DevicePlanView.as_view()),
    path("provisioning/devices/<uuid:device_id>/break-glass", BreakGlassView.as_view()),
    path("provisioning/devices/<uuid:device_id>/keys", DeviceKeysView.as_view()),
    path("provisioning/devices/<uuid:device_id>/keys/<str:kid>", DeviceKeyView.as_view()),
    path("node/<str:pubkey>/api-keys", ApiKeysView.as_view()),
    path("node/<str:pubkey>/api-keys/<uuid:key_id>", ApiKeyView.as_view()),
]
