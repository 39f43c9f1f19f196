"""Numbers and instants as a language writes them."""

import datetime as dt
import math

from recommendations.engine.advice import Language

NARROW_BLANK = "\u202f"  # between thousands in French


def show(value: object, language: Language) -> str:
    """Integers by thousands, other numbers with two digits that tell something, instants to the minute."""
    if isinstance(value, dt.datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    if isinstance(value, float):
        return _show_float(value, language)
    if isinstance(value, int):
        return _group(f"{value:,}", language)
    return str(value)


def _show_float(value: float, language: Language) -> str:
    digits = 0 if not value else min(12, max(0, 1 - math.floor(math.log10(abs(value)))))
    shown = f"{round(value, digits) + 0.0:,.{digits}f}"
    return _group(shown.rstrip("0").rstrip(".") if "." in shown else shown, language)


def _group(shown: str, language: Language) -> str:
    return shown.replace(",", NARROW_BLANK).replace(".", ",") if language == "fr" else shown
