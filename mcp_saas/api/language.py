"""In which language sentences for people are: what a caller prefers, and what an answer says of it."""

from typing import Literal, get_args

from django.http import HttpResponse
from django.utils.cache import patch_vary_headers
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request

Language = Literal["en", "fr"]
LANGUAGES: tuple[Language, ...] = get_args(Language)
LANGUAGE = OpenApiParameter(
    "Accept-Language",
    {"type": "string", "maxLength": 200},
    OpenApiParameter.HEADER,
    description="sentences for people are in French where it prefers `fr`, else in English",
)


def choose_language(request: Request) -> Language:
    """By Accept-Language (RFC 9110, section 12.5.4): the best liked of those we speak, English first among equals."""
    return prefer_language(request.headers.get("Accept-Language", ""))


def prefer_language(accept_language: str) -> Language:
    liked = [_weigh(item) for item in accept_language[:200].split(",")]
    weights = {language: max((q for tag, q in liked if tag in {language, "*"}), default=0.0) for language in LANGUAGES}
    return "fr" if weights["fr"] > weights["en"] else "en"


def name_language(response: HttpResponse, language: Language) -> HttpResponse:
    response["Content-Language"] = language
    patch_vary_headers(response, ["Accept-Language"])
    return response


def _weigh(item: str) -> tuple[str, float]:
    tag, _, weight = item.strip().lower().partition(";")
    try:
        q = float(weight.strip().removeprefix("q=")) if weight else 1.0
    except ValueError:
        q = 0.0
    return tag.strip().split("-")[0], q if 0 <= q <= 1 else 0.0
