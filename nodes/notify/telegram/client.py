"""Telegram's Bot API: one message to one chat. https://core.telegram.org/bots/api#sendmessage

Plain text, without a parse mode: nothing in it is markup, so there is nothing to escape and no entity to cut. The token
is part of the address: neither is in any error of ours.
"""

from urllib.parse import urlsplit

import httpx
import msgspec

from mcp_saas.kit.http import AnswerTooLargeError, Guard, GuardedClient, UnsafeTargetError, find_port
from nodes.notify.message import Delivery, Later, Refused, Sent

DEFAULT_URL = "https://api.telegram.org"
PERMANENT = frozenset({400, 401, 403, 404})


class _Parameters(msgspec.Struct, frozen=True):
    retry_after: int | None = None


class _Answer(msgspec.Struct, frozen=True):
    ok: bool
    error_code: int = 0
    description: str = ""
    parameters: _Parameters = _Parameters()


def send_message(base_url: str, token: str, *, chat_id: str, text: str) -> Delivery:
    """At most 4,096 UTF-16 code units. Only api.telegram.org, or the Bot API server the operator has set, is asked."""
    body = {"chat_id": chat_id, "text": text, "link_preview_options": {"is_disabled": True}}
    try:
        with GuardedClient(_guard(base_url)) as client:
            answer = client.request(
                "POST",
                f"{base_url}/bot{token}/sendMessage",
                content=msgspec.json.encode(body),
                headers={"Content-Type": "application/json"},
            )
        return _judge(answer.status, msgspec.json.decode(answer.body, type=_Answer))
    except (httpx.HTTPError, AnswerTooLargeError, UnsafeTargetError, msgspec.MsgspecError) as error:
        return Later(f"Telegram could not be asked ({type(error).__name__})")


def _judge(status: int, answer: _Answer) -> Delivery:
    if answer.ok:
        return Sent()
    code, words = answer.error_code or status, answer.description[:160]
    if code in PERMANENT:
        return Refused(f"Telegram: {code} {words}")
    return Later(f"Telegram: {code} {words}", answer.parameters.retry_after)


def _guard(base_url: str) -> Guard:
    """A server of the operator's own may stand anywhere, that one place alone."""
    if base_url == DEFAULT_URL:
        return Guard()
    url = httpx.URL(base_url)
    return Guard(trusted=frozenset({(urlsplit(base_url).hostname or "", find_port(url))}))
