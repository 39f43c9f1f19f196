"""In which fields two policies of a channel differ, in words: for lists, where no sentence has room."""

from nodes.engine.language.sentence import Language
from nodes.engine.report import ChannelPolicy

_WORDS: dict[Language, dict[str, str]] = {
    "en": {
        "fee_rate_ppm": "fee rate {} to {} ppm",
        "base_fee_msat": "base fee {} to {} msat",
        "inbound_fee_rate_ppm": "inbound rate {} to {} ppm",
        "inbound_base_fee_msat": "inbound base fee {} to {} msat",
        "time_lock_delta": "time lock {} to {} blocks",
        "min_htlc_msat": "smallest payment {} to {} msat",
        "max_htlc_msat": "largest payment {} to {} msat",
    },
    "fr": {
        "fee_rate_ppm": "taux de {} à {} ppm",
        "base_fee_msat": "frais de base de {} à {} msat",
        "inbound_fee_rate_ppm": "taux entrant de {} à {} ppm",
        "inbound_base_fee_msat": "frais de base entrants de {} à {} msat",
        "time_lock_delta": "délai (time lock) de {} à {} blocs",
        "min_htlc_msat": "plus petit paiement de {} à {} msat",
        "max_htlc_msat": "plus grand paiement de {} à {} msat",
    },
}
_SWITCH: dict[Language, tuple[str, str]] = {
    "en": ("switched on", "switched off"),
    "fr": ("réactivé", "désactivé"),
}


def tell_differences(before: ChannelPolicy, after: ChannelPolicy, *, language: Language = "en") -> str:
    """Each field with its two values, the fees first; "" where nothing but the announcement's time differs."""
    told = [
        words.format(getattr(before, field), getattr(after, field))
        for field, words in _WORDS[language].items()
        if getattr(before, field) != getattr(after, field)
    ]
    switch = [_SWITCH[language][after.disabled]] if before.disabled != after.disabled else []
    return ", ".join([*told, *switch])
