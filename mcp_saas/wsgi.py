"""The web process."""

import os

from django.conf import settings
from django.core.wsgi import get_wsgi_application

from tenants.keys import load_key_ring

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mcp_saas.settings.base")
application = get_wsgi_application()
# Without a token key the boot stops here; the command that makes one still runs.
load_key_ring(settings.ENV.jwt_keys_dir)
