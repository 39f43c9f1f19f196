"""The web process."""

import os

from django.conf import settings
from django.core.wsgi import get_wsgi_application

from mcp_saas.celery import app, hurry_publishing
from tenants.keys import load_key_ring
from tenants.sealing.master import load_master_ring

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mcp_saas.settings.base")
application = get_wsgi_application()
hurry_publishing(app)
# Without a token key or a master key the boot stops here; the commands that make one still run.
load_key_ring(settings.ENV.jwt_keys_dir)
load_master_ring()
