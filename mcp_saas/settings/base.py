"""Django settings for every profile; what differs between profiles hangs on `ENV.profile` here and nowhere else."""

from pathlib import Path

from mcp_saas.settings.database import parse_database_url
from mcp_saas.settings.environment import read_environment
from mcp_saas.settings.logs import configure_logging
from mcp_saas.settings.rates import scale_rates

ENV = read_environment()
DEPLOYED = ENV.profile != "dev"

SECRET_KEY = ENV.secret_key.get_secret_value()
SECRET_KEY_FALLBACKS = [key.get_secret_value() for key in ENV.secret_key_fallbacks]
DEBUG = False
ALLOWED_HOSTS = ENV.allowed_hosts
CORS_ALLOWED_ORIGINS = frozenset(ENV.cors_allowed_origins)
USE_X_FORWARDED_HOST = False
ROOT_URLCONF = "mcp_saas.urls"
WSGI_APPLICATION = "mcp_saas.wsgi.application"
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en"
USE_I18N = False
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
STATIC_URL = "/static/"
DATA_UPLOAD_MAX_MEMORY_SIZE = 10 * 1024 * 1024

# Which apps live in the public schema and which in every Dazbox's own (django-tenants' contract).
SHARED_APPS = [
    "django_tenants",
    "tenants",
    "nodes.graph",
    "rag.library",
    "bridge.catalogue",
    "unfold",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "mcp_saas.api",
]
TENANT_APPS = [
    "mcp_saas.api",
    "nodes",
    "rag",
    "recommendations",
    "bridge",
]  # the API's stored answers lie where the work they belong to is done
INSTALLED_APPS = list(dict.fromkeys([*SHARED_APPS, *TENANT_APPS]))
TENANT_MODEL = "tenants.Dazbox"
DATABASE_ROUTERS = ["django_tenants.routers.TenantSyncRouter"]
AUTO_DROP_SCHEMA = False

DATABASES = {"default": parse_database_url(ENV.database_url)}

MIDDLEWARE = [
    "mcp_saas.api.middleware.MetricsMiddleware",
    "mcp_saas.api.middleware.RequestIdMiddleware",
    "mcp_saas.api.middleware.BodyMiddleware",
    "mcp_saas.api.browser.OriginMiddleware",
    "mcp_saas.api.browser.ContentPolicyMiddleware",
    "mcp_saas.api.middleware.ProblemMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "mcp_saas.api.admin_area.AdminSessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "mcp_saas.api.admin_area.AdminCsrfViewMiddleware",
    "mcp_saas.api.admin_area.AdminAuthenticationMiddleware",
    "mcp_saas.api.admin_area.AdminMessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
# It looks for the middleware by Django's name; ours is the same below /admin/, and judges forms elsewhere all the same.
SILENCED_SYSTEM_CHECKS = ["security.W003"]
WHITENOISE_ROOT = Path(__file__).parent.parent / "api" / "root"  # /favicon.ico, which browsers ask for unbidden
WHITENOISE_USE_FINDERS = True  # serve admin and Swagger UI files from the packages: no collectstatic step
APPEND_SLASH = False

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]

CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": ENV.redis_url,
        "KEY_PREFIX": "dazbox",
        "OPTIONS": {"socket_connect_timeout": 0.5, "socket_timeout": 0.5},  # seconds; a cache that hangs is no cache
    }
}

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["tenants.api.authentication.BearerAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["mcp_saas.api.auth.DenyUnlessDeclared"],
    "DEFAULT_RENDERER_CLASSES": ["mcp_saas.api.body.JsonRenderer"],
    "DEFAULT_PARSER_CLASSES": ["mcp_saas.api.body.RawJsonParser"],
    "DEFAULT_SCHEMA_CLASS": "mcp_saas.api.openapi.ContractSchema",
    "EXCEPTION_HANDLER": "mcp_saas.api.errors.handle_exception",
    "URL_FORMAT_OVERRIDE": None,  # Accept alone says what is wanted
    "UNAUTHENTICATED_USER": None,
    "UNAUTHENTICATED_TOKEN": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Dazbox Cloud API",
    "DESCRIPTION": "Prices and balances the Lightning channels of home nodes. Every box is a tenant of its own.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.1",
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "POSTPROCESSING_HOOKS": ["mcp_saas.api.openapi.add_contract_components", "nodes.api.webhook_schema.add_webhooks"],
    "SERVERS": [{"url": "/", "description": "this server"}],
}
SIMPLE_JWT = {
    "ALGORITHM": "ES256",
    "ISSUER": ENV.jwt_issuer,
    "AUDIENCE": ENV.jwt_audience,
    "TOKEN_TYPE_CLAIM": "typ",
}

RATE_LIMITS = scale_rates(ENV.rate_limit_scale)

CELERY_BROKER_URL = ENV.broker_url

SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = DEPLOYED
CSRF_COOKIE_SECURE = DEPLOYED
SECURE_SSL_REDIRECT = DEPLOYED
SECURE_HSTS_SECONDS = 31_536_000 if DEPLOYED else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = DEPLOYED
SECURE_HSTS_PRELOAD = DEPLOYED
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if DEPLOYED else None
SECURE_REDIRECT_EXEMPT = [r"^api/v1/health$"]  # probes come from inside, without TLS
X_FRAME_OPTIONS = "DENY"

UNFOLD = {
    "SITE_TITLE": "Dazbox Cloud",
    "SITE_HEADER": "Dazbox Cloud",
    "SITE_SYMBOL": "bolt",
    "SITE_URL": None,  # there is no other site to go back to
    "SHOW_HISTORY": True,
    "LOGIN": {"form": "tenants.api.log_in_form.OperatorLogInForm"},
    "SIDEBAR": {"navigation": "tenants.admin.list_rooms"},
}

LOGGING_CONFIG = None
configure_logging(ENV.log_level)
if ENV.sentry_dsn is not None:
    from mcp_saas.settings.sentry import start_sentry

    start_sentry(ENV.sentry_dsn.get_secret_value(), profile=ENV.profile)
