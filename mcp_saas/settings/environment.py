"""The one place where the process environment is read: typed, checked, with a hint for what is wrong.

Every setting has a line in `.env.example`; tests/unit/mcp_saas/test_settings.py holds both together.
"""

import os
import re
import sys
from pathlib import Path
from typing import Annotated, ClassVar, Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from bridge.engine.board import read_state_key
from mcp_saas.kit.database_rights import DEFAULT_OWNER

Profile = Literal["dev", "staging", "production"]
_ORIGIN = re.compile(r"https?://[a-z0-9.-]+(:[0-9]{1,5})?")
SECRETS_DIR = "SECRETS_DIR"
DEV_SECRET = "dev-only-secret-key-that-no-other-profile-accepts"  # noqa: S105 - refused outside dev


class Environment(BaseSettings):
    """Settings of one process. Each may also lie in a file named like it, in the folder SECRETS_DIR."""

    model_config = SettingsConfigDict(
        env_file=".env", env_file_encoding="utf-8", env_ignore_empty=True, extra="ignore", frozen=True
    )
    # Django looks for it each time `settings.ENV` is read, and pydantic takes long to say that it is not there.
    _mask_wrapped: ClassVar[bool] = True

    profile: Profile = Field("dev", description="dev, staging or production")
    secret_key: SecretStr = Field(SecretStr(DEV_SECRET), description="Django's signing secret, at least 50 characters")
    secret_key_fallbacks: Annotated[list[SecretStr], NoDecode] = Field(
        [], description="earlier signing secrets that are still accepted, comma-separated"
    )
    database_url: str = Field(
        "postgresql:///dazbox", description="PostgreSQL 18, postgresql://user:password@host:port/name"
    )
    database_owner: str = Field(
        DEFAULT_OWNER,
        pattern=r"^[a-z_][a-z0-9_]{0,62}$",
        description="database role that owns the boxes' schemas; `manage.py prepare` makes it",
    )
    redis_url: str = Field("redis://127.0.0.1:6379/0", description="Redis or Valkey for the cache")
    celery_broker_url: str | None = Field(None, description="Celery's broker; default: REDIS_URL")
    jwt_keys_dir: Path = Field(
        Path("var/secrets/jwt"), description="folder of ES256 keys (PEM), each named by the instant from which it signs"
    )
    master_keys_dir: Path = Field(
        Path("var/secrets/master"),
        description="folder of master keys, each named by the instant from which it wraps the keys of boxes",
    )
    jwt_issuer: str = Field("https://dazbox.cloud", description="the iss claim of our tokens")
    jwt_audience: str = Field("dazbox-cloud", description="the aud claim of our tokens and of device assertions")
    operator_totp: Literal["required", "optional"] | None = Field(
        None, description="second factor of operators; default: optional in dev, else required"
    )
    allowed_hosts: Annotated[list[str], NoDecode] = Field(
        ["127.0.0.1", "localhost"], description="host names the web process answers to, comma-separated"
    )
    cors_allowed_origins: Annotated[list[str], NoDecode] = Field(
        [], description="origins whose pages may call the API, comma-separated"
    )
    trusted_nodes: Annotated[list[tuple[str, int]], NoDecode] = Field(
        [], description="nodes the cloud may read although their address is not public, host:port, comma-separated"
    )
    trusted_webhooks: Annotated[list[tuple[str, int]], NoDecode] = Field(
        [], description="receivers of webhooks whose address is not public, host:port, comma-separated"
    )
    proxy_count: int = Field(0, ge=0, le=5, description="reverse proxies of ours in front of the web process")
    rate_limit_scale: float = Field(1.0, ge=0.01, le=1_000_000, description="multiplies every rate limit")
    cycle_period_s: int = Field(3600, ge=10, le=86_400 * 7, description="seconds between two pipeline cycles of a box")
    spare_schemas: int = Field(4, ge=0, le=1000, description="schemas built in advance, for boxes to come")
    tenants_per_connection: int = Field(
        300, ge=1, description="distinct boxes a database connection serves before another takes its place"
    )
    support_contact: str = Field(
        "https://dazbox.cloud/support", description="whom the owner of a suspended box is told to ask"
    )
    link_url: str = Field(
        "https://dazbox.cloud/link", description="page on which an owner types the code a new box shows (RFC 8628)"
    )
    telegram_api_url: str = Field(
        "https://api.telegram.org",
        pattern=r"^https?://[^/?#]+$",
        description="Telegram's Bot API, or a server of your own",
    )
    sparkseer_url: str = Field(
        "https://api.sparkseer.space", pattern=r"^https?://[^/?#]+$", description="Sparkseer, or a server of your own"
    )
    amboss_url: str = Field(
        "https://api.amboss.space", pattern=r"^https?://[^/?#]+$", description="Amboss, or a server of your own"
    )
    qdrant_url: str = Field(
        "http://127.0.0.1:6333",
        pattern=r"^https?://[^/?#]+$",
        description="Qdrant, the store of vectors: https://host:6333",
    )
    qdrant_on_demand: bool = Field(
        default=False, description="whether that store starts when it is asked, so that probes must not ask it"
    )
    qdrant_api_key: SecretStr | None = Field(None, description="a key of Qdrant that may write; with https:// alone")
    qdrant_collection: str = Field(
        "kb", pattern=r"^[a-z][a-z0-9-]{0,30}$", description="how the names of our collections in Qdrant begin"
    )
    openai_api_key: SecretStr | None = Field(
        None, description="a key of OpenAI; empty: texts are embedded on this machine, answers quote their evidence"
    )
    openai_base_url: str = Field(
        "https://api.openai.com/v1",
        pattern=r"^https?://[^?#]+$",
        description="OpenAI, or a server that speaks its protocol",
    )
    openai_embedding_model: str = Field(
        "text-embedding-3-small", min_length=1, description="the model that turns texts into vectors"
    )
    openai_embedding_dimension: int = Field(1536, ge=64, le=8192, description="numbers of one of its vectors")
    embedder_url: str = Field(
        "",
        pattern=r"^(https?://[^?#]+)?$",
        description="where the local embedding model is served for all processes; empty: each process loads its own",
    )
    embedder_api_key: SecretStr | None = Field(None, description="the key of EMBEDDER_URL")
    model_cache_dir: Path = Field(
        Path("var/models"), description="folder in which the local embedding model is kept once it is made, 60 MB"
    )
    openai_model: str = Field("gpt-4.1-mini", min_length=1, description="the model that puts answers into words")
    openai_timeout_s: float = Field(10, ge=8, le=20, description="seconds to wait for the model's next byte")
    openai_budget_s: float = Field(20, ge=8, le=40, description="seconds for a model's answer, one repeat included")
    metrics_token: SecretStr | None = Field(
        None,
        min_length=32,
        description="the bearer token with which Prometheus reads /metrics; empty: operators, and in dev this machine",
    )
    prometheus_multiproc_dir: Path | None = Field(
        None, description="folder in which the processes of this machine share what they count; empty: each by itself"
    )
    graph_lnd_url: str = Field(
        "",
        pattern=r"^(https://[^?#]+)?$",
        description="REST address of an LND whose graph everybody's positions are taken from; empty: files alone",
    )
    graph_lnd_macaroon: SecretStr | None = Field(None, description="its readonly.macaroon, in hex")
    graph_lnd_certificate: Path | None = Field(None, description="its tls.cert (PEM); empty: one of a public authority")
    graph_refresh_hours: int = Field(24, ge=1, le=24 * 30, description="hours between two readings of that graph")
    mcp_state_key: SecretStr | None = Field(
        None,
        description="32 random bytes in base64 that seal what MCP gateways are told; empty: they are told nothing",
    )
    mcp_url: str = Field(
        "http://127.0.0.1:8001", pattern=r"^https?://[^/?#]+$", description="where MCP clients reach the gateway"
    )
    mcp_commands: Annotated[list[str], NoDecode] | None = Field(
        None,
        description="programs MCP servers may be started with, comma-separated, * for any; empty: in dev any, else "
        "npx, uvx and docker",
    )
    mcp_audit_days: int = Field(90, ge=1, le=3650, description="days for which calls of MCP tools are kept")
    sentry_dsn: SecretStr | None = Field(None, description="where errors are reported; empty: nowhere")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="least severe line logged")

    @field_validator("allowed_hosts", "cors_allowed_origins", "secret_key_fallbacks", "mcp_commands", mode="before")
    @classmethod
    def split_list(cls, value: object) -> object:
        return [item.strip() for item in value.split(",") if item.strip()] if isinstance(value, str) else value

    @field_validator("trusted_nodes", "trusted_webhooks", mode="before")
    @classmethod
    def split_places(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        places = [item.strip().rpartition(":") for item in value.split(",") if item.strip()]
        if any(not host or not port.isdecimal() for host, _, port in places):
            raise ValueError("give host:port, like 127.0.0.1:8080")
        return [(host, int(port)) for host, _, port in places]

    @field_validator("cors_allowed_origins")
    @classmethod
    def require_origins(cls, value: list[str]) -> list[str]:
        for origin in value:
            if not _ORIGIN.fullmatch(origin):
                raise ValueError(f"{origin} is no origin: give https://host or https://host:port")
        return value

    @field_validator("database_url")
    @classmethod
    def require_postgres(cls, value: str) -> str:
        if urlsplit(value).scheme not in {"postgresql", "postgres"}:
            raise ValueError("give a URL that begins with postgresql://")
        return value

    @field_validator("mcp_state_key")
    @classmethod
    def require_state_key(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            read_state_key(value.get_secret_value())
        return value

    @model_validator(mode="after")
    def require_own_secrets_when_deployed(self) -> "Environment":
        if self.profile == "dev":
            return self
        secret = self.secret_key.get_secret_value()
        if secret == DEV_SECRET or len(secret) < 50:
            raise ValueError("SECRET_KEY: set one of your own with at least 50 characters")
        return self

    @property
    def is_operator_totp_required(self) -> bool:
        return self.operator_totp == "required" or (self.operator_totp is None and self.profile != "dev")

    @property
    def allowed_commands(self) -> frozenset[str]:
        """Of MCP servers; with * any."""
        usual = {"*"} if self.profile == "dev" else {"npx", "uvx", "docker"}
        return frozenset(usual if self.mcp_commands is None else self.mcp_commands)

    @property
    def broker_url(self) -> str:
        return self.celery_broker_url or self.redis_url


def read_environment() -> Environment:
    """The environment of this process. Exits with one line per fault, naming the setting and what to do."""
    try:
        found = Environment(_secrets_dir=os.environ.get(SECRETS_DIR))  # type: ignore[call-arg]
    except ValidationError as error:
        for fault in error.errors():
            name = ".".join(str(part) for part in fault["loc"]).upper()
            print(
                f"Wrong setting {name}: {fault['msg']}. See .env.example".replace("SETTING :", "SETTING:"),
                file=sys.stderr,
            )
        sys.exit(78)  # EX_CONFIG
    _tell_prometheus(found.prometheus_multiproc_dir)
    return found


def _tell_prometheus(folder: Path | None) -> None:
    """Its client reads the environment alone, when it is first imported, and takes an empty value for a folder."""
    if folder is None:
        os.environ.pop("PROMETHEUS_MULTIPROC_DIR", None)
    else:
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
