"""One JSON line a log event, on stderr, bound to the request and the tenant."""

import logging
import sys
from typing import Any

import structlog

from mcp_saas.kit.scrub import HIDDEN, is_secret_name, scrub_text

# httpx and django.request log whole addresses, pubkeys included; the others say every second that a second has passed.
TALKATIVE = {
    "httpx": logging.WARNING,
    "django.request": logging.ERROR,
    "django.security.DisallowedHost": logging.CRITICAL,
    "celery.beat": logging.WARNING,
    "celery.worker.strategy": logging.WARNING,
    "celery.app.trace": logging.WARNING,
}


def hide_fields(_logger: object, _method: str, event: Any) -> Any:
    """What a line's own fields are named says which of them are secrets."""
    for name in [name for name, value in event.items() if value and is_secret_name(name)]:
        event[name] = HIDDEN
    return event


def scrub_line(_logger: object, _method: str, line: Any) -> str:
    """The finished line, faults and other libraries' words included."""
    return scrub_text(line)


def configure_logging(level: str) -> None:
    shared: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                hide_fields,
                structlog.processors.JSONRenderer(),
                scrub_line,
            ],
        )
    )
    logging.basicConfig(handlers=[handler], level=level, force=True)
    for name, least in TALKATIVE.items():
        logging.getLogger(name).setLevel(least)
