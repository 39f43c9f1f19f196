"""The same apps and models on django-tenants' own database backend, with the settings its documentation gives."""

from mcp_saas.settings.test import *  # noqa: F403 - the same but for the backend
from mcp_saas.settings.test import DATABASES

DATABASES["default"]["ENGINE"] = "django_tenants.postgresql_backend"
