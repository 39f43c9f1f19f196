"""One JSON line a log event, on stderr, bound to the request and the tenant."""

import logging
import re
import sys
from typing import Any

import structlog

# httpx and django.request log whole addresses, pubkeys included; the others say every second that a second has passed.
TALKATIVE = {
    "httpx": logging.WARNING,
    "django.request": logging.ERROR,
    "django.security.DisallowedHost": logging.CRITICAL,
    "celery.beat": logging.WARNING,
    "celery.worker.strategy": logging.WARNING,
    "celery.app.trace": logging.WARNING,
}


_PUBKEY = re.compile(r"\b0[23][0-9a-f]{64}\b")
_DETAIL = re.compile(r'\\nDETAIL:(?:[^\\"]|\\[^n])*')  # PostgreSQL's: it quotes the row; its end is that of a line


def hide_names(_logger: object, _method: str, line: Any) -> str:
    """Log lines say ids. Addresses and faults bring public keys of nodes and whole rows with them: these go."""
    return _PUBKEY.sub("<pubkey>", _DETAIL.sub(r"\\nDETAIL: <hidden>", line))


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
                structlog.processors.JSONRenderer(),
                hide_names,
            ],
        )
    )
    logging.basicConfig(handlers=[handler], level=level, force=True)
    for name, least in TALKATIVE.items():
        logging.getLogger(name).setLevel(least)
