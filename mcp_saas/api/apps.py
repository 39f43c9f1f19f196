"""The app's name for Django: its system checks and commands belong to the API as a whole."""

from django.apps import AppConfig


class ApiConfig(AppConfig):
    name = "mcp_saas.api"
    label = "api"

    def ready(self) -> None:
        from mcp_saas.api import task_trace  # noqa: F401 - it listens to Celery's signals from here on
