"""The web process."""

import gc
import os
from importlib import import_module

from django.conf import settings
from django.core.wsgi import get_wsgi_application

from mcp_saas.celery import app, hurry_publishing
from tenants.keys import load_key_ring
from tenants.sealing.master import load_master_ring

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mcp_saas.settings.base")
django = get_wsgi_application()
hurry_publishing(app)
# Without a token key or a master key the boot stops here; the commands that make one still run.
load_key_ring(settings.ENV.jwt_keys_dir)
load_master_ring()
# What is loaded now stays: the collector, which would walk through all of it every few hundred requests, passes it by.
import_module(settings.ROOT_URLCONF)  # every view, and what it needs
application = import_module("recommendations.api.kept").put_before(django)
gc.collect()
gc.freeze()
