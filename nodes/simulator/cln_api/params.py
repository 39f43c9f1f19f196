"""What a caller passed to a method, read with the rules of lightningd's `param()`: numbers may be text as well."""

import json
import re
from collections.abc import Callable, Collection, Mapping
from decimal import Decimal
from typing import TypeVar

from nodes.engine.short_channel_id import channel_id_from_scid
from nodes.simulator.cln_api.error import Code, RpcError, refuse_parameter

_T = TypeVar("_T")

MAX_U32, MAX_U64 = 2**32 - 1, 2**64 - 1
_MSAT_OF_UNIT = {"": 1, "msat": 1, "sat": 1_000, "btc": 100_000_000_000}
_AMOUNT = re.compile(r"([0-9]{1,20})(\.[0-9]{1,11})?(msat|sat|btc|)")
_DECIMALS = {"sat": {0, 3}, "btc": set(range(12)), "msat": {0}, "": {0}}


class Params:
    """The named parameters of one call. Every `read_` raises RpcError, and answers None for what was not passed."""

    def __init__(self, given: Mapping[str, object]) -> None:
        self._given = {name: value for name, value in given.items() if value is not None}

    @property
    def values(self) -> dict[str, str]:
        """As a rune sees them: `pname` and the name without punctuation, and `pnum`."""
        named = {
            f"pname{re.sub('[^a-zA-Z0-9]', '', name)}": value if isinstance(value, str) else json.dumps(value)
            for name, value in self._given.items()
        }
        return {**named, "pnum": str(len(self._given))}

    def check_names(self, known: Collection[str]) -> None:
        for name in self._given:
            if name not in known:
                raise RpcError(Code.INVALID_PARAMS, f"unknown parameter: {name}")

    def require(self, name: str) -> None:
        if name not in self._given:
            raise RpcError(Code.INVALID_PARAMS, f"missing required parameter: {name}")

    def read_text(self, name: str) -> str | None:
        return self._read(name, str, wanted="should be a string")

    def read_flag(self, name: str) -> bool | None:
        return self._read(name, _parse_flag, wanted="should be 'true' or 'false'")

    def read_u32(self, name: str) -> int | None:
        return self._read(name, lambda value: _parse_integer(value, MAX_U32), wanted="should be a 32-bit integer")

    def read_u64(self, name: str) -> int | None:
        return self._read(
            name, lambda value: _parse_integer(value, MAX_U64), wanted="should be an unsigned 64 bit integer"
        )

    def read_msat(self, name: str) -> int | None:
        return self._read(name, _parse_msat, wanted="should be a millisatoshi amount")

    def read_pubkey(self, name: str) -> str | None:
        return self._read(name, lambda value: _parse_hex(value, 66), wanted="should be a node id")

    def read_hash(self, name: str) -> str | None:
        return self._read(name, lambda value: _parse_hex(value, 64), wanted="should be a 64 character hex string")

    def read_scid(self, name: str) -> int | None:
        """The channel's 64-bit number."""
        return self._read(
            name, lambda value: channel_id_from_scid(str(value)), wanted="should be a short_channel_id of form NxNxN"
        )

    def read_choice(self, name: str, choices: Collection[str]) -> str | None:
        def parse(value: object) -> str:
            if value not in choices:
                raise ValueError
            return str(value)

        return self._read(name, parse, wanted=f"should be one of {', '.join(choices)}")

    def _read(self, name: str, parse: Callable[[object], _T], *, wanted: str) -> _T | None:
        if name not in self._given:
            return None
        try:
            return parse(self._given[name])
        except ValueError as error:
            raise refuse_parameter(name, wanted, given=self._given[name]) from error


def _parse_flag(value: object) -> bool:
    flag = {"true": True, "false": False}.get(str(value).lower())
    if flag is None:
        raise ValueError
    return flag


def _parse_integer(value: object, largest: int) -> int:
    text = str(value)
    if isinstance(value, bool) or not (text.isascii() and text.isdecimal()) or int(text) > largest:
        raise ValueError
    return int(text)


def _parse_msat(value: object) -> int:
    """A whole number, bare or of `msat` or `sat`; three decimals of `sat`; one to eleven of `btc`."""
    match = None if isinstance(value, bool) else _AMOUNT.fullmatch(str(value))
    if match is None:
        raise ValueError
    whole, decimals, unit = match[1], match[2] or "", match[3]
    if max(0, len(decimals) - 1) not in _DECIMALS[unit]:
        raise ValueError
    amount_msat = int(Decimal(whole + decimals) * _MSAT_OF_UNIT[unit])
    if amount_msat > MAX_U64:
        raise ValueError
    return amount_msat


def _parse_hex(value: object, digits: int) -> str:
    text = str(value).lower()
    if not re.fullmatch(rf"[0-9a-f]{{{digits}}}", text):
        raise ValueError
    return text
