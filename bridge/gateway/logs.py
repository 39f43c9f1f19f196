"""The gateway's log: one JSON object a line on standard error, in the fields of the web's, secrets taken out."""

import sys

import structlog

from mcp_saas.kit.scrub import scrub_text


def configure_logs() -> None:
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
            scrub_line,
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )


def scrub_line(_logger: object, _method: str, line: object) -> str:
    return scrub_text(str(line))
