"""Addresses of advice, under /api/v1/node/{pubkey}/."""

from django.urls import path

from recommendations.api.feedback import FeedbackCountsView, FeedbackOfView
from recommendations.api.info import InfoView
from recommendations.api.priorities import PrioritiesView
from recommendations.api.recommendations import FollowUpsView, RecommendationsView

urlpatterns = [
    path("info", InfoView.as_view()),
    path("priorities", PrioritiesView.as_view()),
    path("recommendations", RecommendationsView.as_view()),
    path("recommendations/feedback", FeedbackCountsView.as_view()),
    path("recommendations/follow-ups", FollowUpsView.as_view()),
    path("recommendations/<uuid:recommendation_id>/feedback", FeedbackOfView.as_view()),
]
